import { describe, expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { noise } from '../core/token/fixtures.ts'

const ISSUER = 'https://auth.example.com'

const authOver = ({ users }: { readonly users: boolean }) => {
  const store = memoryStore()
  const keys = { secret: noise('options') }
  return createAuth({ issuer: ISSUER, audience: ISSUER, keys, store, ...(users ? { users: store.users } : {}) })
}

const auth = authOver({ users: true })

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

describe('endpoints without a user directory', () => {
  const handler = authRoutes(authOver({ users: false }))
  const PRESENT = [
    '/auth/token',
    '/auth/refresh',
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
})
