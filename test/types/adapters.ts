import { Router } from '@koa/router'
import { Controller, Get, Module } from '@nestjs/common'
import { Elysia } from 'elysia'
import express from 'express'
import { fastify } from 'fastify'
import { H3 } from 'h3'
import { Hono } from 'hono'
import type { Principal } from 'jotward'
import { elysiaAuth } from 'jotward/elysia'
import { expressAuth } from 'jotward/express'
import { fastifyAuth } from 'jotward/fastify'
import { h3Auth } from 'jotward/h3'
import { honoAuth } from 'jotward/hono'
import { koaAuth } from 'jotward/koa'
import { nestAuth } from 'jotward/nestjs'
import { expectTypeOf } from 'vitest'
import { shop } from './shop.ts'
import type { ShopClaims, ShopPermission } from './shop.ts'

/**
 * Claims and permissions reach the handler of every framework as they were configured, with no type merged into any
 * framework's own. Nothing here is ever run.
 */

type Caller = Principal<ShopClaims, ShopPermission>

export const inExpress = () => {
  const { protect, principal, optionalPrincipal } = expressAuth(shop)
  express()
    .get('/', protect({ permissions: ['orders:read'] }), (request, response) => {
      expectTypeOf(principal(request)).toEqualTypeOf<Caller>()
      expectTypeOf(optionalPrincipal(request)).toEqualTypeOf<Caller | null>()
      response.json(principal(request).claims.since.getFullYear())
    })
    // @ts-expect-error a misspelt permission
    .get('/', protect({ permissions: ['orders:raed'] }))
    // @ts-expect-error a misspelt claim
    .get('/', protect(), (request) => void principal(request).claims.rule)
    // @ts-expect-error a misspelt setting
    .get('/', protect({ permission: ['orders:read'] }))
    // @ts-expect-error a misspelt claim in a question of a route
    .get('/', protect({ check: ({ claims }) => claims.rule === 'chief' }))
}

export const inFastify = () => {
  const { protect, principal, optionalPrincipal } = fastifyAuth(shop)
  const app = fastify()
  app.get('/', { onRequest: protect({ permissions: ['orders:read'] }) }, (request) => {
    expectTypeOf(principal(request)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(request)).toEqualTypeOf<Caller | null>()
    // @ts-expect-error a misspelt claim
    return principal(request).claims.rule
  })
  // @ts-expect-error a misspelt permission
  app.addHook('onRequest', protect({ permissions: ['orders:raed'] }))
  // @ts-expect-error a misspelt claim in a question of a route
  app.addHook('onRequest', protect({ check: ({ claims }) => claims.rule === 'chief' }))
}

export const inHono = () => {
  const { protect, principal, optionalPrincipal } = honoAuth(shop)
  const app = new Hono()
  app.get('/', protect({ permissions: ['orders:read'] }), (context) => {
    expectTypeOf(principal(context)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(context)).toEqualTypeOf<Caller | null>()
    // @ts-expect-error a misspelt claim
    return context.json(principal(context).claims.rule)
  })
  // @ts-expect-error a misspelt permission
  app.use(protect({ permissions: ['orders:raed'] }))
  // @ts-expect-error a misspelt claim in a question of a route
  app.use(protect({ check: ({ claims }) => claims.rule === 'chief' }))
}

export const inKoa = () => {
  const { protect, principal, optionalPrincipal } = koaAuth(shop)
  const router = new Router()
  router.get('/', protect({ permissions: ['orders:read'] }), (context) => {
    expectTypeOf(principal(context)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(context)).toEqualTypeOf<Caller | null>()
    // @ts-expect-error a misspelt claim
    context.body = principal(context).claims.rule
  })
  // @ts-expect-error a misspelt permission
  router.use(protect({ permissions: ['orders:raed'] }))
  // @ts-expect-error a misspelt claim in a question of a route
  router.use(protect({ check: ({ claims }) => claims.rule === 'chief' }))
}

export const inH3 = () => {
  const { protect, principal, optionalPrincipal } = h3Auth(shop)
  const app = new H3()
  app.get('/', (event) => {
    expectTypeOf(principal(event)).toEqualTypeOf<Caller>()
    expectTypeOf(optionalPrincipal(event)).toEqualTypeOf<Caller | null>()
    // @ts-expect-error a misspelt claim
    return principal(event).claims.rule
  })
  app.use('/orders/**', protect({ permissions: ['orders:read'] }))
  // @ts-expect-error a misspelt permission
  app.use(protect({ permissions: ['orders:raed'] }))
  // @ts-expect-error a misspelt claim in a question of a route
  app.use(protect({ check: ({ claims }) => claims.rule === 'chief' }))
}

export const inElysia = () => {
  const { protect, principal, optionalPrincipal } = elysiaAuth(shop)
  new Elysia()
    .onBeforeHandle(protect({ permissions: ['orders:read'] }))
    .resolve((context) => ({ caller: principal(context), guest: optionalPrincipal(context) }))
    .get('/', ({ caller, guest }) => {
      expectTypeOf(caller).toEqualTypeOf<Caller>()
      expectTypeOf(guest).toEqualTypeOf<Caller | null>()
      // @ts-expect-error a misspelt claim
      void caller.claims.rule
      return caller.claims.role
    })
  // @ts-expect-error a misspelt permission
  protect({ permissions: ['orders:raed'] })
  // @ts-expect-error a misspelt claim in a question of a route
  protect({ check: ({ claims }) => claims.rule === 'chief' })
}

const nest = nestAuth(shop)
const { Protect, RequirePermission, Fresh, CurrentPrincipal, JotwardModule, principal } = nest

@Controller('orders')
export class Orders {
  @Get('read')
  @RequirePermission('orders:read', 'orders:write')
  read(@CurrentPrincipal() caller: ReturnType<typeof principal>) {
    expectTypeOf(caller).toEqualTypeOf<Caller>()
    return caller.claims.role
  }

  @Get('misspelt')
  // @ts-expect-error a misspelt permission
  @RequirePermission('orders:raed')
  misspelt() {}

  @Get('too')
  // @ts-expect-error a misspelt permission of a requirement
  @Protect({ permissions: ['orders:raed'] })
  too() {}

  @Get('claim')
  // @ts-expect-error a misspelt claim in a question of a route
  @Protect({ check: ({ claims }) => claims.rule === 'chief' })
  claim() {}

  @Get('fresh')
  // @ts-expect-error a span with a unit that there is not
  @Fresh('5 weeks')
  fresh() {}
}

export const applications = () => {
  Module({ imports: [JotwardModule.register({ auth: shop, guard: { permissions: ['orders:read'] } })] })
  // @ts-expect-error a misspelt permission of the whole application
  Module({ imports: [JotwardModule.register({ auth: shop, guard: { permissions: ['orders:raed'] } })] })
}
