import { Body, Controller, Get, Post } from '@nestjs/common'
import type { Type } from '@nestjs/common'
import type { Request as ExpressRequest } from 'express'
import type { FastifyRequest } from 'fastify'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { nestAuth } from '../../src/adapters/nestjs.ts'
import { ConfigError } from '../../src/core/errors.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { bearer, createBed, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { moduleOf, openNest, serveNest } from '../conformance/serve-nestjs.ts'

/** What NestJS's own idiom adds to the conformance suite, as an application writes it. */

const { auth, clock, signIn, accessToken } = createBed(serveNest)
const { JotwardModule, Protect, Fresh, RequirePermission, CurrentPrincipal, OptionalPrincipal, principal } =
  nestAuth(auth)

type Caller = ReturnType<typeof principal>

const ask = async (controller: Type) => {
  const root = moduleOf({ imports: [JotwardModule.register({ auth })], controllers: [controller] })
  const { send, close } = await openNest(root, 'express')
  onTestFinished(close)
  return (path: string, token?: string) => send({ path, headers: token === undefined ? [] : [bearer(token)] })
}

describe('decorators of a route', () => {
  @Controller('orders')
  class Orders {
    @Get()
    @Protect()
    own(@CurrentPrincipal() caller: Caller): string {
      expectTypeOf(caller).toEqualTypeOf<Principal<Claims, Permission>>()
      return `${caller.subject} ${caller.claims.role}`
    }

    @Get('shop')
    @Protect({ optional: true })
    shop(@OptionalPrincipal() caller: Caller | null): string {
      return caller?.subject ?? 'stranger'
    }

    @Get('secrets')
    @Fresh('5m')
    secrets(): string {
      return 'entered'
    }

    @Get('just-now')
    @Fresh()
    justNow(): string {
      return 'entered'
    }

    @Get('both')
    @RequirePermission('orders:read', 'invoices:read')
    @Fresh('login')
    both(): string {
      return 'entered'
    }

    @Get('open')
    open(): string {
      return 'open'
    }

    @Get('careless')
    careless(@CurrentPrincipal() caller: Caller): string {
      return caller.subject
    }
  }

  test('hand the caller to a parameter, and null to an optional one', async () => {
    const get = await ask(Orders)
    expect((await get('/orders', await accessToken())).text).toBe('ann clerk')
    expect((await get('/orders/shop', await accessToken())).text).toBe('ann')
    expect((await get('/orders/shop')).text).toBe('stranger')
    expectRefusal(await get('/orders'), { code: 'missing_token', realm: ISSUER })
  })

  test('ask for freshness and permissions, each by itself or together', async () => {
    const get = await ask(Orders)
    const plain = await signIn()
    const able = await signIn({ permissions: ['orders:read', 'invoices:read'] })
    expect((await get('/orders/secrets', plain.accessToken)).text).toBe('entered')
    expect((await get('/orders/both', able.accessToken)).text).toBe('entered')
    expectRefusal(await get('/orders/both', plain.accessToken), {
      code: 'insufficient_permission',
      realm: ISSUER,
      challenge: ', scope="orders:read invoices:read"',
    })
    clock.now += 301
    const stale = { code: 'reauthentication_required', realm: ISSUER } as const
    expectRefusal(await get('/orders/secrets', plain.accessToken), { ...stale, challenge: ', max_age="300"' })
    expect((await get('/orders/just-now', plain.accessToken)).text).toBe('entered')
    expect((await get('/orders/both', able.accessToken)).text).toBe('entered')
  })

  test('leave what asks for nothing open, and a caller asked for in vain is a mistake of the program', async () => {
    const get = await ask(Orders)
    expect((await get('/orders/open')).text).toBe('open')
    expect((await get('/orders/careless', await accessToken())).status).toBe(500)
  })

  test('know the caller by the request of either platform', () => {
    expectTypeOf<ExpressRequest>().toExtend<Parameters<typeof principal>[0]>()
    expectTypeOf<FastifyRequest>().toExtend<Parameters<typeof principal>[0]>()
    expect(() => principal({ rawHeaders: [] })).toThrow('No guard ran')
    expect(() => principal({ raw: { rawHeaders: [] } })).toThrow('No guard ran')
  })

  test.each(['express', 'fastify'] as const)('find a token in a body that %s has parsed', async (platform) => {
    @Controller()
    class Uploads {
      @Post()
      @Protect({ locations: ['json'] })
      store(@Body('name') name: string, @CurrentPrincipal() { subject }: Caller): string {
        return `${name} of ${subject}`
      }
    }
    const root = moduleOf({ imports: [JotwardModule.register({ auth })], controllers: [Uploads] })
    const { send, close } = await openNest(root, platform)
    onTestFinished(close)
    const post = (body: object) =>
      send({ path: '/', headers: [['Content-Type', 'application/json']], body: JSON.stringify(body) })
    expect((await post({ name: 'a list', access_token: await accessToken() })).text).toBe('a list of ann')
    expectRefusal(await post({ name: 'a list' }), { code: 'missing_token', realm: ISSUER })
  })

  test('do not compile for a permission that was not declared, and throw where they stand', () => {
    // @ts-expect-error a misspelt permission is no permission
    expect(() => RequirePermission('orders:raed')).toThrow(ConfigError)
    // @ts-expect-error at least one permission
    expect(() => RequirePermission()).toThrow(ConfigError)
    expect(() => Fresh('5 minutes' as '5m')).toThrow(ConfigError)
  })
})
