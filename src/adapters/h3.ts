import type { Guarding } from '../auth.ts'
import { whenReady } from '../core/maybe-promise.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { parameterOf } from './node-http.ts'
import { isRefused, markRefused, renewalFor } from './renewal.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** The part of h3's `H3Event` that is needed here. */
export interface H3EventLike {
  readonly req: Request
  /** As h3 routes it: needless escapes are gone. */
  readonly url: { readonly pathname: string }
  readonly context: { readonly params?: unknown }
  /** What h3 merges into the answer; into one with an error only `errHeaders`. */
  readonly res: { readonly status?: number | undefined; readonly headers: Headers; readonly errHeaders: Headers }
}

export type H3Middleware = (event: H3EventLike, next: () => unknown) => unknown

export interface H3Auth<Claims, P extends string> {
  /** Middleware that refuses by itself: `app.use(…)`, `app.use('/admin/**', …)`, or among a route's `middleware`. */
  readonly protect: (requirement?: Requirement<P, Claims>) => H3Middleware
  readonly principal: (event: H3EventLike) => Principal<Claims, P>
  readonly optionalPrincipal: (event: H3EventLike) => Principal<Claims, P> | null
  /** Middleware that answers the handler's own paths. Whatever reads bodies before it must read a clone. */
  readonly mount: (handler: MountedHandler) => H3Middleware
}

/** What stands in a parameter; malformed escapes do not come here, for h3 refuses them. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** h3 leaves it to the handler whether parameters are decoded. */
const viewOf = ({ req, context }: H3EventLike): RequestView =>
  requestView(req, (name) => {
    const value = parameterOf(context.params, name)
    return value === null ? null : decode(value)
  })

/** What an answer has by itself: a Response, or h3's own `HTTPResponse`. */
const partsOf = (answer: unknown): { readonly status?: unknown; readonly headers?: Headers } => {
  if (typeof answer !== 'object' || answer === null || !('headers' in answer)) return {}
  if (!(answer.headers instanceof Headers)) return {}
  return { headers: answer.headers, status: 'status' in answer ? answer.status : undefined }
}

/** Hands renewed cookies to h3, which merges them into whatever has been answered. Of an error it makes its own answer. */
const renew = (event: H3EventLike, answer: unknown, renewed: readonly string[]): unknown => {
  const carriers = [event, event.req, ...(answer instanceof Response ? [answer] : [])]
  if (answer instanceof Error || carriers.some(isRefused)) return answer
  const own = partsOf(answer)
  const status = typeof own.status === 'number' ? own.status : (event.res.status ?? 200)
  const merged = answer instanceof Response && status >= 400 ? event.res.errHeaders : event.res.headers
  const renewal = renewalFor([renewed], {
    status,
    cookies: [...merged.getSetCookie(), ...(own.headers?.getSetCookie() ?? [])],
    cacheControl: merged.get('cache-control') ?? own.headers?.get('cache-control') ?? null,
  })
  if (renewal === null) return answer
  for (const cookie of renewal.cookies) merged.append('set-cookie', cookie)
  if (renewal.cacheControl !== null) merged.set('cache-control', renewal.cacheControl)
  return answer
}

export const h3Auth = <Claims, P extends string>(auth: Guarding<Claims, P>): H3Auth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  // An event is given another request once that has been validated, and a request another event where one application
  // calls another: either is enough.
  const carrierOf = (event: H3EventLike): object => (principals.knows(event) ? event : event.req)
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return (event, next) => {
        const act = (verdict: Verdict<Claims, P>): unknown => {
          if ('refusal' in verdict) {
            markRefused(event, event.req)
            return refusalResponse(verdict.refusal)
          }
          const { principal, cookies } = verdict
          principals.set(event, principal)
          principals.set(event.req, principal)
          return cookies.length === 0 ? next() : whenReady(next(), (answer) => renew(event, answer, cookies))
        }
        const verdict = guard(viewOf(event))
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
