import { ConfigError } from 'jotward'
import type { Throttle } from 'jotward/routes'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRedis } from 'rate-limiter-flexible'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import { errorCode } from './error-code.ts'

/** The part of a `pg` Pool that is needed here. */
export interface PgPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>
}

/** The part of a `Redis` or `Cluster` of ioredis that is needed here; its scripts become a method of the client. */
export interface IoredisClient {
  readonly status: string
  ping(): Promise<unknown>
  defineCommand(name: string, definition: { readonly numberOfKeys: number; readonly lua: string }): void
  del(key: string): Promise<number>
}

/** Where failures are counted. Servers that share a place share the counts. */
export type ThrottlePlace =
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'postgres'
      readonly pool: PgPool
      /** Of its own, so that nothing here meets a table of the store. Small letters, digits, `_`; default `jotward_throttle`. */
      readonly schema?: string
    }
  | {
      readonly kind: 'redis'
      readonly client: IoredisClient
      /** That of the store; keys are `<prefix>:throttle:…`, which the store never uses. Default `jotward`. */
      readonly prefix?: string
    }

export interface ThrottleLimits {
  /** Failures at one account within the window. Default 10. */
  readonly account?: number
  /** Failures from one network within the window. Default 100. */
  readonly address?: number
  /** Seconds from the first failure on. Default 900. */
  readonly windowSeconds?: number
  /** How long a shared place may take to count, before this process counts by itself. Default 1000. */
  readonly deadlineMs?: number
  /** Is told when a shared place did not count. Default: nobody. */
  readonly onFailure?: (error: unknown) => void
}

/** Limits for the endpoints of a server. */
export interface ServerThrottle {
  readonly account: Throttle
  readonly address: Throttle
  /** Makes what is missing. Any number of servers may call it at once. */
  ready(): Promise<void>
  /** Ends what was begun here; pool and client stay open. */
  close(): void
}

/** What a limiter of rate-limiter-flexible is made with, wherever it counts. */
interface Limit {
  readonly points: number
  readonly duration: number
}

/** How one kind of place makes its limiters. */
interface Place {
  readonly limiter: (limit: Limit) => RateLimiterAbstract
  readonly ready: () => Promise<void>
  readonly close: () => void
}

const KEY_PREFIX = 'throttle'
const SWEEP_MS = 300_000
const CONNECT_MS = 10_000

/** Rejects when time is up; what was begun goes on by itself. */
const withinDeadline = async <T>(work: Promise<T>, deadlineMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([work, timeUp])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Counts in this process while a shared place does not: guessing stays limited, if by each server for itself, and
 * nobody is locked out because a database is down.
 */
const insured = (
  limiter: RateLimiterAbstract,
  spare: RateLimiterAbstract,
  { deadlineMs, onFailure }: Pick<Required<ThrottleLimits>, 'deadlineMs' | 'onFailure'>,
): Throttle => {
  const either = async (work: (one: Throttle) => Promise<unknown>): Promise<unknown> => {
    try {
      return await withinDeadline(work(limiter), deadlineMs)
    } catch (thrown) {
      // What is no error is the limiter's own refusal.
      if (!(thrown instanceof Error)) throw thrown
      onFailure(thrown)
      return work(spare)
    }
  }
  return {
    consume: (key) => either((one) => one.consume(key)),
    reward: (key, points) => either((one) => one.reward(key, points)),
    delete: async (key) => {
      // Also what was counted here during an outage that is over.
      await spare.delete(key)
      return either((one) => one.delete(key))
    },
  }
}

const nothing = (): void => undefined

const inMemory = (): Place => ({
  limiter: (limit) => new RateLimiterMemory(limit),
  ready: () => Promise.resolve(),
  close: nothing,
})

const onRedis = ({ client, prefix = 'jotward' }: Extract<ThrottlePlace, { kind: 'redis' }>): Place => ({
  limiter: (limit) =>
    new RateLimiterRedis({
      ...limit,
      storeClient: client,
      keyPrefix: `${prefix}:${KEY_PREFIX}`,
      // Or a command would wait for a connection, and count after the outage what was counted here meanwhile.
      rejectIfRedisNotReady: true,
    }),
  ready: async () => {
    // Until there is a connection each server would count for itself.
    await withinDeadline(client.ping(), CONNECT_MS)
  },
  close: nothing,
})

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,47}$/
const TABLE = 'attempts'

/** Any number will do, as long as nobody else has it: servers that start at once make the table one after another. */
const TABLE_LOCK = 1_953_002_871

/** The table of rate-limiter-flexible. Unlogged: a count of minutes is not worth waiting for the disk at each sign-in. */
const definition = (schema: string): string => `
  CREATE SCHEMA IF NOT EXISTS "${schema}";
  CREATE UNLOGGED TABLE IF NOT EXISTS "${schema}"."${TABLE}" (
    key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint
  );`

const INSUFFICIENT_PRIVILEGE = '42501'

const makeTable = async (pool: PgPool, schema: string): Promise<void> => {
  const found = await pool.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [`"${schema}"."${TABLE}"`])
  // A role that may use the table need not be one that may make it.
  if (found.rows.length > 0) return
  try {
    await pool.query(`SELECT pg_advisory_xact_lock(${TABLE_LOCK}); ${definition(schema)}`)
  } catch (error) {
    if (errorCode(error) !== INSUFFICIENT_PRIVILEGE) throw error
    const problem = `its role may not make the table of the sign-in limits; have an administrator run: ${definition(schema)}
  GRANT USAGE ON SCHEMA "${schema}" TO …; GRANT SELECT, INSERT, UPDATE, DELETE ON "${schema}"."${TABLE}" TO …;`
    throw new ConfigError([{ path: 'DATABASE_URL', problem }])
  }
}

const onPostgres = (
  { pool, schema = 'jotward_throttle' }: Extract<ThrottlePlace, { kind: 'postgres' }>,
  onFailure: (error: unknown) => void,
): Place => {
  if (!SCHEMA_NAME.test(schema)) {
    const problem = `${JSON.stringify(schema)} is no name for a schema; use small letters, digits and _`
    throw new ConfigError([{ path: 'throttle.schema', problem }])
  }
  // Without the name that the limiter gives its statements: poolers in transaction mode know none.
  const storeClient = {
    query: ({ text, values }: { readonly text: string; readonly values?: unknown[] }) => pool.query(text, values),
  }
  const sweep = async (): Promise<void> => {
    try {
      await pool.query(`DELETE FROM "${schema}"."${TABLE}" WHERE expire < $1`, [Date.now()])
    } catch (error) {
      onFailure(error)
    }
  }
  let timer: NodeJS.Timeout | undefined
  return {
    limiter: (limit) =>
      new RateLimiterPostgres({
        ...limit,
        storeClient,
        storeType: 'pool',
        schemaName: schema,
        tableName: TABLE,
        keyPrefix: KEY_PREFIX,
        // It would make the table and sweep it by itself, where no failure could be caught and no timer ended.
        tableCreated: true,
        clearExpiredByTimeout: false,
      }),
    ready: async () => {
      await makeTable(pool, schema)
      timer ??= setInterval(() => void sweep(), SWEEP_MS).unref()
    },
    close: () => clearInterval(timer),
  }
}

const placeOf = (place: ThrottlePlace, onFailure: (error: unknown) => void): Place => {
  if (place.kind === 'postgres') return onPostgres(place, onFailure)
  return place.kind === 'redis' ? onRedis(place) : inMemory()
}

/**
 * Limits for guessing at passwords: 10 failures at an account and 100 from a network (an IPv4 address, an IPv6 /64)
 * within 15 minutes.
 *
 * Ten are more than an honest person needs before they wait or reset, and leave an attacker 960 guesses a day at one
 * account, which a password that is on no list of common ones outlives. A hundred are what a school or an office behind
 * one address may mistype between them, and bound whoever tries one password at many accounts.
 *
 * @throws ConfigError where the schema's name cannot be used
 */
export const createServerThrottle = (
  place: ThrottlePlace,
  { account = 10, address = 100, windowSeconds = 900, deadlineMs = 1000, onFailure = nothing }: ThrottleLimits = {},
): ServerThrottle => {
  const { limiter, ready, close } = placeOf(place, onFailure)
  const counting = (points: number): Throttle => {
    const limit = { points, duration: windowSeconds }
    return place.kind === 'memory'
      ? limiter(limit)
      : insured(limiter(limit), new RateLimiterMemory(limit), { deadlineMs, onFailure })
  }
  return { account: counting(account), address: counting(address), ready, close }
}
