import { inspect } from 'node:util'
import { createClient } from 'redis'
import { Redis } from 'ioredis'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { ConfigError, StoreError } from '../../../src/core/errors.ts'
import { redisStore } from '../../../src/stores/redis/index.ts'
import { parseInfo, problemsIn } from '../../../src/stores/redis/readiness.ts'
import type { RedisStoreOptions } from '../../../src/stores/redis/index.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, newSession, POLICY, presented } from '../../../src/testing/session-store/fixtures.ts'
import { createIssuer, record } from '../../../src/testing/token-register/fixtures.ts'
import { describeRedis, startCluster, startRedis, startReplicated, waitUntil } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { newPrefix } from './redis-under-test.ts'

/** What a server must be before the store makes promises on it, and what it does where the server fails later. */

const clients: Redis[] = []
const servers: RedisServer[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect()
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

const start = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> => {
  const server = await startRedis(settings)
  servers.push(server)
  return server
}

const clientOf = ({ host, port }: Pick<RedisServer, 'host' | 'port'>, options: object = {}): Redis => {
  const client = new Redis({ host, port, maxRetriesPerRequest: 0, ...options })
  client.on('error', () => undefined)
  clients.push(client)
  return client
}

/** What `ready()` refuses with, and what it warns of. */
const readinessOf = async (client: Redis, options: RedisStoreOptions = {}) => {
  const warnings: string[] = []
  const store = redisStore(client, { ...options, prefix: newPrefix(), onWarning: (warning) => warnings.push(warning) })
  const refusal: unknown = await Promise.resolve(store.ready()).then(
    () => null,
    (error: unknown) => error,
  )
  return { refusal, warnings }
}

describeRedis('ready() refuses with a sentence that names the remedy', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, RedisStoreOptions, string]>([
    [
      'a server that drops keys when its memory is full (F11, N123)',
      { 'maxmemory-policy': 'allkeys-lru' },
      { dangerouslyAllowEviction: true },
      'store: Redis drops revocations when its memory is full (allkeys-lru); set maxmemory-policy noeviction',
    ],
    [
      'a server that drops keys with a time to live, which is all of them',
      { 'maxmemory-policy': 'volatile-ttl' },
      { dangerouslyAllowEviction: true },
      'store: Redis drops revocations when its memory is full (volatile-ttl); set maxmemory-policy noeviction',
    ],
    [
      'a server that writes no append-only file',
      { appendonly: 'no' },
      { dangerouslyAllowNoPersistence: true },
      'store: Redis forgets revocations when it is started anew; set appendonly yes',
    ],
  ])('%s, unless that is allowed', async (_title, settings, allowed, sentence) => {
    const client = clientOf(await start(settings))
    const { refusal } = await readinessOf(client)
    expect(refusal).toBeInstanceOf(ConfigError)
    expect(refusal).toMatchObject({ message: sentence })
    expect((await readinessOf(client, allowed)).refusal).toBeNull()
  })

  test('everything that is wrong, at once', async () => {
    const { refusal } = await readinessOf(
      clientOf(await start({ appendonly: 'no', 'maxmemory-policy': 'allkeys-lfu' })),
    )
    expect(refusal).toMatchObject({ problems: [{ path: 'store' }, { path: 'store' }] })
  })

  test('a replica', async () => {
    const { primary, replica } = await startReplicated()
    servers.push(primary, replica)
    const { refusal } = await readinessOf(clientOf(replica))
    expect(refusal).toBeInstanceOf(ConfigError)
    expect(refusal).toMatchObject({
      message: 'store: Redis is a replica, which lags and cannot write; give the primary',
    })
    const { warnings } = await readinessOf(clientOf(primary))
    expect(warnings).toEqual([
      'Redis has replicas, and a failover may lose what was revoked just before; set durability: "replicated"',
    ])
    expect((await readinessOf(clientOf(primary), { durability: 'replicated' })).warnings).toEqual([])
  })

  test('a wrong password, and none where one is needed', async () => {
    const server = await start({ requirepass: 'right' })
    for (const options of [{ password: 'wrong' }, {}]) {
      const { refusal } = await readinessOf(clientOf(server, { ...options, enableReadyCheck: false }))
      expect(refusal).toBeInstanceOf(ConfigError)
      expect(String(refusal)).toMatch(/Redis refuses the login \((WRONGPASS|NOAUTH)[^)]*\); give the client its user/)
      expect(inspect(refusal, { depth: 10, showHidden: true })).not.toMatch(/'wrong'/)
    }
    expect((await readinessOf(clientOf(server, { password: 'right' }))).refusal).toBeNull()
  })

  test('a user who may not run scripts', async () => {
    const server = await start()
    await server.command('acl', 'setuser', 'reader', 'on', '>secret', '~*', '+@all', '-@scripting')
    const reader = await readinessOf(clientOf(server, { username: 'reader', password: 'secret' }))
    expect(String(reader.refusal)).toMatch(
      /Redis does not let this user run scripts \(NOPERM[^)]*\); grant \+@scripting/,
    )
    expect(reader.refusal).toBeInstanceOf(ConfigError)
  })

  test('a server that is too old, while Valkey tells a version of Redis that is not', async () => {
    const info = parseInfo(String(await (await start()).command('info')))
    const none = { mayEvict: false, mayForget: false }
    const told = (version: string) => problemsIn(new Map([...info, ['redis_version', version]]), none)
    expect(told('6.2.14')).toEqual(['Redis is version 6.2.14; use Redis 7 or later, or Valkey'])
    expect(['7.0.0', '7.2.4', '8.4.1'].map(told)).toEqual([[], [], []])
  })

  test('one node of a Cluster, given as a single server', async () => {
    const cluster = await startCluster()
    onTestFinished(() => cluster.stop())
    const [first] = cluster.primaries
    if (first === undefined) throw new Error('there are three')
    const { refusal } = await readinessOf(clientOf(first))
    expect(refusal).toMatchObject({
      message: 'store: Redis is a node of a Cluster; give the Cluster client of ioredis or node-redis',
    })
  })

  test('a server that is not there, as StoreError: it may come', async () => {
    const { refusal } = await readinessOf(clientOf({ host: '127.0.0.1', port: 1 }))
    expect(refusal).toBeInstanceOf(StoreError)
    const client = createClient({ url: 'redis://127.0.0.1:1' })
    await expect(redisStore(client).ready()).rejects.toThrow(StoreError)
  })
})

describeRedis('ready() warns', () => {
  test('where the user may not ask the server for its settings, and goes on', async () => {
    const server = await start()
    await server.command('acl', 'setuser', 'hosted', 'on', '>secret', '~*', '+@all', '-info', '-config')
    const { refusal, warnings } = await readinessOf(
      clientOf(server, { username: 'hosted', password: 'secret', enableReadyCheck: false }),
    )
    expect(refusal).toBeNull()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^Redis does not answer INFO, and was not checked \(.*\)$/)
  })

  test('of nothing where the user has the rights that it names, on the keys of the prefix alone', async () => {
    const server = await start()
    const rights = ['-@all', '+@scripting', '+@read', '+@write', '+@fast', '+wait', '+info']
    await server.command('acl', 'setuser', 'jotward', 'on', '>secret', '~test:*', ...rights)
    const client = clientOf(server, { username: 'jotward', password: 'secret' })
    expect(await readinessOf(client)).toEqual({ refusal: null, warnings: [] })
    const store = redisStore(client, { prefix: newPrefix() })
    const opened = { store, turn: () => undefined, close: () => undefined }
    const session = await created(opened)
    await store.sessions.rotate(presented(session, 0), POLICY)
    await created(opened, {}, { ...CREATION, maxPerSubject: 1 })
    await record(opened, (await createIssuer(opened))())
    await store.revocations.bump(null)
    await store.revocations.bump('ann')
    expect(await store.singleUse.spend({ id: session.id, subject: 'ann', retention: 1 })).toBe(true)
    expect((await store.revocations.read(null)).entries).toHaveLength(3)
    expect((await store.tokens.list({ subject: null, after: null, limit: 5 })).records).toHaveLength(1)
    expect(await store.revocations.isRevoked(newToken({ sessionId: session.id }))).toBe(true)
  })

  test('of nothing where all is well', async () => {
    expect(await readinessOf(clientOf(await start()))).toEqual({ refusal: null, warnings: [] })
  })
})

const fateOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if (error instanceof StoreError) return error.message
    throw error
  })

describeRedis('a server that fails later', () => {
  test('whose memory is full refuses what writes, does nothing of it, and goes on with what reads (F8)', async () => {
    const server = await start()
    const client = clientOf(server)
    const store = redisStore(client, { prefix: newPrefix() })
    const opened = { store, turn: () => undefined, close: () => undefined }
    const [session, token] = [await created(opened), newToken()]
    await setToken(opened, token)
    await server.command('config', 'set', 'maxmemory', '1mb')
    const full = /OOM command not allowed/
    expect(await fateOf(Promise.resolve(store.sessions.create(newSession(), CREATION)))).toMatch(full)
    expect(await fateOf(Promise.resolve(store.sessions.rotate(presented(session, 0), POLICY)))).toMatch(full)
    expect(await fateOf(setToken(opened, newToken()))).toMatch(full)
    const end = { id: session.id, subject: 'ann', reason: 'signout' } as const
    expect(await fateOf(Promise.resolve(store.sessions.end(end, CREATION)))).toMatch(full)
    expect(await store.sessions.find(session.id)).toEqual(session)
    expect(await store.revocations.isRevokedAtSource(token)).toBe(true)
    expect(await store.revocations.isRevokedAtSource(newToken({ sessionId: session.id }))).toBe(false)
    expect((await store.revocations.read(null)).entries).toHaveLength(1)
    await server.command('config', 'set', 'maxmemory', '0')
    expect(await store.sessions.end(end, CREATION)).toBe('ended')
  })

  test('that becomes a replica answers nothing any more, not even what reads', async () => {
    const [server, other] = [await start(), await start()]
    const store = redisStore(clientOf(server), { prefix: newPrefix() })
    const opened = { store, turn: () => undefined, close: () => undefined }
    const session = await created(opened)
    await server.command('replicaof', other.host, String(other.port))
    const readonly = /READONLY/
    expect(await fateOf(Promise.resolve(store.sessions.find(session.id)))).toMatch(readonly)
    expect(await fateOf(Promise.resolve(store.revocations.isRevokedAtSource(newToken())))).toMatch(readonly)
    expect(await fateOf(Promise.resolve(store.revocations.read(null)))).toMatch(readonly)
    expect(await fateOf(Promise.resolve(store.revocations.epochs('ann')))).toMatch(readonly)
    expect(await fateOf(setToken(opened, newToken()))).toMatch(readonly)
  })

  test('that has lost the replicas it needs (min-replicas-to-write) refuses to write, and to answer', async () => {
    const server = await start()
    const store = redisStore(clientOf(server), { prefix: newPrefix() })
    const opened = { store, turn: () => undefined, close: () => undefined }
    await created(opened)
    await server.command('config', 'set', 'min-replicas-to-write', '1')
    expect(await fateOf(setToken(opened, newToken()))).toMatch(/NOREPLICAS/)
    // It may be a primary that was cut off, and knows nothing of what another has revoked since.
    expect(await fateOf(Promise.resolve(store.revocations.isRevokedAtSource(newToken())))).toMatch(/NOREPLICAS/)
    expect(await fateOf(Promise.resolve(store.revocations.read(null)))).toMatch(/NOREPLICAS/)
  })

  test('that has lost its replica promises no failover, for that one may be promoted now', async () => {
    const { primary, replica } = await startReplicated()
    onTestFinished(async () => {
      await Promise.all([primary.stop(), replica.stop()])
    })
    await replica.stop()
    await waitUntil('a lost replica', async () =>
      /connected_slaves:0/.test(String(await primary.command('info', 'replication'))),
    )
    const { failover, remarks } = await redisStore(clientOf(primary)).promises()
    expect(failover).toBe(false)
    expect(remarks.join('\n')).toMatch(/a replica has followed that is gone now.*set durability: "replicated"/)
    expect(await redisStore(clientOf(await start())).promises()).toMatchObject({ failover: null })
  })

  test('that is gone is answered as StoreError by a guard’s store, and found again when it is back', async () => {
    const server = await start()
    const client = clientOf(server)
    const store = redisStore(client, { prefix: newPrefix() })
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
      store,
    })
    const { accessToken } = await auth.issue({ subject: 'ann' })
    expect((await auth.verify(accessToken)).subject).toBe('ann')
    server.signal('SIGKILL')
    await server.ended()
    await expect((async () => auth.verify(accessToken))()).rejects.toThrow(StoreError)
    await server.restart()
    await expect
      .poll(
        () =>
          Promise.resolve(auth.verify(accessToken)).then(
            (principal) => principal.subject,
            () => null,
          ),
        { timeout: 5_000 },
      )
      .toBe('ann')
  })
})
