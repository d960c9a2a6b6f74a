import { expect, test } from 'vitest'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { describeRedis, startRedis } from '../stores/redis-server.ts'
import { enter, eventually, me, newEmail, newSecret, PATIENT, refresh, signIn } from './flow.ts'
import { startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

/** What the server makes of somebody who guesses: counted together by all servers that share storage. */

const LONG = 120_000

const guess = (server: ServerProcess, email: string, from?: string): Promise<Response> =>
  server.post(
    '/auth/signin',
    { email, password: 'not the password' },
    from === undefined ? {} : { 'x-forwarded-for': from },
  )

const start = (env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> =>
  startServer({ cwd: temporaryFolder(), env: { ...PATIENT, JOTWARD_SIGNIN_LIMIT: '3', ...env } })

/** Guesses in turn at servers until the limit is reached, then what the right password and the open session get. */
const guessesAreLimited = async (one: ServerProcess, other: ServerProcess): Promise<void> => {
  const email = newEmail()
  const tokens = await enter(one, email)
  for (const server of [one, other, one]) expect((await guess(server, email)).status).toBe(401)
  for (const server of [one, other]) {
    const limited = await guess(server, email)
    expect(limited.status).toBe(429)
    expect(await limited.json()).toMatchObject({ code: 'rate_limited' })
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(900)
    expect((await signIn(server, email)).status, 'the right one too').toBe(429)
  }
  // Whoever is in stays in, and nobody else is kept out.
  expect(await me(other, tokens)).toBe(200)
  expect((await refresh(other, tokens)).status).toBe(200)
  await enter(other)
}

test(
  'one server on SQLite counts by itself, by account and by the client that a trusted proxy names',
  async () => {
    const server = await start({ JOTWARD_TRUSTED_PROXIES: '1' })
    await guessesAreLimited(server, server)
    // Thirty wrong guesses at as many accounts, of which there are none.
    for (let turn = 0; turn < 30; turn++) {
      expect((await guess(server, newEmail(), `203.0.113.9, 198.51.100.7`)).status).toBe(401)
    }
    expect((await guess(server, newEmail(), '203.0.113.8, 198.51.100.7')).status, 'named by itself').toBe(429)
    expect((await guess(server, newEmail(), '198.51.100.7, 203.0.113.8')).status, 'by the proxy').toBe(401)
    await server.stop()
  },
  LONG,
)

describePostgres('servers on one PostgreSQL', () => {
  const { url } = useDatabase()

  test(
    'count together',
    async () => {
      const env = { DATABASE_URL: url, JOTWARD_SECRET: newSecret() }
      const [one, other] = await Promise.all([start(env), start(env)])
      await guessesAreLimited(one, other)
      for (const server of [one, other]) expect((await server.stop()).code).toBe(0)
    },
    LONG,
  )
})

describeRedis('a server on Redis', () => {
  test(
    'counts there, lets nobody in while Redis is away, and goes on afterwards',
    async () => {
      const redis = await startRedis()
      const server = await start({ REDIS_URL: `redis://${redis.host}:${redis.port}` })
      await guessesAreLimited(server, server)
      const email = newEmail()
      await enter(server, email)
      redis.signal('SIGKILL')
      await redis.ended()
      for (let turn = 0; turn < 5; turn++) expect((await guess(server, email)).status).toBe(503)
      await redis.restart()
      await eventually('an answer', async () => (await guess(server, email)).status === 401)
      const statuses: number[] = []
      for (let turn = 0; turn < 4; turn++) statuses.push((await guess(server, email)).status)
      // One was counted already; those that were answered 503 were not.
      expect(statuses).toEqual([401, 401, 429, 429])
      await server.stop()
      await redis.stop()
    },
    LONG,
  )
})
