import { ConfigError } from 'jotward'
import type { StoreWithUsers } from 'jotward'
import type { Pool } from 'pg'
import type { ServerRecords } from '../server-records.ts'
import type { Settings } from '../settings.ts'
import type { OpenOptions, Place } from './place.ts'
import { openPostgres } from './postgres-place.ts'
import { openRedis } from './redis-place.ts'
import type { RedisClient, RedisPlace } from './redis-place.ts'
import { openSqlitePlace } from './sqlite-place.ts'

/** A place that keeps users, and what a server must remember of itself. */
export interface Home extends Place {
  readonly store: StoreWithUsers
  readonly records: ServerRecords
}

/** Everything that a server keeps, in one place or two. */
export interface ServerStorage {
  /** Users and records; everything else too where there is no other place. */
  readonly home: Home
  /** Sessions, revocations, tokens and what was spent, where they have a place of their own. */
  readonly sessions: Place | null
  /** Everything as one store. */
  readonly store: StoreWithUsers
  readonly records: ServerRecords
  /** For whatever else is to be kept in the same places (throttling); null where there is none. */
  readonly clients: { readonly postgres: Pool | null; readonly redis: RedisClient | null }
  /** Sentences for whoever starts a server on it. */
  readonly warnings: readonly string[]
  close(): Promise<void>
}

/** What decides which places there are. */
export type StorageSettings = Pick<
  Settings,
  'dataFolder' | 'databaseUrl' | 'redisUrl' | 'redisDurability' | 'redisReplicas' | 'poolSize'
>

const ONE_MACHINE =
  'users are in SQLite under JOTWARD_DATA, for this machine alone; set DATABASE_URL too where several serve'

const openHome = async (
  settings: StorageSettings,
  options: OpenOptions,
): Promise<{ readonly home: Home; readonly pool: Pool | null }> => {
  const { databaseUrl: address, poolSize, dataFolder } = settings
  if (address === null) return { home: await openSqlitePlace(dataFolder, options.mustExist), pool: null }
  const home = await openPostgres({ ...options, address, poolSize })
  return { home, pool: home.pool }
}

const openSessions = async (settings: StorageSettings, options: OpenOptions): Promise<RedisPlace | null> => {
  const { redisUrl: address, redisDurability, redisReplicas } = settings
  if (address === null) return null
  return openRedis({ ...options, address, replicas: redisDurability === 'replicated' ? redisReplicas : 0 })
}

/** Sessions and what belongs to them from one store, users from another. */
export const combined = (sessions: Place['store'], home: StoreWithUsers): StoreWithUsers => ({
  ...sessions,
  users: home.users,
  ready: async () => {
    await Promise.all([sessions.ready(), home.ready()])
  },
})

/** Everything that was wrong with either, at once. */
const both = (failures: readonly unknown[]): unknown => {
  const problems = failures.flatMap((failure) => (failure instanceof ConfigError ? failure.problems : []))
  const unexpected = failures.find((failure) => !(failure instanceof ConfigError))
  return unexpected ?? new ConfigError(problems)
}

/**
 * Opens the places that the settings name: SQLite or PostgreSQL, and Redis beside either, which then keeps everything but
 * users and records.
 *
 * @throws ConfigError that names the variables
 */
export const openStorage = async (settings: StorageSettings, options: OpenOptions): Promise<ServerStorage> => {
  const [homes, redis] = await Promise.allSettled([openHome(settings, options), openSessions(settings, options)])
  if (homes.status === 'rejected' || redis.status === 'rejected') {
    if (homes.status === 'fulfilled') await homes.value.home.close()
    if (redis.status === 'fulfilled') await redis.value?.close()
    throw both([homes, redis].flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : [])))
  }
  const { home, pool } = homes.value
  const sessions = redis.value
  return {
    home,
    sessions,
    store: sessions === null ? home.store : combined(sessions.store, home.store),
    records: home.records,
    clients: { postgres: pool, redis: sessions?.client ?? null },
    warnings: sessions !== null && pool === null ? [ONE_MACHINE] : [],
    close: async () => {
      await Promise.all([home.close(), sessions?.close()])
    },
  }
}
