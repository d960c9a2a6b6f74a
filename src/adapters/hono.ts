import type { Auth } from '../auth.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { refusalResponse, requestView } from './web-response.ts'

/** The part of Hono's `Context` that is needed here. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly path: string
    // Hono keeps a body that a middleware has read, and hands it out again.
    arrayBuffer(): Promise<ArrayBuffer>
    formData(): Promise<FormData>
  }
}

export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

export interface HonoAuth<Claims, P extends string> {
  /** Middleware that refuses by itself, for an app, a group or a route. */
  readonly protect: (requirement?: Requirement<P>) => HonoMiddleware
  readonly principal: (context: HonoContext) => Principal<Claims, P>
  readonly optionalPrincipal: (context: HonoContext) => Principal<Claims, P> | null
  /** Middleware that answers the handler's own paths, before or after body parsers. */
  readonly mount: (handler: MountedHandler) => HonoMiddleware
}

const FORM = 'application/x-www-form-urlencoded'

/** The body as it came. Of a form that was read as one Hono has only the fields, and would make a multipart body of them. */
const readAgain = async (request: HonoContext['req']): Promise<ArrayBuffer | URLSearchParams> => {
  if (request.raw.headers.get('content-type')?.toLowerCase().startsWith(FORM) !== true) return request.arrayBuffer()
  const fields = [...(await request.formData())]
  return new URLSearchParams(
    fields.map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : '']),
  )
}

const withBody = async (request: HonoContext['req']): Promise<Request> => {
  const { url, method, headers } = request.raw
  return new Request(url, { method, headers, body: await readAgain(request) })
}

export const honoAuth = <Claims, P extends string>(auth: Auth<Claims, P>): HonoAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return async (context, next) => {
        const verdict = await guard(requestView(context.req.raw))
        if ('refusal' in verdict) return refusalResponse(verdict.refusal)
        principals.set(context, verdict.principal)
        await next()
        return undefined
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: (handler) => async (context, next) => {
      if (handler.matches(context.req.path)) {
        return handler(context.req.raw.bodyUsed ? await withBody(context.req) : context.req.raw)
      }
      await next()
      return undefined
    },
  }
}
