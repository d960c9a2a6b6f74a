import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { Context, Next } from 'hono'
import { honoAuth } from '../../src/adapters/hono.ts'
import { direct, overHttp } from './exchange.ts'
import { readReply, renderPage, toResponse } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** What applications have before their routes: something that reads each body as its type says. */
const readBody = async (context: Context, next: Next): Promise<void> => {
  const type = context.req.header('content-type') ?? ''
  if (type.startsWith('application/x-www-form-urlencoded')) await context.req.formData()
  else if (/^(?:text\/|application\/json)/i.test(type)) await context.req.text()
  else await context.req.arrayBuffer()
  await next()
}

const send = (context: Context, answer: Reply, text: string): Response => {
  if (answer.how === 'page') return context.html(renderPage(context.var))
  if (answer.how !== 'plain') return toResponse(answer, text)
  for (const [name, value] of Object.entries(answer.headers)) context.header(name, value)
  for (const cookie of answer.cookies) context.header('set-cookie', cookie, { append: true })
  // The suites send statuses that there are.
  return context.newResponse(text, { status: answer.status as 200 })
}

const createApp = <C, P extends string>({ auths, areas, routes, endpoints, cookiesBefore = [] }: Plan<C, P>): Hono => {
  const adapters = auths.map((auth) => honoAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)

  const app = new Hono()
  // Hono prints what nobody answers.
  app.onError((_error, context) => context.text('failed', 500))
  app.use(async (context, next) => {
    for (const cookie of cookiesBefore) context.header('set-cookie', cookie, { append: true })
    await next()
  })
  if (endpoints?.after === 'body parsers') app.use(readBody)
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas ?? []) app.use(`${area.prefix}/*`, protect(area))
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    for (const guard of guards) app.use(path, protect(guard))
    app.all(path, (context) => {
      const caller = { principal: () => principal(context), optionalPrincipal: () => optionalPrincipal(context) }
      const { answer, text } = readReply(enter(caller))
      return send(context, answer, text)
    })
  }
  return app
}

/** Hono by itself, as on Bun, Deno and Workers. */
export const serveHono: Serve = async (plan) => {
  const app = createApp(plan)
  return direct((request) => app.fetch(request))
}

/** Hono over a real server of node:http, with the global Response left alone. */
export const serveHonoOnNode: Serve = async (plan) => {
  const app = createApp(plan)
  // Without `createServer` the adaptor makes a server of node:http.
  return overHttp(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server)
}
