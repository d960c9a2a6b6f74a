import type { Auth } from '../auth.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** Null is possible only where the requirement is optional. */
export type PrincipalUnder<R extends Requirement, Claims, P extends string> = 'optional' extends keyof R
  ? [R['optional']] extends [false | undefined]
    ? Principal<Claims, P>
    : Principal<Claims, P> | null
  : Principal<Claims, P>

type FetchHandler = (request: Request) => MaybePromise<Response>

/** Guards for whatever speaks Request and Response: Bun, Deno, Workers, Next-style route handlers. */
export interface FetchAuth<Claims, P extends string> {
  /** Wraps a handler; a refused request never enters it. What a platform hands over besides the request goes on to it. */
  readonly protect: <const R extends Requirement<P>, Rest extends readonly unknown[]>(
    requirement: R,
    handler: (request: Request, principal: PrincipalUnder<R, Claims, P>, ...rest: Rest) => MaybePromise<Response>,
  ) => (request: Request, ...rest: Rest) => Promise<Response>
  readonly principal: (request: Request) => Principal<Claims, P>
  readonly optionalPrincipal: (request: Request) => Principal<Claims, P> | null
  /** Answers the handler's own paths and hands all others on. */
  readonly mount: (handler: MountedHandler, next: FetchHandler) => (request: Request) => Promise<Response>
}

export const fetchAuth = <Claims, P extends string>(auth: Auth<Claims, P>): FetchAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement, handler) => {
      const guard = auth.guard(requirement)
      return async (request, ...rest) => {
        const verdict = await guard(requestView(request))
        if ('refusal' in verdict) return refusalResponse(verdict.refusal)
        principals.set(request, verdict.principal)
        // The guard returns null only where the requirement is optional, which is what the type says.
        return handler(request, verdict.principal as PrincipalUnder<typeof requirement, Claims, P>, ...rest)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: (handler, next) => async (request) =>
      handler.matches(new URL(request.url).pathname) ? handler(request) : next(request),
  }
}
