import { createServer } from 'node:http'
import { H3 } from 'h3'
import type { Middleware } from 'h3'
import { toNodeHandler } from 'h3/node'
import { h3Auth } from '../../src/adapters/h3.ts'
import { direct, overHttp } from './exchange.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** h3 has no body parsers: a body can be read once, so what looks at it before the endpoints does so in a clone. */
const readClone: Middleware = async (event, next) => {
  await event.req.clone().text()
  return next()
}

const createApp = <C, P extends string>({ auths, areas, routes, endpoints }: Plan<C, P>): H3 => {
  const adapters = auths.map((auth) => h3Auth(auth))
  const protect = ({ by, requirement }: GuardPlan<P>) => nth(adapters, by).protect(requirement)

  const app = new H3()
  if (endpoints?.after === 'body parsers') app.use(readClone)
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas ?? []) app.use(`${area.prefix}/**`, protect(area))
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    app.all(
      path,
      (event) =>
        Response.json(enter({ principal: () => principal(event), optionalPrincipal: () => optionalPrincipal(event) })),
      { middleware: guards.map(protect) },
    )
  }
  return app
}

/** h3 by itself, as on Bun, Deno and Workers. */
export const serveH3: Serve = async (plan) => {
  const app = createApp(plan)
  return direct((request) => app.fetch(request))
}

/** h3 over a real server of node:http. */
export const serveH3OnNode: Serve = async (plan) => overHttp(createServer(toNodeHandler(createApp(plan))))
