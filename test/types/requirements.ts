import type { Requirement } from 'jotward'
import { shop } from './shop.ts'
import type { ShopPermission } from './shop.ts'

/** What a route asks is spelt as it is known, or does not compile. Nothing here is ever run. */

export const names = () => {
  shop.guard({
    optional: 'lenient',
    fresh: '5m',
    locations: ['header', 'cookie', 'query', 'json', 'form', 'custom'],
    token: 'any',
    whenStale: 'ask',
    user: true,
    check: (principal, request) => principal.claims.role === 'chief' && request.method === 'GET',
  })
  // @ts-expect-error a misspelt setting
  shop.guard({ permission: ['orders:read'] })
  // @ts-expect-error a setting of another library
  shop.guard({ scopes: ['orders:read'] })
  // @ts-expect-error a place that there is not
  shop.guard({ locations: ['headers'] })
  // @ts-expect-error a place by its old name
  shop.guard({ locations: ['query_string'] })
  // @ts-expect-error a kind of token that there is not
  shop.guard({ token: 'id' })
  // @ts-expect-error a way of asking that there is not
  shop.guard({ revocation: 'never' })
  // @ts-expect-error what is asked at its source is asked of no copy
  shop.guard({ whenStale: 'skip' })
  // @ts-expect-error true or false
  shop.guard({ user: 'ann' })
  // @ts-expect-error neither true nor false nor lenient
  shop.guard({ optional: 'yes' })
  // @ts-expect-error a span with a unit that there is not
  shop.guard({ fresh: '5 weeks' })
  // @ts-expect-error a setting that is said to be undefined would open the route
  shop.guard({ permissions: undefined })
}

export const questions = () => {
  shop.guard({ check: async (principal) => principal.can('orders:read') })
  // @ts-expect-error a misspelt claim in a question
  shop.guard({ check: ({ claims }) => claims.rule === 'chief' })
  // @ts-expect-error a question is answered with true or false
  shop.guard({ check: ({ subject }) => subject })
  // @ts-expect-error a question that forgets its answer
  shop.guard({ check: () => undefined })
}

/** A requirement that is kept apart is checked where it stands. */
export const kept: Requirement<ShopPermission> = {
  permissions: ['orders:read'],
  // @ts-expect-error a misspelt setting of a requirement that is kept apart
  optionl: true,
}
