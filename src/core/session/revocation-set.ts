import { EPOCH_RETENTION } from './lifecycle.ts'
import { isOutdated } from './rotation.ts'
import type { Stamp } from './session.ts'
import { createStandings } from './standings.ts'

/** What revocation needs to know of a verified access token. */
export interface RevocableToken {
  readonly tokenId: string
  readonly sessionId: string | null
  readonly subject: string
  readonly stamp: Stamp
}

/** A change of one token's or one session's standing. */
export interface MemberChange {
  readonly kind: 'token' | 'session'
  readonly id: string
  /** False takes an earlier revocation back. */
  readonly revoked: boolean
  /** From here on no token that the change concerns can be accepted, so it may be forgotten. */
  readonly expiresAtMs: number
}

/** A subject's epoch raised, or everybody's: the highest counts. */
export type EpochChange =
  | { readonly kind: 'subject'; readonly id: string; readonly epoch: number; readonly expiresAtMs: number }
  | { readonly kind: 'all'; readonly epoch: number }

/** What is appended to the revocation log. */
export type RevocationChange = MemberChange | EpochChange

/**
 * One entry of the revocation log. Applying one twice, or late, changes nothing that a later one has settled: of two
 * entries of one id the higher `version` counts, which the log gives.
 */
export type RevocationEntry = (MemberChange & { readonly version: number }) | EpochChange

/** Until when an epoch is remembered. */
const epochEnd = (epoch: number): number => epoch + EPOCH_RETENTION * 1000

/** An epoch is never behind the clock that made it, so its own value tells until when it is remembered. */
export const subjectEntry = (subject: string, epoch: number) => ({
  kind: 'subject' as const,
  id: subject,
  epoch,
  expiresAtMs: epochEnd(epoch),
})

/**
 * The epochs that a store has lost, as the stamp of an authentic token shows: they are taken back from it.
 *
 * A subject's epoch that was forgotten in its time is left forgotten. All that it has ended is long gone, while
 * sessions made since then carry no stamp of it, and would die of it.
 */
export const lostEpochs = (
  { subject, stamp }: RevocableToken,
  epochs: Stamp,
  nowMs: number,
): readonly EpochChange[] => {
  const lost: EpochChange[] = []
  const entry = subjectEntry(subject, stamp.subject)
  if (stamp.subject > epochs.subject && entry.expiresAtMs > nowMs) lost.push(entry)
  if (stamp.global > epochs.global) lost.push({ kind: 'all', epoch: stamp.global })
  return lost
}

/** The live entries of a revocation log, held in memory: exact, and asked without waiting. */
export interface RevocationSet {
  apply(entry: RevocationEntry): void
  epochs(subject: string): Stamp
  isRevoked(token: RevocableToken): boolean
  /** Whether a session has an entry of its own in force. */
  isSessionListed(id: string): boolean
  /** The same of a token. */
  isTokenListed(id: string): boolean
  /** Forgets entries that can concern no token any more: all of them, or those of so many segments of the set. */
  prune(nowMs: number, segments?: number): void
  readonly size: number
}

/** Subjects that are looked through where a segment of the others is. */
const SUBJECTS_IN_SEGMENT = 256

export const createRevocationSet = (): RevocationSet => {
  const tokens = createStandings()
  const sessions = createStandings()
  const subjects = new Map<string, number>()
  let globalEpoch = 0
  let walk = subjects.entries()

  const epochs = (subject: string): Stamp => ({ subject: subjects.get(subject) ?? 0, global: globalEpoch })

  /** Looks through so many subjects, from where the last look ended. */
  const pruneSubjects = (nowMs: number, most: number): void => {
    for (let looked = 0; looked < most; looked++) {
      const next = walk.next()
      if (next.done === true) {
        walk = subjects.entries()
        return
      }
      const [id, epoch] = next.value
      if (epochEnd(epoch) <= nowMs) subjects.delete(id)
    }
  }

  return {
    apply: (entry) => {
      if (entry.kind === 'subject') subjects.set(entry.id, Math.max(entry.epoch, subjects.get(entry.id) ?? 0))
      else if (entry.kind === 'all') globalEpoch = Math.max(globalEpoch, entry.epoch)
      else (entry.kind === 'token' ? tokens : sessions).apply(entry.id, entry)
    },
    epochs,
    isRevoked: ({ tokenId, sessionId, subject, stamp }) =>
      tokens.isRevoked(tokenId) ||
      (sessionId !== null && sessions.isRevoked(sessionId)) ||
      isOutdated(stamp, { subject: subjects.get(subject) ?? 0, global: globalEpoch }),
    isSessionListed: (id) => sessions.isRevoked(id),
    isTokenListed: (id) => tokens.isRevoked(id),
    prune: (nowMs, segments) => {
      tokens.prune(nowMs, segments)
      sessions.prune(nowMs, segments)
      if (segments !== undefined) return pruneSubjects(nowMs, segments * SUBJECTS_IN_SEGMENT)
      walk = subjects.entries()
      return pruneSubjects(nowMs, Infinity)
    },
    get size() {
      return tokens.size + sessions.size + subjects.size
    },
  }
}
