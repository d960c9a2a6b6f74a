import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { direct, overHttp } from './exchange.ts'
import { readReply, toResponse } from './serve-reply.ts'
import { isPathOf, lacking, nth } from './serve.ts'
import type { Plan, Serve } from './serve.ts'

const LACKS = ['parameters', 'templates', 'cookies before a refusal', 'errors'] as const

type Handler = (request: Request) => Response | Promise<Response>

const createApp = <C, P extends string>({ auths, areas = [], routes, endpoints }: Plan<C, P>): Handler => {
  const adapters = auths.map((auth) => fetchAuth(auth))
  const handlers = routes.map(({ path, guards, enter, by }): [string, Handler] => {
    const { principal, optionalPrincipal } = nth(adapters, by)
    const innermost: Handler = (request) => {
      const caller = { principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }
      const { answer, text } = readReply(enter(caller))
      return toResponse(answer, text)
    }
    const all = [...areas.filter(({ prefix }) => path.startsWith(prefix)), ...guards]
    const wrapped = all.reduceRight(
      (handler, guard) => nth(adapters, guard.by).protect(guard.requirement ?? {}, handler),
      innermost,
    )
    return [path, wrapped]
  })
  const route: Handler = (request) => {
    const { pathname } = new URL(request.url)
    const [, found] = handlers.find(([pattern]) => isPathOf(pattern, pathname)) ?? []
    return found?.(request) ?? new Response('no such page', { status: 404 })
  }
  return endpoints === undefined ? route : nth(adapters).mount(endpoints.handler, route)
}

/** Functions from Request to Response, called as they are. */
export const serveFetch: Serve = lacking(LACKS, async (plan) => direct(createApp(plan)))

/** The same functions behind a real server of node:http. */
export const serveFetchOnNode: Serve = lacking(LACKS, async (plan) => {
  const fetch = createApp(plan)
  // Without `createServer` the adaptor makes a server of node:http.
  return overHttp(createAdaptorServer({ fetch, overrideGlobalObjects: false }) as Server)
})
