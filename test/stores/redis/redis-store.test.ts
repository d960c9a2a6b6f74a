import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { createClient, createClientPool, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, StoreError } from '../../../src/core/errors.ts'
import { newIdentifier } from '../../../src/core/token/identifier.ts'
import type { Store } from '../../../src/ports/store.ts'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import type { IoredisClient, RedisStoreClient } from '../../../src/stores/redis/client.ts'
import { redisStore } from '../../../src/stores/redis/index.ts'
import type { RedisStoreOptions } from '../../../src/stores/redis/index.ts'
import { replicated } from '../../../src/stores/replicated/index.ts'
import { entriesOf, newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import {
  created,
  CREATION,
  newSession,
  POLICY,
  present,
  presented,
  STRICT,
} from '../../../src/testing/session-store/fixtures.ts'
import { createIssuer } from '../../../src/testing/token-register/fixtures.ts'
import { describeRedis, startRedis } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { newPrefix } from './redis-under-test.ts'

const fateOf = async (work: () => Promise<unknown>): Promise<unknown> =>
  work().then(
    () => 'done',
    (error: unknown) => error,
  )

const underTest = (store: Store) => ({ store, turn: () => undefined, close: () => undefined })

describe('what redisStore is given', () => {
  const client: IoredisClient = { call: async () => null, pipeline: () => ({ exec: async () => [] }) }

  test.each<readonly [RedisStoreOptions, string]>([
    [{ prefix: 'a{b}' }, 'prefix: must be 1 to 64'],
    [{ prefix: '' }, 'prefix: must be 1 to 64'],
    [{ buckets: 12 }, 'buckets: must be a power of two, at most 1024'],
    [{ buckets: 0 }, 'buckets: must be a power of two'],
    [{ buckets: 2048 }, 'buckets: must be a power of two'],
    [{ durability: 'replicated', replicas: 0 }, 'replicas: must be a whole number from 1 to 16'],
    [{ replicas: 1 }, 'replicas: is waited for only with durability: "replicated"'],
    [{ durability: 'replicated', replicationTimeoutMs: 1 }, 'replicationTimeoutMs: must be a whole number'],
  ])('%j is refused', (options, problem) => {
    expect(() => redisStore(client, options)).toThrow(ConfigError)
    expect(() => redisStore(client, options)).toThrow(problem)
  })

  test('everything wrong with it is told at once, and the name that was probably meant', () => {
    // JavaScript may hand over what does not compile.
    const options = { bucket: 16, durability: 'safe', onWarning: 'log' } as object
    expect(() => redisStore(client, options)).toThrow(
      'bucket: is not a setting; did you mean "buckets"?\n' +
        'durability: must be "local" or "replicated"\nonWarning: must be a function',
    )
  })

  test.each([null, 'redis://127.0.0.1', {}, { call: 1 }, new Map()])('%j is no client', (strange) => {
    expect(() => redisStore(strange as object as RedisStoreClient)).toThrow(
      'client: is no client of Redis; give a Redis',
    )
  })
})

describeRedis('the store on one server', () => {
  let server: RedisServer
  let client: Redis

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.port, server.host)
  })

  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })

  /** A client that counts what is sent through it. */
  const counting = () => {
    const sent: string[] = []
    const counted: IoredisClient = {
      call: (command, args) => {
        sent.push(command)
        return client.call(command, args)
      },
      pipeline: (commands) => {
        sent.push(commands.map(([name]) => name).join('+'))
        return client.pipeline(commands)
      },
    }
    return { counted, sent }
  }

  test.each(['local', 'replicated'] as const)('each method is one round trip (%s)', async (durability) => {
    const { counted, sent } = counting()
    const replica = await startRedis({ replicaof: `${server.host} ${server.port}` })
    const prefix = newPrefix()
    const options = durability === 'local' ? {} : { durability, replicationTimeoutMs: 5_000 }
    const store = redisStore(counted, { ...options, prefix })
    const { sessions, revocations, tokens, singleUse } = store
    // Until the replica is there.
    await expect.poll(async () => fateOf(async () => store.ready())).toBe('done')
    await created(underTest(store))
    const [session, other] = [await created(underTest(store)), await created(underTest(store))]
    const reference = { id: session.id, subject: 'ann' }
    const token = (await createIssuer(underTest(store)))()
    await present(underTest(store), other, 0, STRICT)
    const durable = durability === 'local' ? ['evalsha'] : ['evalsha+wait']
    const calls: readonly (readonly [name: string, work: () => unknown, sends: readonly string[]])[] = [
      ['create', () => sessions.create(newSession(), CREATION), durable],
      ['rotate', () => sessions.rotate(presented(session, 0), POLICY), ['evalsha']],
      ['rotate, a replay', () => sessions.rotate(presented(session, 0), POLICY), ['evalsha']],
      // Only once it is known that this was no plain rotation is it made durable.
      [
        'rotate, a reuse',
        () => sessions.rotate(presented(other, 0), STRICT),
        durability === 'local' ? ['evalsha'] : ['evalsha', ...durable],
      ],
      [
        'rotate, of what has ended',
        () => sessions.rotate(presented(other, 0), STRICT),
        durability === 'local' ? ['evalsha'] : ['evalsha', ...durable],
      ],
      ['find', () => sessions.find(session.id), ['evalsha']],
      ['list', () => sessions.list('ann'), ['evalsha']],
      ['suspend', () => sessions.suspend({ ...reference, suspended: true }, CREATION), durable],
      ['end', () => sessions.end({ ...reference, reason: 'signout' }, CREATION), durable],
      ['epochs', () => revocations.epochs('ann'), ['evalsha']],
      ['isRevoked', () => revocations.isRevoked(newToken()), ['evalsha']],
      ['isRevokedAtSource', () => revocations.isRevokedAtSource(newToken()), durable],
      ['setToken', () => setToken(underTest(store), newToken()), durable],
      ['bump', () => revocations.bump('bob'), durable],
      ['record', () => tokens.record([token]), ['evalsha']],
      ['find a token', () => tokens.find(token.tokenId), ['evalsha']],
      ['list tokens', () => tokens.list({ subject: 'ann', after: null, limit: 5 }), ['evalsha']],
      ['spend', () => singleUse.spend({ id: newIdentifier('ann'), subject: 'ann', retention: 60 }), durable],
      ['find, of what is none', () => sessions.find('?'), []],
    ]
    for (const [name, work] of calls) {
      // Once so that the server knows every script, as it does after a moment in production.
      if (!name.startsWith('rotate') && name !== 'end') await work()
    }
    for (const [name, work, sends] of calls) {
      sent.length = 0
      await work()
      expect([name, ...sent]).toEqual([name, ...sends])
    }
    await revocations.read(null)
    sent.length = 0
    await revocations.read(null)
    // One for each bucket, all at once; one heartbeat for the one node.
    expect(sent.slice(0, 16)).toEqual(Array.from({ length: 16 }, () => 'evalsha'))
    expect(sent.slice(16)).toEqual(durability === 'local' ? [] : durable)
    await replica.stop()
  })

  test('goes on after the server has forgotten its scripts (NOSCRIPT)', async () => {
    const store = redisStore(client, { prefix: newPrefix() })
    const session = await created(underTest(store))
    await client.script('FLUSH')
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => (await present(underTest(store), session, 0)).outcome),
    )
    expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'replayed')).toHaveLength(19)
  })

  const clients: Readonly<Record<string, () => Promise<{ client: RedisStoreClient; close: () => unknown }>>> = {
    'an ioredis client with a prefix of its own': async () => {
      const prefixed = new Redis(server.port, server.host, { keyPrefix: 'app:' })
      return { client: prefixed, close: () => prefixed.disconnect() }
    },
    'an ioredis client that pipelines by itself': async () => {
      const pipelining = new Redis(server.port, server.host, { enableAutoPipelining: true })
      return { client: pipelining, close: () => pipelining.disconnect() }
    },
    'an ioredis client that speaks RESP3': async () => {
      const modern = new Redis(server.port, server.host, { protocol: 3 })
      return { client: modern, close: () => modern.disconnect() }
    },
    'a node-redis client that hands over bytes': async () => {
      const base = createClient({ socket: { host: server.host, port: server.port } })
      await base.connect()
      return { client: base.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }), close: () => base.destroy() }
    },
    'a node-redis client that speaks RESP2': async () => {
      const base = createClient({ RESP: 2, socket: { host: server.host, port: server.port } })
      await base.connect()
      return { client: base, close: () => base.destroy() }
    },
    'a pool of node-redis': async () => {
      const pool = createClientPool({ socket: { host: server.host, port: server.port } }, { minimum: 1, maximum: 4 })
      await pool.connect()
      return { client: pool, close: () => pool.destroy() }
    },
  }

  test.each(Object.keys(clients))('works by %s', async (name) => {
    const open = await clients[name]?.()
    if (open === undefined) throw new Error('it is one of them')
    const store = redisStore(open.client, { prefix: newPrefix() })
    await store.ready()
    const session = await created(underTest(store), { device: 'Ünïcödé' })
    expect((await present(underTest(store), session, 0)).outcome).toBe('rotated')
    expect((await store.sessions.list('ann')).map(({ device }) => device)).toEqual(['Ünïcödé'])
    await created(underTest(store), {}, { ...CREATION, maxPerSubject: 1 })
    const token = newToken()
    await setToken(underTest(store), token)
    expect(await store.revocations.isRevoked(token)).toBe(true)
    expect(await entriesOf(underTest(store))).toHaveLength(2)
    open.close()
  })

  test('keeps stores of other prefixes apart', async () => {
    const [one, other] = [redisStore(client, { prefix: newPrefix() }), redisStore(client, { prefix: newPrefix() })]
    const session = await created(underTest(one))
    await one.revocations.bump(null)
    expect(await other.sessions.find(session.id)).toBeNull()
    expect(await other.revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
  })

  test('refuses another number of buckets than it was made with, at ready() and at the first use', async () => {
    const prefix = newPrefix()
    await redisStore(client, { prefix, buckets: 4 }).ready()
    await redisStore(client, { prefix, buckets: 4 }).ready()
    const other = redisStore(client, { prefix, buckets: 8 })
    await expect(other.ready()).rejects.toThrow(ConfigError)
    await expect(other.ready()).rejects.toThrow(
      'store: the store in Redis has 4 buckets; set buckets: 4, or another prefix for a new store',
    )
    await expect(other.sessions.create(newSession(), CREATION)).rejects.toThrow(StoreError)
    expect(await redisStore(client, { prefix, buckets: 4 }).sessions.list('ann')).toEqual([])
  })

  test('refuses a store that another version of Jotward has laid out', async () => {
    const prefix = newPrefix()
    await client.hset(`${prefix}:{b0}:meta`, 'layout', '2')
    await expect(redisStore(client, { prefix }).ready()).rejects.toThrow(
      'store: the layout in Redis has version 2, and this Jotward needs version 1',
    )
  })

  test('works with one bucket, and with many', async () => {
    for (const buckets of [1, 1024]) {
      const store = redisStore(client, { prefix: newPrefix(), buckets })
      const session = await created(underTest(store))
      await store.revocations.bump(null)
      expect((await present(underTest(store), session, 0)).outcome).toBe('revoked')
      expect((await store.revocations.read(null)).entries).toHaveLength(1)
    }
  })

  test('refuses identifiers that do not begin with the place of their subject', async () => {
    const store = redisStore(client, { prefix: newPrefix() })
    const strange = newSession({ id: newIdentifier('bob') })
    await expect(store.sessions.create(strange, CREATION)).rejects.toThrow(
      'The store failed at creating a session: its identifier does not begin with the place of its subject',
    )
    const issue = await createIssuer(underTest(store))
    const moved = issue({ tokenId: newIdentifier('bob') })
    await expect(store.tokens.record([issue(), moved])).rejects.toThrow('does not begin with the place')
    await expect(store.tokens.record([issue(), issue({ subject: 'bob' })])).rejects.toThrow('of one subject')
    expect((await store.tokens.list({ subject: null, after: null, limit: 5 })).records).toEqual([])
  })

  test('spends an identifier once, also where its subjects are of different places, and whatever it looks like', async () => {
    const { singleUse } = redisStore(client, { prefix: newPrefix() })
    for (const id of [newIdentifier('ann'), 'é', 'a', '💥']) {
      expect(await singleUse.spend({ id, subject: 'ann', retention: 60 })).toBe(true)
      expect(await singleUse.spend({ id, subject: 'bob', retention: 60 })).toBe(false)
    }
  })

  test('takes none of a call of which one record cannot be kept', async () => {
    const store = redisStore(client, { prefix: newPrefix() })
    const issue = await createIssuer(underTest(store))
    const good = issue()
    // JavaScript may hand over what does not compile, and JSON leave it out without a word.
    const bad = { ...issue(), sessionId: (() => '') as unknown as string }
    await expect(store.tokens.record([good, bad])).rejects.toThrow(StoreError)
    expect(await store.tokens.find(good.tokenId)).toBeNull()
  })

  test('fails where it finds what it has not written, and lets nobody pass (N127)', async () => {
    const prefix = newPrefix()
    const store = redisStore(client, { prefix })
    const session = await created(underTest(store))
    const [key = ''] = await client.keys(`${prefix}:*:s:*`)
    await client.hset(key, 'gen', 'x')
    await expect(store.sessions.find(session.id)).rejects.toThrow(StoreError)
    await expect(store.sessions.rotate(presented(session, 0), POLICY)).rejects.toThrow(StoreError)
    await client.hset(key, 'gen', '0', 'fix', 'no JSON')
    await expect(store.sessions.find(session.id)).rejects.toThrow(StoreError)
    await client.set(key, 'a text')
    await expect(store.sessions.rotate(presented(session, 0), POLICY)).rejects.toThrow(StoreError)
    const token = newToken()
    await setToken(underTest(store), token)
    const [entry = ''] = await client.keys(`${prefix}:*:r:t:*`)
    await client.del(entry)
    await client.lpush(entry, 'a list')
    await expect(store.revocations.isRevoked(token)).rejects.toThrow(StoreError)
  })

  test('never hands on the error of the client, which may hold the arguments of its command', async () => {
    const store = redisStore(client, { prefix: newPrefix() })
    const use = { id: newIdentifier('ann'), subject: 'ann', retention: Number.NaN }
    const error = await fateOf(async () => store.singleUse.spend(use))
    expect(error).toBeInstanceOf(StoreError)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(use.id)
    expect(await store.singleUse.spend({ ...use, retention: 60 }), 'it was not spent').toBe(true)
  })

  test('a lost global epoch is taken back in the token’s own bucket last, so that it is tried again until all have it', async () => {
    const prefix = newPrefix()
    const store = redisStore(client, { prefix, buckets: 4 })
    const buckets = createBuckets(prefix, 4)
    const own = buckets.ofSubject('ann')
    const other = buckets.all.find((bucket) => bucket !== own && bucket !== buckets.first)
    if (other === undefined) throw new Error('there are four')
    await store.ready()
    const epoch = Date.now() + 60_000
    const ahead = newToken({ stamp: { subject: 0, global: epoch } })
    // One bucket cannot be written.
    await client.set(other.keys[0], 'a text')
    await expect(store.revocations.isRevokedAtSource(ahead)).rejects.toThrow(StoreError)
    expect(await store.revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
    await client.del(other.keys[0])
    expect(await store.revocations.isRevokedAtSource(ahead)).toBe(false)
    expect(await client.hget(other.keys[0], 'all')).toBe(String(epoch))
    expect(await store.revocations.epochs('ann')).toEqual({ subject: 0, global: epoch })
  })

  test('is followed by processes that keep a copy: what one has revoked another knows within moments (F12)', async () => {
    const prefix = newPrefix()
    const [mine, theirs] = [1, 2].map(() => replicated(redisStore(client, { prefix }), { pollMs: 20 }))
    if (mine === undefined || theirs === undefined) throw new Error('both are there')
    await Promise.all([mine.ready(), theirs.ready()])
    const [token, session] = [newToken({ subject: 'bob' }), await created(underTest(mine))]
    const ofSession = newToken({ sessionId: session.id })
    expect([token, ofSession].map((each) => theirs.revocations.isRevoked(each))).toEqual([false, false])
    await setToken(underTest(mine), token)
    await mine.sessions.end({ id: session.id, subject: 'ann', reason: 'signout' }, CREATION)
    await expect.poll(() => [token, ofSession].map((each) => theirs.revocations.isRevoked(each))).toEqual([true, true])
    const other = newToken({ subject: 'eve' })
    expect(theirs.revocations.isRevoked(other)).toBe(false)
    await mine.revocations.bump(null)
    await expect.poll(() => theirs.revocations.isRevoked(other)).toBe(true)
    await Promise.all([mine.close(), theirs.close()])
  })
})
