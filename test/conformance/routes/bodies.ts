import { describe, expect, test } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { Sent } from '../exchange.ts'
import { bearer, createBed, form, PASSWORD } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

/** Endpoints that take JSON, and a body that each would accept. */
const TAKERS: readonly (readonly [path: string, good: (pair: Pair) => Readonly<Record<string, string>>])[] = [
  ['/auth/signup', () => ({ email: 'new@example.com', password: PASSWORD })],
  ['/auth/signin', () => ({ email: 'ann@example.com', password: PASSWORD })],
  ['/auth/refresh', ({ refresh_token }) => ({ refresh_token })],
  ['/auth/reauthenticate', () => ({ password: PASSWORD })],
  ['/auth/signout', ({ refresh_token }) => ({ refresh_token })],
  ['/auth/signout-everywhere', ({ refresh_token }) => ({ refresh_token })],
  ['/auth/password', () => ({ current: PASSWORD, next: 'a hat made of old newspapers' })],
]

const JSON_TYPE = 'application/json'

type Make = (good: Readonly<Record<string, string>>) => {
  readonly body?: string | Uint8Array
  readonly type?: string | null
}

const text =
  (make: (json: string) => string): Make =>
  (good) => ({ body: make(JSON.stringify(good)) })

const withMember = (json: string, member: string): string => `${json.slice(0, -1)},${member}}`

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const bytes = (json: string, ...tail: number[]): Uint8Array =>
  Uint8Array.from([...Buffer.from(json).subarray(0, -2), ...tail, 0x22, 0x7d])

/** Bodies that no endpoint may accept. */
const BAD: readonly (readonly [title: string, make: Make, code: AuthErrorCode])[] = [
  ['an array', text(() => '[]'), 'invalid_body'],
  ['an array around the object', text((json) => `[${json}]`), 'invalid_body'],
  ['a string', text((json) => JSON.stringify(json)), 'invalid_body'],
  ['a number', text(() => '7'), 'invalid_body'],
  ['null', text(() => 'null'), 'invalid_body'],
  ['true', text(() => 'true'), 'invalid_body'],
  ['white space', text(() => ' '), 'invalid_body'],
  ['half of it', text((json) => json.slice(0, -3)), 'invalid_body'],
  ['two objects', text((json) => json + json), 'invalid_body'],
  ['a comment (N009)', text((json) => `${json}//`), 'invalid_body'],
  ['single quotes', text((json) => json.replaceAll('"', "'")), 'invalid_body'],
  ['a byte order mark (N007)', text((json) => `\u{feff}${json}`), 'invalid_body'],
  ['nesting 10,000 deep (N012)', text((json) => withMember(json, `"x":${nested(10_000)}`)), 'invalid_body'],
  ['nothing but nesting', text(() => nested(10_000)), 'invalid_body'],
  ['a member twice (N010)', text((json) => withMember(json, json.slice(1, -1).split(',')[0] ?? '')), 'invalid_body'],
  [
    'a member twice, once escaped (N010)',
    text((json) =>
      withMember(
        json,
        json.slice(1, -1).replace(/^"(.)/, (_all, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
      ),
    ),
    'invalid_body',
  ],
  ['an unknown member', text((json) => withMember(json, '"role":"admin"')), 'invalid_body'],
  ['__proto__ (N011, N150)', text((json) => withMember(json, '"__proto__":{"role":"admin"}')), 'invalid_body'],
  [
    'constructor (N011, N150)',
    text((json) => withMember(json, '"constructor":{"prototype":{"role":"admin"}}')),
    'invalid_body',
  ],
  [
    'ten thousand unknown members',
    text((json) => withMember(json, Array.from({ length: 5000 }, (_, index) => `"m${index}":0`).join(','))),
    'invalid_body',
  ],
  ['invalid UTF-8 (N007)', (good) => ({ body: bytes(JSON.stringify(good), 0xff) }), 'invalid_body'],
  ['an overlong slash (N007)', (good) => ({ body: bytes(JSON.stringify(good), 0xc0, 0xaf) }), 'invalid_body'],
  ['UTF-16', (good) => ({ body: Buffer.from(JSON.stringify(good), 'utf16le') }), 'invalid_body'],
  ['a megabyte of white space behind it (N149)', text((json) => json + ' '.repeat(1_000_000)), 'body_too_large'],
  [
    'a megabyte in a member (N141)',
    text((json) => withMember(json, `"x":"${'x'.repeat(1_000_000)}"`)),
    'body_too_large',
  ],
  [
    'the type of plain text (N084)',
    (good) => ({ body: JSON.stringify(good), type: 'text/plain' }),
    'unsupported_media_type',
  ],
  [
    'the type of a form (N084)',
    (good) => ({ body: JSON.stringify(good), type: 'application/x-www-form-urlencoded' }),
    'unsupported_media_type',
  ],
  [
    'the fields of a form (N084)',
    (good) => ({ body: new URLSearchParams(good).toString(), type: 'application/x-www-form-urlencoded' }),
    'unsupported_media_type',
  ],
  [
    'two types in one',
    (good) => ({ body: JSON.stringify(good), type: 'text/plain, application/json' }),
    'unsupported_media_type',
  ],
  [
    'a type that begins alike',
    (good) => ({ body: JSON.stringify(good), type: 'application/jsonp' }),
    'unsupported_media_type',
  ],
  ['no type', (good) => ({ body: JSON.stringify(good), type: null }), 'unsupported_media_type'],
]

/** What JSON has besides text, for every member in turn. */
const WRONG_VALUES: readonly unknown[] = [1, 0, true, null, [], ['x'], {}, { toString: 'x' }, { $ne: null }]

/** Beside a refresh token, an access token would be one too many for some and needed by others. */
const authorization = (path: string, { access_token }: Pair): NonNullable<Sent['headers']> =>
  ['/auth/reauthenticate', '/auth/password'].includes(path) ? bearer(access_token) : []

const mayBeBodiless = (path: string): boolean => path === '/auth/refresh' || path.includes('signout')

const begin = async (ground: Ground) => {
  const bed = await createBed(ground)
  const user = await bed.signUp('ann@example.com')
  const pair = await bed.signIn(user)
  const users = async () => (await bed.store.users.list({ after: null, limit: 200 })).users
  const before = JSON.stringify([await users(), await bed.auth.sessions.list(user.id)])
  /** Nobody and nothing has been made, changed or ended. */
  const expectUnchanged = async (): Promise<void> => {
    expect(JSON.stringify([await users(), await bed.auth.sessions.list(user.id)])).toBe(before)
    expect(await bed.opens(pair)).toBe(true)
  }
  return { bed, pair, expectUnchanged }
}

const sent = (path: string, pair: Pair, { body, type = JSON_TYPE }: ReturnType<Make>): Sent => ({
  method: 'POST',
  path,
  headers: [...(type === null ? [] : ([['Content-Type', type]] as const)), ...authorization(path, pair)],
  ...(body === undefined ? {} : { body }),
})

const refuse = async (bed: Bed, request: Sent, code: AuthErrorCode): Promise<void> => {
  const answer = await bed.send(request)
  const { code: answered } = JSON.parse(answer.text) as { code: string }
  expect([request.path, answer.status < 500, answered]).toEqual([request.path, true, code])
}

const jsonScenarios = (ground: Ground): void => {
  test.each(BAD)('refuse %s, and change nothing', async (_title, make, code) => {
    const { bed, pair, expectUnchanged } = await begin(ground)
    for (const [path, good] of TAKERS) await refuse(bed, sent(path, pair, make(good(pair))), code)
    await expectUnchanged()
  })

  test.each(WRONG_VALUES)('refuse %j where text is expected, member by member, and change nothing', async (value) => {
    const { bed, pair, expectUnchanged } = await begin(ground)
    for (const [path, good] of TAKERS) {
      for (const name of Object.keys(good(pair))) {
        const body = JSON.stringify({ ...good(pair), [name]: value })
        const problems = await bed.refuses(sent(path, pair, { body }), 'invalid_body')
        expect([path, problems.map((problem) => problem.path)]).toEqual([path, [name]])
      }
    }
    await expectUnchanged()
  })

  test('name each member that is missing, and repeat no value', async () => {
    const { bed, pair, expectUnchanged } = await begin(ground)
    for (const [path, good] of TAKERS.filter(([taker]) => !mayBeBodiless(taker))) {
      const problems = await bed.refuses(sent(path, pair, { body: '{}' }), 'invalid_body')
      expect([path, problems.map((problem) => problem.path)]).toEqual([path, Object.keys(good(pair))])
    }
    const canary = 'C4n4ry-2f8e'
    const answer = await bed.send(
      sent('/auth/signin', pair, { body: `{"email":["${canary}"],"password":{"x":"${canary}"}}` }),
    )
    expect(answer.text).not.toContain(canary)
    await expectUnchanged()
  })

  test('refuse no body at all, but for those whose token may come in another way', async () => {
    const { bed, pair, expectUnchanged } = await begin(ground)
    for (const [path] of TAKERS) {
      for (const type of [JSON_TYPE, null]) {
        const code = mayBeBodiless(path) ? 'missing_token' : type === null ? 'unsupported_media_type' : 'invalid_body'
        await refuse(bed, sent(path, pair, { type }), code)
      }
    }
    await expectUnchanged()
  })

  test('take a type with parameters and in capitals (RFC 9110 §8.3.1)', async () => {
    const { bed, pair } = await begin(ground)
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"']) {
      const body = JSON.stringify({ refresh_token: pair.refresh_token })
      await bed.succeeds({ method: 'POST', path: '/auth/refresh', headers: [['Content-Type', type]], body })
    }
  })
}

const raw = (body: string | Uint8Array): Sent => ({ ...form('/auth/token', []), body })

const formScenarios = (ground: Ground): void => {
  test.each([
    ['nothing', ''],
    ['JSON', '{"grant_type":"refresh_token"}'],
    ['a megabyte (N149)', `grant_type=${'x'.repeat(1_000_000)}`],
    ['a megabyte of parameters', 'a&'.repeat(500_000)],
    ['invalid UTF-8', Uint8Array.from([...Buffer.from('grant_type=refresh_token&refresh_token='), 0xff])],
    ['a value that is too long', `grant_type=refresh_token&refresh_token=${'x'.repeat(8193)}`],
    ['nothing but separators', '&&==&'],
  ])('refuses %s as a form, and changes nothing', async (_title, body) => {
    const { bed, expectUnchanged } = await begin(ground)
    const code = body.length > 65_536 ? 'body_too_large' : 'invalid_body'
    await refuse(bed, raw(body), code)
    await expectUnchanged()
  })

  test('refuses escapes that are no UTF-8 as credentials like any other wrong ones', async () => {
    const { bed, expectUnchanged } = await begin(ground)
    await bed.refuses(raw('grant_type=refresh_token&refresh_token=%ff%00'), 'refresh_token_invalid')
    await bed.refuses(raw('grant_type=password&username=%ff%00&password=%c0%af'), 'invalid_credentials')
    await expectUnchanged()
  })
}

export const bodyScenarios = (ground: Ground): void => {
  describe('endpoints that take JSON', () => {
    jsonScenarios(ground)
  })
  describe('the token endpoint', () => {
    formScenarios(ground)
  })
}
