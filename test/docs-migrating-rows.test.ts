import { Hono } from 'hono'
import type { Context } from 'hono'
import { describe, expect, test } from 'vitest'
import { readSettings } from '../server/src/settings.ts'
import { elysiaAuth } from '../src/adapters/elysia.ts'
import { expressAuth } from '../src/adapters/express.ts'
import { fastifyAuth } from '../src/adapters/fastify.ts'
import { fetchAuth } from '../src/adapters/fetch.ts'
import { h3Auth } from '../src/adapters/h3.ts'
import { honoAuth } from '../src/adapters/hono.ts'
import { koaAuth } from '../src/adapters/koa.ts'
import { nestAuth } from '../src/adapters/nestjs.ts'
import { nodeAuth } from '../src/adapters/node.ts'
import { createAuth } from '../src/auth.ts'
import type { AuthConfig } from '../src/auth-config.ts'
import type { Requirement } from '../src/core/request/requirement.ts'
import { decodeUnverified } from '../src/core/token/jws.ts'
import { createPasswordCheck } from '../src/passwords/password-check.ts'
import { scryptHasher } from '../src/passwords/scrypt.ts'
import type { PasswordHasher } from '../src/ports/password-hasher.ts'
import { authRoutes } from '../src/routes/index.ts'
import { bearer } from './config-effects/ask.ts'
import { claimsOf, createBed } from './core/session/issuer.ts'
import { noise, seal } from './core/token/fixtures.ts'

/** What docs/migrating.md says of rows whose proof is not elsewhere, done once, over plain requests. */

const ADDRESS = 'https://api.example.com/'

/** A route behind a guard, which counts how often it was entered. */
const routeOf = (requirement: Requirement = {}, change: Partial<AuthConfig> = {}) => {
  const bed = createBed(change)
  let entered = 0
  const handle = fetchAuth(bed.auth).protect(requirement, (_request, caller) => {
    entered += 1
    return Response.json({ of: caller?.subject, claims: caller?.claims, permissions: caller?.permissions })
  })
  const send = async (headers: Readonly<Record<string, string>> = {}) => {
    const before = entered
    const response = await handle(new Request(ADDRESS, { headers }))
    const body: unknown = await response.json()
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, entered: entered - before, body, challenge }
  }
  return { ...bed, send }
}

describe('a guard', () => {
  test('refuses who brings no token, a bad one, or too little, and lets the others in (S0-5, S0-6, S3-1, #144)', async () => {
    const { auth, send } = routeOf({ permissions: ['trial:write'] })
    const { accessToken } = await auth.issue({ subject: 'ann' })
    const { accessToken: allowed } = await auth.issue({ subject: 'ann', permissions: ['trial:write'] })
    expect(await send()).toMatchObject({ status: 401, entered: 0, body: { code: 'missing_token' } })
    expect(await send(bearer(accessToken.slice(0, -2)))).toMatchObject({ status: 401, entered: 0 })
    expect(await send(bearer(accessToken))).toMatchObject({
      status: 403,
      entered: 0,
      challenge: expect.stringContaining('scope="trial:write"') as string,
    })
    expect(await send(bearer(allowed))).toMatchObject({ status: 200, entered: 1 })
  })

  test('answers 401 to whatever is wrong with a token, with a challenge (S3-1, #11, #20 to #24)', async () => {
    const { auth, send } = routeOf()
    const [header = '', payload = ''] = (await auth.issue({ subject: 'ann' })).accessToken.split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    const foreign = seal(Buffer.from(header, 'base64url'), Buffer.from(payload, 'base64url'), noise('foreign'))
    for (const token of ['a.b', 'a.b.c.d', `${header}.${payload}.AAAA`, none, foreign]) {
      const answer = await send(bearer(token))
      expect(answer).toMatchObject({ status: 401, entered: 0, body: { code: 'token_invalid' } })
      expect(answer.challenge).toContain('error="invalid_token"')
    }
  })

  test('tells the handler who called, with claims and permissions (S0-8, S3-1)', async () => {
    const { auth, send } = routeOf()
    const { accessToken } = await auth.issue({ subject: 'ann', claims: { team: 7 }, permissions: ['trial:read'] })
    expect(await send(bearer(accessToken))).toMatchObject({
      body: { of: 'ann', claims: { team: 7 }, permissions: ['trial:read'] },
    })
  })

  test('goes by the type in the header, whatever the claims say (S1-4)', async () => {
    const { auth, send } = routeOf()
    const claims = { type: 'refresh', token_type: 'refresh_token' }
    const { accessToken, refreshToken } = await auth.issue({ subject: 'ann', claims })
    expect([accessToken, refreshToken].map((token) => decodeUnverified(token).header.typ)).toEqual(['at+jwt', 'rt+jwt'])
    expect(await send(bearer(accessToken))).toMatchObject({ status: 200, entered: 1 })
    expect(await send(bearer(refreshToken))).toMatchObject({
      status: 401,
      entered: 0,
      body: { code: 'wrong_token_type' },
    })
  })

  test('stands before an application, a group of routes, or one route (S1-5)', async () => {
    const { auth } = createBed()
    const { protect, principal } = honoAuth(auth)
    const entered: string[] = []
    const orders = (context: Context) => {
      entered.push(principal(context).subject)
      return context.text('')
    }
    const places = [
      new Hono().use(protect()).route('/', new Hono().get('/orders', orders)),
      new Hono().route('/', new Hono().use(protect()).get('/orders', orders)),
      new Hono().get('/orders', protect(), orders),
    ]
    const headers = bearer((await auth.issue({ subject: 'ann' })).accessToken)
    for (const app of places) {
      expect((await app.request('/orders')).status).toBe(401)
      expect(entered).toEqual([])
      expect((await app.request('/orders', { headers })).status).toBe(200)
      expect(entered.splice(0)).toEqual(['ann'])
    }
  })

  test('has the same names in every framework, and needs to be told nothing of it (S0-2)', () => {
    const { auth } = createBed()
    const adapters = [expressAuth, fastifyAuth, honoAuth, koaAuth, h3Auth, elysiaAuth, fetchAuth, nodeAuth, nestAuth]
    for (const adapter of adapters) {
      expect(Object.keys(adapter(auth))).toEqual(
        expect.arrayContaining(['protect', 'principal', 'optionalPrincipal', 'mount']),
      )
    }
  })
})

describe('a sign-in', () => {
  test('gives both tokens, and what is kept for refresh is in neither (S0-9)', async () => {
    const { auth } = createBed()
    const pair = await auth.issue({ subject: 'ann', claims: { team: 7 }, refreshData: { shard: 'hidden' } })
    expect(pair.session.refreshData).toEqual({ shard: 'hidden' })
    for (const token of [pair.accessToken, pair.refreshToken]) {
      expect(JSON.stringify(decodeUnverified(token))).not.toContain('hidden')
    }
  })

  test('makes a token with the claims of RFC 9068, and custom ones beside them (S0-10)', async () => {
    const { auth } = createBed()
    const { accessToken } = await auth.issue({ subject: 'ann', claims: { team: 7 }, permissions: ['a', 'b'] })
    const claims = claimsOf(accessToken)
    const standard = ['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti', 'sid', 'auth_time', 'scope']
    expect(Object.keys(claims)).toEqual(expect.arrayContaining([...standard, 'team']))
    expect([claims['scope'], claims['team'], 'nbf' in claims]).toEqual(['a b', 7, false])
  })

  test('can be read again in parts: subject, claims, identifier, header (S2-5, S3-13)', async () => {
    const { auth } = createBed()
    const { accessToken, tokenId } = await auth.issue({ subject: 'ann', claims: { team: 7 } })
    const principal = await auth.verify(accessToken)
    expect([principal.subject, principal.claims, principal.tokenId]).toEqual(['ann', { team: 7 }, tokenId])
    expect(decodeUnverified(accessToken).header).toMatchObject({ alg: 'HS256', typ: 'at+jwt' })
  })
})

describe('the start', () => {
  const { settings } = createBed()

  test('is refused without a secret, and with a weak one (S2-2)', () => {
    // What the types forbid arrives from JavaScript all the same.
    expect(() => createAuth({ ...settings, keys: {} } as AuthConfig)).toThrow('keys: must be { secret }')
    expect(() => createAuth({ ...settings, keys: { secret: '' } })).toThrow('keys.secret')
    expect(() => createAuth({ ...settings, keys: { secret: 'secret' } })).toThrow('keys.secret')
  })

  test('of the server is decided by the environment, and refused for a wrong or unknown name (S1-2, S2-1, S4-1)', () => {
    const secret = noise('server').toString('base64')
    const read = readSettings({ JOTWARD_SECRET: secret, JOTWARD_ACCESS_LIFETIME: '90' })
    expect([read.secret?.reveal(), read.accessLifetime]).toEqual([secret, 90])
    expect(() => readSettings({ JOTWARD_ACCESS_LIFETIME: 'soon' })).toThrow('JOTWARD_ACCESS_LIFETIME')
    expect(() => readSettings({ JOTWARD_ACCESS_LIFETIM: '90' })).toThrow('JOTWARD_ACCESS_LIFETIM')
  })
})

describe('the endpoints', () => {
  const bed = createBed()
  const hasher = scryptHasher()
  const auth = createAuth({ ...bed.settings, users: bed.users })
  const endpoints = authRoutes(auth, { passwordGrant: true, passwords: { hasher } })

  const post = async (path: string, body: string | object) => {
    const isForm = typeof body === 'string'
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
    const request = new Request(`https://api.example.com/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: isForm ? body : JSON.stringify(body),
    })
    const response = await endpoints(request)
    const answer: unknown = await response.json()
    return { status: response.status, answer }
  }

  const credentials = { email: 'ann@example.com', password: 'correct horse battery staple' }

  test('take the password form of OAuth, with hashes of scrypt (S4-2, S4-3)', async () => {
    expect(await post('/signup', credentials)).toMatchObject({ status: 201 })
    const user = await bed.users.findByEmail(credentials.email)
    expect(user?.passwordHash).toMatch(/^\$scrypt\$/)
    const form = (password: string) =>
      new URLSearchParams({ grant_type: 'password', username: credentials.email, password }).toString()
    expect(await post('/token', form(credentials.password))).toMatchObject({
      status: 200,
      answer: { token_type: 'Bearer', expires_in: 900 },
    })
    expect(await post('/token', form('wrong'))).toMatchObject({ status: 400, answer: { error: 'invalid_grant' } })
  })

  test('answer an unknown user as a wrong password, and verify something for both (S1-8, S4-3)', async () => {
    const [unknown, wrong] = [
      await post('/signin', { ...credentials, email: 'nobody@example.com' }),
      await post('/signin', { ...credentials, password: 'wrong' }),
    ]
    expect(unknown).toEqual(wrong)
    expect(unknown.status).toBe(401)
    const verified: string[] = []
    const counting: PasswordHasher = {
      ...hasher,
      verify: (password, hash) => {
        verified.push(hash)
        return hasher.verify(password, hash)
      },
    }
    expect((await createPasswordCheck(counting).check(null, 'any')).matches).toBe(false)
    expect(verified).toEqual([expect.stringMatching(/^\$scrypt\$/)])
  })

  test('refuse who is disabled (S1-8)', async () => {
    const user = await bed.users.findByEmail(credentials.email)
    await bed.users.update(user?.id ?? '', { active: false })
    expect(await post('/signin', credentials)).toMatchObject({ status: 401, answer: { code: 'invalid_credentials' } })
  })

  test('are described in OpenAPI 3.1, with the scheme for a button that signs in (S1-10, S2-13)', () => {
    const document: unknown = endpoints.openApi
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1/) as string,
      paths: { '/auth/signin': { post: { responses: { 200: {}, 401: {} } } } },
    })
    expect(JSON.stringify(document)).toContain('"scheme":"bearer"')
  })
})
