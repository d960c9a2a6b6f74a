import type { Guarding } from '../auth.ts'
import type { Principal } from '../core/request/principal.ts'
import { parsedBody } from '../core/request/request-body.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { Requirement } from '../core/request/requirement.ts'
import { awaitAnswer, forgetRenewed, moveCookies, sendRenewed } from './elysia-cookies.ts'
import type { ElysiaAnswerContext, ElysiaSet } from './elysia-cookies.ts'
import type { MountedHandler } from './handler.ts'
import { parameterOf } from './node-http.ts'
import { createPrincipals } from './principals.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** The part of Elysia's context that is needed here; a handler that takes its context apart can hand over as much. */
export interface ElysiaContext {
  readonly request: Request
  /** What Elysia has parsed, where a route asks for it. */
  readonly body?: unknown
}

/** What a guard gets. */
export interface ElysiaRouteContext extends ElysiaContext {
  readonly set: ElysiaSet
  /** What stands in the path, decoded. */
  readonly params?: unknown
}

/** What a hook gets before a route has been looked for. */
export interface ElysiaPreContext {
  readonly request: Request
  /** As Elysia will route it. Always there, though Elysia's own type does not tell. */
  readonly path?: string
  readonly set: ElysiaSet
}

/** Elysia goes on where a hook answers with undefined. */
type Hook<Context> = (context: Context) => Promise<Response | undefined>

export type ElysiaBeforeHandle = Hook<ElysiaRouteContext>

export type ElysiaAfterHandle = (context: ElysiaAnswerContext) => Response | undefined

export type ElysiaOnRequest = Hook<ElysiaPreContext>

export interface ElysiaAuth<Claims, P extends string> {
  /** A hook that refuses by itself: `beforeHandle` of an app, a group, a guard or a route. */
  readonly protect: (requirement?: Requirement<P, Claims>) => ElysiaBeforeHandle
  readonly principal: (context: ElysiaContext) => Principal<Claims, P>
  readonly optionalPrincipal: (context: ElysiaContext) => Principal<Claims, P> | null
  /**
   * A hook that sends the cookies that guards have renewed, which see no answer themselves: `app.onAfterHandle(renew)`,
   * once in an application, before its routes. Without it none is sent.
   */
  readonly renew: ElysiaAfterHandle
  /** A hook that answers the handler's own paths before any body is parsed: `app.onRequest(mount(handler))`. */
  readonly mount: (handler: MountedHandler) => ElysiaOnRequest
}

/**
 * Elysia reads in the text of a hook whether it answers anything, and passes over the answer of one whose text does not
 * say so: a guard that a minifier has rewritten to `a=>b(a)`, or that somebody has bound, would let everybody in. So a
 * hook gets a text that says it, whatever becomes of its own. The text names no part of the context but those that are
 * always there, for Elysia prepares the others where they are named, and parses the body; and `set`, without which it
 * would send nothing that is put there.
 */
const asHook = <H extends (context: never) => unknown>(hook: H): H =>
  Object.defineProperty(hook, 'toString', {
    value: () => 'async ({ request, set }) => { return await answer(request, set) }',
  })

/** Elysia parses a body before it asks guards, and leaves nothing of it to be read. */
const viewOf = ({ request, body, params }: ElysiaRouteContext): RequestView => {
  const view = requestView(request, (name) => parameterOf(params, name))
  return body === undefined ? view : { ...view, body: () => parsedBody(view.header('content-type'), body) }
}

const renew = asHook(sendRenewed)

export const elysiaAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): ElysiaAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return asHook<ElysiaBeforeHandle>(async (context) => {
        const verdict = await guard(viewOf(context))
        const { request, set } = context
        if ('refusal' in verdict) {
          forgetRenewed(request)
          return moveCookies(set, refusalResponse(verdict.refusal))
        }
        principals.set(request, verdict.principal)
        awaitAnswer(request, verdict.cookies)
        return undefined
      })
    },
    principal: ({ request }) => principals.principal(request),
    optionalPrincipal: ({ request }) => principals.optionalPrincipal(request),
    renew,
    mount: (handler) =>
      asHook<ElysiaOnRequest>(async ({ request, path, set }) => {
        if (path === undefined || !handler.matches(path)) return undefined
        // Elysia finds the path by counting characters, and misses it after a host of one letter: nothing that an
        // application has put before a path may be passed by under another one.
        return new URL(request.url).pathname === path ? moveCookies(set, await handler(request)) : undefined
      }),
  }
}
