import type { Seconds } from '../duration.ts'
import type { NewSession } from '../../ports/session-store.ts'
import { isOutdated } from './rotation.ts'
import type { EndReason, Session, SessionState, Stamp } from './session.ts'

/**
 * The rest of what may become of a session, as pure functions that stores share: its beginning, whether it still
 * lives, its end, and which ones must give way to a new one.
 */

/** The session as it stands at its creation. Generation 0 has no grace: its first refresh always rotates. */
export const beginSession = (wanted: NewSession, nowMs: number): Session => {
  const createdAt = Math.floor(nowMs / 1000)
  const absoluteExpiresAt = createdAt + wanted.absoluteLifetime
  return {
    id: wanted.id,
    subject: wanted.subject,
    createdAt,
    authTime: wanted.authTime ?? createdAt,
    absoluteExpiresAt,
    stamp: wanted.stamp,
    grant: wanted.grant,
    keyThumbprint: wanted.keyThumbprint,
    device: wanted.device,
    refreshData: wanted.refreshData,
    state: {
      generation: 0,
      refreshKeyId: wanted.refreshKeyId,
      rotatedAtMs: nowMs,
      graceFromMs: null,
      idleExpiresAtMs: Math.min(nowMs + wanted.grant.idleLifetime * 1000, absoluteExpiresAt * 1000),
      lateReplays: 0,
      suspendedAtMs: null,
      endedAtMs: null,
      endReason: null,
    },
  }
}

/** Whether a session can still be refreshed. */
export const isLive = (session: Session, epochs: Stamp, nowMs: number): boolean =>
  session.state.endedAtMs === null &&
  session.state.suspendedAtMs === null &&
  !isOutdated(session.stamp, epochs) &&
  nowMs < session.state.idleExpiresAtMs &&
  nowMs < session.absoluteExpiresAt * 1000

/** The state of a session that has ended; an earlier end stands. */
export const ended = (state: SessionState, reason: EndReason, nowMs: number): SessionState =>
  state.endedAtMs === null ? { ...state, endedAtMs: nowMs, endReason: reason } : state

export const suspended = (state: SessionState, isSuspended: boolean, nowMs: number): SessionState => ({
  ...state,
  suspendedAtMs: isSuspended ? (state.suspendedAtMs ?? nowMs) : null,
})

/** Orders sessions by their last refresh, the most recent first; the identifier settles a tie alike everywhere. */
export const byRecency = (a: Session, b: Session): number =>
  b.state.rotatedAtMs - a.state.rotatedAtMs || (a.id < b.id ? 1 : -1)

/** The live sessions that must end so that one more keeps within the cap. */
export const overflow = (live: readonly Session[], maxPerSubject: number): readonly Session[] =>
  live.toSorted(byRecency).slice(Math.max(0, maxPerSubject - 1))

/** How long a subject's epoch is remembered: longer than any session may live, so that it outlives what it has ended. */
export const EPOCH_RETENTION: Seconds = 400 * 86_400

/** The longest that a session may be configured to live. */
export const MAX_SESSION_LIFETIME: Seconds = 365 * 86_400

/** The epoch after a bump: above every stamp given out, and never behind the store's clock. */
export const nextEpoch = (current: number, nowMs: number): number => Math.max(current + 1, nowMs)
