import { createAuth, memoryStore } from 'jotward'
import type { Auth, BoundPermission, Principal, Requirement } from 'jotward'
import { expectTypeOf } from 'vitest'
import { shop } from './shop.ts'
import type { ShopClaims, ShopPermission } from './shop.ts'

/** Permission names are literal, from the configuration to the handler. Nothing here is ever run. */

declare const caller: Principal<ShopClaims, ShopPermission>

const base = { issuer: 'a', audience: 'a', keys: { secret: 'never run' }, store: memoryStore() }

export const declared = () => {
  expectTypeOf(shop).toEqualTypeOf<Auth<ShopClaims, ShopPermission, { role: 'clerk' | 'chief'; since: string }>>()
  expectTypeOf<Parameters<typeof shop.guard>[0]>().toEqualTypeOf<Requirement<ShopPermission, ShopClaims> | undefined>()
}

export const askedFor = () => {
  shop.guard({ permissions: ['orders:read'], anyOf: ['orders:write', 'trial:read'] })
  // @ts-expect-error a misspelt permission
  shop.guard({ permissions: ['orders:raed'] })
  // @ts-expect-error a misspelt alternative
  shop.guard({ anyOf: ['orders:read', 'orders:wirte'] })
  // @ts-expect-error a wildcard is granted, not asked for
  shop.guard({ permissions: ['orders:*'] })
  // @ts-expect-error one name is no list
  shop.guard({ permissions: 'orders:read' })
  caller.can('orders:read')
  // @ts-expect-error a misspelt question
  caller.can('orders:raed')
}

export const granted = () => {
  const claims = { role: 'clerk', since: '2020-02-29' } as const
  void shop.issue({ subject: 'ann', claims, permissions: ['orders:read', 'orders:*'] })
  void shop.tokens.sign({ subject: 'ann', claims, permissions: ['trial:*'] })
  // @ts-expect-error a misspelt grant
  void shop.issue({ subject: 'ann', claims, permissions: ['orders:raed'] })
  // @ts-expect-error a misspelt grant of a token alone
  void shop.tokens.sign({ subject: 'ann', claims, permissions: ['orders:raed'] })
  // @ts-expect-error a misspelt grant after a check
  void shop.issueAfter('ann', () => ({ claims, permissions: ['orders:raed'] }))
}

export const bound = (id: string) => {
  shop.guard({ permissions: (request) => [`trial:read:${request.parameter('trial') ?? ''}`] })
  shop.guard({ anyOf: async () => ['orders:read', `trial:read:${id}`] })
  // @ts-expect-error bound to a permission that is misspelt
  shop.guard({ permissions: () => [`trail:read:${id}`] })
  // @ts-expect-error a list alone has no request to be bound to
  shop.guard({ permissions: [`trial:read:${id}`] })
  // @ts-expect-error a function answers with a list
  shop.guard({ permissions: () => `trial:read:${id}` })
  expectTypeOf<BoundPermission<'trial:read'>>().toEqualTypeOf<'trial:read' | `trial:read:${string}`>()
}

export const undeclared = () => {
  const open = createAuth(base)
  expectTypeOf(open).toEqualTypeOf<Auth>()
  open.guard({ permissions: ['whatever', 'there:is'] })
}

export const related = () => {
  createAuth({ ...base, permissions: { names: ['a', 'b'], includes: { a: ['b', 'c:*'] }, superPermission: 'a' } })
  // @ts-expect-error a name that includes others and is none
  createAuth({ ...base, permissions: { names: ['orders', 'invoices'], includes: { ordres: ['invoices'] } } })
  // @ts-expect-error a misspelt member
  createAuth({ ...base, permissions: { names: ['orders'], include: {} } })
}
