import { createServer } from 'node:http'
import { H3 } from 'h3'
import type { H3Event, Middleware } from 'h3'
import { toNodeHandler } from 'h3/node'
import { h3Auth } from '../../src/adapters/h3.ts'
import { direct, overHttp } from './exchange.ts'
import { readReply, toResponse } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { lacking, nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** h3 has no body parsers: a body can be read once, so what looks at it before the endpoints does so in a clone. */
const readClone: Middleware = async (event, next) => {
  await event.req.clone().text()
  return next()
}

/** h3 has no templates, and drops the cookies of the application where a Response says 400 or more. */
const LACKS = ['templates', 'cookies before a refusal', 'sight of errors'] as const

const send = (event: H3Event, answer: Reply, text: string): unknown => {
  if (answer.how !== 'plain' && answer.how !== 'stream') return toResponse(answer, text)
  event.res.status = answer.status
  for (const [name, value] of Object.entries(answer.headers)) event.res.headers.set(name, value)
  for (const cookie of answer.cookies) event.res.headers.append('set-cookie', cookie)
  return answer.how === 'stream' ? new Blob([text]).stream() : text
}

const createApp = <C, P extends string>({ auths, areas, routes, endpoints, cookiesBefore = [] }: Plan<C, P>): H3 => {
  const adapters = auths.map((auth) => h3Auth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)

  const app = new H3({ silent: true })
  app.use((event, next) => {
    for (const cookie of cookiesBefore) event.res.headers.append('set-cookie', cookie)
    return next()
  })
  if (endpoints?.after === 'body parsers') app.use(readClone)
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas ?? []) app.use(`${area.prefix}/**`, protect(area))
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    app.all(
      path,
      (event) => {
        const caller = { principal: () => principal(event), optionalPrincipal: () => optionalPrincipal(event) }
        const { answer, text } = readReply(enter(caller))
        return send(event, answer, text)
      },
      { middleware: guards.map(protect) },
    )
  }
  return app
}

/** h3 by itself, as on Bun, Deno and Workers. */
export const serveH3: Serve = lacking(LACKS, async (plan) => {
  const app = createApp(plan)
  return direct((request) => app.fetch(request))
})

/** h3 over a real server of node:http. */
export const serveH3OnNode: Serve = lacking(LACKS, async (plan) =>
  overHttp(createServer(toNodeHandler(createApp(plan)))),
)
