import express from 'express'
import { createAuth, memoryStore, realms } from 'jotward'
import type { Connecting, JsonObject } from 'jotward'
import { expressAuth } from 'jotward/express'
import { fetchAuth } from 'jotward/fetch'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { shop } from './shop.ts'
import type { ShopClaims } from './shop.ts'

/** Several issuers together: claims are one of theirs, permissions are those that all of them know. Nothing is ever run. */

const base = { issuer: 'a', audience: 'a', keys: { secret: 'never run' }, store: memoryStore() }

const staff = createAuth({
  ...base,
  accessToken: { claims: z.object({ desk: z.number() }) },
  permissions: { names: ['orders:read', 'staff:list'] },
})

const anybody = createAuth(base)

export const claims = () => {
  const both = realms(shop, staff)
  expectTypeOf(both).toEqualTypeOf<Connecting<ShopClaims | { desk: number }, 'orders:read'>>()
  expectTypeOf(realms(staff, anybody)).toEqualTypeOf<
    Connecting<{ desk: number } | JsonObject, 'orders:read' | 'staff:list'>
  >()
  const { protect, principal } = expressAuth(both)
  express().get('/', protect({ permissions: ['orders:read'] }), (request, response) => {
    const caller = principal(request)
    expectTypeOf(caller.claims).toEqualTypeOf<ShopClaims | { desk: number }>()
    // @ts-expect-error which of them it is has to be asked first
    void caller.claims.desk
    response.json('desk' in caller.claims ? caller.claims.desk : caller.claims.role)
  })
  // @ts-expect-error a permission that only one of them knows
  protect({ permissions: ['staff:list'] })
  // @ts-expect-error what an issuer does, several together do not
  void both.issue
}

export const inFetch = () => {
  const { protect } = fetchAuth(realms(shop, staff))
  protect({ optional: true }, (_request, caller) => {
    expectTypeOf(caller?.claims).toEqualTypeOf<ShopClaims | { desk: number } | undefined>()
    return new Response(caller?.issuer)
  })
}
