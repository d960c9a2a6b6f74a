import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { postgresStore } from '../../../dist/stores/postgres/index.js'
import { redisStore } from '../../../dist/stores/redis/index.js'
import { openSqlite, sqliteStore } from '../../../dist/stores/sqlite/index.js'

const open = {
  postgres: ({ url, max = 8, queryTimeoutMs = 2000, options = {} }) => {
    // Without these a connection that was forgotten on the way would be waited for without end.
    const limits = { query_timeout: queryTimeoutMs, connectionTimeoutMillis: queryTimeoutMs, keepAlive: true }
    const pool = new Pool({ connectionString: url, max, ...limits })
    pool.on('error', () => undefined)
    return postgresStore(pool, options)
  },
  redis: ({ host, port, client = {}, options = {} }) => {
    const limits = { maxRetriesPerRequest: 1, commandTimeout: 2000, connectTimeout: 2000, retryStrategy: () => 100 }
    const redis = new Redis({ host, port, ...limits, ...client })
    redis.on('error', () => undefined)
    return redisStore(redis, options)
  },
  sqlite: ({ file }) => sqliteStore(openSqlite(file)),
}

/** Shuffles a list of its own. */
const shuffled = (list) =>
  list
    .map((value) => ({ value, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value)

/**
 * A log whose answers get lost on the way, come again and again, late, and in another order: with these probabilities.
 * Nothing is taken out of an answer that says that it is whole.
 */
const disturbed = (store, { lost = 0, repeated = 0 }) => {
  const cursors = [null]
  return {
    ...store,
    revocations: {
      ...store.revocations,
      read: async (cursor) => {
        const page = await store.revocations.read(cursor)
        if (Math.random() < lost) throw new Error('the answer got lost')
        cursors.push(page.cursor)
        if (cursors.length > 50) cursors.shift()
        if (Math.random() >= repeated) return { ...page, entries: shuffled(page.entries) }
        const from = cursors[Math.floor(Math.random() * cursors.length)]
        const again = await store.revocations.read(from)
        // What came after the first answer is left for the next: the cursor stays that of the first.
        return { ...page, entries: [...shuffled([...page.entries, ...again.entries]), ...page.entries] }
      },
    },
  }
}

/** The store that the settings of a worker name. */
export const openStore = async ({ kind, ...given }, reads = null) => {
  const store = open[kind](given)
  return reads === null ? store : disturbed(store, reads)
}
