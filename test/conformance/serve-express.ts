import { createServer } from 'node:http'
import express from 'express'
import { expressAuth } from '../../src/adapters/express.ts'
import { overHttp } from './exchange.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** Express over a real server of node:http. */
export const serveExpress: Serve = async <C, P extends string>({ auths, areas, routes, endpoints }: Plan<C, P>) => {
  const adapters = auths.map((auth) => expressAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<P>) => nth(adapters, by).protect(requirement)

  const app = express()
  if (endpoints?.after === 'body parsers') app.use(express.json(), express.urlencoded({ extended: true }))
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas ?? []) app.use(area.prefix, protect(area))
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    app.all(path, ...guards.map(protect), (request, response) => {
      response.json(enter({ principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }))
    })
  }
  return overHttp(createServer(app))
}
