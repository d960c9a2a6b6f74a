import type { Auth } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** The part of h3's `H3Event` that is needed here. */
export interface H3EventLike {
  readonly req: Request
  /** As h3 routes it: needless escapes are gone. */
  readonly url: { readonly pathname: string }
}

export type H3Middleware = (event: H3EventLike, next: () => unknown) => unknown

export interface H3Auth<Claims, P extends string> {
  /** Middleware that refuses by itself: `app.use(…)`, `app.use('/admin/**', …)`, or among a route's `middleware`. */
  readonly protect: (requirement?: Requirement<P>) => H3Middleware
  readonly principal: (event: H3EventLike) => Principal<Claims, P>
  readonly optionalPrincipal: (event: H3EventLike) => Principal<Claims, P> | null
  /** Middleware that answers the handler's own paths. Whatever reads bodies before it must read a clone. */
  readonly mount: (handler: MountedHandler) => H3Middleware
}

export const h3Auth = <Claims, P extends string>(auth: Auth<Claims, P>): H3Auth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  // An event is given another request once that has been validated, and a request another event where one application
  // calls another: either is enough.
  const carrierOf = (event: H3EventLike): object => (principals.knows(event) ? event : event.req)
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return (event, next) => {
        const act = (verdict: Verdict<Claims, P>): unknown => {
          if ('refusal' in verdict) return refusalResponse(verdict.refusal)
          principals.set(event, verdict.principal)
          principals.set(event.req, verdict.principal)
          return next()
        }
        const verdict = guard(requestView(event.req))
        return verdict instanceof Promise ? verdict.then(act) : act(verdict)
      }
    },
    principal: (event) => principals.principal(carrierOf(event)),
    optionalPrincipal: (event) => principals.optionalPrincipal(carrierOf(event)),
    mount:
      (handler) =>
      ({ req, url: { pathname } }, next) =>
        // The handler must see the path that h3 routes by, or it would pass by what the application has put before it.
        handler.matches(pathname) && new URL(req.url).pathname === pathname ? handler(req) : next(),
  }
}
