import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from './log.ts'

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
 * Writes one line for each request: method, path, status, milliseconds, and an identifier that the answer carries in
 * `X-Request-Id`. Headers and bodies are never written.
 */
export const accessLog =
  (log: Logger): MiddlewareHandler =>
  async (context, next) => {
    const start = performance.now()
    // Always our own: a caller's would be text of theirs in the log.
    const requestId = randomUUID()
    await next()
    context.res.headers.set('x-request-id', requestId)
    log.info({
      method: context.req.method,
      path: loggablePath(context.req.path),
      status: context.res.status,
      ms: Math.round((performance.now() - start) * 10) / 10,
      requestId,
    })
  }
