import type { Auth } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { isPlainPath } from './node-http.ts'
import { createPrincipals } from './principals.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** The part of h3's `H3Event` that is needed here. */
export interface H3EventLike {
  readonly req: Request
  /** As h3 routes it: needless escapes are gone. */
  readonly url: { readonly pathname: string }
}

/** Two parameters on purpose: of a middleware with one, h3 takes an answer of 404 for none at all. */
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
  // By request, which several events may share: h3 makes a new one for an application within an application.
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return ({ req }, next) => {
        const act = (verdict: Verdict<Claims, P>): unknown => {
          if ('refusal' in verdict) return refusalResponse(verdict.refusal)
          principals.set(req, verdict.principal)
          return next()
        }
        const verdict = guard(requestView(req))
        return verdict instanceof Promise ? verdict.then(act) : act(verdict)
      }
    },
    principal: ({ req }) => principals.principal(req),
    optionalPrincipal: ({ req }) => principals.optionalPrincipal(req),
    mount:
      (handler) =>
      ({ req, url: { pathname } }, next) =>
        handler.matches(pathname) && isPlainPath(pathname) ? handler(req) : next(),
  }
}
