import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { decodeUnverified } from '../../src/core/token/jws.ts'
import type { JsonObject } from '../../src/core/token/json.ts'
import { createSeedBed, CREDENTIALS } from './seed-bed.ts'
import type { SeedBed, SeedExample, Sent } from './seed-bed.ts'

/** What every example of the whole flow must show, each over its own server. */

const GUARDED: readonly Sent[] = [
  { path: '/protected' },
  { path: '/protected-fresh' },
  { path: '/auth/tokens' },
  { method: 'PUT', path: '/auth/tokens/revoke/some' },
  { method: 'PUT', path: '/auth/tokens/unrevoke/some' },
]
const REFRESH: Sent = { method: 'POST', path: '/auth/refresh' }

const claimsOf = (token: string): JsonObject => decodeUnverified(token).payload

/** `jti`, or the id of the session that the token belongs to. */
const idOf = (token: string, claim: 'jti' | 'sid' = 'jti'): string => {
  const id = claimsOf(token)[claim]
  return typeof id === 'string' ? id : ''
}

/** Fresh is told by whole seconds: a token refreshed within the second of the login counts as that of the login. */
const nextSecond = (): Promise<unknown> => sleep(1010 - (Date.now() % 1000))

const read = (path: string): string => readFileSync(new URL(`../../examples/${path}`, import.meta.url), 'utf8')

/** The lines of the README that call the app. */
const callsOf = (folder: string): string => /^```sh\n(api=.*?)^```$/ms.exec(read(`${folder}/README.md`))?.[1] ?? ''

/** What they answer, and what the README shows. */
const runReadme = async (folder: string, port: number) => {
  const lines = callsOf(folder).replace('http://127.0.0.1:3000', `http://127.0.0.1:${port}`).split('\n')
  const shown = lines.flatMap((line) => /^curl .*? # (.*)$/.exec(line)?.[1] ?? [])
  const script = lines.map((line) => {
    if (line.startsWith('curl ')) return `${line}\necho`
    return line.startsWith('later=') ? `sleep 1\n${line}` : line
  })
  const { stdout } = await promisify(execFile)('bash', ['-euc', script.join('\n')])
  return { shown, answers: stdout.trimEnd().split('\n') }
}

/** `…` stands for anything. */
const isAsShown = (answer: string, shown: string): boolean => {
  const parts = shown.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`).test(answer)
}

const logins = ({ ask, enter, expectRefusal, list, logIn, send }: SeedBed, { auth }: SeedExample): void => {
  test('login gives both tokens, of which the access token is fresh (#69)', async () => {
    const { access, refresh } = await logIn()
    expect(await ask({ path: '/protected', token: access })).toMatchObject({ hello: 'ann' })
    expect(await ask({ path: '/protected-fresh', token: access })).toMatchObject({ hello: 'ann' })
    expect(Object.keys(await ask({ ...REFRESH, token: refresh }))).toEqual(['access_token'])
  })

  test('a fresh login gives a fresh access token alone, in the session that the caller has (#69, S3-3)', async () => {
    const { access, refresh } = await logIn()
    await nextSecond()
    const later = (await ask({ ...REFRESH, token: refresh })).access_token
    const answer = await ask({ path: '/auth/fresh-login', token: later, body: CREDENTIALS })
    expect(Object.keys(answer)).toEqual(['access_token'])
    expect(await ask({ path: '/protected-fresh', token: answer.access_token })).toMatchObject({ hello: 'ann' })
    expect(idOf(answer.access_token, 'sid')).toBe(idOf(access, 'sid'))
  })

  test('a fresh login without a token of its user gives one without a session (#69)', async () => {
    const { accessToken: foreign } = await auth.issue({ subject: 'bob' })
    for (const caller of [{}, { token: foreign }, { token: 'x.y.z' }]) {
      const answer = await ask({ path: '/auth/fresh-login', body: CREDENTIALS, ...caller })
      expect(Object.keys(answer)).toEqual(['access_token'])
      expect(claimsOf(answer.access_token)).not.toHaveProperty('sid')
      expect(await ask({ path: '/protected-fresh', token: answer.access_token })).toMatchObject({ hello: 'ann' })
    }
  })

  test.each(['/auth/login', '/auth/fresh-login'])('%s refuses wrong credentials, and issues nothing', async (path) => {
    const wrong = { ...CREDENTIALS, password: 'nine legs of a chair' }
    await expectRefusal({ path, body: wrong }, 'invalid_credentials')
    for (const username of ['bob', '\u0000', 'a'.repeat(300)]) {
      await expectRefusal({ path, body: { ...CREDENTIALS, username } }, 'invalid_credentials')
    }
    for (const body of [{}, [], { username: 'ann' }, { username: 'ann', password: ['nine legs of a table'] }]) {
      await expectRefusal({ path, body }, 'invalid_body')
    }
    await expectRefusal({ method: 'POST', path }, 'invalid_body')
    // In whose words depends on who reads the body.
    const malformed = await send({ path, body: '{"username":"ann"' })
    expect(malformed.status).toBe(400)
  })

  test('a wrong password leaves the caller of a fresh login with what they had', async () => {
    const { access } = await enter()
    const before = await list(access)
    const wrong = { ...CREDENTIALS, password: '' }
    await expectRefusal({ path: '/auth/fresh-login', token: access, body: wrong }, 'invalid_credentials')
    expect(await list(access)).toEqual(before)
  })
}

const refreshes = ({ ask, enter, expectRefusal }: SeedBed): void => {
  test('refresh gives an access token alone, which is not fresh, as often as it is asked (#69)', async () => {
    const { refresh } = await enter()
    await nextSecond()
    const answers = [await ask({ ...REFRESH, token: refresh }), await ask({ ...REFRESH, token: refresh })]
    for (const answer of answers) {
      expect(Object.keys(answer)).toEqual(['access_token'])
      expect(await ask({ path: '/protected', token: answer.access_token })).toMatchObject({ hello: 'ann' })
      await expectRefusal({ path: '/protected-fresh', token: answer.access_token }, 'reauthentication_required')
    }
    expect(answers[0]?.access_token).not.toBe(answers[1]?.access_token)
  })

  test('refresh refuses an access token, and whatever else is no refresh token', async () => {
    const { access, refresh } = await enter()
    await expectRefusal({ ...REFRESH, token: access }, 'wrong_token_type')
    await expectRefusal({ ...REFRESH, token: `${refresh}x` }, 'token_invalid')
    await expectRefusal({ ...REFRESH, token: 'not a token' }, 'malformed_credentials')
    await expectRefusal(REFRESH, 'missing_token')
    expect(Object.keys(await ask({ ...REFRESH, token: refresh }))).toEqual(['access_token'])
  })
}

const guards = ({ ask, enter, expectRefusal }: SeedBed): void => {
  test.each(GUARDED)('$path refuses who has no token, no good one, or a refresh token (#63)', async (sent) => {
    const { access, refresh } = await enter()
    await expectRefusal(sent, 'missing_token')
    await expectRefusal({ ...sent, token: 'not a token' }, 'malformed_credentials')
    await expectRefusal({ ...sent, token: `${access}x` }, 'token_invalid')
    await expectRefusal({ ...sent, token: refresh }, 'wrong_token_type')
    expect(await ask({ path: '/protected-fresh', token: access })).toMatchObject({ hello: 'ann' })
  })
}

const register = ({ ask, change, enter, expectRefusal, list }: SeedBed, { auth }: SeedExample): void => {
  test('lists the tokens of the caller and of nobody else, the latest first (#111, S3-8, S3-9)', async () => {
    const { access, refresh } = await enter()
    const foreign = await auth.issue({ subject: 'bob' })
    const later = (await ask({ ...REFRESH, token: refresh })).access_token
    const tokens = await list(access)
    expect(tokens.slice(0, 3)).toEqual([
      { jti: idOf(later), type: 'access', revoked: false },
      { jti: idOf(refresh, 'sid'), type: 'refresh', revoked: false },
      { jti: idOf(access), type: 'access', revoked: false },
    ])
    expect(tokens.map(({ jti }) => jti)).not.toContain(foreign.tokenId)
  })

  test('refuses an access token that was revoked, by itself, and accepts it once it is restored (#111, S3-8)', async () => {
    const { access, refresh } = await enter()
    const { access: other } = await enter()
    expect(await change(other, 'revoke', idOf(access))).toEqual({ jti: idOf(access), type: 'access', revoked: true })
    for (const sent of GUARDED) await expectRefusal({ ...sent, token: access }, 'token_revoked')
    const later = (await ask({ ...REFRESH, token: refresh })).access_token
    expect(await ask({ path: '/protected', token: later })).toMatchObject({ hello: 'ann' })
    expect(await list(other)).toContainEqual({ jti: idOf(access), type: 'access', revoked: true })
    expect(await change(other, 'unrevoke', idOf(access))).toEqual({ jti: idOf(access), type: 'access', revoked: false })
    for (const path of ['/protected', '/protected-fresh']) {
      expect(await ask({ path, token: access })).toMatchObject({ hello: 'ann' })
    }
  })

  test('refuses a refresh token that was revoked, and its access tokens, until it is restored (#111, S3-8, S3-16)', async () => {
    const { access, refresh } = await enter()
    const fresh = (await ask({ path: '/auth/fresh-login', token: access, body: CREDENTIALS })).access_token
    const { access: other } = await enter()
    const jti = idOf(refresh, 'sid')
    // By its own id or that of the list, which stands for all refresh tokens of the session.
    for (const id of [jti, idOf(refresh)]) {
      expect(await change(other, 'revoke', id)).toEqual({ jti, type: 'refresh', revoked: true })
      await expectRefusal({ ...REFRESH, token: refresh }, 'token_revoked')
      for (const token of [access, fresh]) await expectRefusal({ path: '/protected', token }, 'token_revoked')
      expect(await change(other, 'unrevoke', id)).toEqual({ jti, type: 'refresh', revoked: false })
      const later = (await ask({ ...REFRESH, token: refresh })).access_token
      for (const token of [access, fresh, later]) {
        expect(await ask({ path: '/protected', token })).toMatchObject({ hello: 'ann' })
      }
    }
  })

  test.each(['revoke', 'unrevoke'] as const)(
    '%s knows no foreign token and none that never was (#111, S3-9)',
    async (word) => {
      const { access } = await enter()
      const foreign = await auth.issue({ subject: 'bob' })
      const revoked = await auth.issue({ subject: 'bob' })
      await auth.tokens.revoke(revoked.tokenId)
      const ids = [foreign, revoked].flatMap(({ tokenId, session }) => [tokenId, session.id])
      for (const jti of [...ids, 'never-was', `${idOf(access)}x`]) {
        await expectRefusal({ method: 'PUT', path: `/auth/tokens/${word}/${jti}`, token: access }, 'not_found')
      }
      expect(await ask({ path: '/protected', token: foreign.accessToken })).toMatchObject({ hello: 'bob' })
      await expectRefusal({ path: '/protected', token: revoked.accessToken }, 'token_revoked')
    },
  )
}

const files = ({ port }: SeedBed, { folder }: SeedExample): void => {
  // The first test: the README counts visits from the start of the app.
  test('answers the lines of its README as the README shows', async () => {
    const { shown, answers } = await runReadme(folder, port())
    expect(shown.length).toBeGreaterThan(12)
    expect(answers.map((answer, line) => (isAsShown(answer, shown[line] ?? '') ? shown[line] : answer))).toEqual(shown)
  })

  test('has the users of all the others, and the same lines in its README', () => {
    expect(read(`${folder}/users.ts`)).toBe(read('fetch/users.ts'))
    expect(callsOf(folder)).toBe(callsOf('fetch'))
  })
}

/** Proves an example of the whole flow. */
export const seedExample = (example: SeedExample): void => {
  describe(`examples/${example.folder}`, () => {
    const bed = createSeedBed(example)
    files(bed, example)
    logins(bed, example)
    refreshes(bed)
    guards(bed)
    register(bed, example)
  })
}
