import type { Guarding } from '../auth.ts'
import type { Verdict } from '../core/request/guard.ts'
import type { Principal } from '../core/request/principal.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { Requirement } from '../core/request/requirement.ts'
import type { MountedHandler } from './handler.ts'
import { forgetRenewed, sendRenewed } from './node-cookies.ts'
import { discardBody, isPlainPath, nodePath, nodeRequestView, nodeTarget, toWebRequest } from './node-http.ts'
import type { NodeRequest, NodeResponse } from './node-http.ts'
import { createPrincipals, tellTemplates } from './principals.ts'

/** The part of Fastify's request that is needed here. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
  headers: object
  readonly body?: unknown
  readonly params?: unknown
}

/** The part of Fastify's reply that is needed here. */
export interface FastifyReplyLike {
  readonly raw: NodeResponse
  /** What templates see, where @fastify/view or the like has decorated replies with it. */
  locals?: object | null
  code(status: number): unknown
  header(name: string, value: string): unknown
  serializer(serialize: (payload: string) => string): unknown
  send(payload?: unknown): unknown
  callNotFound(): unknown
}

type Done = (error?: Error) => void
type Parsed = (error: null, body?: unknown) => void

/** A hook with a callback, so that no promise is made where nothing is awaited. */
export type FastifyHook = (request: FastifyRequestLike, reply: FastifyReplyLike, done: Done) => void

/** The part of a Fastify instance that is needed here. */
export interface FastifyScopeLike {
  readonly prefix: string
  addHook(
    name: 'preParsing',
    hook: (request: FastifyRequestLike, reply: unknown, payload: unknown, done: Parsed) => void,
  ): unknown
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: FastifyRequestLike, payload: unknown, done: Parsed) => void,
  ): unknown
  all(url: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>): unknown
}

export type FastifyPlugin = (scope: FastifyScopeLike, options: unknown, done: Done) => void

export interface FastifyAuth<Claims, P extends string> {
  /**
   * A hook that refuses by itself, of an app, a plugin or a route: `onRequest`, or where a token may stand in the body
   * `preValidation` or `preHandler`, for before them there is none. Where replies have `locals`, templates have the caller
   * as `principal`.
   */
  readonly protect: (requirement?: Requirement<P, Claims>) => FastifyHook
  readonly principal: (request: FastifyRequestLike) => Principal<Claims, P>
  readonly optionalPrincipal: (request: FastifyRequestLike) => Principal<Claims, P> | null
  /** A plugin with the handler's own paths as routes, whatever parsers the application has. */
  readonly mount: (handler: MountedHandler) => FastifyPlugin
}

/** Fastify itself writes the answer, so that its hooks and its log see it. */
const refuse = (reply: FastifyReplyLike, { status, headers, cookies, body }: Refusal): void => {
  forgetRenewed(reply.raw)
  reply.code(status)
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  // Of cookies Fastify keeps all.
  for (const cookie of cookies) reply.header('set-cookie', cookie)
  // JSON knows no charset (RFC 8259 §11), but Fastify writes one unless the reply brings a serializer of its own.
  reply.serializer((payload) => payload)
  reply.send(body)
}

/** A request as it is below the prefix of a plugin. Segments are counted: a prefix may have parameters. */
const belowPrefix = ({ raw }: FastifyRequestLike, prefix: string): NodeRequest => {
  const depth = prefix.split('/').filter((segment) => segment !== '').length
  const segments = nodeTarget(raw).split('/')
  return { method: raw.method, rawHeaders: raw.rawHeaders, url: `/${segments.slice(depth + 1).join('/')}` }
}

const answer = async (reply: FastifyReplyLike, response: Response): Promise<void> => {
  reply.code(response.status)
  // Of cookies Fastify keeps all.
  for (const [name, value] of response.headers) reply.header(name, value)
  reply.send(response.body === null ? undefined : new Uint8Array(await response.arrayBuffer()))
}

/** Leaves bodies, in this scope alone, to be read by a handler's own rules. */
const keepBodies = (scope: FastifyScopeLike): void => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  // Fastify refuses a malformed type, and QUERY without one, in its own words, before any handler is asked.
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    done(null, payload)
  })
}

const plugin =
  (handler: MountedHandler): FastifyPlugin =>
  (scope, _options, done) => {
    keepBodies(scope)
    for (const path of handler.paths ?? ['/*']) {
      scope.all(path, async (request, reply) => {
        const inner = belowPrefix(request, scope.prefix)
        if (handler.matches(nodePath(inner)) && isPlainPath(nodePath(request.raw))) {
          await answer(reply, await handler(toWebRequest(inner, request.body)))
          discardBody(request.raw)
        } else reply.callNotFound()
        return reply
      })
    }
    done()
  }

export const fastifyAuth = <Claims, P extends string>(auth: Guarding<Claims, P>): FastifyAuth<Claims, P> => {
  const principals = createPrincipals<Claims, P>()
  return {
    protect: (requirement) => {
      const guard = auth.guard(requirement)
      return (request, reply, done) => {
        const act = (verdict: Verdict<Claims, P>): void => {
          if ('refusal' in verdict) {
            refuse(reply, verdict.refusal)
            return
          }
          principals.set(request, verdict.principal)
          tellTemplates(reply, verdict.principal)
          sendRenewed(reply.raw, verdict.cookies)
          done()
        }
        const verdict = guard(nodeRequestView(request.raw, { body: request.body, parameters: request.params }))
        if (verdict instanceof Promise) verdict.then(act).catch(done)
        else act(verdict)
      }
    },
    principal: principals.principal,
    optionalPrincipal: principals.optionalPrincipal,
    mount: plugin,
  }
}
