import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { Router } from '@koa/router'
import Koa from 'koa'
import type { Context } from 'koa'
import bodyParser from 'koa-bodyparser'
import { koaAuth } from '../../src/adapters/koa.ts'
import { overHttp } from './exchange.ts'
import { answerOnNode, readReply, renderPage } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

const send = (context: Context, answer: Reply, text: string): void => {
  if (answer.how === 'page') context.body = renderPage(context.state)
  else if (answer.how === 'whole') {
    context.respond = false
    answerOnNode(context.res, answer, text)
  } else if (answer.how === 'error') throw new Error('the handler fails')
  else {
    context.status = answer.how === 'shared' ? 204 : answer.status
    context.set(answer.headers)
    for (const cookie of answer.cookies) context.append('set-cookie', cookie)
    context.body = answer.how === 'stream' ? Readable.from(['"rep', 'lied"']) : text
  }
}

/** Koa over a real server of node:http, with its own router. */
export const serveKoa: Serve = async <C, P extends string>({
  auths,
  areas = [],
  routes,
  endpoints,
  cookiesBefore = [],
}: Plan<C, P>) => {
  const adapters = auths.map((auth) => koaAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)

  const app = new Koa()
  // Senders that break off are errors to Koa, which prints what nobody listens for.
  app.silent = true
  app.use((context, next) => {
    for (const cookie of cookiesBefore) context.append('set-cookie', cookie)
    return next()
  })
  const router = new Router()
  if (endpoints?.after === 'body parsers') app.use(bodyParser({ enableTypes: ['json', 'form', 'text'] }))
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas) {
    if (area.prefix === '') app.use(protect(area))
    else router.use(area.prefix, protect(area))
  }
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    router.all(path, ...guards.map(protect), (context) => {
      const caller = { principal: () => principal(context), optionalPrincipal: () => optionalPrincipal(context) }
      const { answer, text } = readReply(enter(caller))
      send(context, answer, text)
    })
  }
  app.use(router.routes())
  const listener = app.callback()
  return overHttp(createServer((request, response) => void listener(request, response)))
}
