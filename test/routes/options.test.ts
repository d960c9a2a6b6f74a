import { describe, expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import { ConfigError } from '../../src/core/errors.ts'
import type { ClaimsSchema } from '../../src/core/claims-schema.ts'
import type { HooksConfig } from '../../src/core/hooks.ts'
import type { JsonObject } from '../../src/core/token/json.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import type { AuthRoutesOptions } from '../../src/routes/route-context.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { noise } from '../core/token/fixtures.ts'

const ISSUER = 'https://auth.example.com'

const authOver = ({ users, ...config }: { readonly users: boolean } & Omit<Partial<AuthConfig>, 'users'>) => {
  const store = memoryStore()
  const keys = { secret: noise('options') }
  const people = users ? { users: store.users } : {}
  return createAuth({ issuer: ISSUER, audience: ISSUER, keys, store, ...people, ...config })
}

const auth = authOver({ users: true })
const tracking = authOver({ users: true, trackTokens: 'all' })

const WRONG: readonly (readonly [title: string, options: object, problem: RegExp])[] = [
  ['a misspelt option', { basepath: '/auth' }, /basepath: is not a setting; did you mean "basePath"\?/],
  [
    'a misspelt option of passwords',
    { passwords: { minlength: 9 } },
    /passwords\.minlength: .*did you mean "minLength"\?/,
  ],
  [
    'a misspelt option of sign-up',
    { signup: { opened: true } },
    /signup\.opened: is not a setting; did you mean "open"\?/,
  ],
  ['a base path without a slash', { basePath: 'auth' }, /basePath: must be a path like "\/auth"/],
  ['a base path that ends with a slash', { basePath: '/auth/' }, /basePath/],
  ['a base path that is a pattern', { basePath: '/(.*)' }, /basePath/],
  ['no base path at all', { basePath: '' }, /basePath/],
  ['a minimum length below what NIST allows', { passwords: { minLength: 7 } }, /passwords\.minLength: .*from 8 to 64/],
  ['a minimum length that is none', { passwords: { minLength: Number.NaN } }, /passwords\.minLength/],
  ['permissions that are none', { signup: { permissions: ['two words'] } }, /signup\.permissions/],
]

describe('options of the endpoints', () => {
  test.each(WRONG)('are refused with %s', (_title, options, problem) => {
    expect(() => authRoutes(auth, options)).toThrow(ConfigError)
    expect(() => authRoutes(auth, options)).toThrow(problem)
  })

  test('are refused with every problem at once', () => {
    const options: object = { basePath: 'auth', passwords: { minLength: 3 }, signup: { opn: 1 } }
    expect(() => authRoutes(auth, options)).toThrow(/signup\.opn[\s\S]*basePath[\s\S]*minLength/)
  })

  test('move the endpoints, but for the JWK Set', async () => {
    const handler = authRoutes(auth, { basePath: '/api/v1.2/auth' })
    const statuses = ['/api/v1.2/auth/me', '/api/v1x2/auth/me', '/auth/me', '/.well-known/jwks.json'].map(
      async (path) => [path, handler.matches(path), (await handler(new Request(`http://x${path}`))).status],
    )
    expect(await Promise.all(statuses)).toEqual([
      ['/api/v1.2/auth/me', true, 401],
      ['/api/v1x2/auth/me', false, 404],
      ['/auth/me', false, 404],
      ['/.well-known/jwks.json', true, 200],
    ])
    expect(Object.keys(Object(handler.openApi['paths']) as object)).toContain('/api/v1.2/auth/sessions/{sid}')
  })
})

/** Aliases that cannot be, with what is said of each. */
const NO_ALIASES: readonly (readonly [aliases: object, problem: RegExp])[] = [
  [{ signin: '/login' }, /^aliases\.signin: is not a setting; did you mean "signIn"\?$/],
  [{ login: '/login' }, /^aliases\.login: is not a setting; the settings are signUp, /],
  [{ signIn: 'login' }, /^aliases\.signIn: must be a path below basePath, like "\/login"$/],
  [{ signIn: '/login/' }, /must be a path/],
  [{ signIn: '' }, /must be a path/],
  [{ signIn: '/a/../b' }, /must be a path/],
  [{ signIn: '/./b' }, /must be a path/],
  [{ signIn: '/(.*)' }, /must be a path/],
  [{ signIn: '/lögin' }, /must be a path/],
  [{ signIn: undefined }, /must be a path/],
  [{ signIn: 7 }, /must be a path/],
  [{ revokeToken: '/tokens/revoke/:jti' }, /must be a path/],
  [{ revokeToken: '/tokens/revoke' }, /^aliases\.revokeToken: must have \{jti\} in it, and no other$/],
  [{ revokeToken: '/tokens/revoke/{id}' }, /must have \{jti\} in it/],
  [{ revokeToken: '/tokens/{jti}/{jti}' }, /must have \{jti\} in it/],
  [{ signIn: '/login/{jti}' }, /^aliases\.signIn: must have no part in braces$/],
  [{ signIn: '/signin' }, /^aliases\.signIn: cannot be told from the path of signIn$/],
  [{ signIn: '/me' }, /cannot be told from the path of me$/],
  [{ signIn: '/openapi.json' }, /cannot be told from the path of the OpenAPI document$/],
  [{ endSession: '/{sid}' }, /^aliases\.endSession: cannot be told from the path of signUp$/],
  [{ listTokens: '/sessions/all' }, /cannot be told from the path of endSession$/],
  [{ signIn: '/login', token: '/login' }, /^aliases\.token: cannot be told from the path of aliases\.signIn$/],
]

const messageOf = (act: () => unknown): string => {
  try {
    act()
    return ''
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error)
  }
}

describe('aliases', () => {
  test.each(NO_ALIASES)('%j are refused', (aliases, problem) => {
    expect(messageOf(() => authRoutes(tracking, { aliases }))).toMatch(problem)
  })

  test('of endpoints that are not there are refused, with what they need', () => {
    const aliases = { signIn: '/login', listTokens: '/mine' }
    expect(messageOf(() => authRoutes(authOver({ users: false }), { aliases }))).toBe(
      [
        'aliases.signIn: names an endpoint that is not there; it needs users in the configuration',
        'aliases.listTokens: names an endpoint that is not there; it needs trackTokens in the configuration',
      ].join('\n'),
    )
  })

  test('that have no object are refused', () => {
    const options = { aliases: ['/login'] } as unknown as AuthRoutesOptions
    expect(messageOf(() => authRoutes(auth, options))).toBe('aliases: must be an object')
  })

  test('are named by operations, which a slip does not compile for', () => {
    const good: AuthRoutesOptions = {
      aliases: { revokeToken: '/tokens/revoke/{jti}', restoreToken: '/tokens/undo/{jti}' },
    }
    // @ts-expect-error: there is no such operation
    const bad: AuthRoutesOptions = { aliases: { login: '/login' } }
    expect(messageOf(() => authRoutes(tracking, good))).toBe('')
    expect(messageOf(() => authRoutes(tracking, bad))).toMatch(/login/)
  })
})

describe('cookies with which nobody could stay signed in', () => {
  const byCookie = { users: true, delivery: 'cookie' } as const
  const onPath = (refreshPath: string) => authOver({ ...byCookie, cookies: { refreshPath } })

  test.each([
    ['/auth', '/api/auth'],
    ['/api', '/auth'],
    ['/aut', '/auth'],
    ['/auth/deep', '/auth'],
  ])('a refresh cookie for %s, endpoints at %s', (refreshPath, basePath) => {
    expect(messageOf(() => authRoutes(onPath(refreshPath), { basePath }))).toBe(
      `basePath: is not below cookies.refreshPath ("${refreshPath}"), so no refresh cookie would come; set that to "${basePath}"`,
    )
  })

  test.each([
    ['/auth', '/auth'],
    ['/', '/auth'],
    ['/auth/', '/auth'],
    ['/auth', '/auth/v1'],
    ['/behind/a/proxy/auth', '/auth'],
  ])('are not a refresh cookie for %s and endpoints at %s', (refreshPath, basePath) => {
    expect(messageOf(() => authRoutes(onPath(refreshPath), { basePath }))).toBe('')
  })

  test('a refresh token that is not looked for in its cookie', () => {
    const blind = authOver({ ...byCookie, locations: { order: ['cookie'], refreshOrder: ['header'] } })
    const problem = 'locations.refreshOrder: must name "cookie" where delivery is "cookie"'
    expect(messageOf(() => authRoutes(blind))).toBe(problem)
  })

  test('matter nothing where tokens are handed out in bodies', () => {
    expect(messageOf(() => authRoutes(auth, { basePath: '/api/auth' }))).toBe('')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no such request')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such request'))],
    ['finds a token in anything', () => 'a.b.c'],
  ])('cannot be told where a function that looks for tokens %s, and the start goes on', (_title, find) => {
    const blind = authOver({ users: true, locations: { order: ['header', 'cookie', 'custom'], find } })
    expect(messageOf(() => authRoutes(blind))).toBe('')
  })
})

const needy = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Object.hasOwn(Object(value) as object, 'role')
        ? { value: { role: '' } }
        : { issues: [{ message: 'role is missing' }] },
  },
} as const satisfies ClaimsSchema<{ role: string }, JsonObject>

const over = (hooks: HooksConfig<{ role: string }>) => {
  const store = memoryStore()
  const keys = { secret: noise('options') }
  const accessToken = { claims: needy }
  return createAuth({ issuer: ISSUER, audience: ISSUER, keys, store, users: store.users, accessToken, hooks })
}

describe('claims that every token needs', () => {
  test('must come from an option of the endpoints, or from the hook of the engine', () => {
    expect(messageOf(() => authRoutes(over({})))).toMatch(/^claims: is missing, .*role is missing/)
    expect(messageOf(() => authRoutes(over({}), { claims: () => ({ role: 'clerk' }) }))).toBe('')
    expect(messageOf(() => authRoutes(over({ claims: () => ({ claims: { role: 'clerk' } }) })))).toBe('')
  })
})

describe('endpoints without a register of tokens', () => {
  const PATHS = ['/auth/tokens', '/auth/tokens/all', '/auth/tokens/x/revoke', '/auth/tokens/x/restore']

  test('leave out those of the register, also from the document (S3-7)', async () => {
    const handler = authRoutes(auth)
    for (const path of PATHS) {
      for (const method of ['GET', 'PUT']) {
        expect((await handler(new Request(`http://x${path}`, { method }))).status).toBe(404)
      }
    }
    const paths = Object.keys(Object(handler.openApi['paths']) as object)
    expect(paths.filter((path) => path.includes('tokens'))).toEqual([])
    expect(Object.keys(Object(authRoutes(tracking).openApi['paths']) as object)).toEqual(
      expect.arrayContaining(['/auth/tokens', '/auth/tokens/all', '/auth/tokens/{jti}/revoke']),
    )
  })
})

describe('endpoints without a user directory', () => {
  const handler = authRoutes(authOver({ users: false }))
  const PRESENT = [
    '/auth/token',
    '/auth/refresh',
    '/auth/ticket',
    '/auth/signout',
    '/auth/signout-everywhere',
    '/auth/me',
    '/auth/sessions',
    '/auth/sessions/{sid}',
    '/.well-known/jwks.json',
  ]

  test('leave out those that deal with users, also from the document', async () => {
    expect(Object.keys(Object(handler.openApi['paths']) as object)).toEqual(PRESENT)
    for (const path of ['/auth/signup', '/auth/signin', '/auth/password', '/auth/reauthenticate', '/auth/users']) {
      expect([path, (await handler(new Request(`http://x${path}`, { method: 'POST' }))).status]).toEqual([path, 404])
    }
  })

  test('tell the caller of a session that the application has issued, and refresh it', async () => {
    const issuing = authOver({ users: false })
    const routes = authRoutes(issuing)
    const { accessToken, refreshToken } = await issuing.issue({ subject: 'ann' })
    const me = await routes(new Request('http://x/auth/me', { headers: { authorization: `Bearer ${accessToken}` } }))
    expect(await me.json()).toMatchObject({ principal: { subject: 'ann' }, user: null })
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const password = new URLSearchParams({ grant_type: 'password', username: 'ann', password: 'x' })
    const refresh = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
    expect((await routes(new Request('http://x/auth/token', { ...init, body: password }))).status).toBe(400)
    expect((await routes(new Request('http://x/auth/token', { ...init, body: refresh }))).status).toBe(200)
  })

  test('may come from the hook alone, at sign-in and at refresh', async () => {
    const issuer = over({ claims: () => ({ claims: { role: 'clerk' } }) })
    const handle = authRoutes(issuer, { passwords: { minLength: 8 } })
    const post = (path: string, body: object) =>
      handle(
        new Request(`${ISSUER}/auth${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      )
    const credentials = { email: 'ann@example.com', password: 'nine green bottles' }
    expect((await post('/signup', credentials)).status).toBe(201)
    const signedIn = await post('/signin', credentials)
    expect(signedIn.status).toBe(200)
    const { refresh_token } = (await signedIn.json()) as { refresh_token: string }
    expect((await post('/refresh', { refresh_token })).status).toBe(200)
  })
})
