import { createAuth, memoryStore } from 'jotward'
import type { AuthConfig, AuthErrorCode, ErrorsConfig, RefusalContext } from 'jotward'
import { authRoutes } from 'jotward/routes'
import { expectTypeOf } from 'vitest'
import { shop } from './shop.ts'
import type { ShopClaims, ShopPermission } from './shop.ts'

/** Settings are spelt as they are known, or do not compile. Nothing here is ever run. */

const base = { issuer: 'a', audience: 'a', keys: { secret: 'never run' }, store: memoryStore() }

export const settings = () => {
  // @ts-expect-error a misspelt setting
  createAuth({ ...base, trackToken: 'all' })
  // @ts-expect-error a misspelt member of a part
  createAuth({ ...base, accessToken: { lifetme: '5m' } })
  // @ts-expect-error a span with a unit that there is not
  createAuth({ ...base, accessToken: { lifetime: '5 weeks' } })
  // @ts-expect-error either a secret or a ring
  createAuth({ ...base, keys: {} })
  // @ts-expect-error an algorithm that there is not
  createAuth({ ...base, keys: { secret: 'never run', algorithm: 'none' } })
  // @ts-expect-error a kind of tracking that there is not
  createAuth({ ...base, trackTokens: 'access' })
  // @ts-expect-error a way of handing out that there is not
  createAuth({ ...base, delivery: 'header' })
  // @ts-expect-error a store is no optional thing
  createAuth({ issuer: 'a', audience: 'a', keys: base.keys })
}

export const locations = () => {
  createAuth({ ...base, locations: { order: ['cookie', 'header', 'query', 'json', 'form'] } })
  // @ts-expect-error a place that there is not
  createAuth({ ...base, locations: { order: ['headers'] } })
  // @ts-expect-error a place that there is not, for refresh tokens
  createAuth({ ...base, locations: { refreshOrder: ['cookies'] } })
  // @ts-expect-error a misspelt part
  createAuth({ ...base, locations: { headers: { name: 'x-token' } } })
  // @ts-expect-error a misspelt member of a place
  createAuth({ ...base, locations: { header: { scheme: ['JWT'] } } })
  // @ts-expect-error a choice that there is not
  createAuth({ ...base, locations: { several: 'last' } })
}

export const cookies = () => {
  // @ts-expect-error spelt in lower case elsewhere, here as in RFC 6265bis
  createAuth({ ...base, cookies: { sameSite: 'lax' } })
  // @ts-expect-error a misspelt member
  createAuth({ ...base, cookies: { secure: false } })
  // @ts-expect-error a misspelt name
  createAuth({ ...base, cookies: { names: { acces: 'a' } } })
  // @ts-expect-error a misspelt member
  createAuth({ ...base, csrf: { header: 'x-csrf-token' } })
  // @ts-expect-error one header for each kind of token
  createAuth({ ...base, csrf: { headers: 'x-csrf-token' } })
  // @ts-expect-error a list of methods
  createAuth({ ...base, csrf: { methods: 'POST' } })
}

export const hooks = () => {
  createAuth<ShopClaims, ShopPermission>({
    ...base,
    hooks: {
      claims: ({ reason, subject }) => ({ claims: { reason, subject } }),
      verify: async (principal) => principal.claims.role === 'chief' && principal.can('orders:read'),
      isRevoked: ({ tokenId }) => tokenId === '',
    },
  })
  // @ts-expect-error a misspelt hook
  createAuth({ ...base, hooks: { onEvents: () => undefined } })
  // @ts-expect-error a hook is a function
  createAuth({ ...base, hooks: { claims: { role: 'chief' } } })
  // @ts-expect-error a question is answered with true or false
  createAuth({ ...base, hooks: { isRevoked: () => 'no' } })
  // @ts-expect-error a misspelt claim
  createAuth<ShopClaims, ShopPermission>({ ...base, hooks: { verify: ({ claims }) => claims.rule === 'chief' } })
  // @ts-expect-error a misspelt permission
  createAuth<ShopClaims, ShopPermission>({ ...base, hooks: { verify: (principal) => principal.can('orders:raed') } })
}

export const errors = () => {
  createAuth({ ...base, errors: { body: 'problem', on: { token_expired: () => ({ status: 440 }) } } })
  createAuth({ ...base, errors: { body: { messageKey: 'msg' }, on: { default: ({ code }) => ({ body: { code } }) } } })
  // @ts-expect-error a code that there is not
  createAuth({ ...base, errors: { on: { expired_token: () => ({}) } } })
  // @ts-expect-error a shape that there is not
  createAuth({ ...base, errors: { body: 'rfc9457' } })
  // @ts-expect-error a change has a status, headers and a body
  createAuth({ ...base, errors: { on: { token_expired: () => ({ statusCode: 440 }) } } })
  expectTypeOf<keyof NonNullable<ErrorsConfig['on']>>().toEqualTypeOf<AuthErrorCode | 'default'>()
  expectTypeOf<RefusalContext['code']>().toEqualTypeOf<AuthErrorCode>()
}

export const kept: AuthConfig<ShopClaims, ShopPermission> = {
  ...base,
  // @ts-expect-error a misspelt setting of a configuration that is kept apart
  issure: 'a',
}

export const endpoints = () => {
  authRoutes(shop, { basePath: '/session' })
  // @ts-expect-error a misspelt option
  authRoutes(shop, { basepath: '/session' })
  // @ts-expect-error true or false
  authRoutes(shop, { passwordGrant: 'off' })
}

export const issuing = () => {
  const claims = { role: 'clerk', since: '2020-02-29' } as const
  // @ts-expect-error for whom?
  void shop.issue({ claims })
  // @ts-expect-error a misspelt option
  void shop.issue({ subject: 'ann', claims, accessLifeTime: '5m' })
  // @ts-expect-error a misspelt option of a token alone
  void shop.tokens.sign({ subject: 'ann', claims, expiresIn: '5m' })
}
