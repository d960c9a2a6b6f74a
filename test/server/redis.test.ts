import { readdirSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { describeRedis, startCluster, startRedis } from '../stores/redis-server.ts'
import type { RedisServer } from '../stores/redis-server.ts'
import { enter, eventually, get, lineTo, me, newEmail, newSecret, PATIENT, refresh } from './flow.ts'
import { signIn, signOut, walkThrough } from './flow.ts'
import { runJotward, startServer, temporaryFolder } from './processes.ts'

const LONG = 120_000

const servers: { stop(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

const redis = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> => {
  const server = await startRedis(settings)
  servers.push(server)
  return server
}

const urlOf = ({ host, port }: Pick<RedisServer, 'host' | 'port'>): string => `redis://${host}:${port}`

/** Starts `jotward serve`, which must refuse before it makes anything that sessions could be lost with. */
const refused = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const cwd = temporaryFolder()
  const { code, stdout, stderr } = await runJotward(['serve'], { cwd, env: { PORT: '0', ...env } })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(readdirSync(cwd).flatMap((name) => readdirSync(`${cwd}/${name}`))).not.toContain('secret')
  return stderr
}

describeRedis('the server on Redis', () => {
  test(
    'beside SQLite keeps what it says over a restart, and warns that users are of one machine',
    async () => {
      const url = urlOf(await redis())
      expect(await walkThrough({ REDIS_URL: url })).toBe(0)
      const server = await startServer({ cwd: temporaryFolder(), env: { ...PATIENT, REDIS_URL: url } })
      expect(server.output.stdout).toMatch(/^Warning: users are in SQLite under JOTWARD_DATA, for this machine alone/m)
    },
    LONG,
  )

  test(
    'answers 503 while it is dead, serves what needs no store, and goes on when it is back',
    async () => {
      const store = await redis()
      const env = { REDIS_URL: urlOf(store), JOTWARD_LEASE: '2s', JOTWARD_STORE_DEADLINE_MS: '1000' }
      const cwd = temporaryFolder()
      const server = await startServer({ cwd, env })
      const email = newEmail()
      const [tokens, ended] = [await enter(server, email), await enter(server)]
      expect(await signOut(server, ended)).toBe(204)
      store.signal('SIGKILL')
      await store.ended()
      const answer = await signIn(server, email)
      expect(answer.status).toBe(503)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await refresh(server, tokens)).status).toBe(503)
      expect((await get(server, '/readyz')).status).toBe(503)
      await eventually('the end of the lease', async () => (await me(server, tokens)) === 503)
      for (const path of ['/healthz', '/.well-known/jwks.json', '/docs']) {
        expect({ path, status: (await get(server, path)).status }).toEqual({ path, status: 200 })
      }
      await store.restart()
      await eventually('readiness', async () => (await get(server, '/readyz')).status === 200)
      await eventually('the service', async () => (await me(server, tokens)) === 200)
      expect(await me(server, ended)).toBe(401)
      await eventually('the refresh', async () => (await refresh(server, tokens)).status === 200)
    },
    LONG,
  )

  test(
    'is not ready once Redis is told to evict, within one probe (F11)',
    async () => {
      const store = await redis()
      const server = await startServer({ cwd: temporaryFolder(), env: { ...PATIENT, REDIS_URL: urlOf(store) } })
      expect((await get(server, '/readyz')).status).toBe(200)
      await store.command('config', 'set', 'maxmemory-policy', 'allkeys-lru')
      expect((await get(server, '/readyz')).status).toBe(503)
      expect((await get(server, '/healthz')).status).toBe(200)
      await store.command('config', 'set', 'maxmemory-policy', 'noeviction')
      expect((await get(server, '/readyz')).status).toBe(200)
      expect((await server.stop()).stderr).toContain('set maxmemory-policy noeviction')
    },
    LONG,
  )

  test(
    'takes a Cluster, named by some of its nodes, and refuses a node alone',
    async () => {
      const cluster = await startCluster()
      servers.push(cluster)
      const [first, second] = cluster.primaries
      if (first === undefined || second === undefined) throw new Error('there are three')
      expect(await walkThrough({ REDIS_URL: `${urlOf(first)},${second.host}:${second.port}` })).toBe(0)
      expect(await refused({ REDIS_URL: urlOf(first) })).toBe(
        'jotward: REDIS_URL: Redis is a node of a Cluster; name several of its nodes, with commas\n',
      )
    },
    LONG,
  )
})

describeRedis('the server refuses to start on Redis, with one sentence,', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, string, RegExp]>([
    ['that evicts', { 'maxmemory-policy': 'allkeys-lru' }, '', /\(allkeys-lru\); set maxmemory-policy noeviction\n$/],
    ['that forgets', { appendonly: 'no' }, '', /set appendonly yes\n$/],
    [
      'that refuses the password',
      { requirepass: 'right' },
      'ann:canary@',
      /^jotward: REDIS_URL: Redis refuses the login/,
    ],
    [
      'that wants a password',
      { requirepass: 'right' },
      '',
      /refuses the login .*; give user and password in the URL\n$/,
    ],
  ])('%s', async (_title, settings, login, words) => {
    const { host, port } = await redis(settings)
    const stderr = await refused({ REDIS_URL: `redis://${login}${host}:${port}` })
    expect(stderr).toMatch(/^jotward: REDIS_URL: .+\n$/)
    expect(stderr).toMatch(words)
    expect(stderr).not.toContain('canary')
  })

  test('that is no Cluster and named as one', async () => {
    const { host, port } = await redis()
    const url = `redis://${host}:${port},${host}:${port}`
    expect(await refused({ REDIS_URL: url })).toMatch(
      /^jotward: REDIS_URL: several servers .* no Cluster; name one.*\n$/,
    )
  })

  test('that swallows everything', async () => {
    const line = await lineTo(1)
    line.set('silent')
    const begun = performance.now()
    const stderr = await refused({ REDIS_URL: `redis://:canary@127.0.0.1:${line.port}` })
    // Twice what was promised, because the machine may be busy.
    expect(performance.now() - begun).toBeLessThan(20_000)
    expect(stderr).toMatch(/waiting for Redis: REDIS_URL: /)
    expect(stderr).toMatch(/^jotward: REDIS_URL: .*; see that Redis answers at 127\.0\.0\.1:\d+, or correct the URL$/m)
    expect(stderr).not.toContain('canary')
  })
})

describeRedis('Redis and PostgreSQL together', () => {
  describePostgres('with a database', () => {
    const database = useDatabase()

    test(
      'keep what the server says over a restart, sessions in one and users in the other',
      async () => {
        const store = await redis()
        const env = { REDIS_URL: urlOf(store), DATABASE_URL: database.url, JOTWARD_SECRET: newSecret() }
        expect(await walkThrough(env)).toBe(0)
        const [counts] = await database.query(
          `SELECT (SELECT count(*) FROM jotward.users)::integer AS users,
             (SELECT count(*) FROM jotward.sessions)::integer AS sessions`,
        )
        // The administrator, and who has signed up.
        expect(counts).toEqual({ users: 2, sessions: 0 })
        const users = (await runJotward(['user', 'list'], { env })).stdout.trimEnd().split('\n')
        const { id, email } = JSON.parse(users[1] ?? '{}') as { readonly id: string; readonly email: string }
        const server = await startServer({ cwd: temporaryFolder(), env: { ...PATIENT, ...env } })
        const tokens = (await (await signIn(server, email)).json()) as Awaited<ReturnType<typeof enter>>
        expect(await me(server, tokens)).toBe(200)
        const revoked = await runJotward(['session', 'revoke', '--subject', id], { env })
        expect(revoked).toMatchObject({ code: 0, stderr: '' })
        await eventually('the news', async () => (await me(server, tokens)) === 401)
        expect((await refresh(server, tokens)).status).toBe(401)
      },
      LONG,
    )

    test('tell of both what is wrong with each', async () => {
      const stderr = await refused({
        DATABASE_URL: `${database.url}_not_there`,
        REDIS_URL: urlOf(await redis({ appendonly: 'no' })),
      })
      expect(stderr).toMatch(/^jotward: DATABASE_URL: .*\njotward: REDIS_URL: .*\n$/)
    })
  })
})
