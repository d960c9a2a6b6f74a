import type { Seconds } from '../../core/duration.ts'
import type { RevocableToken } from '../../core/session/revocation-set.ts'
import type { EndReason } from '../../core/session/session.ts'

/** A revocation that this process has asked the store for. */
export type OwnRevocation =
  | {
      readonly kind: 'session'
      readonly id: string
      readonly subject: string
      /** Null for a suspension. */
      readonly reason: EndReason | null
      readonly retention: Seconds
    }
  | { readonly kind: 'token'; readonly id: string; readonly subject: string; readonly retention: Seconds }
  /** A subject's epoch raised, or everybody's; null until the store has told which it is. */
  | { readonly kind: 'epoch'; readonly subject: string | null; readonly epoch: number | null }

/** `asked`: the store has not answered yet. `owed`: it is not known to have it. `kept`: it has acknowledged it. */
type State = 'asked' | 'owed' | 'kept'

interface Entry {
  readonly revocation: OwnRevocation
  readonly state: State
  readonly forgottenAt: number
}

/**
 * What this process has revoked of late: to be asked for again where the store may not have it, because its answer was
 * lost or because a standby has taken over that lacks it (rotation.md 5). Of two revocations of one thing the later
 * counts, but for the end of a session, which is for good.
 */
export interface Journal {
  /** Notes what the store is about to be asked for. */
  ask(revocation: OwnRevocation): void
  /** The store has acknowledged it, now that it was asked; of an epoch it is the one that it told. */
  keep(revocation: OwnRevocation): void
  /** What was owed has been repeated, and become `settled`; unless something else has become of it meanwhile. */
  settle(owed: OwnRevocation, settled: OwnRevocation): void
  /** It is not known whether the store has it. */
  owe(revocation: OwnRevocation): void
  /** It was taken back, or never was. */
  drop(revocation: OwnRevocation): void
  /** Another incarnation of the store answers: all of it is owed. Returns how much that is. */
  oweAll(): number
  /** Some of what is owed, the oldest first. */
  owed(limit: number): readonly OwnRevocation[]
  /** Whether a token is dead by something that is owed. */
  isRevoked(token: RevocableToken): boolean
  readonly size: number
}

/** An epoch has no retention of its own; a standby that takes over is not further behind than this. */
const EPOCH_RETENTION: Seconds = 3_600

/** Entries kept at most; beyond, the oldest that the store has are forgotten first. Some 200 bytes each. */
export const JOURNAL_LIMIT = 50_000

const keyOf = (revocation: OwnRevocation): string =>
  revocation.kind === 'epoch' ? `epoch:${revocation.subject ?? ''}` : `${revocation.kind}:${revocation.id}`

const isEnd = (revocation: OwnRevocation): boolean => revocation.kind === 'session' && revocation.reason !== null

const isRaised = (entry: Entry | undefined, stamp: number): boolean =>
  entry?.state === 'owed' &&
  entry.revocation.kind === 'epoch' &&
  // Which it will be is not known; it is above every stamp that was given out before.
  (entry.revocation.epoch === null || stamp < entry.revocation.epoch)

interface Table {
  readonly entries: Map<string, Entry>
  readonly owedCount: () => number
  readonly set: (revocation: OwnRevocation, state: State) => void
  readonly remove: (key: string) => void
  readonly oweAll: () => number
}

const createTable = (now: () => number, limit: number): Table => {
  const entries = new Map<string, Entry>()
  let owedCount = 0

  const remove = (key: string): void => {
    if (entries.get(key)?.state === 'owed') owedCount -= 1
    entries.delete(key)
  }

  /** Forgets what has lapsed, or has no room; entries stand in the order of their last change. */
  const makeRoom = (): void => {
    for (const [key, { state, forgottenAt }] of entries) {
      const hasLapsed = forgottenAt <= now()
      if (!hasLapsed && entries.size <= limit) return
      if (hasLapsed || state !== 'owed') remove(key)
    }
  }

  return {
    entries,
    owedCount: () => owedCount,
    remove,
    set: (revocation, state) => {
      const key = keyOf(revocation)
      const known = entries.get(key)
      if (known !== undefined && isEnd(known.revocation) && !isEnd(revocation)) return
      remove(key)
      const retention = revocation.kind === 'epoch' ? EPOCH_RETENTION : revocation.retention
      entries.set(key, { revocation, state, forgottenAt: now() + retention * 1000 })
      if (state === 'owed') owedCount += 1
      makeRoom()
    },
    oweAll: () => {
      for (const [key, entry] of entries) entries.set(key, { ...entry, state: 'owed' })
      owedCount = entries.size
      return owedCount
    },
  }
}

/** @param now milliseconds that only run on */
export const createJournal = (now: () => number, limit = JOURNAL_LIMIT): Journal => {
  const { entries, set, remove, oweAll, owedCount } = createTable(now, limit)
  const isOwed = (key: string): boolean => entries.get(key)?.state === 'owed'
  return {
    oweAll,
    ask: (revocation) => set(revocation, 'asked'),
    // Owed by now, where another incarnation of the store has answered since it was asked: this one may not have it.
    keep: (revocation) => set(revocation, isOwed(keyOf(revocation)) ? 'owed' : 'kept'),
    owe: (revocation) => set(revocation, 'owed'),
    settle: (owed, settled) => {
      const known = entries.get(keyOf(owed))
      if (known?.state === 'owed' && known.revocation === owed) set(settled, 'kept')
    },
    drop: (revocation) => {
      const known = entries.get(keyOf(revocation))
      if (known !== undefined && isEnd(known.revocation) === isEnd(revocation)) remove(keyOf(revocation))
    },
    owed: (most) => {
      if (owedCount() === 0) return []
      const found: OwnRevocation[] = []
      for (const { revocation, state } of entries.values()) {
        if (state === 'owed') found.push(revocation)
        if (found.length === most) break
      }
      return found
    },
    isRevoked: ({ tokenId, sessionId, subject, stamp }) =>
      owedCount() > 0 &&
      (isOwed(`token:${tokenId}`) ||
        (sessionId !== null && isOwed(`session:${sessionId}`)) ||
        isRaised(entries.get(`epoch:${subject}`), stamp.subject) ||
        isRaised(entries.get('epoch:'), stamp.global)),
    get size() {
      return entries.size
    },
  }
}
