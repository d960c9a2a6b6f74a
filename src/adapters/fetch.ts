import type { Guarding } from '../auth.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { isRefused, markRefused } from './renewal.ts'
import { refusalResponse, renewedResponse, requestView } from './web-response.ts'

/** The caller, with a user where the requirement says `user: true`. */
type CallerUnder<R, Claims, P extends string> = R extends { readonly user: true }
  ? Principal<Claims, P> & { readonly user: NonNullable<Principal<Claims, P>['user']> }
  : Principal<Claims, P>

/** Null is possible only where the requirement is optional. */
export type PrincipalUnder<R, Claims, P extends string> = 'optional' extends keyof R
  ? [R['optional']] extends [false | undefined]
    ? CallerUnder<R, Claims, P>
    : CallerUnder<R, Claims, P> | null
  : CallerUnder<R, Claims, P>

type FetchHandler = (request: Request) => MaybePromise<Response>

/** Guards for whatever speaks Request and Response: Bun, Deno, Workers, Next-style route handlers. */
export interface FetchAuth<Claims, P extends string> {
  /** Wraps a handler; a refused request never enters it. What a platform hands over besides the request goes on to it. */
  readonly protect: <const R extends Requirement<P, Claims>, Rest extends readonly unknown[]>(
    requirement: R,
    handler: (request: Request, principal: PrincipalUnder<R, Claims, P>, ...rest: Rest) => MaybePromise<Response>,
  ) => (request: Request, ...rest: Rest) => Promise<Response>
  readonly principal: (request: Request) => Principal<Claims, P>
  readonly optionalPrincipal: (request: Request) => Principal<Claims, P> | null
  /** Answers the handler's own paths and hands all others on. */
  readonly mount: (handler: MountedHandler, next: FetchHandler) => (request: Request) => Promise<Response>
}

export const fetchAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): FetchAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement, handler) => {
      const guard = auth.guard(requirement)
      return async (request, ...rest) => {
        const verdict = await guard(requestView(request))
        if ('refusal' in verdict) {
          markRefused(request)
          return refusalResponse(verdict.refusal)
        }
        const { principal, cookies } = verdict
        principals.set(request, principal)
        // Null only where the requirement is optional, a user wherever it asks for one: what the type says.
        const answer = handler(request, principal as PrincipalUnder<typeof requirement, Claims, P>, ...rest)
        if (cookies.length === 0) return answer
        const response = await answer
        return isRefused(request) ? response : renewedResponse(response, cookies)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: (handler, next) => async (request) =>
      handler.matches(new URL(request.url).pathname) ? handler(request) : next(request),
  }
}
