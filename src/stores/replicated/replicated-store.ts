import { readDuration } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { ConfigError, StoreError } from '../../core/errors.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import type { RevocableToken, RevocationSet } from '../../core/session/revocation-set.ts'
import type { RevocationLog } from '../../ports/revocation-log.ts'
import type { Store } from '../../ports/store.ts'
import { createFollower } from './follower.ts'
import type { Follower } from './follower.ts'
import { createJournal } from './journal.ts'
import type { Journal } from './journal.ts'
import { createLease } from './lease.ts'
import type { Lease, ProcessClocks } from './lease.ts'
import { createSessions, createWrites, settleOwed } from './own-writes.ts'

export interface ReplicationOptions {
  /** For how long this process's set counts without news from the store. 1 to 60 s; default `'5s'`. */
  readonly lease?: Duration
  /**
   * How far this machine's clock may be from the store's before the copy counts for nothing, for no expiry could be judged
   * by it: 1 to 300 s; default `'60s'`.
   */
  readonly maxClockDifference?: Duration
  /** How often the store is asked for news, in milliseconds; 20 to 1000, default 100. */
  readonly pollMs?: number
  /** Is told why news could not be had, or what this process has revoked could not be written. */
  readonly onFailure?: (error: unknown) => void
  /** Is told that another incarnation of the store answers, and how many revocations it is told once more. */
  readonly onNewSource?: (change: { readonly owed: number }) => void
  /** For tests. */
  readonly clocks?: ProcessClocks
}

const CLOCKS: ProcessClocks = { monotonic: () => performance.now(), wall: () => Date.now() }

const readOptions = ({ lease = '5s', pollMs = 100, maxClockDifference = '60s' }: ReplicationOptions) => {
  const leaseSeconds = readDuration('lease', lease, { min: 1, max: 60 })
  const difference = readDuration('maxClockDifference', maxClockDifference, { min: 1, max: 300 })
  const problems = [leaseSeconds, difference].filter((read) => typeof read !== 'number')
  if (!Number.isInteger(pollMs) || pollMs < 20 || pollMs > 1000) {
    problems.push({ path: 'pollMs', problem: 'must be a whole number from 20 to 1000' })
  }
  if (typeof leaseSeconds !== 'number' || typeof difference !== 'number' || problems.length > 0) {
    throw new ConfigError(problems)
  }
  return { leaseMs: leaseSeconds * 1000, pollMs, maxDifferenceMs: difference * 1000 }
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

interface Sources {
  readonly store: Store
  readonly follower: Follower
  readonly journal: Journal
  readonly lease: Lease
  readonly start: () => void
}

/** Answers from the set where it is exact, and asks the store where it cannot be yet. */
const createIsRevoked =
  ({ store, follower, journal, lease, start }: Sources): IsRevoked =>
  (token) => {
    const { set } = follower
    // What is revoked stays so: that needs no lease. What this process has asked for in vain it goes by itself.
    if (journal.isRevoked(token)) return true
    if (set === null) {
      start()
      return store.revocations.isRevokedAtSource(token)
    }
    if (set.isRevoked(token)) return true
    if (isAhead(set, token)) return store.revocations.isRevokedAtSource(token)
    return lease.isLive() ? false : 'stale'
  }

/** Asked again so often whether a failover of the store may lose something: it is set up anew while processes run. */
const PROMISES_EVERY_MS = 30_000

/**
 * Whether the promotion of a standby may lose what was acknowledged. Once it may it does, until the store says that it
 * keeps all: one whose standby cannot be seen at this moment is about to have it promoted.
 */
const createPromises = (store: Store, now: () => number) => {
  let mayLose = false
  let askedAt = Number.NEGATIVE_INFINITY
  return {
    get mayLose() {
      return mayLose
    },
    refresh: async (): Promise<void> => {
      if (now() - askedAt < PROMISES_EVERY_MS) return
      askedAt = now()
      const { failover } = await store.promises()
      if (failover !== null) mayLose = !failover
    },
  }
}

/** Hears from the store where it has not been heard from for a lease. */
const createEnsureLease = (follower: Follower, lease: Lease) => {
  const hearNews = async (): Promise<void> => {
    await follower.follow()
    if (lease.isLive()) return
    const words = 'it has changed over, and not all processes have told it yet what they have revoked'
    throw new StoreError('asking a store that has changed over', new Error(words))
  }
  return (): MaybePromise<void> => (lease.isLive() ? undefined : hearNews())
}

/** How often a start tries to read the log: of a busy store it may miss a deadline as everything begins. */
const STARTS = 5

const startFollowing = async (follower: Follower): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await follower.follow()
    } catch (error) {
      if (attempt === STARTS || !(error instanceof StoreError)) throw error
    }
  }
}

/**
 * Any store, with this process's own exact copy of what is revoked: a request is checked against it without the network.
 * The copy follows the store's ordered log and counts for a lease; past it `isRevoked` answers `'stale'`, and `rotate` fails.
 * Until the copy stands for the first time the store is asked.
 *
 * What this process revokes is also remembered here. Where the store's answer was lost it is asked again, until it has
 * acknowledged; where another incarnation of the store answers, it is told all of it once more. Where a failover may lose
 * what was acknowledged (`promises`) nothing counts for one lease after that, so that every process has told its own.
 *
 * `ready()` waits for the copy, `close()` ends it.
 *
 * @throws ConfigError
 */
export const replicated = <S extends Store>(store: S, options: ReplicationOptions = {}): S => {
  const { leaseMs, pollMs, maxDifferenceMs } = readOptions(options)
  const { clocks = CLOCKS, onFailure = () => undefined, onNewSource = () => undefined } = options
  const lease = createLease(leaseMs, clocks)
  const journal = createJournal(clocks.monotonic)
  const promises = createPromises(store, clocks.monotonic)
  const follower = createFollower({
    log: store.revocations,
    lease,
    wall: clocks.wall,
    maxDifferenceMs,
    onNewSource: () => {
      if (promises.mayLose) lease.suspend()
      onNewSource({ owed: journal.oweAll() })
    },
    onRestored: (kind, id) => journal.hearRestored(kind, id),
  })
  const poll = async (): Promise<void> => {
    try {
      await follower.follow()
      // Not waited for: no deadline stands around it.
      promises.refresh().catch(onFailure)
      await settleOwed({ store, journal, confirm: () => follower.follow() })
    } catch (error) {
      onFailure(error)
    }
  }
  const poller = createPoller(poll, pollMs)
  /** News that cannot be had now come later, or the lease lapses: what was written is written. */
  const catchUp = async (): Promise<void> => {
    if (follower.set !== null) await follower.follow().catch(onFailure)
  }
  const isKnownRevoked = (token: RevocableToken): boolean =>
    journal.isRevoked(token) || (follower.set?.isRevoked(token) ?? false)
  const parts = { store, journal, catchUp, isKnownRevoked, ensureLease: createEnsureLease(follower, lease) }
  return {
    ...store,
    revocations: {
      ...store.revocations,
      ...createWrites(parts),
      isRevoked: createIsRevoked({ store, follower, journal, lease, start: poller.start }),
    },
    sessions: createSessions(parts),
    ready: async () => {
      await store.ready()
      await promises.refresh()
      await startFollowing(follower)
      poller.start()
    },
    close: async () => {
      poller.stop()
      await store.close()
    },
  }
}
