import type { Guarding } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { addCookies, forgetRenewed, sendRenewed } from './node-cookies.ts'
import { discardBody, isPlainPath, nodePath, nodeRequestView, toWebRequest } from './node-http.ts'
import type { NodeRequest, NodeResponse } from './node-http.ts'
import { createPrincipals } from './principals.ts'

/** The part of Koa's context that is needed here. */
export interface KoaContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  /** What templates see. */
  readonly state: Record<string, unknown>
  /** Koa's own request, where body parsers leave what they have read. */
  readonly request: object
  /** What a router has read from the path. */
  readonly params?: unknown
  status: number
  body: unknown
  set(name: string, value: string): unknown
  append(name: string, value: string): unknown
  remove(name: string): unknown
}

export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => unknown

export interface KoaAuth<Claims, P extends string> {
  /**
   * Middleware that refuses by itself, for an app, a router or a route. It returns a promise only where it has to wait.
   * Templates have the caller as `principal`, from `context.state`.
   */
  readonly protect: (requirement?: Requirement<P, Claims>) => KoaMiddleware
  readonly principal: (context: KoaContext) => Principal<Claims, P>
  readonly optionalPrincipal: (context: KoaContext) => Principal<Claims, P> | null
  /** Middleware that answers the handler's own paths, before or after body parsers. */
  readonly mount: (handler: MountedHandler) => KoaMiddleware
}

/** Koa itself writes the answer, so that whatever stands before the guard sees it and may add to it. */
const refuse = (context: KoaContext, { status, headers, cookies, body }: Refusal): void => {
  forgetRenewed(context.res)
  context.status = status
  for (const [name, value] of Object.entries(headers)) context.set(name, value)
  addCookies(context.res, cookies)
  context.body = body
}

/** What a body parser left: its value, and the text itself where it was kept. */
const parsedBody = (request: object): { readonly body?: unknown; readonly rawBody?: unknown } => request

/** The text comes first: a value no longer tells of a member that was given twice. */
const bodyOf = (request: object): unknown => {
  const { body, rawBody } = parsedBody(request)
  return typeof rawBody === 'string' ? rawBody : body
}

const serveMounted = async (handler: MountedHandler, context: KoaContext): Promise<void> => {
  const answer = await handler(toWebRequest(context.req, bodyOf(context.request)))
  // The body comes first: Koa guesses a status and a type of it, and would take null for 204.
  context.body = Buffer.from(await answer.arrayBuffer())
  context.remove('content-type')
  context.status = answer.status
  for (const [name, value] of answer.headers) {
    // Cookies are added to those that the application has set before.
    if (name === 'set-cookie') context.append(name, value)
    else context.set(name, value)
  }
  discardBody(context.req)
}

export const koaAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): KoaAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return (context, next) => {
        const act = (verdict: Verdict<Claims, P>): unknown => {
          if ('refusal' in verdict) return refuse(context, verdict.refusal)
          principals.set(context, verdict.principal)
          context.state['principal'] = verdict.principal
          sendRenewed(context.res, verdict.cookies)
          return next()
        }
        // Not `context.get`, which gives '' for a header that is not there, and one of two that are.
        const verdict = guard(
          nodeRequestView(context.req, { body: parsedBody(context.request).body, parameters: context.params }),
        )
        return verdict instanceof Promise ? verdict.then(act) : act(verdict)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: (handler) => (context, next) => {
      const path = nodePath(context.req)
      return handler.matches(path) && isPlainPath(path) ? serveMounted(handler, context) : next()
    },
  }
}
