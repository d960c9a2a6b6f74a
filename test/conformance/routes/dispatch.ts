import { describe, expect, test } from 'vitest'
import { ROUTES } from '../../../src/routes/table.ts'
import { bearer, createBed, ISSUER, post } from './bed.ts'
import type { Ground } from './bed.ts'
import { expectRefusal } from '../refusals.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']

const pathOf = ({ fromRoot, path }: (typeof ROUTES)[number]): string =>
  `${fromRoot === true ? '' : '/auth'}${path.replaceAll(/\{\w+\}/g, 'abc')}`

/** What each path answers to, by its own table rather than by the one under test. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '/auth/signup': ['POST'],
  '/auth/signin': ['POST'],
  '/auth/token': ['POST'],
  '/auth/refresh': ['POST'],
  '/auth/reauthenticate': ['POST'],
  '/auth/ticket': ['POST'],
  '/auth/signout': ['POST'],
  '/auth/signout-everywhere': ['POST'],
  '/auth/password': ['POST'],
  '/auth/me': ['GET', 'HEAD'],
  '/auth/users': ['GET', 'HEAD'],
  '/auth/sessions': ['GET', 'HEAD'],
  '/auth/sessions/abc': ['DELETE'],
  '/auth/tokens': ['GET', 'HEAD'],
  '/auth/tokens/all': ['GET', 'HEAD'],
  '/auth/tokens/abc/revoke': ['PUT'],
  '/auth/tokens/abc/restore': ['PUT'],
  '/auth/openapi.json': ['GET', 'HEAD'],
  '/.well-known/jwks.json': ['GET', 'HEAD'],
}

const UNKNOWN = [
  '/auth',
  '/auth/',
  '/auth/nothing',
  '/auth/me/',
  '/auth//me',
  '/auth/ME',
  '/auth/me.json',
  '/auth/%6de',
  '/auth/sessions/',
  '/auth/sessions/a/b',
  '/auth/tokens/',
  '/auth/tokens/abc',
  '/auth/tokens//revoke',
  '/auth/tokens/a/b/revoke',
  '/auth/tokens/revoke/abc',
  '/auth/sessions/a%2fb',
  '/auth/sessions/a%20b',
  `/auth/sessions/${'x'.repeat(256)}`,
  '/auth/__proto__',
  '/auth/constructor',
  '/auth/me;jsessionid=1',
  '/auth/.well-known/jwks.json',
]

const FOREIGN = [
  '/authentication',
  '/auths/me',
  '/',
  '/me',
  '/.well-known/openid-configuration',
  '/.well-known/jwks.json/',
  '/x/auth/me',
]

export const dispatchScenarios = (ground: Ground): void => {
  describe('dispatch', () => {
    test('has every route of the table in the table of this suite', () => {
      expect(Object.keys(ALLOWED)).toEqual(expect.arrayContaining(ROUTES.map(pathOf)))
    })

    test.each(Object.entries(ALLOWED))(
      'answers every other method at %s with 405 and Allow (RFC 9110 §15.5.6)',
      async (path, allowed) => {
        const bed = await createBed(ground)
        for (const method of METHODS.filter((name) => !allowed.includes(name))) {
          const answer = await bed.send({ method, path, headers: bearer('a.b.c') })
          expectRefusal(answer, { code: 'method_not_allowed', realm: ISSUER, bodiless: method === 'HEAD' })
          expect([method, answer.header('allow')]).toEqual([method, allowed.join(', ')])
        }
      },
    )

    test('answers HEAD as GET, without a body', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer(['users:read'])
      for (const path of [
        '/auth/me',
        '/auth/users',
        '/auth/sessions',
        '/auth/tokens',
        '/auth/openapi.json',
        '/.well-known/jwks.json',
      ]) {
        const { status, text } = await bed.send({ method: 'HEAD', path, headers: bearer(pair.access_token) })
        expect([path, status, text]).toEqual([path, 200, ''])
      }
      await bed.refuses({ method: 'HEAD', path: '/auth/me' }, 'missing_token', { bodiless: true })
    })

    test.each(UNKNOWN)('has nothing at %s, and says so', async (path) => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      for (const method of ['GET', 'POST', 'DELETE']) {
        await bed.refuses({ method, path, headers: bearer(pair.access_token) }, 'not_found')
      }
      expect(await bed.opens(pair)).toBe(true)
    })

    test.each(['/auth/sessions/..', '/auth/sessions/%2e%2e', '/auth/x/../../me'])(
      'leads nowhere by %s',
      async (path) => {
        const bed = await createBed(ground)
        const { pair } = await bed.newcomer()
        for (const method of ['GET', 'DELETE']) {
          expect((await bed.send({ method, path, headers: bearer(pair.access_token) })).status).toBe(404)
        }
        expect(await bed.opens(pair)).toBe(true)
      },
    )

    test.each(FOREIGN)('leaves %s to the application', async (path) => {
      const { status, text } = await (await createBed(ground)).send({ path })
      expect([status, text.includes('error_description')]).toEqual([404, false])
    })

    test('takes no other method from a header or a parameter (N082)', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      const [session] = await bed.auth.sessions.list(user.id)
      const override = [['X-HTTP-Method-Override', 'DELETE'], ...bearer(pair.access_token)] as const
      const sent = { ...post(`/auth/sessions/${session?.id}?_method=DELETE`), headers: override }
      await bed.refuses(sent, 'method_not_allowed')
      expect(await bed.opens(pair)).toBe(true)
    })

    test('ignores a query that an endpoint does not read', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      await bed.succeeds({ path: '/auth/me?x=1&x=2&__proto__=3', headers: bearer(pair.access_token) })
    })
  })
}
