import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { Store } from '../../../src/ports/store.ts'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import type { RedisStoreOptions } from '../../../src/stores/redis/options.ts'
import { redisStore } from '../../../src/stores/redis/redis-store.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import {
  created,
  CREATION,
  newSession,
  POLICY,
  present,
  presented,
  STRICT,
} from '../../../src/testing/session-store/fixtures.ts'
import { describeRedis, hasReplica, startRedis, startReplicated, waitUntil } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { newPrefix, openIoredis, openNodeRedis } from './redis-under-test.ts'
import type { OpenClient } from './redis-under-test.ts'

/** What `durability: 'replicated'` acknowledges, with a real replica that can be frozen (rotation.md 5). */

const TIMEOUT_MS = 200

const REPLICATED: RedisStoreOptions = { durability: 'replicated', replicationTimeoutMs: TIMEOUT_MS }

/** What came of a call, as far as it is known. */
const fateOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'acknowledged'
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}

const UNKNOWN = /0 of 1 replicas have acknowledged within 200 ms$/

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

  const newStore = async (): Promise<Store> => {
    const store = redisStore(client.client, { ...REPLICATED, prefix: newPrefix() })
    await store.ready()
    return store
  }

  test('acknowledges everything at once while the replica follows', async () => {
    const store = await newStore()
    const session = await created(opened(store))
    expect((await present(opened(store), session, 0)).outcome).toBe('rotated')
    await setToken(opened(store), newToken())
    expect(await store.revocations.bump('ann')).toBeGreaterThan(0)
    expect(await store.revocations.bump(null)).toBeGreaterThan(0)
    expect((await store.revocations.read(null)).atEnd).toBe(true)
    expect(await store.sessions.end({ id: session.id, subject: 'ann', reason: 'signout' }, CREATION)).toBe('ended')
  })

  test('acknowledges nothing that must be durable while the replica is frozen, and everything after (N121, N122)', async () => {
    const store = await newStore()
    const [ended, reused, rotated] = [
      await created(opened(store)),
      await created(opened(store)),
      await created(opened(store)),
    ]
    await present(opened(store), reused, 0, STRICT)
    const use = { id: newSession().id, subject: 'ann', retention: 60 }
    const wanted = newSession()
    const token = newToken()
    const writes: Readonly<Record<string, () => Promise<unknown>>> = {
      create: async () => store.sessions.create(wanted, CREATION),
      end: async () => store.sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION),
      reuse: async () => store.sessions.rotate(presented(reused, 0), STRICT),
      suspend: async () => store.sessions.suspend({ id: rotated.id, subject: 'ann', suspended: false }, CREATION),
      token: async () => setToken(opened(store), token),
      'subject’s epoch': async () => store.revocations.bump('bob'),
      'lost epoch': async () =>
        store.revocations.isRevokedAtSource(newToken({ subject: 'eve', stamp: { subject: Date.now(), global: 0 } })),
      'everybody’s epoch': async () => store.revocations.bump(null),
      spend: async () => store.singleUse.spend(use),
      read: async () => store.revocations.read(null),
    }
    await whileFrozen(async () => {
      for (const [name, write] of Object.entries(writes)) {
        // One after another: a wait holds up what is behind it on the connection.
        expect([name, await fateOf(write())]).toEqual([name, expect.stringMatching(UNKNOWN)])
      }
    })
    await after(50)
    // Each is repeated by its caller, and finds done what was done.
    expect((await store.sessions.create(wanted, CREATION)).outcome).toMatch(/exists|outdated/)
    expect(await store.sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)).toBe('already')
    expect(await store.sessions.rotate(presented(reused, 0), STRICT)).toEqual({ outcome: 'revoked' })
    expect(await store.singleUse.spend(use), 'what may be spent is').toBe(false)
    expect(await store.revocations.isRevokedAtSource({ ...token, stamp: { subject: 9e15, global: 9e15 } })).toBe(true)
    expect((await store.revocations.read(null)).atEnd).toBe(true)
  })

  test('lets rotations and reads pass while the replica is frozen (I12)', async () => {
    const store = await newStore()
    const session = await created(opened(store))
    await whileFrozen(async () => {
      expect((await store.sessions.rotate(presented(session, 0), POLICY)).outcome).toBe('rotated')
      expect(await store.sessions.find(session.id)).not.toBeNull()
      expect(await store.revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
      expect(await store.revocations.isRevoked(newToken())).toBe(false)
      // But nobody takes its log for the newest: the replica may have taken over without its knowledge (F18).
      expect(await fateOf(Promise.resolve(store.revocations.read(null)))).toMatch(UNKNOWN)
    })
  })

  test('confirms a repeated end only once the replica has it, though it was another connection that wrote it', async () => {
    const store = await newStore()
    const session = await created(opened(store))
    const reference = { id: session.id, subject: 'ann', reason: 'signout' } as const
    const other = await openClient(primary)
    const prefix = newPrefix()
    const [mine, theirs] = [client.client, other.client].map((one) => redisStore(one, { ...REPLICATED, prefix }))
    if (mine === undefined || theirs === undefined) throw new Error('both are there')
    const { id } = await created(opened(mine))
    // This connection has written nothing that the replica does not have: alone, its WAIT would answer at once.
    await theirs.ready()
    await whileFrozen(async () => {
      expect(await fateOf(Promise.resolve(mine.sessions.end({ ...reference, id }, CREATION)))).toMatch(UNKNOWN)
      expect(await fateOf(Promise.resolve(theirs.sessions.end({ ...reference, id }, CREATION)))).toMatch(UNKNOWN)
    })
    await after(50)
    const mark = `${createBuckets(prefix, 16).ofSubject('ann').base}mark`
    await primary.command('del', mark)
    expect(await theirs.sessions.end({ ...reference, id }, CREATION)).toBe('already')
    // WAIT promises to cover what its connection has written, and no more: so something is written.
    expect(await primary.command('exists', mark)).toBe(1)
    other.close()
  })

  test('is refused at start where fewer replicas are connected than must acknowledge, or do not', async () => {
    const store = redisStore(client.client, { ...REPLICATED, replicas: 2, prefix: newPrefix() })
    await expect(store.ready()).rejects.toThrow('1 of 2 replicas are connected')
    const other = redisStore(client.client, { ...REPLICATED, prefix: newPrefix() })
    await whileFrozen(async () => {
      expect(await fateOf(Promise.resolve(other.ready()))).toMatch(UNKNOWN)
    })
  })
})

const offsetOf = async (server: RedisServer, name: string): Promise<number> =>
  Number(new RegExp(`${name}:(\\d+)`).exec(String(await server.command('info', 'replication')))?.[1])

/** It gets what was written so far, and nothing from now on: a process that is only stopped would read that later. */
const cutOff = async (primary: RedisServer, replica: RedisServer): Promise<void> => {
  const written = await offsetOf(primary, 'master_repl_offset')
  await expect.poll(() => offsetOf(replica, 'slave_repl_offset')).toBeGreaterThanOrEqual(written)
  await replica.command('replicaof', replica.host, '1')
}

/** A port behind which servers change; it can break off at the moment of an answer. */
const startProxy = async (first: RedisServer) => {
  const state: { target: RedisServer; next: RedisServer | null } = { target: first, next: null }
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const server = createConnection(state.target.port, state.target.host)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => [client, server].forEach((each) => each.destroy()))
    }
    client.pipe(server)
    server.on('data', (chunk) => {
      const isLast = state.next !== null
      if (state.next !== null) Object.assign(state, { target: state.next, next: null })
      client.write(chunk, () => {
        if (isLast) client.destroy()
      })
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = proxy.address() as AddressInfo
  return {
    port,
    /** Hands the next answer over, breaks off, and is another server from then on. */
    switchAfterNextAnswer: (next: RedisServer): void => {
      state.next = next
    },
    stop: (): void => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}

describeRedis.each([
  ['ioredis', openIoredis],
  ['node-redis', openNodeRedis],
] as const)('a failover behind one address, by %s', (_name, openClient) => {
  test('between a write and its acknowledgement is no acknowledgement: WAIT on the new primary knows nothing of it', async () => {
    const { primary, replica } = await startReplicated()
    const second = await startRedis({ replicaof: `${replica.host} ${replica.port}` })
    const proxy = await startProxy(primary)
    const client = await openClient({ ...primary, port: proxy.port })
    const store = redisStore(client.client, { ...REPLICATED, replicationTimeoutMs: 5_000, prefix: newPrefix() })
    await store.ready()
    const [session, other] = [await created(opened(store)), await created(opened(store))]
    const reference = { id: session.id, subject: 'ann', reason: 'signout' } as const
    // From here on the server knows the script, so that its next answer is that to the write.
    await store.sessions.end({ ...reference, id: other.id }, CREATION)
    await cutOff(primary, replica)
    await replica.command('replicaof', 'no', 'one')
    await waitUntil('a replica of the replica', () => hasReplica(replica))
    proxy.switchAfterNextAnswer(replica)
    // It is done on the old primary, whose answer comes; whatever the client sends again goes to the new one.
    expect(await fateOf(Promise.resolve(store.sessions.end(reference, CREATION)))).toMatch(
      /^The store failed at ending a session: /,
    )
    expect(await store.sessions.find(session.id), 'it was lost').not.toBeNull()
    expect(await store.sessions.end(reference, CREATION)).toBe('ended')
    client.close()
    proxy.stop()
    await Promise.all([primary.stop(), replica.stop(), second.stop()])
  })
})

describeRedis('a failover', () => {
  describe.each([
    ['replicated', REPLICATED, 0],
    ['local', { durability: 'local' }, 1],
  ] as const)('with %s durability', (_name, options, lost) => {
    test(`loses ${lost === 0 ? 'nothing' : 'what the replica had not got,'} that was acknowledged, and changes the log’s source (F3, F4)`, async () => {
      const { primary, replica } = await startReplicated()
      const prefix = newPrefix()
      const before = await openIoredis(primary)
      const store = redisStore(before.client, { ...options, prefix })
      const kept = newToken()
      await setToken(opened(store), kept)
      const { source } = await store.revocations.read(null)
      await cutOff(primary, replica)
      const last = newToken()
      const fate = await fateOf(setToken(opened(store), last))
      primary.signal('SIGKILL')
      await replica.command('replicaof', 'no', 'one')
      const later = await openIoredis(replica)
      const promoted = redisStore(later.client, { prefix })
      expect(await promoted.revocations.isRevokedAtSource(kept)).toBe(true)
      const isLost = !(await promoted.revocations.isRevokedAtSource(last))
      expect(fate === 'acknowledged' && isLost ? 1 : 0).toBe(lost)
      expect((await promoted.revocations.read(null)).source).not.toBe(source)
      before.close()
      later.close()
      await Promise.all([primary.stop(), replica.stop()])
    })
  })

  test('heals what it has lost of the rotations, and no honest user is signed out (I12)', async () => {
    const { primary, replica } = await startReplicated()
    const prefix = newPrefix()
    const before = await openIoredis(primary)
    const store = redisStore(before.client, { ...REPLICATED, prefix })
    const session = await created(opened(store))
    await cutOff(primary, replica)
    expect((await store.sessions.rotate(presented(session, 0), POLICY)).outcome).toBe('rotated')
    primary.signal('SIGKILL')
    await replica.command('replicaof', 'no', 'one')
    const later = await openIoredis(replica)
    const promoted = redisStore(later.client, { prefix })
    expect((await promoted.sessions.rotate(presented(session, 1), POLICY)).outcome).toBe('recovered')
    expect((await promoted.sessions.rotate(presented(session, 0), POLICY)).outcome).toBe('replayed')
    before.close()
    later.close()
    await Promise.all([primary.stop(), replica.stop()])
  })
})

describeRedis('node-redis', () => {
  test('keeps no write that must be durable for later, when nobody waits for it any more', async () => {
    const { primary, replica } = await startReplicated()
    const client = await openNodeRedis(primary)
    const store = redisStore(client.client, { ...REPLICATED, prefix: newPrefix() })
    await store.ready()
    const session = await created(opened(store))
    primary.signal('SIGKILL')
    await primary.ended()
    const end = { id: session.id, subject: 'ann', reason: 'signout' } as const
    // Until the client has heard that its connection is gone.
    await vi.waitFor(() => expect(client.client).toHaveProperty('isReady', false))
    expect(await fateOf(Promise.resolve(store.sessions.end(end, CREATION)))).toMatch(/the client is not connected$/)
    client.close()
    await Promise.all([primary.stop(), replica.stop()])
  })
})

describeRedis('kill -9 and restart with an append-only file (F2)', () => {
  test('keeps everything acknowledged, names another source, and knows its scripts again', async () => {
    const server = await startRedis()
    const open = await openIoredis(server, { maxRetriesPerRequest: 0 })
    const store = redisStore(open.client, { prefix: newPrefix() })
    const [session, ended] = [await created(opened(store)), await created(opened(store))]
    await store.sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
    await present(opened(store), session, 0)
    const { cursor, source } = await store.revocations.read(null)
    // What the file is given each second survives the death of the process at once: it is the kernel’s by then.
    server.signal('SIGKILL')
    await server.ended()
    expect(await fateOf(Promise.resolve(store.sessions.list('ann')))).not.toBe('acknowledged')
    await server.restart()
    await after(1_000)
    expect((await store.sessions.find(session.id))?.state.generation).toBe(1)
    expect(await present(opened(store), ended, 0)).toEqual({ outcome: 'revoked' })
    const page = await store.revocations.read(cursor)
    expect(page.source).not.toBe(source)
    expect(page.entries).toEqual([])
    expect((await store.revocations.read(null)).entries).toHaveLength(1)
    open.close()
    await server.stop()
  })
})
