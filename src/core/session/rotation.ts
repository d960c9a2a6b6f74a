import type { Seconds } from '../duration.ts'
import type { Session, SessionState, Stamp } from './session.ts'

/**
 * What happens to a presented refresh token: one pure function, shared by every store that can run it inside its own
 * atomic operation and mirrored, rule by rule, by those that cannot (SQL, Lua).
 *
 * The rules carry the numbers of ARCHITECTURE.md, "Rotation". They were searched exhaustively for false logouts;
 * nearby variants fail, so nothing changes here without searching again.
 */

/** A refresh token whose signature holds, as a store sees it. */
export interface Presentation {
  readonly sessionId: string
  readonly subject: string
  readonly generation: number
  /** NumericDate: the token's `iat`, which must be its session's `createdAt`. */
  readonly createdAt: Seconds
  /** Key that signed the presented token. */
  readonly keyId: string
  /** Key with which a new generation will be signed. */
  readonly nextKeyId: string
  /** Thumbprint of the key that the caller has proved to hold (RFC 9449), or null. */
  readonly keyThumbprint: string | null
}

export interface RotationPolicy {
  /** How long a superseded token still gets its successor. 0 is strict single use. */
  readonly graceMs: number
  /** How often per session a token may come back after the grace; 0 where `graceMs` is 0. */
  readonly lateReplays: number
}

/** What became of a presented refresh token. */
export type RotationOutcome =
  /** A new generation was made. */
  | 'rotated'
  /** The same successor again, within the grace. */
  | 'replayed'
  /** The same successor again, after the grace, out of the session's budget. */
  | 'replayed_late'
  /** The store had lost this generation and took it back from the token. */
  | 'recovered'
  /** A superseded token: thief and owner cannot be told apart, so the session has ended (RFC 9700 §4.14.2). */
  | 'reused'
  | 'revoked'
  | 'unknown'
  | 'key_mismatch'

/** The outcome, and the state to write with it in the same operation; `next` is null where nothing changes. */
export interface RotationDecision {
  readonly outcome: RotationOutcome
  readonly next: SessionState | null
}

/** Everything that the decision rests on, read in one atomic operation. */
export interface RotationSnapshot {
  readonly session: Session
  /** The epochs in force. */
  readonly epochs: Stamp
  /** The store's own clock. */
  readonly nowMs: number
}

const unchanged = (outcome: RotationOutcome): RotationDecision => ({ outcome, next: null })

/** Dead by an epoch: issued before the last sign-out everywhere of its subject, or of everybody. */
export const isOutdated = (stamp: Stamp, epochs: Stamp): boolean =>
  stamp.subject < epochs.subject || stamp.global < epochs.global

/** Rule 1: as good as absent. A token ahead of its row outlives the idle expiry, for the lost write extended it. */
const isUnknown = ({ session, nowMs }: RotationSnapshot, presented: Presentation): boolean =>
  session.subject !== presented.subject ||
  session.createdAt !== presented.createdAt ||
  nowMs >= session.absoluteExpiresAt * 1000 ||
  (nowMs >= session.state.idleExpiresAtMs && presented.generation <= session.state.generation)

const isDead = ({ session, epochs }: RotationSnapshot): boolean =>
  session.state.endedAtMs !== null || session.state.suspendedAtMs !== null || isOutdated(session.stamp, epochs)

/** A new generation begins: its grace opens and the idle expiry moves, but never past the absolute one. */
const begin = (snapshot: RotationSnapshot, generation: number, refreshKeyId: string): SessionState => ({
  ...snapshot.session.state,
  generation,
  refreshKeyId,
  rotatedAtMs: snapshot.nowMs,
  graceFromMs: snapshot.nowMs,
  idleExpiresAtMs: Math.min(
    snapshot.nowMs + snapshot.session.grant.idleLifetime * 1000,
    snapshot.session.absoluteExpiresAt * 1000,
  ),
})

/** Rules 7 to 9: the presented token has been superseded. */
const judgeSuperseded = (
  { session: { state }, nowMs }: RotationSnapshot,
  generationsBehind: number,
  inGrace: boolean,
  policy: RotationPolicy,
): RotationDecision => {
  if (generationsBehind === 1 && inGrace) return unchanged('replayed')
  if (state.lateReplays < policy.lateReplays) {
    const lateReplays = state.lateReplays + 1
    // Tabs that wake together cost one: the first opens a grace for the rest.
    if (generationsBehind === 1) {
      return { outcome: 'replayed_late', next: { ...state, lateReplays, graceFromMs: nowMs } }
    }
    if (generationsBehind === 2 && inGrace) return { outcome: 'replayed_late', next: { ...state, lateReplays } }
  }
  return { outcome: 'reused', next: { ...state, endedAtMs: nowMs, endReason: 'reused' } }
}

/** Decides what a presentation does to its session. `reused` also asks for an entry in the revocation log. */
export const decideRotation = (
  snapshot: RotationSnapshot,
  presented: Presentation,
  policy: RotationPolicy,
): RotationDecision => {
  const { session, nowMs } = snapshot
  if (isUnknown(snapshot, presented)) return unchanged('unknown')
  if (isDead(snapshot)) return unchanged('revoked')
  if (session.keyThumbprint !== null && session.keyThumbprint !== presented.keyThumbprint) {
    return unchanged('key_mismatch')
  }
  const generationsBehind = session.state.generation - presented.generation
  if (generationsBehind < 0) {
    return { outcome: 'recovered', next: begin(snapshot, presented.generation, presented.keyId) }
  }
  const { graceFromMs } = session.state
  const inGrace = policy.graceMs > 0 && graceFromMs !== null && Math.abs(nowMs - graceFromMs) <= policy.graceMs
  if (generationsBehind > 0) return judgeSuperseded(snapshot, generationsBehind, inGrace, policy)
  if (inGrace) return unchanged('replayed')
  return { outcome: 'rotated', next: begin(snapshot, session.state.generation + 1, presented.nextKeyId) }
}
