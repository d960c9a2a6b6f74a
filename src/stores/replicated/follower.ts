import { StoreError } from '../../core/errors.ts'
import { createRevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationEntry, RevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationLog, RevocationPage } from '../../ports/revocation-log.ts'
import { STEP_BACK_MS } from './lease.ts'
import type { Lease } from './lease.ts'

/** Keeps a set of everything revoked in step with a store's log. */
export interface Follower {
  /** The set, or null until it stands for the first time. */
  readonly set: RevocationSet | null
  /** Reads the log to its end and renews the lease. One at a time: who calls meanwhile gets the next one. */
  follow(): Promise<void>
}

interface Position {
  readonly cursor: string
  readonly source: string
}

export interface FollowerParts {
  readonly log: Pick<RevocationLog, 'read'>
  readonly lease: Lease
  readonly wall: () => number
  /** How far this process's clock may be from the store's, in milliseconds. */
  readonly maxDifferenceMs: number
  /** Another incarnation of the log answers, before its news count. */
  readonly onNewSource: () => void
  /** Somebody has taken the revocation of a token or session back. */
  readonly onRestored: (kind: 'token' | 'session', id: string) => void
}

/** Segments of the set that are looked through for lapsed entries at each reading; all have their turn in some seconds. */
const PRUNED_AT_ONCE = 8

/** Lets requests be served between two pages of a long log. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

type Member = Extract<RevocationEntry, { readonly kind: 'token' | 'session' }>

/** What a reading of the log has come to. */
interface Reading {
  readonly set: RevocationSet
  readonly position: Position
  /** How far the clock of this process is from the store's, at least. */
  readonly differenceMs: number
  readonly restored: readonly Member[]
}

/** Whatever time the answer took was on the way. */
const differenceOf = ({ nowMs }: RevocationPage, sentMs: number, receivedMs: number): number =>
  nowMs === undefined ? 0 : Math.max(0, nowMs - receivedMs, sentMs - nowMs)

const isRestored = (entry: RevocationEntry): entry is Member => 'revoked' in entry && !entry.revoked

/** Applies the log from a position to its end. Null where another incarnation of the log answers meanwhile. */
const readToEnd = async (
  { log, wall }: FollowerParts,
  set: RevocationSet,
  from: Position | null,
): Promise<Reading | null> => {
  let position = from
  const restored: Member[] = []
  for (;;) {
    const sentMs = wall()
    // Pages follow one another by their cursors.
    const page = await log.read(position?.cursor ?? null)
    const differenceMs = differenceOf(page, sentMs, wall())
    if (position !== null && position.source !== page.source) return null
    for (const entry of page.entries) set.apply(entry)
    if (from !== null) restored.push(...page.entries.filter(isRestored))
    position = { cursor: page.cursor, source: page.source }
    if (page.atEnd) return { set, position, differenceMs, restored }
    await breathe()
  }
}

/** What is still taken back at the end of the reading. */
const tellRestored = ({ set, restored }: Reading, { onRestored }: FollowerParts): void => {
  for (const { kind, id } of restored) {
    const isListed = kind === 'token' ? set.isTokenListed(id) : set.isSessionListed(id)
    if (!isListed) onRestored(kind, id)
  }
}

const createReader = (parts: FollowerParts) => {
  let standing: Reading | null = null
  /** Up to where by the wall clock what has lapsed was forgotten. */
  let prunedAt = Number.NEGATIVE_INFINITY

  /** A clock that was ahead and has been put right has had too much forgotten. */
  const hasForgotten = (): boolean => parts.wall() < prunedAt - STEP_BACK_MS

  /** From the beginning, into a set of its own: the old one stays in use until the new one stands. */
  const reload = async (): Promise<Reading> => {
    const reading = await readToEnd(parts, createRevocationSet(), null)
    if (reading === null) throw new StoreError('reading the log', new Error('it changed its incarnation meanwhile'))
    prunedAt = Number.NEGATIVE_INFINITY
    return reading
  }

  const advance = async (): Promise<Reading> => {
    if (standing === null || hasForgotten()) return reload()
    return (await readToEnd(parts, standing.set, standing.position)) ?? reload()
  }

  return {
    get set() {
      return standing?.set ?? null
    },
    read: async (): Promise<Reading> => {
      const reading = await advance()
      const before = standing
      standing = reading
      tellRestored(reading, parts)
      if (before !== null && before.position.source !== reading.position.source) parts.onNewSource()
      return reading
    },
    prune: (): void => {
      const at = parts.wall()
      prunedAt = Math.max(prunedAt, at)
      standing?.set.prune(at, PRUNED_AT_ONCE)
    },
  }
}

export const createFollower = (parts: FollowerParts): Follower => {
  const { lease, maxDifferenceMs } = parts
  const reader = createReader(parts)
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null

  const run = async (): Promise<void> => {
    // Before the log is asked: what is revoked from here on may be missing from the answer.
    const from = lease.now()
    const { differenceMs } = await reader.read()
    if (differenceMs > maxDifferenceMs) {
      const words = `this machine's clock is ${Math.round(differenceMs / 1000)} s away from the store's; set it right`
      throw new StoreError('reading the log', new Error(words))
    }
    lease.renew(from)
    reader.prune()
  }

  const begin = (): Promise<void> => {
    running = run().finally(() => {
      running = null
    })
    return running
  }

  return {
    get set() {
      return reader.set
    },
    follow: () => {
      if (running === null) return begin()
      // Whoever asks now wants to see what was written after the running read began.
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = null
          return begin()
        })
      return next
    },
  }
}
