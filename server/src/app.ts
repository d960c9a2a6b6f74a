import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import type { AuthHandler } from 'jotward/routes'
import { accessLog } from './access-log.ts'
import { docsPage } from './docs-page.ts'
import type { Logger } from './log.ts'

/** What the server is made of; everything is open and ready. */
export interface AppParts {
  /** The ready-made endpoints. */
  readonly handler: AuthHandler
  readonly openApi: object
  /** Rejects while the store cannot be used. */
  readonly checkReady: () => Promise<void>
  readonly log: Logger
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

const notFound = (context: Context): Response =>
  context.json({ error: 'invalid_request', code: 'not_found', error_description: 'There is nothing here.' }, 404)

const failed = (context: Context): Response => {
  const body = { error: 'server_error', code: 'internal_error', error_description: 'The server made a mistake.' }
  return context.json(body, 500)
}

const OWN_PATHS = ['/healthz', '/readyz', '/openapi.json', '/docs']

const methodNotAllowed = (context: Context): Response => {
  const body = {
    error: 'invalid_request',
    code: 'method_not_allowed',
    error_description: 'The method is not allowed here.',
  }
  return context.json(body, 405, { allow: 'GET, HEAD' })
}

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
export const createApp = (parts: AppParts): Hono => {
  const { handler, openApi, log } = parts
  const app = new Hono()
  app.use(accessLog(log), securityHeaders)
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', ready(parts))
  app.get('/openapi.json', (context) => context.json(openApi))
  app.route('/', docsPage())
  for (const path of OWN_PATHS) app.all(path, methodNotAllowed)
  app.all('*', (context) => (handler.matches(context.req.path) ? handler(context.req.raw) : notFound(context)))
  app.onError((error, context) => {
    log.error({ err: error }, 'a request failed')
    return failed(context)
  })
  return app
}
