import type { Server } from 'node:http'
import { node } from '@elysiajs/node'
import { Elysia } from 'elysia'
import type { Context, ElysiaConfig } from 'elysia'
import { elysiaAuth } from '../../src/adapters/elysia.ts'
import { direct, overListening } from './exchange.ts'
import { readReply, toResponse } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { lacking, nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

const LACKS = ['templates', 'sight of errors'] as const

const listOf = (value: string | string[] | undefined): readonly string[] => (value === undefined ? [] : [value].flat())

const send = ({ set }: Pick<Context, 'set'>, answer: Reply, text: string): unknown => {
  if (answer.how !== 'plain' && answer.how !== 'stream') return toResponse(answer, text)
  set.status = answer.status
  Object.assign(set.headers, answer.headers)
  if (answer.cookies.length > 0) set.headers['set-cookie'] = [...listOf(set.headers['set-cookie']), ...answer.cookies]
  return answer.how === 'stream' ? new Blob([text]).stream() : text
}

const createApp = <C, P extends string>(
  { auths, areas = [], routes, endpoints, cookiesBefore = [] }: Plan<C, P>,
  config: ElysiaConfig<''> = {},
) => {
  const adapters = auths.map((auth) => elysiaAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)

  const app = new Elysia(config)
  app.onRequest(({ set }) => {
    if (cookiesBefore.length > 0) set.headers['set-cookie'] = [...cookiesBefore]
  })
  app.onAfterHandle(nth(adapters).renew)
  // Elysia parses the body of a route once the route is known, so that nothing can be read before the endpoints but in a clone.
  if (endpoints?.after === 'body parsers') {
    app.onRequest(async ({ request }) => {
      await request.clone().text()
    })
  }
  if (endpoints !== undefined) app.onRequest(nth(adapters).mount(endpoints.handler))
  for (const area of areas.filter(({ prefix }) => prefix === '')) app.onBeforeHandle(protect(area))
  for (const route of routes) {
    const around = areas.filter(({ prefix }) => prefix !== '' && route.path.startsWith(prefix))
    const { principal, optionalPrincipal } = nth(adapters, route.by)
    app.guard({ beforeHandle: around.map(protect) }, (scope) =>
      scope.all(
        route.path,
        // Not the context as a whole: Elysia would prepare cookies, and @elysiajs/node then sends but one of a Response.
        ({ request, set }) => {
          const caller = {
            principal: () => principal({ request }),
            optionalPrincipal: () => optionalPrincipal({ request }),
          }
          const { answer, text } = readReply(route.enter(caller))
          return send({ set }, answer, text)
        },
        { beforeHandle: route.guards.map(protect) },
      ),
    )
  }
  return app
}

/** Elysia by itself, as on Bun, Deno and Workers. */
export const serveElysia: Serve = lacking(LACKS, async (plan) => {
  const app = createApp(plan)
  return direct((request) => app.handle(request))
})

/** Elysia where code must not be made of text, as on some Workers: it then works without compiled handlers. */
export const serveElysiaUncompiled: Serve = lacking(LACKS, async (plan) => {
  const app = createApp(plan, { aot: false })
  return direct((request) => app.handle(request))
})

/**
 * Elysia over a real server of node:http. Requests of the suites may come to a host of one letter, after which Elysia
 * looks for the path in the wrong place unless it is told that hosts may be short.
 */
export const serveElysiaOnNode: Serve = lacking(LACKS, async (plan) => {
  const before = process.listeners('beforeExit')
  const server = await new Promise<Server>((resolve) => {
    createApp(plan, { adapter: node(), handler: { standardHostname: false } }).listen(
      { port: 0, hostname: '127.0.0.1' },
      (running) => {
        // Typed as Bun's; the adapter keeps Node's within it.
        const { raw } = running as unknown as { readonly raw: { readonly node: { readonly server: Server } } }
        raw.node.server.once('listening', () => resolve(raw.node.server))
      },
    )
  })
  // The adapter leaves one behind for each application, and Node warns of more than ten.
  for (const listener of process.listeners('beforeExit')) {
    if (!before.includes(listener)) process.off('beforeExit', listener)
  }
  return overListening(server)
})
