import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { AUTH_ERRORS } from 'jotward'
import type { AuthErrorCode } from 'jotward'
import type { AuthRoutes } from 'jotward/routes'
import { accessLog } from './access-log.ts'
import type { RequestEnvironment } from './access-log.ts'
import { docsPage } from './docs-page.ts'
import type { Logger } from './log.ts'

/** What the server is made of; everything is open and ready. */
export interface AppParts {
  /** The ready-made endpoints. */
  readonly handler: AuthRoutes
  /** Rejects while the store cannot be used. */
  readonly checkReady: () => Promise<void>
  readonly log: Logger
  /** Where clients reach the server. */
  readonly issuer: string
}

/** For every answer that does not bring a stricter policy of its own. No HSTS: whether there is TLS, the proxy knows. */
const SECURITY_HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
] as const

const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next()
  const { headers } = context.res
  for (const [name, value] of SECURITY_HEADERS) if (!headers.has(name)) headers.set(name, value)
}

/** The body that the ready-made endpoints give a refusal. */
const refuse = (context: Context, code: AuthErrorCode, headers: Record<string, string> = {}): Response => {
  const { status, wire, message } = AUTH_ERRORS[code]
  return context.newResponse(JSON.stringify({ error: wire, code, error_description: message }), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

const failed = (context: Context): Response => {
  const body = { error: 'server_error', code: 'internal_error', error_description: 'The server made a mistake.' }
  return context.json(body, 500)
}

const OWN_PATHS = ['/healthz', '/readyz', '/openapi.json', '/docs']

const ready =
  ({ checkReady, log }: AppParts) =>
  async (context: Context): Promise<Response> => {
    try {
      await checkReady()
      return context.json({ status: 'ready' })
    } catch (error) {
      log.error({ err: error }, 'the store cannot be used')
      return context.json({ status: 'unavailable' }, 503, { 'retry-after': '5' })
    }
  }

/** The whole HTTP surface of the server: the endpoints, and what only a server has. */
export const createApp = (parts: AppParts): Hono<{ Bindings: RequestEnvironment }> => {
  const { handler, log, issuer } = parts
  const app = new Hono<{ Bindings: RequestEnvironment }>()
  const openApi = { ...handler.openApi, servers: [{ url: issuer.replace(/\/+$/, '') }] }
  app.use(accessLog(log), securityHeaders)
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', ready(parts))
  app.get('/openapi.json', (context) => context.json(openApi))
  app.route('/', docsPage(handler.openApi))
  for (const path of OWN_PATHS)
    app.all(path, (context) => refuse(context, 'method_not_allowed', { allow: 'GET, HEAD' }))
  app.all('*', (context) =>
    handler.matches(context.req.path) ? handler(context.req.raw) : refuse(context, 'not_found'),
  )
  app.onError((error, context) => {
    log.error({ err: error }, 'a request failed')
    return failed(context)
  })
  return app
}
