import { describe, expect, test } from 'vitest'
import { AuthError, ConfigError } from '../../../src/core/errors.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { Caller, Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'
import type { Claims, Clock, Permission } from './bed.ts'
import { kindScenarios } from './kinds.ts'
import { staleScenarios } from './stale.ts'

/** What a route may ask besides permissions and freshness, which are in `requirements.ts`, and the kind of its token. */

type Asked = Requirement<Permission, Claims>

const at = (path: string, token: string) => ({ path, headers: [bearer(token)] })

const STRICT = { path: '/strict', guards: [{}] }

/** A store with a user who can be signed in. */
const withUser = async (serve: Serve) => {
  // The store's clock is that of the bed, which begins with it.
  const clock: { current: Clock | null } = { current: null }
  const store = memoryStore({ now: () => (clock.current?.now ?? 1_800_000_000) * 1000 })
  const { users } = store
  const bed = createBed(serve, { store, config: { users } })
  clock.current = bed.clock
  const email = 'ann@example.com'
  const user = await users.create({ email, canonicalEmail: email, passwordHash: 'h1', permissions: [], profile: {} })
  if (user === null) throw new Error('the address is taken')
  const sign = () => bed.auth.issue({ user, claims: { role: 'clerk', since: '2020-02-29' } })
  return { bed, users, user, sign }
}

const tellAddress = ({ optionalPrincipal }: Caller<Claims, Permission>) => optionalPrincipal()?.user?.email ?? null

const KNOWN = { path: '/known', guards: [{ requirement: { user: true } as const }] }
const KNOWN_REFRESH = { path: '/refresh', guards: [{ requirement: { user: true, token: 'refresh' } as const }] }
const KNOWN_OPTIONAL = { path: '/optional', guards: [{ requirement: { user: true, optional: true } as const }] }
const KNOWN_LENIENT = { path: '/lenient', guards: [{ requirement: { user: true, optional: 'lenient' } as const }] }

const CHANGES: readonly (readonly [
  title: string,
  change: (given: Awaited<ReturnType<typeof withUser>>) => Promise<unknown>,
])[] = [
  ['disabled', async ({ users, user }) => users.update(user.id, { active: false })],
  [
    'given other credentials',
    async ({ users, user }) => users.replacePassword(user.id, { expected: 'h1', hash: 'h2', changed: true }),
  ],
]

const userScenarios = (serve: Serve): void => {
  test('is loaded and reaches the handler, or is null where nobody asked (S1-6, S3-5)', async () => {
    const { bed, user, sign } = await withUser(serve)
    const routes = [KNOWN, KNOWN_REFRESH, KNOWN_OPTIONAL, STRICT].map((route) => ({ ...route, enter: tellAddress }))
    const app = await bed.open({ routes })
    const { accessToken, refreshToken } = await sign()
    expect(await app.enters(at('/known', accessToken))).toBe(user.email)
    expect(await app.enters(at('/refresh', refreshToken))).toBe(user.email)
    expect(await app.enters(at('/optional', accessToken))).toBe(user.email)
    expect(await app.enters({ path: '/optional' })).toBeNull()
    expect(await app.enters(at('/strict', accessToken))).toBeNull()
  })

  test.each(CHANGES)(
    'refuses at once who was %s, though the token is good (#124, #130, #137, FU #76)',
    async (_title, change) => {
      const given = await withUser(serve)
      const { bed, sign } = given
      const app = await bed.open({ routes: [KNOWN, KNOWN_REFRESH, KNOWN_OPTIONAL, KNOWN_LENIENT, STRICT] })
      const { accessToken, refreshToken } = await sign()
      await app.enters(at('/known', accessToken))
      await change(given)
      for (const path of ['/known', '/optional']) await app.refuses(at(path, accessToken), 'user_refused')
      await app.refuses(at('/refresh', refreshToken), 'user_refused')
      expect(await app.enters(at('/lenient', accessToken))).toEqual({ subject: null })
      await app.enters(at('/strict', accessToken))
    },
  )

  test('refuses who is not there any more (#123, #130)', async () => {
    const { bed, users, sign } = await withUser(serve)
    const gone = { ...users, findById: () => null }
    const store = memoryStore({ now: () => bed.clock.now * 1000 })
    const other = createBed(serve, { store: { ...store, users }, config: { users: gone } })
    const app = await other.open({ routes: [KNOWN, STRICT] })
    const { accessToken } = await sign()
    await app.refuses(at('/known', accessToken), 'user_refused')
    await app.enters(at('/strict', accessToken))
  })

  test('is a password hashed anew no change of credentials', async () => {
    const { bed, users, user, sign } = await withUser(serve)
    const app = await bed.open({ routes: [KNOWN] })
    const { accessToken } = await sign()
    await users.replacePassword(user.id, { expected: 'h1', hash: 'h2', changed: false })
    await app.enters(at('/known', accessToken))
  })

  test('is asked after revocation: who signed out is told so', async () => {
    const { bed, users, user, sign } = await withUser(serve)
    const app = await bed.open({ routes: [KNOWN] })
    const { accessToken } = await sign()
    await users.update(user.id, { active: false })
    await bed.auth.signOut(accessToken)
    await app.refuses(at('/known', accessToken), 'token_revoked')
  })
}

const checkScenarios = (serve: Serve): void => {
  test.each<readonly [title: string, check: Asked['check'], code: AuthErrorCode | null]>([
    ['true', () => true, null],
    ['true, later', async () => true, null],
    ['false', () => false, 'access_denied'],
    ['false, later', async () => false, 'access_denied'],
    // What the types forbid arrives from JavaScript all the same.
    ['nothing', (() => undefined) as unknown as Asked['check'], 'hook_failed'],
    ['1', (() => 1) as unknown as Asked['check'], 'hook_failed'],
    ['the principal', ((caller: unknown) => caller) as unknown as Asked['check'], 'hook_failed'],
    ['text, later', (async () => 'true') as unknown as Asked['check'], 'hook_failed'],
    [
      'a failure',
      () => {
        throw new Error('no')
      },
      'hook_failed',
    ],
    ['a failure, later', async () => Promise.reject(new Error('no')), 'hook_failed'],
    [
      'a refusal in its own words',
      () => {
        throw new AuthError('not_found')
      },
      'not_found',
    ],
    ['such a refusal, later', async () => Promise.reject(new AuthError('not_found')), 'not_found'],
  ])('is answered by the route itself with %s', async (_title, check, code) => {
    const bed = createBed(serve)
    const asked = check === undefined ? {} : { check }
    const optional = { ...asked, optional: true } as const
    const app = await bed.open({
      routes: [
        { path: '/', guards: [{ requirement: asked }] },
        { path: '/optional', guards: [{ requirement: optional }] },
        { path: '/lenient', guards: [{ requirement: { ...asked, optional: 'lenient' } }] },
      ],
    })
    const token = await bed.accessToken()
    for (const path of ['/', '/optional', '/lenient']) {
      await (code === null ? app.enters(at(path, token)) : app.refuses(at(path, token), code))
    }
    for (const path of ['/optional', '/lenient']) await app.enters({ path })
    await app.refuses({ path: '/' }, 'missing_token')
  })

  test('is told the caller and the request, and asked last', async () => {
    const bed = createBed(serve)
    const told: unknown[] = []
    const check: Asked['check'] = ({ subject, claims }, request) => {
      told.push([subject, claims.role, request.method, request.path, request.query('id'), request.header('x-a')])
      return request.query('id')[0] === subject
    }
    const app = await bed.open({
      routes: [{ path: '/', guards: [{ requirement: { check, permissions: ['clerk'] } }] }],
    })
    const [clerk, nobody] = [await bed.signIn({ permissions: ['clerk'] }), await bed.signIn()]
    const headers = [bearer(clerk.accessToken), ['X-A', '1']] as const
    await app.enters({ path: '/?id=ann', headers })
    await app.refuses({ path: '/?id=bob', headers }, 'access_denied')
    await app.refuses(at('/?id=ann', nobody.accessToken), 'insufficient_permission', { challenge: ', scope="clerk"' })
    expect(told).toEqual([
      ['ann', 'clerk', 'GET', '/', ['ann'], '1'],
      ['ann', 'clerk', 'GET', '/', ['bob'], '1'],
    ])
  })
}

/** A store whose copy of the log lags behind the log itself. */
const lagging = () => {
  const store = memoryStore({ now: () => 1_800_000_000_000 })
  const asked: string[] = []
  const revocations = {
    ...store.revocations,
    isRevoked: () => {
      asked.push('copy')
      return false
    },
    isRevokedAtSource: (token: RevocableToken) => {
      asked.push('source')
      return store.revocations.isRevokedAtSource(token)
    },
  }
  return { store: { ...store, revocations }, asked }
}

const revocationScenarios = (serve: Serve): void => {
  test('is asked of the store as usual, at its source, or not at all (S2-6, S3-12, #108)', async () => {
    const { store, asked } = lagging()
    const bed = createBed(serve, { store })
    const [strict, skip] = [{ revocation: 'strict' }, { revocation: 'skip' }] as const
    const app = await bed.open({
      routes: [
        { path: '/usual', guards: [{}] },
        { path: '/strict', guards: [{ requirement: strict }] },
        { path: '/skip', guards: [{ requirement: skip }] },
        { path: '/strict-optional', guards: [{ requirement: { ...strict, optional: true } }] },
      ],
    })
    const { accessToken } = await bed.signIn()
    for (const path of ['/usual', '/strict', '/skip']) await app.enters(at(path, accessToken))
    expect(asked).toEqual(['copy', 'source'])
    await bed.auth.signOut(accessToken)
    await app.enters(at('/usual', accessToken))
    await app.refuses(at('/strict', accessToken), 'token_revoked')
    await app.refuses(at('/strict-optional', accessToken), 'token_revoked')
    await app.enters(at('/skip', accessToken))
    bed.clock.now += 905
    await app.refuses(at('/skip', accessToken), 'token_expired')
  })
}

/** A permission bound to what the request names. */
const bound = (request: RequestView) => [`orders:read:${request.query('id')[0] ?? ''}` as const]

const asking = (path: string, requirement: Asked) => ({ path, guards: [{ requirement }] })

const permissionScenarios = (serve: Serve): void => {
  test('may be built from the request, and bind a permission to one resource (S0-13)', async () => {
    const bed = createBed(serve)
    const app = await bed.open({
      routes: [
        { path: '/', guards: [{ requirement: { permissions: bound } }] },
        { path: '/later', guards: [{ requirement: { permissions: async (request) => bound(request) } }] },
        { path: '/any', guards: [{ requirement: { anyOf: (request) => ['clerk', ...bound(request)] } }] },
      ],
    })
    // What is bound to a resource is granted as it is: no list can declare it.
    const one = await bed.signIn({ permissions: ['orders:read:17'] })
    const all = await bed.signIn({ permissions: ['orders:read:*' as const] })
    const clerk = await bed.signIn({ permissions: ['clerk'] })
    for (const path of ['/', '/later', '/any']) {
      await app.enters(at(`${path}?id=17`, one.accessToken))
      await app.enters(at(`${path}?id=18`, all.accessToken))
    }
    await app.enters(at('/any?id=18', clerk.accessToken))
    for (const path of ['/', '/later']) {
      const refused = (query: string, scope: string) =>
        app.refuses(at(`${path}${query}`, one.accessToken), 'insufficient_permission', {
          challenge: `, scope="${scope}"`,
        })
      await refused('?id=18', 'orders:read:18')
      await refused('?id=*', 'orders:read:*')
      await refused('?id=17:x', 'orders:read:17:x')
      await refused('', 'orders:read:')
    }
  })

  test('name nothing of the request that a header could not hold, nor what nobody can be granted', async () => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [{ path: '/', guards: [{ requirement: { permissions: bound } }] }] })
    const { accessToken } = await bed.signIn({ permissions: ['orders:*', 'admin'] })
    for (const id of ['a%20b', '%22%2C%20x%3D%22', '%0D%0AX-A%3A%201', '%00', '%C3%A9', 'x'.repeat(200), '%5C']) {
      await app.refuses(at(`/?id=${id}`, accessToken), 'insufficient_permission')
    }
  })

  test.each<readonly [title: string, build: unknown]>([
    ['an empty list', () => []],
    ['an empty list, later', async () => []],
    ['nothing', () => undefined],
    ['text', () => 'orders:read'],
    ['a list of something else', () => [null]],
    [
      'a failure',
      () => {
        throw new Error('no')
      },
    ],
    ['a failure, later', async () => Promise.reject(new Error('no'))],
  ])('let nobody in where the function comes to %s', async (_title, build) => {
    const bed = createBed(serve)
    // What the types forbid arrives from JavaScript all the same.
    const permissions = build as NonNullable<Asked['permissions']>
    const app = await bed.open({
      routes: [
        { path: '/all', guards: [{ requirement: { permissions, optional: 'lenient' } }] },
        { path: '/any', guards: [{ requirement: { anyOf: permissions } }] },
      ],
    })
    const { accessToken } = await bed.signIn({ permissions: ['admin'] })
    for (const path of ['/all', '/any']) await app.refuses(at(path, accessToken), 'hook_failed')
  })

  test('are asked for whatever the parameters of the function that builds them', async () => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [{ path: '/', guards: [{ requirement: { permissions: () => ['clerk'] } }] }] })
    await app.refuses(at('/', await bed.accessToken()), 'insufficient_permission', { challenge: ', scope="clerk"' })
  })

  test('are granted as roles, which stand for permissions and may be asked for themselves (S1-3, #138, #144)', async () => {
    const permissions = {
      names: ['orders:read', 'orders:write', 'invoices:read'],
      roles: { clerk: ['orders:read', 'invoices:read'], admin: ['clerk', 'orders:*'] },
    } as const
    const bed = createBed(serve, { config: { permissions } })
    const app = await bed.open({
      routes: [
        asking('/read', { permissions: ['invoices:read'] }),
        asking('/write', { permissions: ['orders:write'] }),
        asking('/clerk', { anyOf: ['clerk'] }),
        asking('/admin', { permissions: ['admin'] }),
      ],
    })
    const tokenOf = async (role: Permission) => (await bed.signIn({ permissions: [role] })).accessToken
    const [clerk, admin] = [await tokenOf('clerk'), await tokenOf('admin')]
    for (const path of ['/read', '/clerk']) await app.enters(at(path, clerk))
    for (const path of ['/read', '/write', '/clerk', '/admin']) await app.enters(at(path, admin))
    await app.refuses(at('/write', clerk), 'insufficient_permission', { challenge: ', scope="orders:write"' })
    await app.refuses(at('/admin', clerk), 'insufficient_permission', { challenge: ', scope="admin"' })
  })
}

/** What only JavaScript lets through, or what contradicts itself. */
const IMPOSSIBLE: readonly (readonly [asked: object, problem: string])[] = [
  [{ token: 'id' }, 'token: must be "access", "refresh" or "any"'],
  [{ token: null }, 'token: must be "access", "refresh" or "any"'],
  [{ token: 'refresh', fresh: true }, 'fresh: is about access tokens'],
  [{ token: 'any', fresh: '5m' }, 'fresh: is about access tokens'],
  [{ token: 'refresh', revocation: 'skip' }, 'revocation: "skip" is about access tokens'],
  [{ revocation: 'none' }, 'revocation: must be "strict" or "skip", or be left out'],
  [{ revocation: false }, 'revocation: must be "strict" or "skip", or be left out'],
  [{ whenStale: 'skip' }, 'whenStale: must be "refuse", "ask" or "serve"'],
  [{ whenStale: 'ask', revocation: 'strict' }, 'whenStale: is about access tokens that are looked for in a copy'],
  [{ whenStale: 'ask', token: 'refresh' }, 'whenStale: is about access tokens that are looked for in a copy'],
  [{ user: 'yes' }, 'user: must be true or false'],
  [{ user: true }, 'user: needs users in the configuration'],
  [{ check: true }, 'check: must be a function'],
  [{ check: undefined }, 'check: is undefined; leave it out, or say what is required'],
  [{ locations: [] }, 'locations: must be a list of at least one of header, cookie, query, json, form, custom'],
  [{ locations: 'cookie' }, 'locations: must be a list of at least one of'],
  [{ locations: ['cookies'] }, 'locations: must name each of'],
  [{ locations: ['header', 'header'] }, 'locations: must name each of'],
  [{ locations: ['custom'] }, 'locations: names "custom", but the configuration has no locations.find'],
  [{ roles: ['clerk'] }, 'roles: is not a setting'],
  [{ verifyType: false }, 'verifyType: is not a setting'],
]

const mistakeScenarios = (serve: Serve): void => {
  test.each(IMPOSSIBLE)('stop the start with a sentence: %j', async (requirement, problem) => {
    const opening = createBed(serve).open({ routes: [{ path: '/', guards: [{ requirement }] }] })
    await expect(opening).rejects.toThrow(ConfigError)
    await expect(opening).rejects.toThrow(problem)
  })
}

export const questionScenarios = (serve: Serve): void => {
  kindScenarios(serve)
  describe('the user of a token', () => {
    userScenarios(serve)
  })
  describe('a question of the route’s own', () => {
    checkScenarios(serve)
  })
  describe('revocation', () => {
    revocationScenarios(serve)
    staleScenarios(serve)
  })
  describe('permissions of a request', () => {
    permissionScenarios(serve)
  })
  describe('questions that contradict themselves', () => {
    mistakeScenarios(serve)
  })
}
