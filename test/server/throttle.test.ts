import { setTimeout as after } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createServerThrottle } from '../../server/src/throttle.ts'
import type { ServerThrottle, ThrottleLimits, ThrottlePlace } from '../../server/src/throttle.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { redisStore } from '../../src/stores/redis/redis-store.ts'
import type { Throttle } from '../../src/ports/throttle.ts'
import { groundOf, createThrottledBed } from '../routes/throttle-bed.ts'
import { post } from '../conformance/routes/bed.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { describeRedis, startCluster, startRedis, waitUntil } from '../stores/redis-server.ts'
import type { RedisCluster, RedisServer } from '../stores/redis-server.ts'

/** `true` where it counted, else the milliseconds to wait. */
const tryKey = async (throttle: Throttle, key: string): Promise<true | number> => {
  try {
    await throttle.consume(key)
    return true
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown
    return (thrown as { readonly msBeforeNext: number }).msBeforeNext
  }
}

/** How many of so many attempts at once get through. */
const passing = async (throttle: Throttle, key: string, times: number): Promise<number> => {
  const verdicts = await Promise.all(Array.from({ length: times }, () => tryKey(throttle, key)))
  return verdicts.filter((verdict) => verdict === true).length
}

/** Far longer than a busy machine needs. */
const PATIENT: ThrottleLimits = { deadlineMs: 20_000 }

let keys = 0
const newKey = (): string => `email:${(keys += 1)}`

type Open = () => ThrottlePlace

const started = async (place: ThrottlePlace, limits: ThrottleLimits = PATIENT): Promise<ServerThrottle> => {
  const throttle = createServerThrottle(place, limits)
  onTestFinished(() => throttle.close())
  await throttle.ready()
  return throttle
}

/** What every place promises. `open` gives it to one more server. */
const promises = (open: Open): void => {
  test('lets ten failures at an account and a hundred from an address through, however many come at once', async () => {
    const throttle = await started(open())
    const key = newKey()
    expect(await passing(throttle.account, key, 64)).toBe(10)
    expect(await passing(throttle.address, `address:${key}`, 150)).toBe(100)
    expect(await tryKey(throttle.account, newKey())).toBe(true)
  })

  test('tells how long to wait: what is left of 15 minutes', async () => {
    const throttle = await started(open(), { ...PATIENT, account: 1 })
    const key = newKey()
    await throttle.account.consume(key)
    const wait = Number(await tryKey(throttle.account, key))
    expect(wait).toBeGreaterThan(600_000)
    expect(wait).toBeLessThanOrEqual(900_000)
  })

  test('begins anew when the window is over', async () => {
    const throttle = await started(open(), { ...PATIENT, account: 1, windowSeconds: 1 })
    const key = newKey()
    await throttle.account.consume(key)
    await waitUntil('the end of the window', async () => (await tryKey(throttle.account, key)) === true)
    expect(await passing(throttle.account, newKey(), 3)).toBe(1)
  })

  test('takes attempts back, and forgets a key', async () => {
    const throttle = await started(open(), { ...PATIENT, account: 2 })
    const key = newKey()
    expect(await passing(throttle.account, key, 2)).toBe(2)
    await throttle.account.reward(key, 1)
    expect(await passing(throttle.account, key, 2)).toBe(1)
    await throttle.account.delete(key)
    expect(await passing(throttle.account, key, 5)).toBe(2)
  })

  test('keeps 64 guesses at once away from the hasher, through the endpoints', async () => {
    const { account, address } = await started(open())
    const bed = await createThrottledBed(groundOf(serveFetch), {
      throttle: { account, address, clientOf: () => '192.0.2.1' },
    })
    const guess = post('/auth/signin', { email: `${newKey().slice(6)}@example.com`, password: 'wrong' })
    const answers = await Promise.all(Array.from({ length: 64 }, () => bed.send(guess)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(54)
    expect(bed.seen.checks).toBe(10)
  })
}

const sharing = (open: Open): void => {
  test('servers that start at once share one count', async () => {
    const servers = await Promise.all(Array.from({ length: 6 }, () => started(open())))
    const key = newKey()
    const passed = await Promise.all(servers.map(({ account }) => passing(account, key, 10)))
    expect(passed.reduce((sum, count) => sum + count, 0)).toBe(10)
  })
}

/** What holds while a place does not answer: each server counts for itself, and nobody is locked out. */
const insurance = async (place: ThrottlePlace, fault: () => Promise<() => Promise<void>>): Promise<void> => {
  const failures: unknown[] = []
  const onFailure = (error: unknown) => failures.push(error)
  const { account } = await started(place, { deadlineMs: 500, account: 3, onFailure })
  await account.consume(newKey())
  const mend = await fault()
  try {
    failures.length = 0
    const key = newKey()
    expect(await passing(account, key, 3)).toBe(3)
    expect(failures).toHaveLength(3)
    await account.reward(key, 1)
    expect(await passing(account, key, 10)).toBe(1)
    await account.delete(key)
    expect(await passing(account, key, 64)).toBe(3)
  } finally {
    await mend()
  }
  await waitUntil('the shared count', async () => {
    const before = failures.length
    const fresh = newKey()
    return (await passing(account, fresh, 5)) === 3 && failures.length === before
  })
}

const inMemory: Open = () => ({ kind: 'memory' })

describe('limits in memory', () => {
  promises(inMemory)
})

describePostgres('limits in PostgreSQL', () => {
  const database = useDatabase()
  const poolOf = (url = database.url, max = 4): Pool => {
    const pool = new Pool({ connectionString: url, max })
    pool.on('error', () => undefined)
    onTestFinished(() => pool.end())
    return pool
  }
  const open: Open = () => ({ kind: 'postgres', pool: poolOf() })

  beforeEach(async () => {
    await database.query('DROP SCHEMA IF EXISTS jotward_throttle CASCADE')
  })

  promises(open)
  sharing(open)

  const tables = () =>
    database.query("SELECT schemaname, tablename FROM pg_tables WHERE tablename = 'attempts' ORDER BY 1")

  test('lie in a schema of their own, of any sound name', async () => {
    await started(open())
    await started({ kind: 'postgres', pool: poolOf(), schema: 'user' })
    expect(await tables()).toEqual([
      { schemaname: 'jotward_throttle', tablename: 'attempts' },
      { schemaname: 'user', tablename: 'attempts' },
    ])
    await database.query('DROP SCHEMA "user" CASCADE')
    for (const schema of ['', 'Jotward', 'a"b', 'a b', 'x'.repeat(49)]) {
      expect(() => createServerThrottle({ kind: 'postgres', pool: poolOf(), schema })).toThrow(ConfigError)
    }
  })

  test('need an administrator where the role may make no table, and say what to run', async () => {
    const url = new URL(database.url)
    url.username = database.role
    const place = (): ThrottlePlace => ({ kind: 'postgres', pool: poolOf(url.href) })
    const words = await createServerThrottle(place())
      .ready()
      .then(String, (error: unknown) => (error instanceof ConfigError ? error.message : String(error)))
    expect(words).toMatch(/^DATABASE_URL: its role may not make the table[\s\S]*CREATE SCHEMA[\s\S]*GRANT USAGE/)
    const [, statements = ''] = words.split('administrator run:')
    await database.query(statements.replaceAll('…', database.role))
    const throttle = await started(place())
    expect(await passing(throttle.account, newKey(), 20)).toBe(10)
  })

  test('are lost with the server, and never waited for on the disk', async () => {
    await started(open())
    const [row] = await database.query(
      "SELECT relpersistence FROM pg_class WHERE oid = 'jotward_throttle.attempts'::regclass",
    )
    expect(row).toEqual({ relpersistence: 'u' })
  })

  test('are counted by each server for itself while the table cannot be had', async () => {
    const checked = insurance(open(), async () => {
      const blocker = new Client({ connectionString: database.url })
      await blocker.connect()
      await blocker.query('BEGIN')
      await blocker.query('LOCK TABLE jotward_throttle.attempts IN ACCESS EXCLUSIVE MODE')
      return () => blocker.end()
    })
    await expect(checked).resolves.toBeUndefined()
  })

  test('leave the pool open when they are closed', async () => {
    const pool = poolOf()
    const throttle = createServerThrottle({ kind: 'postgres', pool })
    await throttle.ready()
    throttle.close()
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })
})

describeRedis('limits in Redis', () => {
  let server: RedisServer | null = null
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop())

  const client = (): Redis => {
    const redis = new Redis({ port: server?.port ?? 0, host: '127.0.0.1', retryStrategy: () => 50 })
    redis.on('error', () => undefined)
    onTestFinished(() => redis.disconnect())
    return redis
  }
  const open: Open = () => ({ kind: 'redis', client: client() })
  const command = (...args: string[]) => server?.command(...args)

  promises(open)
  sharing(open)

  test('never meet a key of the store, stand below its prefix, and end by themselves', async () => {
    await command('flushall')
    const redis = client()
    const { account } = await started({ kind: 'redis', client: redis, prefix: 'mine' })
    await account.consume('email:x')
    expect(await redis.keys('*')).toEqual(['mine:throttle:email:x'])
    expect(await redis.pttl('mine:throttle:email:x')).toBeGreaterThan(0)
    // One client for both: neither is in the other's way.
    const store = redisStore(redis, { prefix: 'mine' })
    await store.ready()
    expect(await redis.keys('mine:throttle:*')).toHaveLength(1)
    expect((await redis.keys('mine:*')).length).toBeGreaterThan(1)
    await store.close()
  })

  test('are counted by each server for itself while Redis is gone', async () => {
    const place = open()
    const checked = insurance(place, async () => {
      server?.signal('SIGKILL')
      await server?.ended()
      return async () => server?.restart()
    })
    await expect(checked).resolves.toBeUndefined()
  })

  test('are counted by each server for itself while Redis hangs', async () => {
    const checked = insurance(open(), async () => {
      server?.signal('SIGSTOP')
      await after(0)
      return async () => server?.signal('SIGCONT')
    })
    await expect(checked).resolves.toBeUndefined()
  })
})

describeRedis('limits in a Redis Cluster', () => {
  let cluster: RedisCluster | null = null
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster?.stop())

  test('hold for each account, whichever node has it', async () => {
    const client = new Cluster(cluster?.primaries.map(({ host, port }) => ({ host, port })) ?? [])
    onTestFinished(() => client.disconnect())
    const failures: unknown[] = []
    const { account } = await started(
      { kind: 'redis', client },
      { ...PATIENT, onFailure: (error) => failures.push(error) },
    )
    await waitUntil('the Cluster', async () => client.status === 'ready')
    const passed = await Promise.all(Array.from({ length: 12 }, () => passing(account, newKey(), 12)))
    expect(passed).toEqual(Array.from({ length: 12 }, () => 10))
    expect(failures).toEqual([])
  })
})
