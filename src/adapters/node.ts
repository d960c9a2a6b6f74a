import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Guarding } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { PrincipalUnder } from './fetch.ts'
import type { MountedHandler } from './handler.ts'
import { sendRenewed } from './node-cookies.ts'
import { isPlainPath, nodePath, nodeRequestView, serveMounted, writeRefusal } from './node-http.ts'
import type { NodeRequest, NodeResponse } from './node-http.ts'
import { createPrincipals } from './principals.ts'

/**
 * What `createServer` takes. It returns what the handler returned, a promise where the guard had to wait, so that
 * whoever calls it can await it; a failure of the handler stays its own.
 */
export type NodeListener<Req, Res> = (request: Req, response: Res) => unknown

/** Guards for node:http and the compatibility API of node:http2, which have listeners and no middleware. */
export interface NodeAuth<Claims, P extends string> {
  /** Wraps a listener; a refused request never enters it. */
  readonly protect: <
    const R extends Requirement<P, Claims>,
    Req extends NodeRequest = IncomingMessage,
    Res extends NodeResponse = ServerResponse,
  >(
    requirement: R,
    handler: (request: Req, response: Res, principal: PrincipalUnder<R, Claims, P>) => unknown,
  ) => NodeListener<Req, Res>
  readonly principal: (request: NodeRequest) => Principal<Claims, P>
  readonly optionalPrincipal: (request: NodeRequest) => Principal<Claims, P> | null
  /** Answers the handler's own paths and hands all others on. */
  readonly mount: <Req extends NodeRequest = IncomingMessage, Res extends NodeResponse = ServerResponse>(
    handler: MountedHandler,
    next: NodeListener<Req, Res>,
  ) => NodeListener<Req, Res>
}

export const nodeAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): NodeAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement, handler) => {
      const guard = auth.guard(requirement)
      return (request, response) => {
        const act = (verdict: Verdict<Claims, P>): unknown => {
          if ('refusal' in verdict) {
            writeRefusal(response, verdict.refusal)
            return undefined
          }
          principals.set(request, verdict.principal)
          sendRenewed(response, verdict.cookies)
          // Null only where the requirement is optional, a user wherever it asks for one: what the type says.
          return handler(request, response, verdict.principal as PrincipalUnder<typeof requirement, Claims, P>)
        }
        const verdict = guard(nodeRequestView(request))
        return verdict instanceof Promise ? verdict.then(act) : act(verdict)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: (handler, next) => (request, response) => {
      const path = nodePath(request)
      const isOwn = handler.matches(path) && isPlainPath(path)
      return isOwn ? serveMounted(handler, request, response) : next(request, response)
    },
  }
}
