import { setTimeout as after } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { MaybePromise } from '../../../src/core/maybe-promise.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import type { Store } from '../../../src/ports/store.ts'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import type { IoredisClient } from '../../../src/stores/redis/client.ts'
import type { RedisStoreOptions } from '../../../src/stores/redis/options.ts'
import { redisStore } from '../../../src/stores/redis/redis-store.ts'
import { replicated } from '../../../src/stores/replicated/index.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, present, presented, STRICT } from '../../../src/testing/session-store/fixtures.ts'
import { describeRedis, startReplicated } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { newPrefix, openIoredis, openNodeRedis } from './redis-under-test.ts'
import type { OpenClient } from './redis-under-test.ts'

/** What is answered only once the replicas have confirmed it: for who was cut off knows nothing of what others do since. */

const TIMEOUT_MS = 200

const REPLICATED: RedisStoreOptions = { durability: 'replicated', replicationTimeoutMs: TIMEOUT_MS }

const UNKNOWN = /0 of 1 replicas have acknowledged within 200 ms$/

/** What was answered, or why nothing was. */
const answerOf = async <T>(work: MaybePromise<T>): Promise<T | string> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}

const opened = (store: Store) => ({ store, turn: () => undefined, close: () => undefined })

describeRedis.each([
  ['ioredis', openIoredis],
  ['node-redis', openNodeRedis],
] as const)('replicated durability by %s', (_name, openClient) => {
  let primary: RedisServer
  let replica: RedisServer
  let client: OpenClient

  beforeAll(async () => {
    ;({ primary, replica } = await startReplicated())
    client = await openClient(primary)
  })

  afterAll(async () => {
    client.close()
    await Promise.all([primary.stop(), replica.stop()])
  })

  /** Runs with a replica that is connected and hears nothing. */
  const whileFrozen = async <T>(work: () => Promise<T>): Promise<T> => {
    replica.signal('SIGSTOP')
    try {
      return await work()
    } finally {
      replica.signal('SIGCONT')
    }
  }

  const newStore = async (prefix = newPrefix()): Promise<Store> => {
    const store = redisStore(client.client, { ...REPLICATED, prefix })
    await store.ready()
    return store
  }

  test('tells of no token at the source that it lives while the replica is frozen, and of the revoked that they are (F18)', async () => {
    const prefix = newPrefix()
    const store = await newStore(prefix)
    const dead = newToken()
    const alive = Array.from({ length: 40 }, (_, index) => newToken({ subject: index < 5 ? 'ann' : `user ${index}` }))
    await setToken(opened(store), dead)
    const ask = async (tokens: readonly RevocableToken[]) =>
      Promise.all(tokens.map((token) => answerOf(store.revocations.isRevokedAtSource(token))))
    expect(await ask([dead, ...alive])).toEqual([true, ...alive.map(() => false)])
    await whileFrozen(async () => {
      // Those that are asked together wait together, whichever their buckets.
      const begun = performance.now()
      const [ofDead, ...ofAlive] = await ask([dead, ...alive])
      expect(performance.now() - begun).toBeLessThan(10 * TIMEOUT_MS)
      expect(ofDead).toBe(true)
      for (const answer of ofAlive) expect(answer).toMatch(UNKNOWN)
    })
    await after(50)
    expect(await ask([dead, ...alive])).toEqual([true, ...alive.map(() => false)])
    // WAIT promises to cover what its connection has written, and no more: so something is written, where it matters.
    const mark = `${createBuckets(prefix, 16).ofSubject('ann').base}mark`
    await primary.command('del', mark)
    expect(await ask([dead])).toEqual([true])
    expect(await primary.command('exists', mark)).toBe(0)
    expect(await ask(alive)).toEqual(alive.map(() => false))
    expect(await primary.command('exists', mark)).toBe(1)
  })

  test('tells nobody for good that a session has ended before the replica has it, a repeated reuse included', async () => {
    const store = await newStore()
    const session = await created(opened(store))
    await present(opened(store), session, 0, STRICT)
    const repeat = () => answerOf(store.sessions.rotate(presented(session, 0), STRICT))
    await whileFrozen(async () => {
      expect(await repeat(), 'found').toMatch(UNKNOWN)
      expect(await repeat(), 'found ended').toMatch(UNKNOWN)
    })
    await after(50)
    expect(await store.sessions.rotate(presented(session, 0), STRICT)).toEqual({ outcome: 'revoked' })
  })

  test('ends no session that a presentation finds suspended, or of an epoch before', async () => {
    const store = await newStore()
    const [suspended, outdated] = [await created(opened(store)), await created(opened(store), { subject: 'bob' })]
    await store.sessions.suspend({ id: suspended.id, subject: 'ann', suspended: true }, CREATION)
    await store.revocations.bump('bob')
    for (const session of [suspended, outdated]) {
      expect(await store.sessions.rotate(presented(session, 0), STRICT)).toEqual({ outcome: 'revoked' })
    }
    await store.sessions.suspend({ id: suspended.id, subject: 'ann', suspended: false }, CREATION)
    expect((await store.sessions.rotate(presented(suspended, 0), STRICT)).outcome).toBe('rotated')
    expect((await store.revocations.read(null)).entries).not.toContainEqual(
      expect.objectContaining({ kind: 'session', id: outdated.id }),
    )
  })
})

describeRedis('a primary whose replica was promoted behind its back', () => {
  test('tells nobody who asks it that a token lives, and its followers’ leases lapse (F18)', async () => {
    const { primary, replica } = await startReplicated()
    const [before, later] = [await openIoredis(primary), await openIoredis(replica)]
    const prefix = newPrefix()
    const copy = replicated(redisStore(before.client, { ...REPLICATED, prefix }), { lease: '1s', pollMs: 20 })
    onTestFinished(async () => {
      await copy.close()
      for (const one of [before, later]) one.close()
      await Promise.all([primary.stop(), replica.stop()])
    })
    await copy.ready()
    const [token, known] = [newToken(), newToken()]
    await setToken(opened(copy), known)
    expect(await copy.revocations.isRevokedAtSource(token)).toBe(false)
    await replica.command('replicaof', 'no', 'one')
    await setToken(opened(redisStore(later.client, { prefix })), token)
    await expect.poll(() => copy.revocations.isRevoked(token), { timeout: 20_000 }).toBe('stale')
    for (let turn = 0; turn < 5; turn++) {
      expect(await answerOf(copy.revocations.isRevokedAtSource(token))).toMatch(UNKNOWN)
    }
    expect(await copy.revocations.isRevokedAtSource(known)).toBe(true)
  })
})

describeRedis('everybody’s epoch', () => {
  test('is written to all buckets before any is waited for, and waited for once where one node has them all', async () => {
    const { primary, replica } = await startReplicated()
    const client = new Redis(primary.port, primary.host)
    onTestFinished(async () => {
      client.disconnect()
      await Promise.all([primary.stop(), replica.stop()])
    })
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
    const store = redisStore(counted, { ...REPLICATED, replicationTimeoutMs: 5_000, prefix: newPrefix() })
    await store.ready()
    await store.revocations.bump(null)
    sent.length = 0
    const epoch = await store.revocations.bump(null)
    const scripts = Array.from({ length: 32 }, () => 'evalsha')
    expect(sent).toEqual([...scripts, 'evalsha+wait'])
    const subjects = Array.from({ length: 100 }, (_, index) => `user ${index}`)
    const stamps = await Promise.all(subjects.map(async (subject) => store.revocations.epochs(subject)))
    expect(new Set(stamps.map(({ global }) => global))).toEqual(new Set([epoch]))
  })
})
