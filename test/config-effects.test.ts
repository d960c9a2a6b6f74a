import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fetchAuth } from '../src/adapters/fetch.ts'
import { createAuth } from '../src/auth.ts'
import type { AuthConfig } from '../src/auth-config.ts'
import { decodeUnverified } from '../src/core/token/jws.ts'
import { generateJwk } from '../src/core/token/generate-key.ts'
import type { StoreWithUsers as Store } from '../src/ports/store.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { AUDIENCE, claimsOf, codeOf, createBed, GRACE_MS, ISSUER, redeploy, START } from './core/session/issuer.ts'
import { noise } from './core/token/fixtures.ts'

const BASE: AuthConfig = { issuer: ISSUER, audience: AUDIENCE, keys: { secret: noise('a') }, store: memoryStore() }

const standard = (validate: unknown) => ({ '~standard': { version: 1, vendor: 'test', validate } })

const HOUR_MS = 3_600_000
const [JWK, OTHER_JWK] = [generateJwk('EdDSA'), generateJwk('EdDSA')] as const
const OWN = noise('a secret for refresh tokens')

const headerOf = (token: string) => decodeUnverified(token).header

/** What a request without a token is answered with, which tells the realm. */
const challengeOf = async (change: Partial<AuthConfig>): Promise<string | null> => {
  const handle = fetchAuth(createBed(change).auth).protect({}, () => new Response())
  return (await handle(new Request('https://api.example.com/'))).headers.get('www-authenticate')
}

/** Every setting, with what it changes: without it one thing happens, with it another. */
const EFFECTS: Readonly<Record<string, () => Promise<void>>> = {
  issuer: async () => {
    const bed = createBed({ issuer: 'https://other.example' })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect([bed.auth.issuer, claimsOf(accessToken)['iss']]).toEqual(['https://other.example', 'https://other.example'])
    expect(await codeOf(() => redeploy(bed, { issuer: ISSUER }).verify(accessToken))).toBe('token_invalid')
  },
  audience: async () => {
    const bed = createBed({ audience: ['a', 'b'] })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(claimsOf(accessToken)['aud']).toEqual(['a', 'b'])
    expect(await codeOf(() => redeploy(bed, { audience: 'b' }).verify(accessToken))).toBe('accepted')
    expect(await codeOf(() => redeploy(bed, { audience: AUDIENCE }).verify(accessToken))).toBe('token_invalid')
  },
  'keys.secret': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const other = redeploy(bed, { keys: { secret: noise('another') } })
    expect(await codeOf(() => other.verify(accessToken))).toBe('token_invalid')
  },
  'keys.previousSecrets': async () => {
    const bed = createBed({ keys: { secret: noise('before') } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const keys = { secret: noise('after'), previousSecrets: [noise('before')] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  'keys.nextSecrets': async () => {
    const bed = createBed({ keys: { secret: noise('next') } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const keys = { secret: noise('now'), nextSecrets: [noise('next')] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  'keys.algorithm': async () => {
    const { auth } = createBed({ keys: { secret: noise('long', 64), algorithm: 'HS512' } })
    expect(headerOf((await auth.issue({ subject: 'ann' })).accessToken).alg).toBe('HS512')
  },
  'keys.current': async () => {
    const { auth } = createBed({ keys: { current: JWK }, refreshToken: { secret: OWN } })
    expect(headerOf((await auth.issue({ subject: 'ann' })).accessToken)).toMatchObject({ alg: 'EdDSA', kid: JWK.kid })
    expect(auth.jwks().keys.map(({ kid }) => kid)).toEqual([JWK.kid])
  },
  'keys.next': async () => {
    const { auth } = createBed({ keys: { current: JWK, next: [OTHER_JWK] }, refreshToken: { secret: OWN } })
    expect(auth.jwks().keys.map(({ kid }) => kid)).toEqual([JWK.kid, OTHER_JWK.kid])
  },
  'keys.retiring': async () => {
    const bed = createBed({ keys: { current: OTHER_JWK }, refreshToken: { secret: OWN } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(await codeOf(() => redeploy(bed, { keys: { current: JWK } }).verify(accessToken))).toBe('token_invalid')
    const keys = { current: JWK, retiring: [OTHER_JWK] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  store: async () => {
    const bed = createBed()
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const elsewhere = redeploy(bed, { store: memoryStore({ now: bed.now }) })
    expect(await codeOf(() => elsewhere.refresh(refreshToken))).toBe('refresh_token_invalid')
  },
  users: async () => {
    const bed = createBed()
    const [first, second] = [await bed.auth.issue({ subject: 'ann' }), await bed.auth.issue({ subject: 'ann' })]
    const gated = redeploy(bed, { users: bed.users })
    expect([bed.auth.users, gated.users]).toEqual([null, bed.users])
    expect(await codeOf(() => gated.refresh(first.refreshToken))).toBe('refresh_token_invalid')
    expect(await codeOf(() => bed.auth.refresh(second.refreshToken))).toBe('accepted')
  },
  clientId: async () => {
    const { auth } = createBed({ clientId: 'shop' })
    expect(claimsOf((await auth.issue({ subject: 'ann' })).accessToken)['client_id']).toBe('shop')
  },
  realm: async () => {
    expect(await challengeOf({})).toBe(`Bearer realm="${ISSUER}"`)
    expect(await challengeOf({ realm: 'the shop' })).toBe('Bearer realm="the shop"')
  },
  'accessToken.lifetime': async () => {
    const { auth, turn } = createBed({ accessToken: { lifetime: '5m' } })
    const { accessToken, expiresIn } = await auth.issue({ subject: 'ann' })
    expect([expiresIn, auth.accessLifetime]).toEqual([300, 300])
    turn(305_000)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_expired')
  },
  'accessToken.longestLifetime': async () => {
    const bed = createBed({ accessToken: { lifetime: '2h', longestLifetime: '2h' } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(await codeOf(() => redeploy(bed, { accessToken: {} }).verify(accessToken))).toBe('token_invalid')
    const raised = redeploy(bed, { accessToken: { longestLifetime: '2h' } })
    expect(await codeOf(() => raised.verify(accessToken))).toBe('accepted')
  },
  'accessToken.clockTolerance': async () => {
    const bed = createBed({ accessToken: { clockTolerance: 0 } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    bed.turn(900_000)
    expect(await codeOf(() => bed.auth.verify(accessToken))).toBe('token_expired')
    const tolerant = redeploy(bed, { accessToken: { clockTolerance: 1 } })
    expect(await codeOf(() => tolerant.verify(accessToken))).toBe('accepted')
  },
  'accessToken.maxBytes': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const atMost = (maxBytes: number) => redeploy(bed, { accessToken: { maxBytes } })
    expect(await codeOf(() => atMost(accessToken.length).verify(accessToken))).toBe('accepted')
    expect(await codeOf(() => atMost(accessToken.length - 1).verify(accessToken))).toBe('token_invalid')
  },
  'accessToken.claims': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann', claims: { role: 'god' } })
    const strict = { ...bed.settings, accessToken: { claims: z.object({ role: z.enum(['clerk', 'chief']) }) } }
    expect(await codeOf(() => createAuth(strict).verify(accessToken))).toBe('token_invalid')
  },
  'refreshToken.secret': async () => {
    const bed = createBed()
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const own = redeploy(bed, { refreshToken: { secret: OWN } })
    expect(await codeOf(() => own.refresh(refreshToken))).toBe('refresh_token_invalid')
    expect(headerOf((await own.issue({ subject: 'ann' })).refreshToken).kid).not.toBe(headerOf(refreshToken).kid)
  },
  'refreshToken.previousSecrets': async () => {
    const bed = createBed({ refreshToken: { secret: OWN } })
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const next = redeploy(bed, { refreshToken: { secret: noise('the next'), previousSecrets: [OWN] } })
    expect(await codeOf(() => next.refresh(refreshToken))).toBe('accepted')
  },
  'refreshToken.nextSecrets': async () => {
    const bed = createBed({ refreshToken: { secret: noise('the next') } })
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const now = redeploy(bed, { refreshToken: { secret: OWN, nextSecrets: [noise('the next')] } })
    expect(await codeOf(() => now.refresh(refreshToken))).toBe('accepted')
  },
  'refreshToken.idleLifetime': async () => {
    const { auth, turn } = createBed({ refreshToken: { idleLifetime: '1h' } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    turn(HOUR_MS)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_invalid')
  },
  'refreshToken.absoluteLifetime': async () => {
    const { auth } = createBed({ refreshToken: { absoluteLifetime: '40d' } })
    expect((await auth.issue({ subject: 'ann' })).session.absoluteExpiresAt).toBe(START + 40 * 86_400)
  },
  'refreshToken.grace': async () => {
    const { auth, turn } = createBed({ refreshToken: { grace: '1m' } })
    const first = await auth.issue({ subject: 'ann' })
    const second = await auth.refresh(first.refreshToken)
    turn(60_000)
    expect((await auth.refresh(second.refreshToken)).session.state.generation).toBe(1)
    turn(1)
    expect((await auth.refresh(second.refreshToken)).session.state.generation).toBe(2)
  },
  'refreshToken.lateReplays': async () => {
    const { auth, turn } = createBed({ refreshToken: { lateReplays: 0 } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    await auth.refresh(refreshToken)
    turn(GRACE_MS + 1)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_reused')
  },
  'refreshToken.maxSessions': async () => {
    const { auth } = createBed({ refreshToken: { maxSessions: 1 } })
    const first = await auth.issue({ subject: 'ann' })
    await auth.issue({ subject: 'ann' })
    expect(await codeOf(() => auth.verify(first.accessToken))).toBe('token_revoked')
  },
  'permissions.names': async () => {
    const permissions = { names: ['a'], includes: { b: ['a'] } }
    expect(() => createBed({ permissions })).toThrow('"b" is not among permissions.names')
  },
  'permissions.includes': async () => {
    const { auth } = createBed({ permissions: { includes: { chief: ['orders:*'] } } })
    const { accessToken } = await auth.issue({ subject: 'ann', permissions: ['chief'] })
    const principal = await auth.verify(accessToken)
    expect([principal.can('orders:read'), createBed().auth.permissions.satisfies(['chief'], 'orders:read')]).toEqual([
      true,
      false,
    ])
  },
  'permissions.superPermission': async () => {
    const { auth } = createBed({ permissions: { superPermission: 'admin' } })
    expect(auth.permissions.satisfies(['admin'], 'anything')).toBe(true)
  },
  'hooks.claims': async () => {
    const { auth } = createBed({ hooks: { claims: () => ({ claims: { role: 'hooked' } }) } })
    expect(claimsOf((await auth.issue({ subject: 'ann' })).accessToken)['role']).toBe('hooked')
  },
  'hooks.onEvent': async () => {
    const types: string[] = []
    const { auth } = createBed({ hooks: { onEvent: ({ type }) => types.push(type) } })
    await auth.issue({ subject: 'ann' })
    expect(types).toEqual(['session.created'])
  },
  clock: async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const late = redeploy(bed, { clock: () => START + HOUR_MS })
    expect(await codeOf(() => late.verify(accessToken))).toBe('token_expired')
  },
}

describe('each setting takes effect', () => {
  test.each(Object.entries(EFFECTS))('%s', async (_setting, prove) => {
    expect.hasAssertions()
    await prove()
  })
})

describe('where a setting is left out', () => {
  test('the clock is that of the system, in seconds with their fraction', async () => {
    const auth = createAuth(BASE)
    const { accessToken, session } = await auth.issue({ subject: 'ann' })
    expect(Math.abs(session.createdAt - Date.now() / 1000)).toBeLessThan(5)
    expect((await auth.verify(accessToken)).subject).toBe('ann')
  })

  test('there is no late replay where there is no grace', async () => {
    const { auth, turn } = createBed({ refreshToken: { grace: 0 } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    await auth.refresh(refreshToken)
    turn(1)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_reused')
  })
})

test('createAuth does no input or output: it calls nothing of what it is given, and begins nothing', () => {
  const calls: string[] = []
  const noting = (name: string) => () => {
    calls.push(name)
    throw new Error(`${name} was called`)
  }
  const part = (name: string) => new Proxy({}, { get: (_target, member) => noting(`${name}.${String(member)}`) })
  // A proxy answers to every name, so to those of a store too.
  const parts = ['sessions', 'revocations', 'tokens', 'singleUse', 'users']
  const store = Object.fromEntries(parts.map((name) => [name, part(name)])) as object as Store
  const before = process.getActiveResourcesInfo().toSorted()
  const auth = createAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { current: JWK },
    refreshToken: { secret: OWN },
    store: { ...store, ready: noting('ready'), close: noting('close') },
    users: store.users,
    hooks: { claims: noting('hooks.claims'), onEvent: noting('hooks.onEvent') },
    clock: noting('clock'),
  })
  auth.guard({ fresh: true, permissions: ['a'] })
  auth.jwks()
  expect(calls).toEqual([])
  expect(process.getActiveResourcesInfo().toSorted()).toEqual(before)
})

describe('a good configuration at the ends of its ranges is taken', () => {
  test.each<readonly [string, object]>([
    [
      'the shortest lifetimes',
      { accessToken: { lifetime: 1 }, refreshToken: { grace: 0, idleLifetime: 3, absoluteLifetime: 3 } },
    ],
    [
      'the longest lifetimes',
      {
        accessToken: { lifetime: '1d', longestLifetime: '1d' },
        refreshToken: { idleLifetime: '365d', absoluteLifetime: '365d' },
      },
    ],
    [
      'the widest of the rest',
      {
        accessToken: { clockTolerance: '5m', maxBytes: 65_536 },
        refreshToken: { grace: '5m', lateReplays: 10, maxSessions: 10_000 },
      },
    ],
    [
      'the narrowest of the rest',
      { accessToken: { clockTolerance: 0, maxBytes: 256 }, refreshToken: { grace: 0, lateReplays: 0, maxSessions: 1 } },
    ],
    [
      'a schema that is a function',
      {
        accessToken: {
          claims: Object.assign(
            () => undefined,
            standard((value: unknown) => ({ value })),
          ),
        },
      },
    ],
    [
      'a schema that throws at nothing',
      {
        accessToken: {
          claims: standard(() => {
            throw new Error('nothing')
          }),
        },
      },
    ],
    ['a schema of zod', { accessToken: { claims: z.object({ role: z.string() }) } }],
    [
      'settings that are undefined',
      {
        users: undefined,
        clientId: undefined,
        accessToken: undefined,
        refreshToken: { grace: undefined },
        hooks: undefined,
      },
    ],
  ])('%s', (_title, change) => {
    expect(() => createAuth({ ...BASE, ...change })).not.toThrow()
  })
})
