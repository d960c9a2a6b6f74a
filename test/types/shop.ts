import { createAuth, memoryStore } from 'jotward'
import { z } from 'zod'

/**
 * The issuer that the type tests of this folder stand on. What a token carries and what a handler gets differ on
 * purpose: `since` goes in as a text and comes out as a date.
 */
export const shop = createAuth({
  issuer: 'https://shop.example.com',
  audience: 'https://shop.example.com',
  keys: { secret: 'never run' },
  store: memoryStore(),
  users: memoryStore().users,
  accessToken: {
    claims: z.object({ role: z.enum(['clerk', 'chief']), since: z.iso.date().transform((day) => new Date(day)) }),
  },
  permissions: { names: ['orders:read', 'orders:write', 'trial:read'] },
})

/** What a handler gets. */
export interface ShopClaims {
  role: 'clerk' | 'chief'
  since: Date
}

export type ShopPermission = 'orders:read' | 'orders:write' | 'trial:read'
