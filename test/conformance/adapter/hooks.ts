import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { ClaimsContext, HooksConfig } from '../../../src/core/hooks.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import type { AuthEvent } from '../../../src/ports/event-sink.ts'
import { noise } from '../../core/token/fixtures.ts'
import type { Caller, Serve } from '../serve.ts'
import { bearer, createBed, createIssuer, forge, SECRET } from './bed.ts'
import type { Claims, IssuerParts, Permission } from './bed.ts'

/** Functions of the application's own, in the place of what Jotward would answer itself (S3-5). */

type Hooks = HooksConfig<Claims, Permission>

const at = (path: string, token: string) => ({ path, headers: [bearer(token)] })

const STRICT = { path: '/strict', guards: [{}] }
const OPTIONAL = { path: '/optional', guards: [{ requirement: { optional: true } as const }] }
const LENIENT = { path: '/lenient', guards: [{ requirement: { optional: 'lenient' } as const }] }
const REFRESH = { path: '/refresh', guards: [{ requirement: { token: 'refresh' } as const }] }
const SKIP = { path: '/skip', guards: [{ requirement: { revocation: 'skip' } as const }] }

const begin = async (serve: Serve, hooks: Hooks, config: IssuerParts['config'] = {}) => {
  const events: AuthEvent[] = []
  const onEvent = (event: AuthEvent): void => {
    events.push(event)
  }
  const bed = createBed(serve, { config: { ...config, hooks: { onEvent, ...hooks } } })
  const app = await bed.open({ routes: [STRICT, OPTIONAL, LENIENT, REFRESH, SKIP] })
  /** What was told of failures. */
  const failures = () => events.flatMap((event) => (event.type === 'failure' ? [event.at] : []))
  return { bed, app, events, failures }
}

const fail = (error: Error) => (): never => {
  throw error
}

/** What a question is answered with, in the words of whoever `refuses` by one of the two, and what comes of it. */
const ANSWERS: readonly (readonly [
  title: string,
  answer: (isRefused: boolean) => unknown,
  code: 'in' | 'refused' | AuthErrorCode,
])[] = [
  ['yes', (isRefused) => !isRefused, 'in'],
  ['yes, later', async (isRefused) => !isRefused, 'in'],
  ['no', (isRefused) => isRefused, 'refused'],
  ['no, later', async (isRefused) => isRefused, 'refused'],
  ['nothing', () => undefined, 'hook_failed'],
  ['null, later', async () => null, 'hook_failed'],
  ['a number', () => 0, 'hook_failed'],
  ['text', () => 'false', 'hook_failed'],
  ['a failure', fail(new Error('no')), 'hook_failed'],
  ['a failure, later', async () => Promise.reject(new Error('no')), 'hook_failed'],
  ['a refusal in its own words', fail(new AuthError('rate_limited')), 'rate_limited'],
  ['such a refusal, later', async () => Promise.reject(new AuthError('rate_limited')), 'rate_limited'],
]

const QUESTIONS = [
  { name: 'isRevoked', refusing: true, refusal: 'token_revoked' },
  { name: 'verify', refusing: false, refusal: 'verification_failed' },
] as const

const questionHooks = (serve: Serve): void => {
  describe.each(QUESTIONS)('$name', ({ name, refusing, refusal }) => {
    test.each(ANSWERS)('answers with %s (S2-6, S3-5, #108, #113)', async (_title, answer, outcome) => {
      // What the types forbid arrives from JavaScript all the same.
      const hook = (() => answer(refusing)) as () => boolean
      const { bed, app, failures } = await begin(serve, { [name]: hook })
      const { accessToken, refreshToken } = await bed.signIn()
      const code = outcome === 'refused' ? refusal : outcome
      const sent = [at('/strict', accessToken), at('/optional', accessToken), at('/refresh', refreshToken)]
      for (const request of sent) await (code === 'in' ? app.enters(request) : app.refuses(request, code))
      // A refusal of the token makes the caller anonymous where that is allowed; anything else makes nobody so.
      if (code === 'in' || outcome === 'refused') await app.enters(at('/lenient', accessToken))
      else await app.refuses(at('/lenient', accessToken), code)
      expect(failures()).toEqual(code === 'hook_failed' ? Array(4).fill(`hooks.${name}`) : [])
    })

    test('is told the caller, typed', async () => {
      const told: unknown[] = []
      const hook: Hooks['verify'] = ({ subject, tokenId, tokenKind, location, claims }) => {
        told.push([subject, typeof tokenId, tokenKind, location, claims.since.getUTCFullYear()])
        return !refusing
      }
      const { bed, app } = await begin(serve, { [name]: hook })
      const { accessToken, refreshToken } = await bed.signIn()
      await app.enters(at('/strict', accessToken))
      await app.enters(at('/refresh', refreshToken))
      expect(told).toEqual([
        ['ann', 'string', 'access', 'header', 2020],
        ['ann', 'string', 'refresh', 'header', 2020],
      ])
    })

    test('is not asked of anonymous callers, nor of bad tokens (#71)', async () => {
      const told: string[] = []
      const hook = ({ subject }: { readonly subject: string }) => {
        told.push(subject)
        return !refusing
      }
      const { bed, app } = await begin(serve, { [name]: hook })
      const { accessToken } = await bed.signIn()
      await app.enters({ path: '/optional' })
      await app.refuses({ path: '/strict' }, 'missing_token')
      await app.refuses(at('/strict', 'a.b.c'), 'token_invalid')
      await app.refuses(at('/optional', forge(accessToken, { secret: noise('a stranger') })), 'token_invalid')
      await bed.auth.signOut(accessToken)
      await app.refuses(at('/strict', accessToken), 'token_revoked')
      bed.clock.now += 905
      await app.enters(at('/lenient', accessToken))
      expect(told).toEqual([])
    })
  })

  test('come in order: the store, isRevoked, verify; and of revocation nothing where the route skips it (#109)', async () => {
    const asked: string[] = []
    const told = <T>(name: string, answer: T): T => {
      asked.push(name)
      return answer
    }
    const { bed, app } = await begin(serve, {
      isRevoked: () => told('isRevoked', true),
      verify: async () => told('verify', false),
    })
    const { accessToken } = await bed.signIn()
    await app.refuses(at('/strict', accessToken), 'token_revoked')
    expect(asked).toEqual(['isRevoked'])
    await app.refuses(at('/skip', accessToken), 'verification_failed')
    expect(asked).toEqual(['isRevoked', 'verify'])
  })
}

const tellClaims = ({ principal }: Caller<Claims, Permission>) => {
  const { claims, permissions } = principal()
  return [claims.role, permissions]
}

const contentHooks = (serve: Serve): void => {
  test.each([false, true])('claims are named anew for each token, later: %s (S3-2, S0-12, #48)', async (isLater) => {
    const told: ClaimsContext['reason'][] = []
    const claims: Hooks['claims'] = ({ reason, claims: granted }) => {
      told.push(reason)
      const answer = { claims: { ...granted, role: reason === 'refresh' ? 'chief' : 'clerk' }, permissions: ['clerk'] }
      return isLater ? Promise.resolve(answer) : answer
    }
    const bed = createBed(serve, { config: { hooks: { claims } } })
    const app = await bed.open({ routes: [{ ...STRICT, enter: tellClaims }] })
    const pair = await bed.signIn()
    expect(await app.enters(at('/strict', pair.accessToken))).toEqual(['clerk', ['clerk']])
    const next = await bed.auth.refresh(pair.refreshToken)
    expect(await app.enters(at('/strict', next.accessToken))).toEqual(['chief', ['clerk']])
    expect(told).toEqual(['signin', 'refresh'])
  })

  test('headers are added to each token, and what the sign-in asked for stands above them (S2-3, S3-2, #48)', async () => {
    const { bed, app } = await begin(serve, { headers: async () => ({ tenant: 'hook', region: 'eu' }) })
    const { accessToken } = await bed.signIn({ headers: { tenant: 'own' } })
    expect(decodeUnverified(accessToken).header).toMatchObject({ typ: 'at+jwt', tenant: 'own', region: 'eu' })
    await app.enters(at('/strict', accessToken))
  })

  test.each<readonly [title: string, hooks: Hooks]>([
    ['claims that are reserved', { claims: () => ({ claims: { sub: 'root' } }) }],
    ['claims that do not fit the schema', { claims: async () => ({ claims: { role: 'emperor' } }) }],
    ['permissions that are none', { claims: () => ({ permissions: ['a b'] }) }],
    ['headers that are reserved', { headers: () => ({ alg: 'none' }) }],
    ['a key that is not there', { signingKey: () => 'nowhere' }],
    ['no key', { signingKey: (() => undefined) as unknown as NonNullable<Hooks['signingKey']> }],
    ['a failure', { claims: fail(new Error('no')) }],
    ['a failure for headers, later', { headers: async () => Promise.reject(new Error('no')) }],
    ['a failure for a key', { signingKey: fail(new Error('no')) }],
  ])('of %s no token comes, and no session, and it is told', async (_title, hooks) => {
    const { bed, failures } = await begin(serve, hooks)
    await expect(bed.signIn()).rejects.toMatchObject({ code: 'hook_failed' })
    expect(await bed.auth.sessions.list('ann')).toEqual([])
    expect(failures()).toEqual([expect.stringMatching(/^hooks\./)])
  })

  test('a refusal in their own words stands, and is told to nobody', async () => {
    for (const name of ['claims', 'headers', 'signingKey'] as const) {
      const { bed, failures } = await begin(serve, { [name]: fail(new AuthError('access_denied')) })
      await expect(bed.signIn()).rejects.toMatchObject({ code: 'access_denied' })
      expect(failures()).toEqual([])
    }
  })
}

const OTHER = noise('the other secret')

/** Two keys: the present one, and one for the tenant `bob`. */
const withKeys = (serve: Serve, hooks: Hooks) => begin(serve, hooks, { keys: { secret: SECRET, nextSecrets: [OTHER] } })

/** The `kid` of a secret, as any token under it tells. */
const keyIdOf = async (secret: Uint8Array): Promise<string> => {
  const issuer = createIssuer({ now: 1_800_000_000 }, { secret })
  const { accessToken } = await issuer.tokens.sign({ subject: 'x', claims: { role: 'clerk', since: '2020-02-29' } })
  return decodeUnverified(accessToken).header.kid ?? ''
}

const keyHooks = (serve: Serve): void => {
  test.each([false, true])(
    'choose a key for each token by whose it is, later: %s (S2-3, S3-5, #50)',
    async (isLater) => {
      const [own, other] = [await keyIdOf(SECRET), await keyIdOf(OTHER)]
      const later = <T>(value: T): T | Promise<T> => (isLater ? Promise.resolve(value) : value)
      const { bed, app } = await withKeys(serve, {
        signingKey: ({ subject }) => later(subject === 'bob' ? other : null),
        verificationKey: ({ payload }) => later(payload['sub'] === 'bob' ? other : own),
      })
      const [ann, bob] = [await bed.signIn(), await bed.signIn({ subject: 'bob' })]
      expect([ann, bob].map(({ accessToken }) => decodeUnverified(accessToken).header.kid)).toEqual([own, other])
      for (const { accessToken } of [ann, bob]) {
        for (const path of ['/strict', '/optional', '/lenient']) await app.enters(at(path, accessToken))
      }
      // The key of the one tenant signs nothing for the other (N056).
      const crossed = forge(bob.accessToken, { claims: { sub: 'ann' }, secret: OTHER })
      await app.refuses(at('/strict', crossed), 'token_invalid')
      const crossedBack = forge(ann.accessToken, { claims: { sub: 'bob' }, secret: SECRET })
      await app.refuses(at('/optional', crossedBack), 'token_invalid')
    },
  )

  test('see what nothing vouches for, and are asked of nothing that is no token', async () => {
    const told: unknown[] = []
    const { bed, app } = await begin(serve, {
      verificationKey: ({ header, payload }) => {
        told.push([header.kid, payload['sub']])
        return null
      },
    })
    const token = await bed.accessToken()
    const kid = decodeUnverified(token).header.kid
    told.length = 0
    for (const bad of ['abc', 'a.b.c', `${token}.x`]) await app.refuses(at('/strict', bad), 'token_invalid')
    await app.enters({ path: '/optional' })
    expect(told).toEqual([])
    await app.refuses(at('/strict', forge(token, { claims: { sub: 'root' }, secret: noise('x') })), 'token_invalid')
    await app.enters(at('/strict', token))
    expect(told).toEqual([
      [kid, 'root'],
      [kid, 'ann'],
    ])
  })

  test.each<readonly [title: string, answer: () => unknown, code: AuthErrorCode]>([
    ['a key that is not there', () => 'nowhere', 'token_invalid'],
    ['a key that is not there, later', async () => 'nowhere', 'token_invalid'],
    ['nothing', () => undefined, 'hook_failed'],
    ['an empty text', () => '', 'hook_failed'],
    ['a key itself', () => SECRET, 'hook_failed'],
    ['a failure', fail(new Error('no')), 'hook_failed'],
    ['a failure, later', async () => Promise.reject(new Error('no')), 'hook_failed'],
    ['a refusal in its own words', fail(new AuthError('rate_limited')), 'rate_limited'],
  ])('let nobody in with %s (N032, N041)', async (_title, answer, code) => {
    const verificationKey = answer as NonNullable<Hooks['verificationKey']>
    const { bed, app, failures } = await begin(serve, { verificationKey })
    const token = await bed.accessToken()
    for (const path of ['/strict', '/optional']) await app.refuses(at(path, token), code)
    if (code === 'token_invalid') await app.enters(at('/lenient', token))
    else await app.refuses(at('/lenient', token), code)
    expect(failures()).toEqual(code === 'hook_failed' ? Array(3).fill('hooks.verificationKey') : [])
  })

  test('that choose keys of access tokens have no say in refresh tokens', async () => {
    const any = { path: '/any', guards: [{ requirement: { token: 'any' } as const }] }
    for (const answer of [() => 'nowhere', async () => 'nowhere']) {
      const bed = createBed(serve, { config: { hooks: { verificationKey: answer } } })
      const app = await bed.open({ routes: [any, REFRESH] })
      const { accessToken, refreshToken } = await bed.signIn()
      for (const path of ['/any', '/refresh']) await app.enters(at(path, refreshToken))
      await app.refuses(at('/any', accessToken), 'token_invalid')
    }
  })
}

/** To TypeScript a function that returns a promise is a sink too. */
const rejecting = (() => Promise.reject(new Error('no'))) as () => void

const sinkHooks = (serve: Serve): void => {
  test('that fail themselves change no answer', async () => {
    for (const onEvent of [fail(new Error('no')), rejecting]) {
      const bed = createBed(serve, { config: { hooks: { onEvent, verify: fail(new Error('no')) } } })
      const app = await bed.open({ routes: [STRICT] })
      await app.refuses(at('/strict', await bed.accessToken()), 'hook_failed')
    }
  })
}

export const hookScenarios = (serve: Serve): void => {
  describe('hooks', () => {
    questionHooks(serve)
    describe('for the content of a token', () => {
      contentHooks(serve)
    })
    describe('for keys', () => {
      keyHooks(serve)
    })
    describe('that are told of events', () => {
      sinkHooks(serve)
    })
  })
}
