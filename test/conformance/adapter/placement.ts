import { describe, expect, test } from 'vitest'
import { noise } from '../../core/token/fixtures.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed, createIssuer } from './bed.ts'
import type { IssuerParts } from './bed.ts'

const OTHER = 'https://other.example.com'

/** The clock of every bed at its beginning. */
const NOW = { now: 1_800_000_000 }

export const placementScenarios = (serve: Serve): void => {
  describe('placement', () => {
    test('a guard of the whole application guards each route', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        areas: [{ prefix: '' }],
        routes: [
          { path: '/a', guards: [] },
          { path: '/b/c', guards: [] },
        ],
      })
      const headers = [bearer(await bed.accessToken())]
      for (const path of ['/a', '/b/c']) {
        await app.refuses({ path }, 'missing_token')
        expect(await app.enters({ path, headers })).toEqual({ subject: 'ann' })
      }
    })

    test('a guard of a part guards what lies below it and nothing else', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        areas: [{ prefix: '/admin' }],
        routes: [
          { path: '/admin/users', guards: [] },
          { path: '/open', guards: [], enter: () => 'open' },
        ],
      })
      await app.refuses({ path: '/admin/users' }, 'missing_token')
      expect(await app.enters({ path: '/open' })).toBe('open')
    })

    test('each of several guards has to be passed', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        areas: [{ prefix: '', requirement: { optional: true } }, { prefix: '/admin' }],
        routes: [
          {
            path: '/admin/users',
            guards: [{ requirement: { permissions: ['clerk'] } }, { requirement: { fresh: '5m' } }],
          },
          { path: '/open', guards: [] },
        ],
      })
      const [plain, clerk] = [await bed.signIn(), await bed.signIn({ permissions: ['clerk'] })]
      const sent = { path: '/admin/users', headers: [bearer(clerk.accessToken)] }
      await app.refuses({ path: '/admin/users' }, 'missing_token')
      await app.refuses({ path: '/admin/users', headers: [bearer(plain.accessToken)] }, 'insufficient_permission', {
        challenge: ', scope="clerk"',
      })
      await app.enters(sent)
      bed.clock.now += 301
      await app.refuses(sent, 'reauthentication_required', { challenge: ', max_age="300"' })
      expect(await app.enters({ path: '/open' })).toEqual({ subject: null })
    })

    test('a path that the application does not have stays a 404 of its own', async () => {
      const app = await createBed(serve).open({ areas: [{ prefix: '/admin' }], routes: [{ path: '/a', guards: [{}] }] })
      const { status, text, header } = await app.send({ path: '/nowhere' })
      expect({ status, challenge: header('www-authenticate'), ours: text.includes('error_description') }).toEqual({
        status: 404,
        challenge: null,
        ours: false,
      })
    })
  })

  describe('two issuers in one application', () => {
    const ROUTES = [
      { path: '/ours', guards: [{ by: 0 }], by: 0 },
      { path: '/theirs', guards: [{ by: 1 }], by: 1 },
      { path: '/both', guards: [{ by: 0 }, { by: 1 }], by: 0 },
    ]

    const OTHERS: readonly (readonly [title: string, parts: IssuerParts])[] = [
      ['with secrets of their own', { secret: noise('another realm') }],
      ['under one secret, with issuers of their own (N056)', { issuer: OTHER }],
      ['under one secret and issuer, with audiences of their own (N056)', { audience: 'https://x.example.com' }],
    ]

    test.each(OTHERS)("never accept each other's tokens: %s", async (_title, parts) => {
      const bed = createBed(serve)
      const other = createIssuer(NOW, { ...parts, realm: OTHER })
      const app = await bed.open({ auths: [bed.auth, other], routes: ROUTES })
      const ours = [bearer(await bed.accessToken())]
      const { accessToken } = await other.issue({ subject: 'eve', claims: { role: 'chief', since: '2020-02-29' } })
      const theirs = [bearer(accessToken)]
      expect(await app.enters({ path: '/ours', headers: ours })).toEqual({ subject: 'ann' })
      expect(await app.enters({ path: '/theirs', headers: theirs })).toEqual({ subject: 'eve' })
      await app.refuses({ path: '/ours', headers: theirs }, 'token_invalid')
      await app.refuses({ path: '/theirs', headers: ours }, 'token_invalid', { realm: OTHER })
      await app.refuses({ path: '/both', headers: ours }, 'token_invalid', { realm: OTHER })
      await app.refuses({ path: '/both', headers: theirs }, 'token_invalid')
    })

    test('do not know each other’s principals', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        auths: [bed.auth, createIssuer(NOW, { secret: noise('another realm') })],
        routes: [
          {
            path: '/',
            guards: [{ by: 0 }],
            by: 1,
            enter: ({ optionalPrincipal }) => {
              expect(optionalPrincipal).toThrow('No guard ran')
              return 'unknown'
            },
          },
        ],
      })
      expect(await app.enters({ path: '/', headers: [bearer(await bed.accessToken())] })).toBe('unknown')
    })
  })
}
