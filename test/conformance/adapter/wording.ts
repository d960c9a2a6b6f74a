import { describe, expect, test } from 'vitest'
import { AuthError, StoreError } from '../../../src/core/errors.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { ErrorsConfig, RefusalContext } from '../../../src/core/request/refusal.ts'
import type { AuthEvent } from '../../../src/ports/event-sink.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { Answer, Sent } from '../exchange.ts'
import { challengeOf, WIRE } from '../refusals.ts'
import type { Serve } from '../serve.ts'
import { bearer, cookie, createBed, forge, ISSUER } from './bed.ts'
import type { IssuerParts } from './bed.ts'

/** How refusals are worded: every code that a guard can give, in each shape, with and without a hook. */

type Code = AuthErrorCode

interface Scene {
  readonly sent: Sent
  /** Further parameters of the challenge. */
  readonly challenge?: string
  readonly retryAfter?: string
}

interface Tokens {
  readonly good: string
  readonly revoked: string
  /** Of a subject whom the hook `verify` does not accept. */
  readonly eve: string
  readonly now: number
}

const at = (path: string, token: string, ...rest: readonly (readonly [string, string])[]): Sent => ({
  path,
  headers: [bearer(token), ...rest],
})

/** One request for each code. */
const SCENES: readonly (readonly [code: Code, scene: (tokens: Tokens) => Scene])[] = [
  ['missing_token', () => ({ sent: { path: '/strict' } })],
  ['malformed_credentials', () => ({ sent: { path: '/strict', headers: [['Authorization', 'Bearer a b']] } })],
  ['token_invalid', () => ({ sent: at('/strict', 'a.b.c') })],
  [
    'token_expired',
    ({ good, now }) => ({ sent: at('/strict', forge(good, { claims: { iat: now - 900, exp: now - 60 } })) }),
  ],
  ['token_not_yet_valid', ({ good, now }) => ({ sent: at('/strict', forge(good, { claims: { nbf: now + 60 } })) })],
  ['token_revoked', ({ revoked }) => ({ sent: at('/strict', revoked) })],
  ['verification_failed', ({ eve }) => ({ sent: at('/strict', eve) })],
  ['user_refused', ({ good }) => ({ sent: at('/user', good) })],
  ['wrong_token_type', ({ good }) => ({ sent: at('/strict', forge(good, { header: { typ: 'JWT' } })) })],
  ['insufficient_permission', ({ good }) => ({ sent: at('/clerk', good), challenge: ', scope="clerk"' })],
  ['access_denied', ({ good }) => ({ sent: at('/denied', good) })],
  ['csrf_failed', ({ good }) => ({ sent: { method: 'POST', path: '/strict', headers: [cookie(good)] } })],
  ['reauthentication_required', ({ good }) => ({ sent: at('/fresh', good), challenge: ', max_age="300"' })],
  ['rate_limited', ({ good }) => ({ sent: at('/limited', good), retryAfter: '7' })],
  ['hook_failed', ({ good }) => ({ sent: at('/failing', good), retryAfter: '1' })],
  ['store_unavailable', ({ good }) => ({ sent: at('/source', good), retryAfter: '1' })],
]

const ROUTES = [
  { path: '/strict', guards: [{}] },
  { path: '/user', guards: [{ requirement: { user: true } as const }] },
  { path: '/clerk', guards: [{ requirement: { permissions: ['clerk'] as const } }] },
  { path: '/denied', guards: [{ requirement: { check: () => false } }] },
  { path: '/fresh', guards: [{ requirement: { fresh: '5m' } as const }] },
  { path: '/limited', guards: [{ requirement: { check: () => refuse('rate_limited') } }] },
  { path: '/failing', guards: [{ requirement: { check: () => Promise.reject(new Error('no')) } }] },
  { path: '/source', guards: [{ requirement: { revocation: 'strict' } as const }] },
]

const refuse = (code: Code): never => {
  throw new AuthError(code, { retryAfter: 7 })
}

const isRevokedAtSource = () => {
  throw new StoreError('asking', new Error('connection refused'))
}

const begin = async (serve: Serve, errors: ErrorsConfig = {}) => {
  const events: AuthEvent[] = []
  const memory = memoryStore({ now: () => 1_800_000_000_000 })
  const store = { ...memory, revocations: { ...memory.revocations, isRevokedAtSource } }
  const config: NonNullable<IssuerParts['config']> = {
    delivery: 'cookie',
    errors,
    users: { ...memory.users, findById: () => null },
    hooks: {
      verify: ({ subject }) => subject !== 'eve',
      onEvent: (event) => {
        events.push(event)
      },
    },
  }
  const bed = createBed(serve, { store, config })
  const sign = async (subject: string) => {
    const claims = { role: 'clerk', since: '2020-02-29' } as const
    return (await bed.auth.tokens.sign({ subject, claims })).accessToken
  }
  const tokens = { good: await sign('ann'), revoked: await sign('ann'), eve: await sign('eve'), now: bed.clock.now }
  await bed.auth.signOut(tokens.revoked)
  const app = await bed.open({ routes: ROUTES })
  events.length = 0
  const scenes = SCENES.map(([code, scene]) => ({ code, ...scene(tokens) }))
  return { app, scenes, tokens, events }
}

type Scenes = Awaited<ReturnType<typeof begin>>['scenes']

/** Everything of an answer that a hook may change. */
const seen = ({ status, header, text }: Answer) => ({
  status,
  challenge: header('www-authenticate'),
  type: header('content-type'),
  cache: header('cache-control'),
  retryAfter: header('retry-after'),
  text,
})

/** The plain refusal of a scene in the default shape. */
const plain = ({ code, challenge = '', retryAfter }: Scenes[number]) => {
  const [status, error, words] = WIRE[code]
  return {
    status,
    challenge: challengeOf(code, ISSUER, challenge),
    type: 'application/json',
    cache: 'no-store',
    retryAfter: retryAfter ?? null,
    text: JSON.stringify({ ...(error === null ? {} : { error }), code, error_description: words }),
  }
}

const SHAPES: readonly (readonly [
  title: string,
  body: NonNullable<ErrorsConfig['body']>,
  type: string,
  shape: (code: Code) => object,
])[] = [
  [
    'as OAuth does (RFC 6749 §5.2, RFC 6750 §3.1)',
    'oauth',
    'application/json',
    (code) => {
      const [, error, words] = WIRE[code]
      return { ...(error === null ? {} : { error }), code, error_description: words }
    },
  ],
  [
    'as problems (RFC 9457 §3.1)',
    'problem',
    'application/problem+json',
    (code) => {
      const [status, error, title] = WIRE[code]
      return { type: `urn:jotward:${code}`, title, status, code, ...(error === null ? {} : { error }) }
    },
  ],
  ['under a key of its own (#148)', { messageKey: 'msg' }, 'application/json', (code) => ({ msg: WIRE[code][2] })],
]

const shapeScenarios = (serve: Serve): void => {
  test.each(SHAPES)('words every refusal of a guard %s (S0-4, S3-6, B-5)', async (_title, body, type, shape) => {
    const { app, scenes } = await begin(serve, { body })
    for (const scene of scenes) {
      const { text, ...answer } = seen(await app.send(scene.sent))
      const { text: _text, ...expected } = plain(scene)
      expect([scene.code, answer]).toEqual([scene.code, { ...expected, type }])
      expect([scene.code, JSON.parse(text)]).toEqual([scene.code, shape(scene.code)])
    }
    expect(app.entered()).toBe(0)
  })
}

const hookScenarios = (serve: Serve): void => {
  test('may be shaped by a hook for each code (S0-4, S3-4, #149)', async () => {
    const on = Object.fromEntries(
      SCENES.map(([code]) => [code, () => ({ status: 418, headers: { 'X-Hook': code }, body: { code } })]),
    )
    const { app, scenes } = await begin(serve, { on })
    for (const scene of scenes) {
      const answer = await app.send(scene.sent)
      expect(seen(answer)).toEqual({ ...plain(scene), status: 418, text: JSON.stringify({ code: scene.code }) })
      expect(answer.header('x-hook')).toBe(scene.code)
    }
    expect(app.entered()).toBe(0)
  })

  test('may be shaped by one hook for all the others, at once or later (S3-4, #150)', async () => {
    for (const isLater of [false, true]) {
      const hook = ({ code, status }: RefusalContext) => {
        const change = { headers: { 'Cache-Control': 'private', 'X-Code': `${code} ${status}` } }
        return isLater ? Promise.resolve(change) : change
      }
      const { app, scenes } = await begin(serve, { on: { default: hook, missing_token: () => ({ status: 418 }) } })
      for (const scene of scenes) {
        const answer = await app.send(scene.sent)
        const isOwn = scene.code === 'missing_token'
        const change = isOwn ? { status: 418 } : { cache: 'private' }
        expect(seen(answer)).toEqual({ ...plain(scene), ...change })
        expect(answer.header('x-code')).toBe(isOwn ? null : `${scene.code} ${plain(scene).status}`)
      }
      expect(app.entered()).toBe(0)
    }
  })

  test.each<readonly [title: string, change: object, expected: Partial<ReturnType<typeof seen>>]>([
    [
      '200 and a body of its own',
      { status: 200, body: { sub_status: 101 } },
      { status: 200, text: '{"sub_status":101}' },
    ],
    ['204 and no body', { status: 204, body: 'x' }, { status: 204, text: '' }],
    [
      'a page',
      { body: '<p>no</p>', headers: { 'Content-Type': 'text/html; charset=utf-8' } },
      { text: '<p>no</p>', type: 'text/html; charset=utf-8' },
    ],
    ['text as JSON', { body: 'no' }, { text: '"no"', type: 'application/json' }],
    ['null as JSON', { body: null }, { text: 'null', type: 'application/json' }],
    ['a status of its own making', { status: 599 }, { status: 599 }],
  ])('may become %s, and the handler is not entered by that (#149)', async (_title, change, expected) => {
    const { app } = await begin(serve, { on: { missing_token: () => change } })
    expect(seen(await app.send({ path: '/strict' }))).toMatchObject(expected)
    expect((await app.send({ path: '/strict', method: 'POST' })).status).toBe(expected.status ?? 401)
    expect(app.entered()).toBe(0)
  })

  test('may lead elsewhere, with a cookie (RFC 9110 §15.4.4)', async () => {
    const change = { status: 303, headers: { Location: '/signin', 'Set-Cookie': 'back=/strict; Path=/' } }
    const { app } = await begin(serve, { on: { missing_token: () => change } })
    const { status, header } = await app.send({ path: '/strict' })
    expect([status, header('location'), header('set-cookie')]).toEqual([303, '/signin', 'back=/strict; Path=/'])
    expect(app.entered()).toBe(0)
  })

  test('tell their hook of the token what it claims, and of the request what it was (S3-4, #36)', async () => {
    const told: unknown[] = []
    const hook = ({ code, message, claims, request }: RefusalContext) => {
      told.push([code, message, claims?.['sub'] ?? null, request?.method, request?.path, request?.header('x-a')])
      return {}
    }
    const { app, scenes } = await begin(serve, { on: { default: hook } })
    for (const { sent } of scenes) await app.send({ ...sent, headers: [...(sent.headers ?? []), ['X-A', '1']] })
    const unknown: readonly Code[] = [
      'missing_token',
      'malformed_credentials',
      'token_invalid',
      'wrong_token_type',
      'rate_limited',
      'hook_failed',
      'store_unavailable',
    ]
    expect(told).toEqual(
      scenes.map(({ code, sent }) => {
        const subject = unknown.includes(code) ? null : code === 'verification_failed' ? 'eve' : 'ann'
        return [code, WIRE[code][2], subject, sent.method ?? 'GET', sent.path, '1']
      }),
    )
  })
}

const NONSENSE: readonly (readonly [title: string, hook: () => unknown])[] = [
  ['throws', () => refuse('access_denied')],
  ['rejects', () => Promise.reject(new Error('no'))],
  ['returns nothing', () => undefined],
  ['returns text', () => 'no'],
  ['returns a status that is none', () => ({ status: 99 })],
  ['returns a header that would be two', () => ({ headers: { 'X-A': 'a\r\nSet-Cookie: b=1' } })],
  ['returns a body that is no JSON', () => ({ body: () => 'no' })],
]

const failureScenarios = (serve: Serve): void => {
  test.each(NONSENSE)('stay plain where the hook %s, and that is told', async (_title, hook) => {
    const { app, scenes, events } = await begin(serve, { on: { default: hook } as ErrorsConfig['on'] & object })
    for (const scene of scenes) expect(seen(await app.send(scene.sent))).toEqual(plain(scene))
    expect(app.entered()).toBe(0)
    const told = events.flatMap((event) => (event.type === 'failure' ? [event.at] : []))
    expect(told.filter((place) => place.startsWith('errors.on.'))).toEqual(
      scenes.map(({ code }) => `errors.on.${code}`),
    )
  })
}

export const wordingScenarios = (serve: Serve): void => {
  describe('refusals', () => {
    shapeScenarios(serve)
    hookScenarios(serve)
    failureScenarios(serve)
  })
}
