import { readDuration } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import { whenReady } from '../../core/maybe-promise.ts'
import type { RevocableToken, RevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { Store } from '../../ports/store.ts'
import { createFollower } from './follower.ts'
import type { Follower } from './follower.ts'
import { createLease } from './lease.ts'
import type { Lease, ProcessClocks } from './lease.ts'

export interface ReplicationOptions {
  /** For how long this process's set counts without news from the store. 1 to 60 s; default `'5s'`. */
  readonly lease?: Duration
  /** How often the store is asked for news, in milliseconds; 20 to 1000, default 100. */
  readonly pollMs?: number
  /** Is told why news could not be had. */
  readonly onFailure?: (error: unknown) => void
  /** For tests. */
  readonly clocks?: ProcessClocks
}

const CLOCKS: ProcessClocks = { monotonic: () => performance.now(), wall: () => Date.now() }

const readOptions = ({ lease = '5s', pollMs = 100 }: ReplicationOptions) => {
  const seconds = readDuration('lease', lease, { min: 1, max: 60 })
  const problems = typeof seconds === 'number' ? [] : [seconds]
  if (!Number.isInteger(pollMs) || pollMs < 20 || pollMs > 1000) {
    problems.push({ path: 'pollMs', problem: 'must be a whole number from 20 to 1000' })
  }
  if (typeof seconds !== 'number' || problems.length > 0) throw new ConfigError(problems)
  return { leaseMs: seconds * 1000, pollMs }
}

/** Whether the token was made under an epoch that has not reached this process yet, or that the store has lost. */
const isAhead = (set: RevocationSet, { subject, stamp }: RevocableToken): boolean => {
  const epochs = set.epochs(subject)
  return stamp.subject > epochs.subject || stamp.global > epochs.global
}

/** Reads the log again and again, until it is stopped. */
const createPoller = (follow: () => Promise<void>, pollMs: number) => {
  let timer: NodeJS.Timeout | null = null
  let isStopped = false
  const schedule = (): void => {
    if (isStopped || timer !== null) return
    timer = setTimeout(() => {
      void follow().finally(() => {
        timer = null
        schedule()
      })
    }, pollMs)
    // A process that has nothing else to do may end.
    timer.unref()
  }
  const stop = (): void => {
    isStopped = true
    if (timer !== null) clearTimeout(timer)
  }
  return { start: schedule, stop }
}

type IsRevoked = RevocationLog['isRevoked']

/** Answers from the set where it is exact, and asks the store where it cannot be yet. */
const createIsRevoked =
  (
    store: Store,
    follower: Follower,
    { lease, start }: { readonly lease: Lease; readonly start: () => void },
  ): IsRevoked =>
  (token) => {
    const { set } = follower
    if (set === null) {
      start()
      return store.revocations.isRevokedAtSource(token)
    }
    // What is revoked stays so: that needs no lease.
    if (set.isRevoked(token)) return true
    if (isAhead(set, token)) return store.revocations.isRevokedAtSource(token)
    return lease.isLive() ? false : 'stale'
  }

/** What this process itself has ended it knows at once: its next request may come with the very token. */
const createSessions = ({ sessions }: Store, catchUp: () => Promise<void>): Store['sessions'] => ({
  ...sessions,
  create: async (session, policy) => {
    const creation = await sessions.create(session, policy)
    if (creation.outcome === 'created' && creation.evicted.length > 0) await catchUp()
    return creation
  },
  rotate: (presented, policy) =>
    whenReady(sessions.rotate(presented, policy), (rotation) =>
      rotation.outcome === 'reused' ? catchUp().then(() => rotation) : rotation,
    ),
  end: async (reference, policy) => {
    const ending = await sessions.end(reference, policy)
    await catchUp()
    return ending
  },
  suspend: async (reference, policy) => {
    await sessions.suspend(reference, policy)
    await catchUp()
  },
})

const createLog = ({ revocations }: Store, isRevoked: IsRevoked, catchUp: () => Promise<void>): RevocationLog => ({
  ...revocations,
  isRevoked,
  setToken: async (revocation) => {
    await revocations.setToken(revocation)
    await catchUp()
  },
  bump: async (subject) => {
    const epoch = await revocations.bump(subject)
    await catchUp()
    return epoch
  },
})

/**
 * Any store, with this process's own exact copy of what is revoked: a request is checked against it without the network.
 * The copy follows the store's ordered log and counts for a lease; past it `isRevoked` answers `'stale'`. Until the copy
 * stands for the first time the store is asked. `ready()` waits for it, `close()` ends it.
 *
 * @throws ConfigError
 */
export const replicated = (store: Store, options: ReplicationOptions = {}): Store => {
  const { leaseMs, pollMs } = readOptions(options)
  const { clocks = CLOCKS, onFailure = () => undefined } = options
  const lease = createLease(leaseMs, clocks)
  const follower = createFollower({ log: store.revocations, lease, wall: clocks.wall })
  const poller = createPoller(() => follower.follow().catch(onFailure), pollMs)
  /** News that cannot be had now come later, or the lease lapses: what was written is written. */
  const catchUp = async (): Promise<void> => {
    if (follower.set !== null) await follower.follow().catch(onFailure)
  }
  return {
    ...store,
    revocations: createLog(store, createIsRevoked(store, follower, { lease, start: poller.start }), catchUp),
    sessions: createSessions(store, catchUp),
    ready: async () => {
      await store.ready()
      await follower.follow()
      poller.start()
    },
    close: async () => {
      poller.stop()
      await store.close()
    },
  }
}
