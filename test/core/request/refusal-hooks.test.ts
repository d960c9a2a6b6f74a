import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError } from '../../../src/core/errors.ts'
import type { ErrorsConfig, Refusal, RefusalContext } from '../../../src/core/request/refusal.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import { createBed, problemsOf } from '../session/issuer.ts'
import { bearer, outcomeOf, view } from './view.ts'

const PLAIN = '{"code":"missing_token","error_description":"Authentication is required."}'

const refusalOf = async (
  config: Partial<AuthConfig>,
  request: RequestView = view(),
  requirement: Requirement = {},
): Promise<Refusal & { readonly told: readonly unknown[] }> => {
  const { auth, events } = createBed(config)
  const verdict = await auth.guard(requirement)(request)
  if (!('refusal' in verdict)) throw new Error('the request was let in')
  return { ...verdict.refusal, told: events }
}

const on = (hook: () => unknown): Partial<AuthConfig> => ({
  // What the types forbid arrives from JavaScript all the same.
  errors: { on: { missing_token: hook } } as ErrorsConfig,
})

describe('a hook that shapes refusals (S0-4, S3-4, #149)', () => {
  test('may change status, headers and body, and leaves what it does not name', async () => {
    const refusal = await refusalOf(on(() => ({ status: 418 })))
    expect(refusal).toMatchObject({ code: 'missing_token', status: 418, body: PLAIN })
    expect(refusal.headers['www-authenticate']).toMatch(/^Bearer realm=/)
    const worded = await refusalOf(
      on(() => ({ body: { msg: 'no' }, headers: { 'X-Why': 'none', 'Cache-Control': 'private' } })),
    )
    expect(worded).toMatchObject({ status: 401, body: '{"msg":"no"}' })
    expect(worded.headers).toMatchObject({
      'x-why': 'none',
      'cache-control': 'private',
      'content-type': 'application/json',
    })
  })

  test.each([204, 205, 304])('leaves the body out where the status %i has none (RFC 9110 §15)', async (status) => {
    expect(await refusalOf(on(() => ({ status })))).toMatchObject({ status, body: '' })
    expect(await refusalOf(on(() => ({ status, body: { msg: 'no' } })))).toMatchObject({ status, body: '' })
  })

  test('may answer later', async () => {
    expect(await refusalOf(on(async () => ({ status: 418 })))).toMatchObject({ status: 418 })
  })

  test('sends JSON, or text where it names the type', async () => {
    const html = { body: '<p>no</p>', headers: { 'Content-Type': 'text/html' } }
    expect(await refusalOf(on(() => html))).toMatchObject({
      body: '<p>no</p>',
      headers: { 'content-type': 'text/html' },
    })
    expect((await refusalOf(on(() => ({ body: '<p>no</p>' })))).body).toBe('"<p>no</p>"')
    for (const [body, text] of [
      [null, 'null'],
      ['', '""'],
      [0, '0'],
      [[], '[]'],
    ] as const) {
      expect((await refusalOf(on(() => ({ body })))).body).toBe(text)
    }
  })

  test('may set a cookie, beside those that the refusal sets itself', async () => {
    const cookies = { domain: 'example.com', previousDomains: ['old.example.com'] }
    const config = {
      delivery: 'cookie',
      cookies,
      errors: { on: { default: () => ({ headers: { 'Set-Cookie': 'a=1' } }) } },
    } as const
    const twice = view({ headers: { cookie: 'jotward-access=a; jotward-access=b' } })
    const refusal = await refusalOf(config, twice)
    expect(refusal.headers).not.toHaveProperty('set-cookie')
    expect(refusal.cookies).toHaveLength(9)
    expect(refusal.cookies.at(-1)).toBe('a=1')
    expect((await refusalOf(config)).cookies).toEqual(['a=1'])
  })

  test('of one code comes before that for all the others', async () => {
    const errors = { on: { missing_token: () => ({ status: 418 }), default: () => ({ status: 451 }) } }
    expect((await refusalOf({ errors })).status).toBe(418)
    expect((await refusalOf({ errors }, bearer('a.b.c'))).status).toBe(451)
  })
})

describe('a hook that answers with what cannot be sent leaves the plain refusal, and is told', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular

  test.each<readonly [title: string, answer: unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'no'],
    ['true', true],
    ['a status below 200', { status: 101 }],
    ['a status beyond 599', { status: 600 }],
    ['a status with a fraction', { status: 401.5 }],
    ['a status in words', { status: '401' }],
    ['no number', { status: Number.NaN }],
    ['null for a status', { status: null }],
    ['a header with a line break', { headers: { 'x-a': 'a\r\nx-b: c' } }],
    ['a header with a line feed in its name', { headers: { 'x-a\n': 'a' } }],
    ['a header with a NUL', { headers: { 'x-a': '\0' } }],
    ['a header beyond Latin-1', { headers: { 'x-a': '€' } }],
    ['a header without a name', { headers: { '': 'a' } }],
    ['a header that is a number', { headers: { 'x-a': 1 } }],
    ['a header that is a list', { headers: { 'set-cookie': ['a=1', 'b=2'] } }],
    ['a header that is undefined', { headers: { 'x-a': undefined } }],
    ['pairs for headers', { headers: [['x-a', 'a']] }],
    ['null for headers', { headers: null }],
    ['a length of its own', { headers: { 'Content-Length': '1' } }],
    ['an encoding of its own', { headers: { 'transfer-encoding': 'chunked' } }],
    ['a body that holds itself', { body: circular }],
    ['a body of a big integer', { body: 1n }],
    ['a body that is a function', { body: () => 'x' }],
    ['a body that is a symbol', { body: Symbol('x') }],
  ])('%s', async (_title, answer) => {
    for (const hook of [() => answer, async () => answer]) {
      const refusal = await refusalOf(on(hook))
      expect(refusal).toMatchObject({ status: 401, body: PLAIN, cookies: [] })
      expect(Object.keys(refusal.headers).toSorted()).toEqual(['cache-control', 'content-type', 'www-authenticate'])
      expect(refusal.told).toMatchObject([{ type: 'failure', at: 'errors.on.missing_token' }])
    }
  })

  test.each([new Error('no'), new AuthError('access_denied'), undefined])(
    'and so does one that throws %s',
    async (thrown) => {
      const hooks = [
        () => {
          // oxlint-disable-next-line typescript/only-throw-error -- hooks throw anything
          throw thrown
        },
        async () => Promise.reject(thrown),
      ]
      for (const hook of hooks) {
        const refusal = await refusalOf(on(hook))
        expect(refusal).toMatchObject({ code: 'missing_token', status: 401, body: PLAIN })
        expect(refusal.told).toEqual([{ type: 'failure', at: 'errors.on.missing_token', error: thrown }])
      }
    },
  )

  test('a header named like a part of every object is a header and nothing else', async () => {
    const headers = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
    const refusal = await refusalOf(on(() => ({ headers })))
    expect(Object.entries(refusal.headers)).toContainEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(refusal.headers)).toBe(Object.prototype)
  })
})

const listening = () => {
  const told: RefusalContext[] = []
  const listen = (context: RefusalContext) => {
    told.push(context)
    return {}
  }
  return { told, errors: { on: { default: listen } } }
}

describe('what a hook is told', () => {
  test('is code, status, words, error and request', async () => {
    const { told, errors } = listening()
    const request = bearer('a.b.c', { path: '/orders' })
    await refusalOf({ errors }, request)
    expect(told).toMatchObject([
      { code: 'token_invalid', status: 401, message: 'The token is not valid.', claims: null },
    ])
    expect(told[0]?.request).toBe(request)
    expect(told[0]?.error).toBeInstanceOf(AuthError)
    expect(told[0]?.error.detail).toBe('the header is not base64url')
  })

  test('is, of a token whose signature holds, what it claims (#36)', async () => {
    const { told, errors } = listening()
    const { auth, turn } = createBed({ errors })
    const { accessToken, refreshToken } = await auth.issue({ subject: 'ann' })
    await auth.guard({ permissions: ['a'] })(bearer(accessToken))
    turn(3_600_000)
    await auth.guard()(bearer(accessToken))
    await auth.signOut(accessToken)
    await auth.guard({ token: 'refresh' })(bearer(refreshToken))
    expect(told.map(({ code, claims }) => [code, claims?.['sub']])).toEqual([
      ['insufficient_permission', 'ann'],
      ['token_expired', 'ann'],
      ['token_revoked', 'ann'],
    ])
  })

  test('is never what a stranger claims, though a hook that chooses keys refuses in words of its own', async () => {
    const { told, errors } = listening()
    const hooks = { verificationKey: async () => Promise.reject(new AuthError('token_revoked')) }
    const { auth } = createBed({ errors, hooks })
    const { auth: stranger } = createBed({ keys: { secret: 'another-secret-k3J9xZq8vT2mN5pR7wY1bC4dF6' } })
    const { accessToken } = await stranger.issue({ subject: 'root' })
    expect(await outcomeOf(auth.guard(), bearer(accessToken))).toBe('token_revoked')
    expect(told).toMatchObject([{ code: 'token_revoked', claims: null }])
  })

  test('is whole for a token as long as guards accept, and the guard never throws', async () => {
    const { told, errors } = listening()
    const hooks = { verify: async () => false }
    const { auth } = createBed({ errors, hooks, accessToken: { maxBytes: 65_536 } })
    const { accessToken } = await auth.issue({ subject: 'ann', claims: { note: 'x'.repeat(20_000) } })
    expect(await outcomeOf(auth.guard(), bearer(accessToken))).toBe('verification_failed')
    expect(told).toMatchObject([{ claims: { sub: 'ann' } }])
  })

  test('is of a request that an application refuses itself what it was told', async () => {
    const { told, errors } = listening()
    const { auth } = createBed({ errors })
    const request = view()
    await auth.refuse(new AuthError('rate_limited', { retryAfter: 9 }), request)
    await auth.refuse(new Error('disk full'))
    expect(told.map(({ code, request: seen }) => [code, seen])).toEqual([
      ['rate_limited', request],
      ['store_unavailable', null],
    ])
  })
})

describe('the shapes of bodies (#148, B-5, RFC 9457)', () => {
  test('a problem says the status with which it is sent (RFC 9457 §3.1.2)', async () => {
    const errors = { body: 'problem', on: { missing_token: () => ({ status: 404 }) } } as const
    const refusal = await refusalOf({ errors })
    expect(refusal.status).toBe(404)
    expect(JSON.parse(refusal.body)).toEqual({
      type: 'urn:jotward:missing_token',
      title: 'Authentication is required.',
      status: 404,
      code: 'missing_token',
    })
  })

  test('names what was refused in each', async () => {
    const problems = [{ path: 'email', problem: 'is missing' }]
    for (const body of ['oauth', 'problem', { messageKey: 'msg' }] as const) {
      const { auth } = createBed({ errors: { body } })
      const refusal = await auth.refuse(new AuthError('invalid_body', { problems }))
      expect(JSON.parse(refusal.body)).toMatchObject({ problems })
    }
  })

  test('a key of its own may be any name', async () => {
    for (const messageKey of ['msg', 'detail', '__proto__', 'a b']) {
      const { body } = await refusalOf({ errors: { body: { messageKey } } })
      expect(body).toBe(`{${JSON.stringify(messageKey)}:"Authentication is required."}`)
    }
  })
})

test.each<readonly [errors: object, sentence: string]>([
  [{ body: 'json' }, 'errors.body: must be "oauth", "problem" or { messageKey: "msg" }'],
  [{ body: null }, 'errors.body: must be'],
  [{ body: {} }, 'errors.body: must be'],
  [{ body: { messageKey: '' } }, 'errors.body: must be'],
  [{ on: null }, 'errors.on: must be an object of functions'],
  [{ on: { token_expird: () => ({}) } }, 'errors.on.token_expird: is not a setting; did you mean "token_expired"?'],
  [{ on: { token_expired: { status: 418 } } }, 'errors.on.token_expired: must be a function'],
  [{ default: () => ({}) }, 'errors.default: is not a setting'],
])('%j stops the start with a sentence', async (errors, sentence) => {
  const sentences = await problemsOf(() => createBed({ errors }))
  expect(sentences.join('\n')).toContain(sentence)
})
