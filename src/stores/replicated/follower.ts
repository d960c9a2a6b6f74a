import { createRevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
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
  /** Another incarnation of the log answers, before its news count. */
  readonly onNewSource: () => void
}

/** Segments of the set that are looked through for lapsed entries at each reading; all have their turn in some seconds. */
const PRUNED_AT_ONCE = 8

/** Lets requests be served between two pages of a long log. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Applies the log from a position to its end. Null where another incarnation of the log answers meanwhile. */
const readToEnd = async (
  log: FollowerParts['log'],
  set: RevocationSet,
  from: Position | null,
): Promise<Position | null> => {
  let position = from
  for (;;) {
    // Pages follow one another by their cursors.
    const page = await log.read(position?.cursor ?? null)
    if (position !== null && position.source !== page.source) return null
    for (const entry of page.entries) set.apply(entry)
    position = { cursor: page.cursor, source: page.source }
    if (page.atEnd) return position
    await breathe()
  }
}

export const createFollower = ({ log, lease, wall, onNewSource }: FollowerParts): Follower => {
  let standing: { readonly set: RevocationSet; readonly position: Position } | null = null
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null

  /** From the beginning, into a set of its own: the old one stays in use until the new one stands. */
  const reload = async (): Promise<typeof standing> => {
    const set = createRevocationSet()
    const position = await readToEnd(log, set, null)
    return position === null ? null : { set, position }
  }

  const advance = async (): Promise<typeof standing> => {
    if (standing === null) return reload()
    const { set } = standing
    const position = await readToEnd(log, set, standing.position)
    return position === null ? reload() : { set, position }
  }

  const run = async (): Promise<void> => {
    // Before the log is asked: what is revoked from here on may be missing from the answer.
    const from = lease.now()
    const reached = await advance()
    if (reached === null) throw new Error('the log changed its incarnation while it was read')
    if (standing !== null && standing.position.source !== reached.position.source) onNewSource()
    standing = reached
    lease.renew(from)
    reached.set.prune(wall(), PRUNED_AT_ONCE)
  }

  const begin = (): Promise<void> => {
    running = run().finally(() => {
      running = null
    })
    return running
  }

  return {
    get set() {
      return standing?.set ?? null
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
