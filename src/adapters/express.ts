import type { Guarding } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { sendRenewed } from './node-cookies.ts'
import { isPlainPath, nodePath, nodeRequestView, serveMounted, writeRefusal } from './node-http.ts'
import type { NodeRequest, NodeResponse } from './node-http.ts'
import { createPrincipals, tellTemplates } from './principals.ts'

/** Node's request with what Express has made of it. */
export interface ExpressRequest extends NodeRequest {
  readonly params?: unknown
}

/** Node's response with what Express has made of it. */
export interface ExpressResponse extends NodeResponse {
  /** What templates see. */
  locals?: object
}

export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => void

export interface ExpressAuth<Claims, P extends string> {
  /** Middleware that refuses by itself, for an app, a router or a route. Templates have the caller as `principal`. */
  readonly protect: (requirement?: Requirement<P, Claims>) => ExpressMiddleware
  readonly principal: (request: NodeRequest) => Principal<Claims, P>
  readonly optionalPrincipal: (request: NodeRequest) => Principal<Claims, P> | null
  /** Middleware that answers the handler's own paths, before or after body parsers. */
  readonly mount: (handler: MountedHandler) => ExpressMiddleware
}

/** Middleware as Express has it, and all that took it over. */
export const expressMount =
  (handler: MountedHandler): ExpressMiddleware =>
  (request, response, next) => {
    const path = nodePath(request)
    if (!handler.matches(path) || !isPlainPath(path)) {
      next()
      return
    }
    serveMounted(handler, request, response).catch(next)
  }

export const expressAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): ExpressAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return (request, response, next) => {
        const act = (verdict: Verdict<Claims, P>): void => {
          if ('refusal' in verdict) {
            writeRefusal(response, verdict.refusal)
            return
          }
          principals.set(request, verdict.principal)
          tellTemplates(response, verdict.principal)
          sendRenewed(response, verdict.cookies)
          next()
        }
        const verdict = guard(nodeRequestView(request, { parameters: request.params }))
        if (verdict instanceof Promise) verdict.then(act).catch(next)
        else act(verdict)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: expressMount,
  }
}
