import { expect, test } from 'vitest'
import { describePostgres, useDatabase } from '../stores/postgres-server.ts'
import { describeRedis, startRedis } from '../stores/redis-server.ts'
import { enter, get, me, newSecret, PATIENT, refresh } from './flow.ts'
import { runJotward, startServer, temporaryFolder } from './processes.ts'

/** Sessions are looked for where they are, or not at all: elsewhere nobody knows what was revoked. */

const LONG = 120_000

const serve = (env: Readonly<Record<string, string>>) =>
  startServer({ cwd: temporaryFolder(), env: { ...PATIENT, ...env } })
const refusals = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const words = /^jotward: REDIS_URL: is (?:not )?set, and the sessions of .+ --everything --moved`.*\n$/
  for (const args of [
    ['serve'],
    ['session', 'revoke', '--everything'],
    ['session', 'revoke', '--subject', 'usr_x'],
    ['user', 'list'],
  ]) {
    const { code, stdout, stderr } = await runJotward(args, {
      cwd: temporaryFolder(),
      env: { ...env, PORT: '0' },
    })
    expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: '' })
    expect(stderr).toMatch(words)
  }
  const { code, stdout } = await runJotward(['doctor', '--json'], { cwd: temporaryFolder(), env })
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, problems: [{ path: 'REDIS_URL' }] })
}

describeRedis('sessions that were in one place and are looked for in another', () => {
  describePostgres('with a database', () => {
    const database = useDatabase()

    test(
      'stop the start, every command and the doctor, until they have been ended for good',
      async () => {
        const redis = await startRedis()
        const here = { DATABASE_URL: database.url, JOTWARD_SECRET: newSecret() }
        const there = { ...here, REDIS_URL: `redis://${redis.host}:${redis.port}` }
        const first = await serve(here)
        const revoked = await enter(first)
        expect(
          (await first.post('/auth/signout', {}, { authorization: `Bearer ${revoked.access_token}` })).status,
        ).toBe(204)
        await first.stop()
        await refusals(there)

        expect(await runJotward(['session', 'revoke', '--everything', '--moved'], { env: there })).toMatchObject({
          code: 0,
        })
        const second = await serve(there)
        const status = await get(second, '/auth/sessions', revoked.access_token)
        expect(status.status, 'what was revoked stays so').toBe(401)
        const tokens = await enter(second)
        expect(await me(second, tokens)).toBe(200)
        await second.stop()
        await refusals(here)

        expect(await runJotward(['session', 'revoke', '--everything', '--moved'], { env: here })).toMatchObject({
          code: 0,
        })
        const third = await serve(here)
        expect(await me(third, tokens)).toBe(401)
        expect((await refresh(third, tokens)).status).toBe(401)
        await third.stop()
        await redis.stop()
      },
      LONG,
    )

    test('--moved is for --everything alone', async () => {
      const run = await runJotward(['session', 'revoke', '--subject', 'usr_x', '--moved'], { env: {} })
      expect(run.code).toBe(2)
      expect(run.stderr).toContain('--moved is for --everything')
    })
  })
})

describeRedis('a number of a database in REDIS_URL', () => {
  test(
    'that Redis does not have is refused, and never taken for another',
    async () => {
      const redis = await startRedis()
      const url = `redis://${redis.host}:${redis.port}`
      for (const [path, words] of [
        ['/99', 'Redis has no database of that number'],
        ['/0?db=3', 'has parameters'],
      ] as const) {
        const { code, stderr } = await runJotward(['serve'], {
          cwd: temporaryFolder(),
          env: { REDIS_URL: url + path, PORT: '0' },
        })
        expect(code).toBe(1)
        expect(stderr).toMatch(/^jotward: REDIS_URL: .*\n$/)
        expect(stderr).toContain(words)
      }
      expect(await redis.command('dbsize')).toBe(0)
      await redis.stop()
    },
    LONG,
  )
})
