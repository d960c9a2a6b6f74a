import { createRevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationChange, RevocationEntry, RevocationSet } from '../../core/session/revocation-set.ts'
import type { StoreWithUsers } from '../../ports/store.ts'
import { memoryRevocationLog } from './revocation-log.ts'
import { localSessionStore } from '../local-session-store.ts'
import { memorySessionTables } from './session-tables.ts'
import { memoryUserDirectory } from './user-directory.ts'

export interface MemoryStoreOptions {
  /** The store's clock, in milliseconds. Default: the system's. */
  readonly now?: () => number
}

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

/**
 * Keeps everything in this process: for tests, and for one process that may forget everyone at a restart. Every
 * method is synchronous and so atomic by itself.
 */
export const memoryStore = ({ now = Date.now }: MemoryStoreOptions = {}): StoreWithUsers => {
  const state = createMemoryState(now)
  return {
    sessions: localSessionStore(memorySessionTables(state)),
    revocations: memoryRevocationLog(state),
    users: memoryUserDirectory({ now }),
    ready: () => undefined,
    close: () => undefined,
  }
}
