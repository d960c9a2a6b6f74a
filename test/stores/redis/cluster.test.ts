import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { Store } from '../../../src/ports/store.ts'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import { redisStore } from '../../../src/stores/redis/redis-store.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import {
  created,
  CREATION,
  newSession,
  POLICY,
  present,
  presented,
} from '../../../src/testing/session-store/fixtures.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { createIssuer, record } from '../../../src/testing/token-register/fixtures.ts'
import { describeRedis, startCluster } from '../redis-server.ts'
import type { RedisCluster, RedisServer } from '../redis-server.ts'
import { newPrefix, openIoredisCluster, openNodeRedisCluster } from './redis-under-test.ts'
import type { OpenClient } from './redis-under-test.ts'

const underTest = (store: Store): StoreUnderTest => ({ store, turn: () => undefined, close: () => undefined })

const fateOf = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StoreError) return 'StoreError'
    throw error
  }
}

/** One of everything that is kept of a subject. */
const useEverything = async (store: Store, subject: string): Promise<void> => {
  const opened = underTest(store)
  const session = await created(opened, { subject })
  await present(opened, session, 0)
  await created(opened, { subject }, { ...CREATION, maxPerSubject: 1 })
  await setToken(opened, newToken({ subject }))
  await store.singleUse.spend({ id: newSession({ subject }).id, subject, retention: 60 })
  const issue = await createIssuer(opened)
  await record(opened, issue({ subject }), issue({ subject }))
  await store.revocations.bump(subject)
}

/** The primary that serves a slot, by its place among the three. */
const ownerOf = (slot: number): number => Math.min(2, Math.floor((slot * 3) / 16_384))

/** Moves so many keys of a slot, all of them where it is null, and then says whose it is. */
const mover = async (primaries: readonly RedisServer[], slot: number) => {
  const [source, target] = [primaries[ownerOf(slot)], primaries[(ownerOf(slot) + 1) % 3]]
  if (source === undefined || target === undefined) throw new Error('there are three')
  const [from, to] = [String(await source.command('cluster', 'myid')), String(await target.command('cluster', 'myid'))]
  const move = async (count: number): Promise<number> => {
    const found = await source.command('cluster', 'getkeysinslot', String(slot), String(count))
    const keys = (found as readonly unknown[]).map(String)
    const address = [target.host, String(target.port), '', '0', '5000'] as const
    if (keys.length > 0) await source.command('migrate', ...address, 'keys', ...keys)
    return keys.length
  }
  return {
    begin: async () => {
      await target.command('cluster', 'setslot', String(slot), 'importing', from)
      await source.command('cluster', 'setslot', String(slot), 'migrating', to)
    },
    move,
    finish: async () => {
      while ((await move(100)) > 0);
      for (const node of [target, source]) await node.command('cluster', 'setslot', String(slot), 'node', to)
    },
  }
}

describeRedis.each([
  ['ioredis', openIoredisCluster],
  ['node-redis', openNodeRedisCluster],
] as const)('a Cluster by %s', (_name, openClient) => {
  let cluster: RedisCluster
  let open: OpenClient

  beforeAll(async () => {
    cluster = await startCluster(true)
    open = await openClient(cluster.primaries)
  })

  afterAll(async () => {
    open.close()
    await cluster.stop()
  })

  const newStore = (prefix = newPrefix()): Store => redisStore(open.client, { prefix })

  const first = (): RedisServer => {
    const [node] = cluster.primaries
    if (node === undefined) throw new Error('there are three')
    return node
  }

  const slotOf = async (key: string): Promise<number> => Number(await first().command('cluster', 'keyslot', key))

  /** A subject whose bucket lies on a primary, and the slot of that. */
  const subjectOn = async (prefix: string, place: number) => {
    const buckets = createBuckets(prefix, 16)
    for (let index = 0; ; index++) {
      const subject = `user ${index}`
      const slot = await slotOf(buckets.ofSubject(subject).keys[0])
      if (ownerOf(slot) === place) return { subject, slot }
    }
  }

  const keysOf = async (prefix: string): Promise<readonly string[]> => {
    const found = await Promise.all(cluster.primaries.map((node) => node.command('keys', `${prefix}:*`)))
    return found.flat().map(String)
  }

  test('everything of a subject lies in one slot', async () => {
    const prefix = newPrefix()
    const store = newStore(prefix)
    await store.ready()
    const before = await keysOf(prefix)
    // `createIssuer` makes a session of a subject called so, to be told the store’s time.
    await useEverything(store, 'clock')
    const keys = (await keysOf(prefix)).filter((key) => !before.includes(key))
    expect(keys.length).toBeGreaterThan(15)
    const slots = await Promise.all(keys.map(slotOf))
    expect(new Set(slots).size).toBe(1)
  })

  test('buckets are spread over all primaries, and all are ready', async () => {
    const prefix = newPrefix()
    const store = newStore(prefix)
    await store.ready()
    const slots = await Promise.all(createBuckets(prefix, 16).all.map(({ keys: [meta] }) => slotOf(meta)))
    expect(new Set(slots).size).toBe(16)
    expect(new Set(slots.map(ownerOf)).size).toBe(3)
  })

  test('everybody’s epoch reaches every bucket, and is one (N128)', async () => {
    const store = newStore()
    const subjects = Array.from({ length: 40 }, (_, index) => `user ${index}`)
    const before = subjects.map((subject) => newToken({ subject }))
    const epoch = await store.revocations.bump(null)
    const epochs = await Promise.all(subjects.map(async (subject) => store.revocations.epochs(subject)))
    expect(new Set(epochs.map(({ global }) => global))).toEqual(new Set([epoch]))
    expect(await Promise.all(before.map(async (token) => store.revocations.isRevokedAtSource(token)))).not.toContain(
      false,
    )
  })

  test('a bump that was cut short is finished by whoever reads the log, and told once', async () => {
    const prefix = newPrefix()
    const store = newStore(prefix)
    const { cursor } = await store.revocations.read(null)
    const epoch = Date.now() + 1_000
    // As the process that bumps leaves it when it dies after the first bucket.
    const { keys } = createBuckets(prefix, 16).first
    const owner = cluster.primaries[ownerOf(await slotOf(keys[0]))]
    await owner?.command('hset', keys[0], 'all', String(epoch))
    const subjects = Array.from({ length: 40 }, (_, index) => `user ${index}`)
    expect((await store.revocations.read(cursor)).entries).toEqual([{ kind: 'all', epoch }])
    for (const subject of subjects) expect((await store.revocations.epochs(subject)).global).toBe(epoch)
    // The next is above what any bucket has, though the bucket that gives it out may have lost it.
    await owner?.command('hdel', keys[0], 'all')
    expect(await store.revocations.bump(null)).toBeGreaterThan(epoch)
  })

  test('a token whose global epoch was lost takes it back in every bucket, its own the last', async () => {
    const store = newStore()
    const epoch = Date.now() + 5_000
    expect(await store.revocations.isRevokedAtSource(newToken({ stamp: { subject: 0, global: epoch } }))).toBe(false)
    for (let index = 0; index < 40; index++) {
      expect((await store.revocations.epochs(`user ${index}`)).global).toBe(epoch)
    }
  })

  test('WAIT goes to the node and the connection that wrote: a frozen replica holds up its own subjects alone', async () => {
    const prefix = newPrefix()
    const store = redisStore(open.client, { prefix, durability: 'replicated', replicationTimeoutMs: 150 })
    await store.ready()
    const subjects = await Promise.all([0, 1, 2].map(async (place) => (await subjectOn(prefix, place)).subject))
    const fates = () =>
      Promise.all(subjects.map((subject) => fateOf(() => setToken(underTest(store), newToken({ subject })))))
    const tokens = [...subjects, ...subjects].map((subject) => newToken({ subject }))
    const asked = () => Promise.all(tokens.map((token) => fateOf(() => store.revocations.isRevokedAtSource(token))))
    expect(await fates()).toEqual([undefined, undefined, undefined])
    expect(await asked()).toEqual(tokens.map(() => false))
    cluster.replicas[1]?.signal('SIGSTOP')
    expect(await fates()).toEqual([undefined, 'StoreError', undefined])
    expect(await asked()).toEqual([false, 'StoreError', false, false, 'StoreError', false])
    expect(await fateOf(() => store.revocations.read(null)), 'the isolated node is noticed (F18)').toBe('StoreError')
    cluster.replicas[1]?.signal('SIGCONT')
    await after(50)
    expect(await fates()).toEqual([undefined, undefined, undefined])
    expect(await fateOf(() => store.revocations.read(null))).toMatchObject({ atEnd: true })
  })

  describe('while a slot moves', () => {
    test('nothing is ever judged by half of what there is: it is refused until the slot has moved, and goes on then', async () => {
      const prefix = newPrefix()
      const { subject, slot } = await subjectOn(prefix, 1)
      const store = newStore(prefix)
      const opened = underTest(store)
      const [session, ended] = [await created(opened, { subject }), await created(opened, { subject })]
      await store.sessions.end({ id: ended.id, subject, reason: 'signout' }, CREATION)
      const token = newToken({ subject })
      await setToken(opened, token)
      const slotMove = await mover(cluster.primaries, slot)
      await slotMove.begin()
      for (let moved = 1; moved > 0; moved = await slotMove.move(1)) {
        // Wherever each key is: an answer that comes is the right one.
        const fates = await Promise.all([
          fateOf(async () => (await store.sessions.rotate(presented(session, 0), POLICY)).outcome),
          fateOf(async () => (await store.sessions.rotate(presented(ended, 0), POLICY)).outcome),
          fateOf(async () => (await store.sessions.find(session.id))?.id),
          fateOf(() => store.revocations.isRevokedAtSource(token)),
          fateOf(() => store.revocations.bump(subject)),
        ])
        expect(fates).toEqual(['StoreError', 'StoreError', 'StoreError', 'StoreError', 'StoreError'])
      }
      await slotMove.finish()
      expect((await store.sessions.rotate(presented(session, 0), POLICY)).outcome).toBe('rotated')
      expect((await store.sessions.rotate(presented(ended, 0), POLICY)).outcome).toBe('revoked')
      expect(await store.revocations.isRevokedAtSource(token)).toBe(true)
    }, 120_000)

    test('a batch with WAIT follows it to its new node', async () => {
      const prefix = newPrefix()
      const { subject, slot } = await subjectOn(prefix, 2)
      const store = redisStore(open.client, { prefix, durability: 'replicated', replicationTimeoutMs: 1_000 })
      const session = await created(underTest(store), { subject })
      const slotMove = await mover(cluster.primaries, slot)
      await slotMove.begin()
      await slotMove.finish()
      // The client knows nothing of it yet: the first that it hears of it is the answer to the batch.
      expect(await store.sessions.end({ id: session.id, subject, reason: 'signout' }, CREATION)).toBe('ended')
      await setToken(underTest(store), newToken({ subject }))
    })
  })
})
