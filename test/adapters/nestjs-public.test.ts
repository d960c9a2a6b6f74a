import { Controller, Get, UseGuards } from '@nestjs/common'
import type { CanActivate, Provider, Type } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nestAuth, nestRealm } from '../../src/adapters/nestjs.ts'
import type { NestAuth } from '../../src/adapters/nestjs.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { moduleOf, openNest, serveNest } from '../conformance/serve-nestjs.ts'

/** Which guards \`@Public()\` opens, and which it does not. */

type Realm = NestAuth<Claims, Permission, CanActivate | Type<CanActivate>>

const { auth, accessToken } = createBed(serveNest)

const controllersOf = ({ Protect, Public, OptionalPrincipal, protect }: Realm) => {
  @Controller('mixed')
  @Protect()
  class Mixed {
    @Get('guarded')
    guarded(): string {
      return 'entered'
    }

    @Get('public')
    @Public()
    open(): string {
      return 'open'
    }

    @Get('greeting')
    @Public()
    @Protect({ optional: true })
    greeting(@OptionalPrincipal() caller: ReturnType<Realm['optionalPrincipal']>): string {
      return caller?.subject ?? 'stranger'
    }

    @Get('contradiction')
    @Public()
    @Protect()
    contradiction(): string {
      return 'entered'
    }
  }

  @Controller('health')
  @Public()
  class Health {
    @Get()
    open(): string {
      return 'open'
    }

    @Get('guarded')
    @Protect()
    guarded(): string {
      return 'entered'
    }

    @Get('guarded-by-hand')
    @UseGuards(protect())
    guardedByHand(): string {
      return 'entered'
    }
  }

  @Controller('contradiction')
  @Public()
  @Protect()
  class Contradiction {
    @Get()
    guarded(): string {
      return 'entered'
    }
  }

  @Controller('plain')
  class Plain {
    @Get()
    guarded(): string {
      return 'entered'
    }

    @Get('public')
    @Public()
    open(): string {
      return 'open'
    }
  }

  return [Mixed, Health, Contradiction, Plain]
}

/** Path, and whether it is open: without a guard of the application, and under one. */
const ROWS = [
  ['/mixed/guarded', false, false],
  ['/mixed/public', true, true],
  ['/mixed/greeting', true, true],
  ['/mixed/contradiction', false, false],
  ['/health', true, true],
  ['/health/guarded', false, false],
  ['/health/guarded-by-hand', false, false],
  ['/contradiction', false, false],
  ['/plain', true, false],
  ['/plain/public', true, true],
] as const

const bound = nestAuth(auth)
const injected = nestRealm<Claims, Permission>()

/** A realm, and its guard put before the whole application in each way that there is. */
const REALMS: readonly (readonly [name: string, realm: Realm, global: Provider])[] = [
  ['nestAuth()', bound, { provide: APP_GUARD, useValue: bound.protect() }],
  ['nestRealm()', injected, { provide: APP_GUARD, useClass: injected.protect() }],
]

describe.each(REALMS)('@Public() of %s', (_name, realm, global) => {
  const CONTROLLERS = controllersOf(realm)

  const open = async (guard: 'none' | 'module' | 'provider') => {
    const settings = guard === 'module' ? { auth, guard: {} } : { auth }
    const imports = [realm.JotwardModule.register(settings)]
    const providers = guard === 'provider' ? [global] : []
    const { send, close } = await openNest(moduleOf({ imports, controllers: CONTROLLERS, providers }), 'express')
    onTestFinished(close)
    return (path: string, token?: string) => send({ path, headers: token === undefined ? [] : [bearer(token)] })
  }

  test('opens past what lies farther out, never past a guard beside it or nearer to the handler', async () => {
    const get = await open('none')
    for (const [path, isOpen] of ROWS) expect([path, (await get(path)).status]).toEqual([path, isOpen ? 200 : 401])
  })

  test.each(['module', 'provider'] as const)('opens past a guard of the application, put by a %s', async (guard) => {
    const get = await open(guard)
    const token = await accessToken()
    for (const [path, , isOpen] of ROWS) {
      expect([path, (await get(path)).status]).toEqual([path, isOpen ? 200 : 401])
      expect([path, (await get(path, token)).status]).toEqual([path, 200])
    }
  })

  test('beside an optional guard lets strangers in and knows the others', async () => {
    const get = await open('module')
    expect((await get('/mixed/greeting')).text).toBe('stranger')
    expect((await get('/mixed/greeting', await accessToken())).text).toBe('ann')
  })
})

test('a guard made by hand stands back as the others do', async () => {
  const root = moduleOf({ controllers: controllersOf(bound) })
  const { send, close } = await openNest(root, 'express', (app) => app.useGlobalGuards(bound.protect()))
  onTestFinished(close)
  for (const [path, , isOpen] of ROWS) {
    expect([path, (await send({ path })).status]).toEqual([path, isOpen ? 200 : 401])
  }
})
