import { createAuth, memoryStore } from 'jotward'
import type { Auth, ClaimsSchema, JsonObject, Principal } from 'jotward'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { shop } from './shop.ts'
import type { ShopClaims, ShopPermission } from './shop.ts'

/** Custom claims go in as the schema's input and come out as its output. Nothing here is ever run. */

const base = { issuer: 'a', audience: 'a', keys: { secret: 'never run' }, store: memoryStore() }

/** What handlers of an issuer get. */
type Given<A> = A extends Auth<infer Claims, infer _P, infer _Input> ? Claims : never

export const zod = () => {
  void shop.issue({ subject: 'ann', claims: { role: 'chief', since: '2020-02-29' } })
  void shop.tokens.sign({ subject: 'ann', claims: { role: 'chief', since: '2020-02-29' } })
  void shop.issueAfter('ann', () => ({ claims: { role: 'chief', since: '2020-02-29' } }))
  // @ts-expect-error a role that there is not
  void shop.issue({ subject: 'ann', claims: { role: 'boss', since: '2020-02-29' } })
  // @ts-expect-error the output of the schema instead of its input
  void shop.issue({ subject: 'ann', claims: { role: 'chief', since: new Date() } })
  // @ts-expect-error a claim is missing
  void shop.issue({ subject: 'ann', claims: { role: 'chief' } })
  // @ts-expect-error a claim is misspelt
  void shop.issue({ subject: 'ann', claims: { role: 'chief', sinse: '2020-02-29' } })
  // @ts-expect-error a token alone has claims of the same kind
  void shop.tokens.sign({ subject: 'ann', claims: { role: 'boss', since: '2020-02-29' } })
  // @ts-expect-error and so has a session after a check
  void shop.issueAfter('ann', () => ({ claims: { role: 'boss', since: '2020-02-29' } }))
}

export const out = async (caller: Principal<ShopClaims, ShopPermission>) => {
  expectTypeOf<Given<typeof shop>>().toEqualTypeOf<ShopClaims>()
  expectTypeOf(await shop.verify('a token')).toEqualTypeOf(caller)
  expectTypeOf(caller.claims.since).toEqualTypeOf<Date>()
  // @ts-expect-error a misspelt claim
  void caller.claims.sinse
  // @ts-expect-error a value that the claim never has
  void (caller.claims.role === 'boss')
}

/** As valibot declares its schemas: an object whose `types` tell both sides. */
interface ValibotLike {
  readonly kind: 'schema'
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'valibot-like'
    readonly types?: { readonly input: { age: string }; readonly output: { age: number } } | undefined
    readonly validate: (value: unknown) => { value: { age: number } } | { issues: [{ message: string; kind: string }] }
  }
}

/** As arktype declares its schemas: a function with the members of a schema, which may also answer with a promise. */
interface ArktypeLike {
  (value: unknown): { plan: 'free' | 'paid' }
  readonly infer: { plan: 'free' | 'paid' }
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'arktype-like'
    readonly types?: { readonly input: { plan: 'free' | 'paid' }; readonly output: { plan: 'free' | 'paid' } }
    readonly validate: (value: unknown) => ReturnType<ClaimsSchema<{ plan: 'free' | 'paid' }>['~standard']['validate']>
  }
}

declare const valibotLike: ValibotLike
declare const arktypeLike: ArktypeLike

export const otherLibraries = () => {
  const aged = createAuth({ ...base, accessToken: { claims: valibotLike } })
  expectTypeOf<Given<typeof aged>>().toEqualTypeOf<{ age: number }>()
  void aged.issue({ subject: 'ann', claims: { age: '7' } })
  // @ts-expect-error the output instead of the input
  void aged.issue({ subject: 'ann', claims: { age: 7 } })

  const planned = createAuth({ ...base, accessToken: { claims: arktypeLike } })
  expectTypeOf<Given<typeof planned>>().toEqualTypeOf<{ plan: 'free' | 'paid' }>()
  void planned.issue({ subject: 'ann', claims: { plan: 'paid' } })
  // @ts-expect-error a plan that there is not
  void planned.issue({ subject: 'ann', claims: { plan: 'gold' } })

  // @ts-expect-error a schema is no plain object of types
  createAuth({ ...base, accessToken: { claims: { role: 'string' } } })
}

/** An interface has no index signature, and is no JsonObject to the compiler. */
interface Tenancy {
  tenant: string
  seats?: number
}

export const interfaces = (schema: ClaimsSchema<Tenancy, Tenancy>, tenancy: Tenancy) => {
  const tenants = createAuth({ ...base, accessToken: { claims: schema } })
  expectTypeOf<Given<typeof tenants>>().toEqualTypeOf<Tenancy>()
  void tenants.issue({ subject: 'ann', claims: tenancy })
  // @ts-expect-error a claim of another type
  void tenants.issue({ subject: 'ann', claims: { tenant: 7 } })
  const named = createAuth<Tenancy>({ ...base, accessToken: { claims: z.object({ tenant: z.string() }) } })
  expectTypeOf<Given<typeof named>>().toEqualTypeOf<Tenancy>()
}

export const none = () => {
  const open = createAuth(base)
  expectTypeOf<Given<typeof open>>().toEqualTypeOf<JsonObject>()
  void open.issue({ subject: 'ann', claims: { anything: ['goes', { in: true }] } })
  // @ts-expect-error what JSON cannot hold
  void open.issue({ subject: 'ann', claims: { made: new Date() } })
}
