import type { StoreWithUsers } from 'jotward'
import { bounded } from 'jotward/stores/bounded'
import { replicated } from 'jotward/stores/replicated'
import type { Logger } from '../log.ts'
import type { Settings } from '../settings.ts'
import { within } from './patience.ts'
import { combined } from './server-storage.ts'
import type { ServerStorage } from './server-storage.ts'

/** What the library's Redis store waits for replicas at most, which a deadline must leave room for. */
const REPLICATION_MS = 250

/** Longest that a probe of an orchestrator waits for `/readyz`. */
const READINESS_MS = 2000

export type ServingSettings = Pick<Settings, 'lease' | 'storeDeadline' | 'redisDurability'>

/** News that cannot be had come again every tenth of a second: one line tells of the first, one of the end. */
const tellOnce = (log: Logger): { failed: (error: unknown) => void; recovered: () => void } => {
  let isAway = false
  return {
    failed: (error) => {
      if (isAway) return
      isAway = true
      log.error(
        { err: error },
        'no news of revocations, or none could be written; after a lease requests are answered with 503',
      )
    },
    recovered: () => {
      if (!isAway) return
      isAway = false
      log.info('news of revocations have come again')
    },
  }
}

/**
 * The store as requests use it. Over a network each call has a deadline, and what is revoked is held in this process as an
 * exact copy that counts for a lease. SQLite is asked each time.
 */
export const servingStore = (
  { home, sessions, store }: ServerStorage,
  { lease, storeDeadline, redisDurability }: ServingSettings,
  log: Logger,
): StoreWithUsers => {
  if (sessions === null && home.name === 'SQLite') return store
  const replicas = redisDurability === 'replicated' && sessions !== null ? REPLICATION_MS : 0
  const people = home.name === 'SQLite' ? home.store : bounded(home.store, { deadlineMs: storeDeadline })
  const beneath = sessions === null ? people : bounded(sessions.store, { deadlineMs: storeDeadline + replicas })
  const tell = tellOnce(log)
  const read: typeof beneath.revocations.read = async (cursor) => {
    const page = await beneath.revocations.read(cursor)
    tell.recovered()
    return page
  }
  const followed = { ...beneath, revocations: { ...beneath.revocations, read } }
  const onNewSource = ({ owed }: { readonly owed: number }): void =>
    log.warn({ owed }, 'another incarnation of the store answers; what was revoked here is told to it once more')
  return combined(replicated(followed, { lease, onFailure: tell.failed, onNewSource }), people)
}

/**
 * Rejects while the store cannot be used: it does not answer in time, the copy of the revocation log cannot be brought up
 * to date, or the server beneath has been set so that it breaks the store's promises. Probes that come together share one
 * question.
 */
export const readinessOf = (ready: () => Promise<void>, { lease }: Pick<Settings, 'lease'>): (() => Promise<void>) => {
  let asking: Promise<void> | null = null
  const ask = (): Promise<void> => {
    asking ??= ready().finally(() => {
      asking = null
    })
    return asking
  }
  // What takes longer than a lease finds the lease lapsed.
  return () => within(Math.min(READINESS_MS, lease * 1000), 'checking the store', ask())
}
