import { writeFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readIdentity, rememberIdentity } from '../../server/src/identity.ts'
import type { Identity } from '../../server/src/identity.ts'
import { Secret } from '../../server/src/secret.ts'
import { readSettings } from '../../server/src/settings.ts'
import { openStorage } from '../../server/src/storage/server-storage.ts'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { enter, eventually, get, lineTo, me, newEmail, newSecret, PATIENT, refresh } from './flow.ts'
import { signIn, signOut, tokensOf, walkThrough } from './flow.ts'
import { printedPassword, runJotward, startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

const LONG = 120_000

describe('the server on SQLite', () => {
  test(
    'keeps what it says over a restart',
    async () => {
      expect(await walkThrough({})).toBe(0)
    },
    LONG,
  )
})

describePostgres('the server on PostgreSQL', () => {
  const database = useDatabase()
  const secret = newSecret()
  const shared = () => ({ ...PATIENT, DATABASE_URL: database.url, JOTWARD_SECRET: secret })
  const start = (env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> =>
    startServer({ cwd: temporaryFolder(), env: { ...shared(), ...env } })
  const clear = () => database.query('DROP SCHEMA IF EXISTS jotward, jotward_server CASCADE')

  test(
    'makes everything once, of six that start for the first time at once on six machines',
    async () => {
      await clear()
      const servers = await Promise.all(Array.from({ length: 6 }, () => start()))
      const passwords = servers.map(({ output }) => printedPassword(output.stdout)).filter((one) => one !== '')
      expect(passwords).toHaveLength(1)
      const issuers = servers.map(({ output }) => /issuer (\S+),/.exec(output.stdout)?.[1])
      expect(new Set(issuers).size).toBe(1)
      const [first, ...others] = servers
      if (first === undefined) throw new Error('there are six')
      const admin = { email: 'admin@localhost', password: passwords[0] }
      const tokens = await tokensOf(await first.post('/auth/signin', admin))
      for (const other of others) expect((await get(other, '/auth/me', tokens.access_token)).status).toBe(200)
      await Promise.all(servers.map((server) => server.stop()))
      expect(await database.query('SELECT name FROM jotward_server.records ORDER BY name')).toEqual([
        { name: 'issuer' },
        { name: 'secret' },
        { name: 'sessions' },
      ])
    },
    LONG,
  )

  test(
    'keeps what it says over a restart, and only the secret in its folder',
    async () => {
      await clear()
      expect(await walkThrough({ DATABASE_URL: database.url })).toBe(0)
      const cwd = temporaryFolder()
      // Another secret than that of the walk.
      await expect(startServer({ cwd, env: shared() })).rejects.toThrow(
        'JOTWARD_SECRET: is not the secret that the sessions in',
      )
      expect(readdirSync(cwd)).toEqual([])
    },
    LONG,
  )

  test(
    'refuses on one machine what was ended on another, and what a command has ended',
    async () => {
      await clear()
      const [one, other] = [await start(), await start()]
      const email = newEmail()
      const tokens = await enter(one, email)
      expect(await me(other, tokens)).toBe(200)
      expect(await signOut(one, tokens)).toBe(204)
      expect(await me(one, tokens)).toBe(401)
      await eventually('the news', async () => (await me(other, tokens)) === 401)
      expect((await refresh(other, tokens)).status).toBe(401)

      const again = await tokensOf(await signIn(other, email))
      const env = shared()
      const line = (await runJotward(['user', 'list'], { env })).stdout.split('\n').find((text) => text.includes(email))
      const { id } = JSON.parse(line ?? '{}') as { readonly id: string }
      const revoked = await runJotward(['session', 'revoke', '--subject', id], { env })
      expect(revoked).toMatchObject({ code: 0, stderr: '' })
      for (const server of [one, other]) {
        await eventually('the news', async () => (await me(server, again)) === 401)
        expect((await refresh(server, again)).status).toBe(401)
      }
      expect((await runJotward(['user', 'disable', '--email', email], { env })).code).toBe(0)
      expect((await signIn(one, email)).status).toBe(401)
      const made = await runJotward(['user', 'create', '--email', newEmail()], { env })
      expect(made).toMatchObject({ code: 0, stderr: '' })
    },
    LONG,
  )

  test(
    'is refused to a machine that would make another secret',
    async () => {
      await clear()
      await (await start()).stop()
      const cwd = temporaryFolder()
      const { JOTWARD_SECRET: _withheld, ...env } = shared()
      const { code, stdout, stderr } = await runJotward(['serve'], { cwd, env: { PORT: '0', ...env } })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^jotward: JOTWARD_SECRET: is not set, and the sessions in .*; set it .* on every machine/)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect(readdirSync(cwd)).toEqual([])
    },
    LONG,
  )

  test(
    'remembers one secret, of two machines that have both found none, and the issuer of the first',
    async () => {
      await clear()
      const options = { mustExist: false, patienceMs: 0, onTrouble: () => undefined }
      const settings = readSettings({ DATABASE_URL: database.url })
      const storage = await openStorage(settings, options)
      const { home, records } = storage
      const place = { records, database: home.address, isShared: true }
      const identity = (text: string, url: string): Promise<Identity> =>
        readIdentity({ ...settings, secret: new Secret(text, 'JOTWARD_SECRET') }, place, url)
      const mine = newSecret()
      const [first, second, third] = [
        await identity(mine, 'http://first'),
        await identity(newSecret(), 'http://second'),
        await identity(mine, 'http://third'),
      ]
      expect(await rememberIdentity(first, place, settings)).toMatchObject({ issuer: 'http://first' })
      const late = rememberIdentity(second, place, settings)
      await expect(late).rejects.toThrow('JOTWARD_SECRET: is not the secret that the sessions in')
      expect(await rememberIdentity(third, place, settings)).toMatchObject({ issuer: 'http://first' })
      await storage.close()
    },
    LONG,
  )

  test(
    'answers 503 while it is away, and serves what needs no database',
    async () => {
      await clear()
      const { port, hostname } = new URL(database.url)
      const line = await lineTo(Number(port), hostname)
      const url = new URL(database.url)
      url.port = String(line.port)
      const server = await start({ DATABASE_URL: url.href, JOTWARD_LEASE: '2s', JOTWARD_STORE_DEADLINE_MS: '1000' })
      const email = newEmail()
      const tokens = await enter(server, email)
      for (const state of ['cut', 'silent'] as const) {
        line.set(state)
        const refused = await signIn(server, email)
        expect(refused.status).toBe(503)
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
        expect((await refresh(server, tokens)).status).toBe(503)
        expect((await get(server, '/readyz')).status).toBe(503)
        await eventually('the end of the lease', async () => (await me(server, tokens)) === 503)
        for (const path of ['/healthz', '/.well-known/jwks.json', '/openapi.json', '/docs']) {
          expect({ path, status: (await get(server, path)).status }).toEqual({ path, status: 200 })
        }
        line.set('open')
        await eventually('readiness', async () => (await get(server, '/readyz')).status === 200)
        await eventually('the service', async () => (await me(server, tokens)) === 200)
        await eventually('the sign-in', async () => (await signIn(server, email)).status === 200)
      }
      const { stderr } = await server.stop()
      expect(stderr).toContain('no news of revocations')
      expect(stderr).toContain('news of revocations have come again')
    },
    LONG,
  )

  test(
    'is waited for at the start, for containers start in any order',
    async () => {
      const { port, hostname } = new URL(database.url)
      const line = await lineTo(Number(port), hostname)
      line.set('cut')
      const url = new URL(database.url)
      url.port = String(line.port)
      const starting = start({ DATABASE_URL: url.href })
      await eventually('an attempt', async () => line.attempts() > 1)
      line.set('open')
      const server = await starting
      expect(server.output.stderr).toContain('waiting for PostgreSQL: DATABASE_URL: ')
      expect((await get(server, '/readyz')).status).toBe(200)
    },
    LONG,
  )
})

/** Starts `jotward serve`, which must refuse before it makes anything. */
const serve = async (env: Readonly<Record<string, string>>) => {
  const cwd = temporaryFolder()
  const outcome = await runJotward(['serve'], { cwd, env: { PORT: '0', JOTWARD_SECRET: newSecret(), ...env } })
  expect(readdirSync(cwd)).toEqual([])
  return outcome
}

describePostgres('the server refuses to start on PostgreSQL, with one sentence,', () => {
  const database = useDatabase()
  const altered = (change: (url: URL) => void): string => {
    const url = new URL(database.url)
    change(url)
    return url.href
  }

  test.each<readonly [string, () => string, RegExp]>([
    [
      'where there is no such database',
      () => altered((url) => (url.pathname = '/canary_none')),
      /there is no such database/,
    ],
    ['where it refuses the login', () => altered((url) => (url.username = 'nobody_at_all')), /it refuses the login/],
    ['where the URL is none', () => 'postgres:canary', /does not begin with postgres:/],
    ['where the scheme is another', () => 'mysql://a:canary@h/d', /does not begin with postgres:/],
  ])('%s', async (_title, url, words) => {
    const { code, stdout, stderr } = await serve({
      DATABASE_URL: url().replace('postgres@', 'postgres:canary@').replace('nobody_at_all@', 'nobody_at_all:canary@'),
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^jotward: DATABASE_URL: .+\n$/)
    expect(stderr).toMatch(words)
    expect(stderr).not.toMatch(/canary(?!_none)/)
  })

  test('where the schema is of a newer version, and leaves it alone', async () => {
    await database.query(
      'CREATE SCHEMA jotward; CREATE TABLE jotward.meta AS SELECT 99 AS version, 98 AS compatible_with',
    )
    const { code, stderr } = await serve({ DATABASE_URL: database.url })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^jotward: DATABASE_URL: .*has version 99, which needs a Jotward that knows version 98, and this one knows version \d+; update it\n$/,
    )
    const tables = await database.query("SELECT relname FROM pg_class WHERE relnamespace = 'jotward'::regnamespace")
    expect(tables).toEqual([{ relname: 'meta' }])
    expect(await database.query("SELECT to_regnamespace('jotward_server')::text AS name")).toEqual([{ name: null }])
    await database.query('DROP SCHEMA jotward CASCADE')
  })

  test('where the address swallows everything, within ten seconds of its own clock', async () => {
    const line = await lineTo(1)
    line.set('silent')
    const url = altered((parts) => {
      parts.hostname = '127.0.0.1'
      parts.port = String(line.port)
      parts.password = 'canary'
    })
    const begun = performance.now()
    const { code, stderr } = await serve({ DATABASE_URL: url })
    // Twice what was promised, because the machine may be busy.
    expect(performance.now() - begun).toBeLessThan(20_000)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^jotward: DATABASE_URL: .*see that PostgreSQL answers at/m)
    expect(stderr).not.toContain('canary')
  })

  test('where a file .env names it wrongly', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, '.env'), 'DATABASE_URL=elsewhere\n')
    const { code, stderr } = await runJotward(['serve'], { cwd, env: { PORT: '0' } })
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^jotward: DATABASE_URL: /) as string,
    })
    expect(readdirSync(cwd)).toEqual(['.env'])
  })
})
