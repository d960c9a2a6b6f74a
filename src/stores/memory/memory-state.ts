import { createRevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationChange, RevocationEntry, RevocationSet } from '../../core/session/revocation-set.ts'

/** What the parts of a memory store share. */
export interface MemoryState {
  readonly now: () => number
  /** The live revocations. */
  readonly revoked: RevocationSet
  /** Every entry since the start that may still matter, in order. */
  readonly entries: Map<number, RevocationEntry>
  append(change: RevocationChange): void
  readonly lastSequence: number
}

const PRUNE_EVERY = 1024

/** What the parts share, empty. */
export const createMemoryState = (now: () => number): MemoryState => {
  const revoked = createRevocationSet()
  const entries = new Map<number, RevocationEntry>()
  let sequence = 0

  /** Forgets what no token can ask about any more. Entries of epochs for everybody never lapse. */
  const prune = (nowMs: number): void => {
    revoked.prune(nowMs)
    for (const [number, entry] of entries) {
      if (entry.kind !== 'all' && entry.expiresAtMs <= nowMs) entries.delete(number)
    }
  }

  return {
    now,
    revoked,
    entries,
    append: (change) => {
      sequence += 1
      const entry = 'revoked' in change ? { ...change, version: sequence } : change
      revoked.apply(entry)
      entries.set(sequence, entry)
      if (sequence % PRUNE_EVERY === 0) prune(now())
    },
    get lastSequence() {
      return sequence
    },
  }
}
