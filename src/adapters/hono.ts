import type { Guarding } from '../auth.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { createPrincipals } from './principals.ts'
import { isRefused, markRefused, renewalFor } from './renewal.ts'
import { refusalBody, requestView } from './web-response.ts'

/** The part of Hono's `Context` that is needed here. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly path: string
    param(name: string): string | undefined
    // Hono keeps a body that a middleware has read, and hands it out again.
    arrayBuffer(): Promise<ArrayBuffer>
    formData(): Promise<FormData>
  }
  /** What has been answered, once a handler has. */
  readonly res: Response
  header(name: string, value: string, options?: { append?: boolean }): void
  body(data: string | null, status: number): Response
  set(name: 'principal', value: unknown): void
}

export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

export interface HonoAuth<Claims, P extends string> {
  /**
   * Middleware that refuses by itself, for an app, a group or a route. Views have the caller as the variable
   * `principal`.
   */
  readonly protect: (requirement?: Requirement<P, Claims>) => HonoMiddleware
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

/** Hono itself makes the answer, so that headers and cookies that were set before go out with it. */
const refuse = (context: HonoContext, refusal: Refusal): Response => {
  markRefused(context)
  for (const [name, value] of Object.entries(refusal.headers)) context.header(name, value)
  for (const cookie of refusal.cookies) context.header('set-cookie', cookie, { append: true })
  return context.body(refusalBody(refusal), refusal.status)
}

/** Hono makes a copy of a response before it writes to it, which may be one that answers many requests. */
const renew = (context: HonoContext, renewed: readonly string[]): void => {
  if (isRefused(context)) return
  const { status, headers } = context.res
  const cacheControl = headers.get('cache-control')
  const renewal = renewalFor([renewed], { status, cookies: headers.getSetCookie(), cacheControl })
  if (renewal === null) return
  for (const cookie of renewal.cookies) context.header('set-cookie', cookie, { append: true })
  if (renewal.cacheControl !== null) context.header('cache-control', renewal.cacheControl)
}

/** Hono decodes a parameter itself. */
const viewOf = ({ req }: HonoContext): RequestView => requestView(req.raw, (name) => req.param(name) ?? null)

export const honoAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): HonoAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return async (context, next) => {
        const verdict = await guard(viewOf(context))
        if ('refusal' in verdict) return refuse(context, verdict.refusal)
        principals.set(context, verdict.principal)
        context.set('principal', verdict.principal)
        await next()
        if (verdict.cookies.length > 0) renew(context, verdict.cookies)
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
