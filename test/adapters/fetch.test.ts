import { describe, expect, expectTypeOf, test } from 'vitest'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { serveFetch, serveFetchOnNode } from '../conformance/serve-fetch.ts'

adapterConformance('fetch', serveFetch)
adapterConformance('fetch on node:http', serveFetchOnNode)

describe('the second parameter of a guarded handler', () => {
  const { auth, accessToken } = createBed(serveFetch)
  const { protect, principal } = fetchAuth(auth)

  test('is the caller, and null only where the guard is optional', async () => {
    type Caller = Principal<Claims, Permission>
    const strict = protect({ fresh: true }, (request, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Caller>()
      expect(caller).toBe(principal(request))
      return new Response(caller.claims.role)
    })
    const optional = protect({ optional: true }, (_request, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Caller | null>()
      return Response.json(caller)
    })
    const lenient = protect({ optional: 'lenient' }, (_request, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Caller | null>()
      return Response.json(caller)
    })
    const [name, value] = bearer(await accessToken())
    const request = new Request('http://x/', { headers: { [name]: value } })
    expect(await (await strict(request)).text()).toBe('clerk')
    expect(await (await optional(new Request('http://x/'))).text()).toBe('null')
    expect(await (await lenient(new Request('http://x/'))).text()).toBe('null')
  })

  test('is not to be had where the requirement is only known to be one', () => {
    const requirement: { optional: boolean } = { optional: false }
    protect(requirement, (_request, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Principal<Claims, Permission> | null>()
      return Response.json(caller)
    })
    expect(requirement.optional).toBe(false)
  })
})
