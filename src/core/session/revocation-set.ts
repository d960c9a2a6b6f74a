import { EPOCH_RETENTION } from './lifecycle.ts'
import { isOutdated } from './rotation.ts'
import type { Stamp } from './session.ts'

/** What revocation needs to know of a verified access token. */
export interface RevocableToken {
  readonly tokenId: string
  readonly sessionId: string | null
  readonly subject: string
  readonly stamp: Stamp
}

/** One entry of the revocation log. Applying one twice, or late, changes nothing that a later one has settled. */
export type RevocationEntry =
  | {
      readonly kind: 'token' | 'session'
      readonly id: string
      /** False takes an earlier revocation back. */
      readonly revoked: boolean
      /** From here on no token that the entry concerns can be accepted, so it may be forgotten. */
      readonly expiresAtMs: number
    }
  | { readonly kind: 'subject'; readonly id: string; readonly epoch: number; readonly expiresAtMs: number }
  | { readonly kind: 'all'; readonly epoch: number }

/** An epoch is never behind the clock that made it, so its own value tells until when it is remembered. */
export const subjectEntry = (subject: string, epoch: number) => ({
  kind: 'subject' as const,
  id: subject,
  epoch,
  expiresAtMs: epoch + EPOCH_RETENTION * 1000,
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
): readonly RevocationEntry[] => {
  const lost: RevocationEntry[] = []
  const entry = subjectEntry(subject, stamp.subject)
  if (stamp.subject > epochs.subject && entry.expiresAtMs > nowMs) lost.push(entry)
  if (stamp.global > epochs.global) lost.push({ kind: 'all', epoch: stamp.global })
  return lost
}

interface SubjectEpoch {
  readonly epoch: number
  readonly expiresAtMs: number
}

/** The live entries of a revocation log, held in memory: exact, and asked without waiting. */
export interface RevocationSet {
  apply(entry: RevocationEntry): void
  epochs(subject: string): Stamp
  isRevoked(token: RevocableToken): boolean
  /** Forgets entries that can concern no token any more. */
  prune(nowMs: number): void
  readonly size: number
}

const pruneMap = <V>(map: Map<string, V>, expiresAtMs: (value: V) => number, nowMs: number): void => {
  for (const [id, value] of map) if (expiresAtMs(value) <= nowMs) map.delete(id)
}

const applyMember = (members: Map<string, number>, entry: RevocationEntry & { kind: 'token' | 'session' }): void => {
  if (entry.revoked) members.set(entry.id, Math.max(entry.expiresAtMs, members.get(entry.id) ?? 0))
  else members.delete(entry.id)
}

export const createRevocationSet = (): RevocationSet => {
  const tokens = new Map<string, number>()
  const sessions = new Map<string, number>()
  const subjects = new Map<string, SubjectEpoch>()
  let globalEpoch = 0

  const epochs = (subject: string): Stamp => ({ subject: subjects.get(subject)?.epoch ?? 0, global: globalEpoch })

  const applySubject = (id: string, { epoch, expiresAtMs }: SubjectEpoch): void => {
    if (epoch > (subjects.get(id)?.epoch ?? 0)) subjects.set(id, { epoch, expiresAtMs })
  }

  return {
    apply: (entry) => {
      if (entry.kind === 'subject') applySubject(entry.id, entry)
      else if (entry.kind === 'all') globalEpoch = Math.max(globalEpoch, entry.epoch)
      else applyMember(entry.kind === 'token' ? tokens : sessions, entry)
    },
    epochs,
    isRevoked: ({ tokenId, sessionId, subject, stamp }) =>
      tokens.has(tokenId) ||
      (sessionId !== null && sessions.has(sessionId)) ||
      isOutdated(stamp, { subject: subjects.get(subject)?.epoch ?? 0, global: globalEpoch }),
    prune: (nowMs) => {
      pruneMap(tokens, (expiresAtMs) => expiresAtMs, nowMs)
      pruneMap(sessions, (expiresAtMs) => expiresAtMs, nowMs)
      pruneMap(subjects, ({ expiresAtMs }) => expiresAtMs, nowMs)
    },
    get size() {
      return tokens.size + sessions.size + subjects.size
    },
  }
}
