import { All, Controller, Module, Req, Res } from '@nestjs/common'
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Express, Response } from 'express'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { nestAuth, nestRealm } from '../../src/adapters/nestjs.ts'
import type { NestAuth, NestRequest } from '../../src/adapters/nestjs/types.ts'
import { overHttp } from './exchange.ts'
import type { Service } from './exchange.ts'
import { engine, sendByExpress } from './serve-express.ts'
import { prepareFastify, sendByFastify } from './serve-fastify.ts'
import { readReply } from './serve-reply.ts'
import type { Reply } from './serve-reply.ts'
import { nth } from './serve.ts'
import type { Plan, RoutePlan, Serve } from './serve.ts'

export type Platform = 'express' | 'fastify'

/** A module that is nothing but its parts. */
export const moduleOf = (metadata: ModuleMetadata): Type => {
  class Part {
    readonly parts = Object.keys(metadata)
  }
  Module(metadata)(Part)
  return Part
}

const ADAPTERS = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() } as const

/** Opens a root module for requests; `prepare` does what a `main.ts` does before the application starts. */
export const openNest = async (
  root: Type,
  platform: Platform,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<Service> => {
  const options = { logger: false, abortOnError: false } as const
  const app = await NestFactory.create<NestFastifyApplication>(root, ADAPTERS[platform](), options)
  prepare(app)
  await app.init()
  if (platform === 'fastify') await app.getHttpAdapter().getInstance().ready()
  const service = await overHttp(app.getHttpServer())
  return {
    ...service,
    close: async () => {
      await service.close()
      await app.close()
    },
  }
}

type Realm<C, P extends string> = Omit<NestAuth<C, P, unknown>, 'protect'>

type Send = (response: object, answer: Reply, text: string) => void

// NestJS hands over what the platform under it has.
const SENDS: Readonly<Record<Platform, Send>> = {
  express: (response, answer, text) => sendByExpress(response as Response, answer, text),
  fastify: (response, answer, text) => sendByFastify(response as FastifyReply, answer, text),
}

/** What an application does with its platform before anything else. */
const PREPARE: Readonly<Record<Platform, (app: INestApplication, cookies: readonly string[]) => void>> = {
  express: (app, cookies) => {
    const instance: unknown = app.getHttpAdapter().getInstance()
    // The platform is Express, as the name says.
    ;(instance as Express).engine('ts', engine)
    app.use((_request: unknown, response: Response, next: () => void) => {
      for (const cookie of cookies) response.append('set-cookie', cookie)
      next()
    })
  },
  fastify: (app, cookies) => {
    const instance: unknown = app.getHttpAdapter().getInstance()
    // And here Fastify.
    prepareFastify(instance as FastifyInstance, cookies)
  },
}

/** A controller with one route. Its area guards the controller. */
const controllerOf = <C, P extends string>(
  realms: readonly Realm<C, P>[],
  { path, guards, enter, by }: RoutePlan<C, P>,
  areas: NonNullable<Plan<C, P>['areas']>,
  send: Send,
) => {
  const { principal, optionalPrincipal } = nth(realms, by)

  @Controller()
  class RouteController {
    @All(path)
    handle(@Req() request: NestRequest, @Res() response: object): void {
      const caller = { principal: () => principal(request), optionalPrincipal: () => optionalPrincipal(request) }
      const { answer, text } = readReply(enter(caller))
      send(response, answer, text)
    }
  }

  // What would stand above the method and above the class, but for there being any number of it.
  const method = Object.getOwnPropertyDescriptor(RouteController.prototype, 'handle') ?? {}
  for (const guard of guards) {
    nth(realms, guard.by).Protect(guard.requirement)(RouteController.prototype, 'handle', method)
  }
  for (const area of areas) nth(realms, area.by).Protect(area.requirement)(RouteController)
  return RouteController
}

const serve = async <C, P extends string>(plan: Plan<C, P>, realms: readonly Realm<C, P>[], platform: Platform) => {
  const { auths, areas = [], routes, endpoints, cookiesBefore = [] } = plan
  const modules = auths.map((auth, index) => {
    const whole = areas.find(({ prefix, by = 0 }) => prefix === '' && by === index)
    return nth(realms, index).JotwardModule.register({
      auth,
      // A module's endpoints come after the body parsers of NestJS, `app.use()` before them.
      ...(endpoints?.after === 'body parsers' && index === 0 ? { endpoints: endpoints.handler } : {}),
      ...(whole === undefined ? {} : { guard: whole.requirement ?? {} }),
    })
  })
  const below = (path: string) => areas.filter(({ prefix }) => prefix !== '' && path.startsWith(prefix))
  const controllers = routes.map((route) => controllerOf(realms, route, below(route.path), SENDS[platform]))
  return openNest(moduleOf({ imports: modules, controllers }), platform, (app) => {
    PREPARE[platform](app, cookiesBefore)
    if (endpoints?.after === 'nothing') app.use(nth(realms).mount(endpoints.handler))
  })
}

/** NestJS on Express, over an `Auth` that stands already. */
export const serveNest: Serve = async (plan) => serve(plan, plan.auths.map(nestAuth), 'express')

/** NestJS on Fastify, over an `Auth` that stands already. */
export const serveNestFastify: Serve = async (plan) => serve(plan, plan.auths.map(nestAuth), 'fastify')

/** NestJS on Express, where modules bring the `Auth` and guards are injected with it. */
export const serveNestRealm: Serve = async <C, P extends string>(plan: Plan<C, P>) => {
  const realms = plan.auths.map(() => nestRealm<C, P>())
  return serve(plan, realms, 'express')
}
