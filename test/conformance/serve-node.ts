import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import { nodeAuth } from '../../src/adapters/node.ts'
import type { NodeListener } from '../../src/adapters/node.ts'
import { overHttp } from './exchange.ts'
import { answerOnNode, readReply } from './serve-reply.ts'
import { isPathOf, lacking, nth } from './serve.ts'
import type { Plan, Serve } from './serve.ts'

type Listener = NodeListener<IncomingMessage, ServerResponse>

/** node:http reads no body by itself; Express's parsers are what people put before their listeners, and stand alone. */
const [json, form] = [express.json(), express.urlencoded({ extended: true })]

const afterBodyParsers =
  (listener: Listener): Listener =>
  (request, response) =>
    json(request, response, () => form(request, response, () => listener(request, response)))

const notFound: Listener = (_request, response) => {
  response.statusCode = 404
  response.end('no such page')
}

const createListener = <C, P extends string>({
  auths,
  areas = [],
  routes,
  endpoints,
  cookiesBefore = [],
}: Plan<C, P>): Listener => {
  const adapters = auths.map((auth) => nodeAuth(auth))
  const handlers = routes.map(({ path, guards, enter, by }): [string, Listener] => {
    const { principal, optionalPrincipal } = nth(adapters, by)
    const innermost: Listener = (request, response) => {
      const caller = { principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }
      const { answer, text } = readReply(enter(caller))
      answerOnNode(response, answer, text)
    }
    const all = [...areas.filter(({ prefix }) => path.startsWith(prefix)), ...guards]
    const wrapped = all.reduceRight(
      (listener, guard) => nth(adapters, guard.by).protect(guard.requirement ?? {}, listener),
      innermost,
    )
    return [path, wrapped]
  })
  const route: Listener = (request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    for (const cookie of cookiesBefore) response.appendHeader('set-cookie', cookie)
    const [, found] = handlers.find(([pattern]) => isPathOf(pattern, path)) ?? []
    return (found ?? notFound)(request, response)
  }
  return endpoints === undefined ? route : nth(adapters).mount(endpoints.handler, route)
}

/** Listeners of node:http, with nothing in between. */
export const serveNode: Serve = lacking(['parameters', 'templates', 'errors'], async (plan) => {
  const listener = createListener(plan)
  return overHttp(createServer(plan.endpoints?.after === 'body parsers' ? afterBodyParsers(listener) : listener))
})
