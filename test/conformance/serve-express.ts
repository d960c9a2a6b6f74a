import { createServer } from 'node:http'
import express from 'express'
import type { Response } from 'express'
import { expressAuth } from '../../src/adapters/express.ts'
import { overHttp } from './exchange.ts'
import { answerOnNode, readReply, renderPage } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { nth } from './serve.ts'
import type { GuardPlan, Plan, Serve } from './serve.ts'

/** As small as a template engine can be; for its template any file will do. */
export const engine = (_path: string, locals: object, done: (error: unknown, page: string) => void): void =>
  done(null, renderPage(locals))

/** What a handler of the suites answers. */
export const sendByExpress = (response: Response, answer: Reply, text: string): void => {
  if (answer.how === 'page') response.render(import.meta.filename)
  else if (answer.how === 'plain') {
    response.status(answer.status).set(answer.headers)
    for (const cookie of answer.cookies) response.append('set-cookie', cookie)
    response.send(text)
  } else answerOnNode(response, answer, text)
}

/** Express over a real server of node:http. */
export const serveExpress: Serve = async <C, P extends string>({
  auths,
  areas,
  routes,
  endpoints,
  cookiesBefore = [],
}: Plan<C, P>) => {
  const adapters = auths.map((auth) => expressAuth(auth))
  const protect = ({ by, requirement }: GuardPlan<C, P>) => nth(adapters, by).protect(requirement)

  const app = express()
  app.engine('ts', engine)
  app.use((_request, response, next) => {
    for (const cookie of cookiesBefore) response.append('set-cookie', cookie)
    next()
  })
  if (endpoints?.after === 'body parsers') app.use(express.json(), express.urlencoded({ extended: true }))
  if (endpoints !== undefined) app.use(nth(adapters).mount(endpoints.handler))
  for (const area of areas ?? []) app.use(area.prefix, protect(area))
  for (const { path, guards, enter, by } of routes) {
    const { principal, optionalPrincipal } = nth(adapters, by)
    app.all(path, ...guards.map(protect), (request, response) => {
      const caller = { principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }
      const { answer, text } = readReply(enter(caller))
      sendByExpress(response, answer, text)
    })
  }
  return overHttp(createServer(app))
}
