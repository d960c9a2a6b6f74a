import { createServer } from 'node:http'
import { Router } from '@koa/router'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { koaAuth } from '../../src/adapters/koa.ts'
import { overHttp } from './exchange.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** Koa over a real server of node:http, with its own router. */
export const serveKoa: Serve = async <C, P extends string>({ auths, areas = [], routes, endpoints }: Plan<C, P>) => {
  const adapters = auths.map((auth) => koaAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<P>) => nth(adapters, by).protect(requirement)

  const app = new Koa()
  // Senders that break off are errors to Koa, which prints what nobody listens for.
  app.silent = true
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
      context.type = 'json'
      context.body = JSON.stringify(enter(caller))
    })
  }
  app.use(router.routes())
  const listener = app.callback()
  return overHttp(createServer((request, response) => void listener(request, response)))
}
