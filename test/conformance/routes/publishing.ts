import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { noise } from '../../core/token/fixtures.ts'
import { createBed, ISSUER } from './bed.ts'
import type { Ground, Settings } from './bed.ts'
import { ACCESS, REFRESH } from './browser.ts'
import { BY_COOKIE } from './delivering.ts'
import { expectOpenApi } from './openapi-shape.ts'

interface Described {
  readonly security: readonly object[]
  readonly parameters?: readonly object[]
  readonly responses: { readonly [status: string]: { readonly description: string; readonly headers?: object } }
}

interface Document {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Described } }
  readonly components: { readonly securitySchemes: object }
}

const JWKS = '/.well-known/jwks.json'

/** Members of a JWK that anybody may see (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). */
const PUBLIC_MEMBERS = new Set(['kty', 'use', 'alg', 'kid', 'key_ops', 'crv', 'x', 'y', 'n', 'e'])

/** Keys in each of their states, and the secret of refresh tokens that a ring cannot give. */
const ringed = (): Settings => ({
  keys: { current: generateJwk('EdDSA'), next: [generateJwk('ES256')], retiring: [generateJwk('EdDSA')] },
  config: { refreshToken: { secret: noise('refresh tokens of a ring') } },
})

const jwks = (ground: Ground): void => {
  test('publishes every key of a ring, its public members and nothing else (RFC 7517 §5, N037)', async () => {
    const bed = await createBed(ground, ringed())
    const answer = await bed.send({ path: JWKS })
    expect([answer.status, answer.header('content-type'), answer.header('cache-control')]).toEqual([
      200,
      'application/jwk-set+json',
      'public, max-age=300',
    ])
    const { keys } = JSON.parse(answer.text) as { keys: Record<string, unknown>[] }
    expect(keys).toHaveLength(3)
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(3)
    for (const key of keys) expect(Object.keys(key).filter((name) => !PUBLIC_MEMBERS.has(name))).toEqual([])
  })

  test('publishes what another library verifies our access tokens with, and no refresh token', async () => {
    const bed = await createBed(ground, ringed())
    const { user, pair } = await bed.newcomer()
    const keySet = createLocalJWKSet(JSON.parse((await bed.send({ path: JWKS })).text) as JSONWebKeySet)
    const options = { issuer: ISSUER, audience: ISSUER, typ: 'at+jwt', currentDate: new Date(bed.clock.now * 1000) }
    const { payload } = await jwtVerify(pair.access_token, keySet, options)
    expect(payload.sub).toBe(user.id)
    await expect(jwtVerify(pair.refresh_token, keySet, { currentDate: options.currentDate })).rejects.toThrow(
      'Unsupported "alg" value',
    )
  })

  test('publishes no key where a secret signs', async () => {
    const bed = await createBed(ground)
    expect((await bed.send({ path: JWKS })).text).toBe('{"keys":[]}')
  })
}

export const publishingScenarios = (ground: Ground): void => {
  describe('the JWK Set', () => {
    jwks(ground)
  })

  describe('the OpenAPI document', () => {
    test('is published as it is to be had from the handler, and is an OpenAPI 3.1 document', async () => {
      const bed = await createBed(ground)
      const document = await bed.succeeds({ path: '/auth/openapi.json' })
      expect(document).toEqual(JSON.parse(JSON.stringify(bed.openApi)))
      expectOpenApi(document)
    })

    test('tells of cookies, their value against CSRF and what sets them where tokens are looked for in cookies', async () => {
      const bed = await createBed(ground, BY_COOKIE)
      const document = await bed.succeeds({ path: '/auth/openapi.json' })
      expectOpenApi(document)
      const { paths, components } = document as unknown as Document
      expect(components.securitySchemes).toMatchObject({
        accessCookie: { type: 'apiKey', in: 'cookie', name: ACCESS },
        refreshCookie: { type: 'apiKey', in: 'cookie', name: REFRESH },
      })
      const { signout, refresh, me } = {
        signout: paths['/auth/signout']?.['post'],
        refresh: paths['/auth/refresh']?.['post'],
        me: paths['/auth/me']?.['get'],
      }
      expect(signout?.security).toEqual([{ bearer: [] }, { accessCookie: [] }, { refreshCookie: [] }, {}])
      expect(refresh?.security).toEqual([{ bearer: [] }, { refreshCookie: [] }, {}])
      expect(me?.security).toEqual([{ bearer: [] }, { accessCookie: [] }])
      expect(refresh?.parameters).toMatchObject([{ name: 'X-CSRF-Token', in: 'header' }])
      expect(me?.parameters).toBe(undefined)
      expect(Object.keys(refresh?.responses['200']?.headers ?? {})).toEqual(['Set-Cookie'])
      expect(refresh?.responses['403']?.description).toBe('csrf_failed')
    })

    test('tells nothing of cookies where none are looked for', async () => {
      const { openApi } = await createBed(ground)
      const text = JSON.stringify(openApi)
      for (const word of ['accessCookie', 'X-CSRF-Token', 'Set-Cookie', 'csrf_failed']) expect(text).not.toContain(word)
    })
  })
}
