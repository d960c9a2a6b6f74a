import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from './log.ts'
import { inRequest } from './request-scope.ts'

/** What the app is told of a request besides itself. */
export interface RequestEnvironment {
  /** The address at the other end of the connection, which may be a proxy's. */
  readonly client?: string
}

/** Longer than any identifier of ours, shorter than any token: a caller may put a token into a path by mistake. */
const LONGEST_SEGMENT = 40
const LONGEST_PATH = 200

/** A path as the log may have it: without its query, and with nothing long enough to be a token. */
export const loggablePath = (path: string): string =>
  path
    .split('/')
    .map((segment) => (segment.length > LONGEST_SEGMENT ? '…' : segment))
    .join('/')
    .slice(0, LONGEST_PATH)

/**
 * Writes one line for each request: method, path, status, milliseconds, the client's address, and an identifier that
 * the answer carries in `X-Request-Id` and whatever else is logged meanwhile. Headers and bodies are never written:
 * an `X-Forwarded-For` says what the caller wants it to say.
 */
export const accessLog =
  (log: Logger): MiddlewareHandler<{ Bindings: RequestEnvironment }> =>
  async (context, next) => {
    const start = performance.now()
    // Always our own: a caller's would be text of theirs in the log.
    const requestId = randomUUID()
    // Without a server (tests) there is no environment.
    const { client } = (context.env as RequestEnvironment | undefined) ?? {}
    const scope = client === undefined ? { requestId } : { requestId, client }
    await inRequest(scope, next)
    context.res.headers.set('x-request-id', requestId)
    log.info({
      method: context.req.method,
      path: loggablePath(context.req.path),
      status: context.res.status,
      ms: Math.round((performance.now() - start) * 10) / 10,
      ...scope,
    })
  }
