import { Readable } from 'node:stream'
import formBody from '@fastify/formbody'
import { fastify } from 'fastify'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { fastifyAuth } from '../../src/adapters/fastify.ts'
import { overHttp } from './exchange.ts'
import { answerOnNode, readReply, renderPage } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, RoutePlan, Serve } from './serve.ts'

/** Replies with `locals`, as @fastify/view has them for its templates, and cookies of the application. */
export const prepareFastify = (app: FastifyInstance, cookies: readonly string[]): void => {
  app.decorateReply('locals', null)
  app.addHook('onRequest', (_request, reply, done) => {
    for (const cookie of cookies) reply.header('set-cookie', cookie)
    done()
  })
}

/** What a handler of the suites answers. */
export const sendByFastify = (reply: FastifyReply, answer: Reply, text: string): void => {
  if (answer.how === 'page') {
    const locals: unknown = Reflect.get(reply, 'locals')
    reply.type('text/html').send(renderPage(Object(locals)))
    return
  }
  if (answer.how === 'whole') {
    reply.hijack()
    answerOnNode(reply.raw, answer, text)
    return
  }
  if (answer.how === 'error') throw new Error('the handler fails')
  reply.code(answer.how === 'shared' ? 204 : answer.status).headers(answer.headers)
  for (const cookie of answer.cookies) reply.header('set-cookie', cookie)
  reply.send(answer.how === 'stream' ? Readable.from(['"rep', 'lied"']) : text)
}

/** Fastify over a real server of node:http; an area is a plugin with its prefix and its hook. */
export const serveFastify: Serve = async <C, P extends string>({
  auths,
  areas = [],
  routes,
  endpoints,
  cookiesBefore = [],
}: Plan<C, P>) => {
  const adapters = auths.map((auth) => fastifyAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)
  const add = (scope: FastifyInstance, { path, guards, enter, by }: RoutePlan<C, P>): void => {
    const { principal, optionalPrincipal } = nth(adapters, by)
    scope.all(path.slice(scope.prefix.length), { onRequest: guards.map(protect) }, (request, reply) => {
      const caller = { principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }
      const { answer, text } = readReply(enter(caller))
      sendByFastify(reply, answer, text)
    })
  }

  const app = fastify()
  prepareFastify(app, cookiesBefore)
  if (endpoints?.after === 'body parsers') {
    // Fastify reads bodies route by route, JSON and text by itself: parsers before the endpoints are the application's.
    app.register(formBody)
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  }
  if (endpoints !== undefined) app.register(nth(adapters).mount(endpoints.handler))
  const prefixes = areas.map(({ prefix }) => prefix).filter((prefix) => prefix !== '')
  for (const area of areas) {
    if (area.prefix === '') app.addHook('onRequest', protect(area))
    else {
      app.register(
        async (scope) => {
          scope.addHook('onRequest', protect(area))
          for (const route of routes.filter(({ path }) => path.startsWith(area.prefix))) add(scope, route)
        },
        { prefix: area.prefix },
      )
    }
  }
  for (const route of routes.filter(({ path }) => !prefixes.some((prefix) => path.startsWith(prefix)))) add(app, route)
  await app.ready()
  const service = await overHttp(app.server)
  return {
    ...service,
    close: async () => {
      await service.close()
      await app.close()
    },
  }
}
