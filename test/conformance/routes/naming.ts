import { describe, expect, test } from 'vitest'
import { bearer, claimsOf, createBed, form, PASSWORD, post } from './bed.ts'
import type { Ground, Pair, Settings } from './bed.ts'
import { openBrowser } from './browser.ts'

/** Endpoints under further paths: those of the systems that a client was written for (S1-9, S3-9). */

const ALIASES: Settings = {
  options: {
    aliases: {
      signUp: '/create',
      signIn: '/login',
      reauthenticate: '/fresh-login',
      refresh: '/refresh-access',
      token: '/oauth/token',
      listAllTokens: '/all-tokens',
      revokeToken: '/tokens/revoke/{jti}',
      restoreToken: '/tokens/unrevoke/{jti}',
      jwks: '/keys.json',
    },
  },
}

const jtiOf = (token: string): unknown => claimsOf(token)['jti']

export const aliasScenarios = (ground: Ground): void => {
  describe('aliases', () => {
    test('keep the paths of other systems, beside the endpoints’ own (S1-9, S3-9)', async () => {
      const bed = await createBed(ground, ALIASES)
      const credentials = { email: 'ann@example.com', password: PASSWORD }
      const { id } = await bed.succeeds<{ id: string }>(post('/auth/create', credentials), 201)
      await bed.store.users.update(id, { permissions: ['tokens:admin'] })
      const pair = await bed.succeeds<Pair>(post('/auth/login', credentials))
      const own = await bed.succeeds<Pair>(post('/auth/signin', credentials))
      const headers = bearer(own.access_token)
      await bed.succeeds(post('/auth/fresh-login', { password: PASSWORD }, headers))
      await bed.succeeds(post('/auth/refresh-access', { refresh_token: own.refresh_token }))
      expect(await bed.succeeds({ path: '/auth/all-tokens', headers })).toMatchObject({ next: null })
      for (const [path, revoked] of [
        ['revoke', true],
        ['unrevoke', false],
      ] as const) {
        const sent = { method: 'PUT', path: `/auth/tokens/${path}/${String(jtiOf(pair.access_token))}`, headers }
        expect(await bed.succeeds(sent)).toMatchObject({ jti: jtiOf(pair.access_token), revoked })
        expect(await bed.opens(pair)).toBe(!revoked)
      }
      expect((await bed.send({ path: '/auth/keys.json' })).text).toBe('{"keys":[]}')
    })

    test('are guarded, checked and refused as the endpoints themselves', async () => {
      const bed = await createBed(ground, ALIASES)
      const { user, pair } = await bed.newcomer()
      await bed.refuses({ path: '/auth/all-tokens' }, 'missing_token')
      const challenge = ', scope="tokens:admin"'
      const listing = { path: '/auth/all-tokens', headers: bearer(pair.access_token) }
      await bed.refuses(listing, 'insufficient_permission', { challenge })
      await bed.refuses(post('/auth/login', { email: user.email, password: 'wrong' }), 'invalid_credentials')
      await bed.refuses(post('/auth/login', { email: user.email, role: 'admin' }), 'invalid_body')
      await bed.refuses({ path: '/auth/login' }, 'method_not_allowed')
      const wrong = form('/auth/oauth/token', [
        ['grant_type', 'refresh_token'],
        ['refresh_token', 'x'],
      ])
      await bed.refuses(wrong, 'refresh_token_invalid', { oauth: true })
      expect(await bed.opens(pair)).toBe(true)
    })

    test('take cookies with their value alike (N080)', async () => {
      const bed = await createBed(ground, { ...ALIASES, config: { delivery: 'cookie' } })
      const { email } = await bed.signUp()
      const browser = openBrowser(bed)
      await browser.succeeds(post('/auth/login', { email, password: PASSWORD }))
      const refreshing = { method: 'POST', path: '/auth/refresh-access' }
      await browser.refuses(refreshing, 'csrf_failed', { csrf: null })
      await browser.succeeds(refreshing, { csrf: browser.valueOf('jotward-csrf-refresh') })
    })

    test('stand in the document, each with a name of its own', async () => {
      const { openApi } = await createBed(ground, ALIASES)
      const { paths } = openApi as unknown as { paths: Record<string, Record<string, { operationId: string }>> }
      expect(paths['/auth/login']?.['post']).toEqual({
        ...paths['/auth/signin']?.['post'],
        operationId: 'signInAlias',
      })
      expect(paths['/auth/tokens/unrevoke/{jti}']?.['put']).toMatchObject({
        operationId: 'restoreTokenAlias',
        parameters: [{ name: 'jti', in: 'path', required: true }],
      })
      const names = Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId))
      expect(new Set(names).size).toBe(names.length)
    })
  })
}
