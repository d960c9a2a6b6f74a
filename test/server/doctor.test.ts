import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { problemsOf as problemsOfPlace } from '../../server/src/doctor.ts'
import type { DoctorReport, PlaceReport } from '../../server/src/doctor.ts'
import { compareClocks } from '../../server/src/storage/clock.ts'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { describeRedis, startRedis, startReplicated } from '../stores/redis-server.ts'
import { newSecret, PATIENT } from './flow.ts'
import { runJotward, startServer, temporaryFolder } from './processes.ts'

type Variables = Readonly<Record<string, string>>

const servers: { stop(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

const examine = async (env: Variables, cwd = temporaryFolder()) => {
  const { code, stdout, stderr } = await runJotward(['doctor', '--json'], { cwd, env })
  expect(stderr).toBe('')
  const report = JSON.parse(stdout) as DoctorReport
  expect(code).toBe(report.ok ? 0 : 1)
  expect(report.ok).toBe(report.problems.length === 0)
  return report
}

const problemsOf = async (env: Variables, cwd?: string): Promise<string> =>
  (await examine(env, cwd)).problems.map(({ path, problem }) => `${path}: ${problem}`).join('\n')

/** Has a server keep something there. */
const serveOnce = async (env: Variables, cwd = temporaryFolder()): Promise<string> => {
  const server = await startServer({ cwd, env: { ...PATIENT, ...env } })
  await server.stop()
  return cwd
}

describe('jotward doctor on SQLite', () => {
  test('finds everything in order after a start, in words too', async () => {
    const cwd = await serveOnce({})
    expect(await examine({}, cwd)).toMatchObject({
      ok: true,
      places: [
        {
          name: 'SQLite',
          variable: 'JOTWARD_DATA',
          version: expect.stringMatching(/^3\.\d+/) as string,
          clockAheadMs: null,
          promises: { crash: true, powerLoss: true, failover: null },
        },
      ],
      identity: { secret: 'matches', issuer: expect.stringMatching(/^http:/) as string },
    })
    const { code, stdout } = await runJotward(['doctor'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^SQLite at .*jotward\.sqlite \(JOTWARD_DATA\)$/m)
    expect(stdout).toMatch(/^ {2}survives {2}a crash: yes; loss of power: yes; failover: there is no standby$/m)
    expect(stdout).toMatch(/^Everything is in order\.$/m)
  })

  test('makes nothing where nothing is', async () => {
    const cwd = temporaryFolder()
    expect(await problemsOf({}, cwd)).toMatch(/jotward\.sqlite: is missing; set JOTWARD_DATA/)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('tells of another secret and another issuer than those of the sessions', async () => {
    const cwd = await serveOnce({})
    const problems = await problemsOf({ JOTWARD_SECRET: newSecret(), JOTWARD_ISSUER: 'https://a.example.com' }, cwd)
    expect(problems).toMatch(/^JOTWARD_SECRET: is not the secret that the sessions in/)
    expect(await problemsOf({ JOTWARD_ISSUER: 'https://a.example.com' }, cwd)).toMatch(
      /^JOTWARD_ISSUER: the issuer would be https:\/\/a\.example\.com and was http:/,
    )
  })

  test('tells of settings that cannot be used', async () => {
    expect(await problemsOf({ DATABASE_URL: 'canary', JOTWARD_SIGNUPS: 'open' })).toMatch(
      /^JOTWARD_SIGNUPS: .*\nDATABASE_URL: does not begin with postgres:/,
    )
    const { code, stderr } = await runJotward(['doctor', '--jsn'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'jotward: there is no option --jsn; did you mean --json?\n' })
  })

  test('tells of a file that is no database, and leaves it alone', async () => {
    const cwd = await serveOnce({})
    writeFileSync(join(cwd, 'data', 'jotward.sqlite'), 'this was a database once')
    expect(await problemsOf({}, cwd)).toMatch(/jotward\.sqlite: .*not a database/)
  })
})

describe('what jotward doctor finds fault with', () => {
  const place: PlaceReport = {
    name: 'PostgreSQL',
    variable: 'DATABASE_URL',
    address: 'a/b',
    keeps: [],
    version: '17',
    latencyMs: 1,
    clockAheadMs: 1900,
    facts: {},
    promises: { crash: true, powerLoss: true, failover: null, remarks: ['this helps'] },
  }

  test('is a clock that differs by more than two seconds, either way', async () => {
    expect(problemsOfPlace(place)).toEqual([])
    const problem = "the clock of PostgreSQL is 3.0 s behind this machine's; have both set by NTP"
    expect(problemsOfPlace({ ...place, clockAheadMs: -3000 })).toEqual([{ path: 'DATABASE_URL', problem }])
    const { clockAheadMs } = await compareClocks(async () => Date.now() + 60_000)
    expect(clockAheadMs).toBeGreaterThan(50_000)
    expect(clockAheadMs).toBeLessThan(70_000)
  })

  test.each([
    [{ crash: false, powerLoss: false }, 'PostgreSQL', /not survive the death of its process: this helps$/],
    [{ powerLoss: false }, 'PostgreSQL', /not survive the loss of power: this helps$/],
    [{ powerLoss: false, failover: false }, 'Redis', /not survive a failover: this helps$/],
  ] as const)('is a promise that is missing: %o of %s', (missing, name, words) => {
    const promises = { ...place.promises, ...missing }
    expect(problemsOfPlace({ ...place, name, promises }).map(({ problem }) => problem)).toEqual([
      expect.stringMatching(words) as string,
    ])
  })

  test('is not that Redis may lose its last second with the power', () => {
    const promises = { ...place.promises, powerLoss: false }
    expect(problemsOfPlace({ ...place, name: 'Redis', promises })).toEqual([])
  })
})

describePostgres('jotward doctor on PostgreSQL', () => {
  const database = useDatabase()

  test('makes nothing in a new database, and finds everything in order after a start', async () => {
    const env = { DATABASE_URL: database.url, JOTWARD_SECRET: newSecret() }
    expect(await problemsOf(env)).toMatch(
      /^DATABASE_URL: .*there is no schema of Jotward yet; `jotward serve` makes it/,
    )
    const schemas = await database.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'jotward%'")
    expect(schemas).toEqual([])

    await serveOnce(env)
    const report = await examine(env)
    expect(report).toMatchObject({
      ok: true,
      places: [
        {
          name: 'PostgreSQL',
          address: expect.not.stringContaining('@') as string,
          keeps: ['users', 'records', 'sessions', 'revocations', 'tokens', 'single use'],
          facts: { schema: 1, pool: 10 },
          promises: { crash: true },
        },
      ],
      identity: { secret: 'matches' },
    })
    // One machine has one clock.
    expect(Math.abs(report.places[0]?.clockAheadMs ?? Infinity)).toBeLessThan(1000)
    expect(report.places[0]?.latencyMs).toBeGreaterThan(0)
    expect(await problemsOf({ DATABASE_URL: database.url })).toMatch(/^JOTWARD_SECRET: is not set, and the sessions in/)
  })

  test('tells of commits that are not waited for, and of a database that does not answer', async () => {
    const env = { DATABASE_URL: database.url, JOTWARD_SECRET: newSecret() }
    await database.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET synchronous_commit = off`)
    expect(await problemsOf(env)).toMatch(/^DATABASE_URL: .*synchronous_commit is off, .*; set it to on for this role$/)
    const problems = await problemsOf({ DATABASE_URL: 'postgres://ann:canary@127.0.0.1:1/nowhere' })
    expect(problems).toMatch(/^DATABASE_URL: connect ECONNREFUSED .*; see that PostgreSQL answers at/)
    expect(problems).not.toContain('canary')
  })
})

describeRedis('jotward doctor on Redis', () => {
  test('tells of both places, and warns of users on one machine', async () => {
    const redis = await startRedis()
    servers.push(redis)
    const env = { REDIS_URL: `redis://${redis.host}:${redis.port}` }
    const cwd = await serveOnce(env)
    const report = await examine(env, cwd)
    expect(report).toMatchObject({
      ok: true,
      places: [
        { name: 'SQLite', keeps: ['users', 'records'] },
        {
          name: 'Redis',
          keeps: ['sessions', 'revocations', 'tokens', 'single use'],
          facts: { maxmemory_policy: 'noeviction', aof_enabled: '1' },
          promises: { crash: true, powerLoss: false, failover: null },
        },
      ],
    })
    expect(report.warnings.join()).toContain('for this machine alone')
    await redis.command('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect(await problemsOf(env, cwd)).toMatch(/^REDIS_URL: .*\(allkeys-lru\); set maxmemory-policy noeviction$/)
  })

  test('tells of replicas that nobody waits for, in the words of the settings', async () => {
    const { primary, replica } = await startReplicated()
    servers.push(primary, replica)
    const env = { REDIS_URL: `redis://${primary.host}:${primary.port}` }
    const cwd = await serveOnce(env)
    expect(await problemsOf(env, cwd)).toMatch(
      /^REDIS_URL: .*does not survive a failover: .*; set JOTWARD_REDIS_DURABILITY=replicated$/,
    )
    expect(await problemsOf({ ...env, JOTWARD_REDIS_DURABILITY: 'replicated' }, cwd)).toBe('')
  })
})
