import type { Principal, Requirement } from 'jotward'
import { fetchAuth } from 'jotward/fetch'
import { nodeAuth } from 'jotward/node'
import { wsAuth } from 'jotward/ws'
import { expectTypeOf } from 'vitest'
import type { WebSocketServer } from 'ws'
import { shop } from './shop.ts'
import type { ShopClaims, ShopPermission } from './shop.ts'

/**
 * Where a handler is given its caller, the type says what the requirement promises: null only under `optional`, a user
 * under `user`. Nothing here is ever run.
 */

type Caller = Principal<ShopClaims, ShopPermission>

export const inFetch = () => {
  const { protect, principal, optionalPrincipal } = fetchAuth(shop)
  protect({}, (request, caller) => {
    expectTypeOf(caller).toEqualTypeOf<Caller>()
    expectTypeOf(principal(request)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(request)).toEqualTypeOf<Caller | null>()
    return new Response(caller.claims.role)
  })
  protect({ optional: false, fresh: true }, (_request, caller) => new Response(caller.subject))
  protect({ optional: true }, (_request, caller) => {
    expectTypeOf(caller).toEqualTypeOf<Caller | null>()
    // @ts-expect-error nobody may have called
    return new Response(caller.subject)
  })
  // @ts-expect-error nobody may have called here either
  protect({ optional: 'lenient' }, (_request, caller) => new Response(caller.subject))
  // @ts-expect-error a misspelt claim
  protect({}, (_request, caller) => new Response(caller.claims.rule))
  // @ts-expect-error a misspelt permission
  protect({ permissions: ['orders:raed'] }, () => new Response())
  // @ts-expect-error a misspelt setting
  protect({ permission: ['orders:read'] }, () => new Response())
  // @ts-expect-error a misspelt claim in a question of a route
  protect({ check: ({ claims }) => claims.rule === 'chief' }, () => new Response())
}

/** What is only known to be a requirement may be an optional one. */
export const unknown = (requirement: Requirement<ShopPermission>, isOpen: boolean) => {
  const { protect } = fetchAuth(shop)
  // @ts-expect-error it may be optional
  protect(requirement, (_request, caller) => new Response(caller.subject))
  // @ts-expect-error it may be true
  protect({ optional: isOpen }, (_request, caller) => new Response(caller.subject))
}

export const inNode = () => {
  const { protect, principal, optionalPrincipal } = nodeAuth(shop)
  protect({}, (request, response, caller) => {
    expectTypeOf(caller).toEqualTypeOf<Caller>()
    expectTypeOf(principal(request)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(request)).toEqualTypeOf<Caller | null>()
    response.end(caller.claims.role)
  })
  // @ts-expect-error nobody may have called
  protect({ optional: true }, (_request, response, caller) => response.end(caller.subject))
  // @ts-expect-error a misspelt claim
  protect({}, (_request, response, caller) => response.end(caller.claims.rule))
  // @ts-expect-error a misspelt permission
  protect({ permissions: ['orders:raed'] }, (_request, response) => response.end())
  // @ts-expect-error a misspelt claim in a question of a route
  protect({ check: ({ claims }) => claims.rule === 'chief' }, (_request, response) => response.end())
}

export const inWebSocket = (server: WebSocketServer) => {
  const { protect, principal, optionalPrincipal } = wsAuth(shop)
  protect({ permissions: ['orders:read'] }, server, (socket, _request, caller) => {
    expectTypeOf(caller).toEqualTypeOf<Caller>()
    expectTypeOf(principal(socket)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(socket)).toEqualTypeOf<Caller | null>()
    socket.send(caller.claims.role)
  })
  // @ts-expect-error nobody may have called
  protect({ optional: true }, server, (socket, _request, caller) => socket.send(caller.subject))
  // @ts-expect-error a misspelt claim
  protect({}, server, (socket, _request, caller) => socket.send(caller.claims.rule))
  // @ts-expect-error a misspelt permission
  protect({ permissions: ['orders:raed'] }, server, (socket) => socket.close())
}

/** The user is there where the route asks for it, and nowhere else. */
export const users = () => {
  const { protect } = fetchAuth(shop)
  const listener = nodeAuth(shop)
  protect({ user: true }, (_request, caller) => new Response(caller.user.email))
  protect({ user: true, optional: true }, (_request, caller) => new Response(caller?.user.email))
  listener.protect({ user: true }, (_request, response, caller) => response.end(caller.user.email))
  // @ts-expect-error the route did not ask for it
  protect({}, (_request, caller) => new Response(caller.user.email))
  // @ts-expect-error the route asked for none
  protect({ user: false }, (_request, caller) => new Response(caller.user.email))
  // @ts-expect-error the route did not ask for it
  listener.protect({}, (_request, response, caller) => response.end(caller.user.email))
}
