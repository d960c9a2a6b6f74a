import { Controller, Get, Inject, Injectable } from '@nestjs/common'
import type * as NestCommon from '@nestjs/common'
import type { Type } from '@nestjs/common'
import type * as NestCore from '@nestjs/core'
import { APP_GUARD } from '@nestjs/core'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { nestAuth, nestRealm } from '../../src/adapters/nestjs.ts'
import type * as ToldCommon from '../../src/adapters/nestjs/framework/common.d.ts'
import type * as ToldCore from '../../src/adapters/nestjs/framework/core.d.ts'
import type { Auth } from '../../src/auth.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import { noise } from '../core/token/fixtures.ts'
import { bearer, createBed, createIssuer, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { moduleOf, openNest, serveNest } from '../conformance/serve-nestjs.ts'
import type { Platform } from '../conformance/serve-nestjs.ts'
import { createEcho, CROOKED_PATHS } from './echo.ts'

/** What the dynamic module promises. */

const { auth, accessToken } = createBed(serveNest)
const refused = { code: 'missing_token', realm: ISSUER } as const
const invalid = { code: 'token_invalid', realm: ISSUER } as const

const { JotwardModule, Protect, CurrentPrincipal, InjectAuth, principal, protect } = nestRealm<Claims, Permission>()

type Caller = ReturnType<typeof principal>

@Injectable()
class Profiles {
  readonly #auth: Auth<Claims, Permission>

  constructor(@InjectAuth() injected: Auth<Claims, Permission>) {
    this.#auth = injected
  }

  async sessions(subject: string): Promise<number> {
    return (await this.#auth.sessions.list(subject)).length
  }
}

@Controller('profile')
class ProfileController {
  readonly #profiles: Profiles

  constructor(@Inject(Profiles) profiles: Profiles) {
    this.#profiles = profiles
  }

  @Get()
  @Protect()
  own(@CurrentPrincipal() { subject }: Caller): Promise<number> {
    return this.#profiles.sessions(subject)
  }

  @Get('open')
  open(): string {
    return 'open'
  }
}

/** A module of its own: guards are found from everywhere, since the realm's module is global. */
const ProfileModule = moduleOf({ controllers: [ProfileController], providers: [Profiles] })

@Injectable()
class Settings {
  readonly auth = auth
}

const SettingsModule = moduleOf({ providers: [Settings], exports: [Settings] })

const open = async (root: Type, platform: Platform = 'express', prefix = '') => {
  const { send, close } = await openNest(root, platform, (app) => {
    if (prefix !== '') app.setGlobalPrefix(prefix)
  })
  onTestFinished(close)
  return (path: string, token?: string) => send({ path, headers: token === undefined ? [] : [bearer(token)] })
}

describe.each(['express', 'fastify'] as const)('the module on %s', (platform) => {
  test('brings an Auth that a factory makes of what it injects, to guards and to services', async () => {
    const AppModule = moduleOf({
      imports: [
        JotwardModule.registerAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => ({ auth: settings.auth }),
        }),
        ProfileModule,
      ],
    })
    const get = await open(AppModule, platform)
    const token = await accessToken()
    expectRefusal(await get('/profile'), refused)
    expectRefusal(await get('/profile', `${token}x`), invalid)
    expect(Number((await get('/profile', token)).text)).toBeGreaterThan(0)
    expect((await get('/profile/open')).text).toBe('open')
  })

  test('guards the whole application where it is told to', async () => {
    const AppModule = moduleOf({
      imports: [JotwardModule.registerAsync({ useFactory: () => ({ auth }), guard: { fresh: true } }), ProfileModule],
    })
    const get = await open(AppModule, platform)
    expectRefusal(await get('/profile/open'), refused)
    expect((await get('/profile/open', await accessToken())).text).toBe('open')
  })

  test('answers its endpoints at their own paths, whatever prefix the routes have', async () => {
    const endpoints = authRoutes(auth)
    const AppModule = moduleOf({ imports: [JotwardModule.register({ auth, endpoints }), ProfileModule] })
    const get = await open(AppModule, platform, 'api/v1')
    expectRefusal(await get('/auth/sessions'), refused)
    expect((await get('/auth/sessions', await accessToken())).status).toBe(200)
    expectRefusal(await get('/api/v1/profile'), refused)
    expect((await get('/api/v1/auth/sessions')).status).toBe(404)
    expect((await get('/profile')).status).toBe(404)
  })
})

describe.each(['express', 'fastify'] as const)('endpoints in front of NestJS on %s', (platform) => {
  const { mount } = nestAuth(auth)

  test.each(CROOKED_PATHS)('never pass by, at %s, what the application has put before them', async (path) => {
    const { handler, entered } = createEcho()
    let limited = 0
    const { send, close } = await openNest(moduleOf({}), platform, (app) => {
      app.use('/echo/in', (_request: unknown, _response: unknown, next: () => void) => {
        limited += 1
        next()
      })
      app.use(mount(handler))
    })
    onTestFinished(close)
    await send({ path })
    await send({ path: '/echo/in' })
    expect(entered.filter((seen) => seen === '/echo/in').length).toBeLessThanOrEqual(limited)
    expect(entered).toContain('/echo/in')
    // Nor do they see a path that is none of theirs.
    expect(entered.filter((seen) => !handler.matches(seen))).toEqual([])
  })
})

describe('a realm', () => {
  test('in two applications at once guards each with its own Auth', async () => {
    const other = createIssuer({ now: 1_800_000_000 }, { secret: noise('another application') })
    const First = moduleOf({ imports: [JotwardModule.register({ auth }), ProfileModule] })
    const Second = moduleOf({ imports: [JotwardModule.register({ auth: other }), ProfileModule] })
    const [first, second] = [await open(First), await open(Second)]
    const ours = await accessToken()
    const theirs = await other.issue({ subject: 'eve', claims: { role: 'chief', since: '2020-02-29' } })
    expect((await first('/profile', ours)).status).toBe(200)
    expect((await second('/profile', theirs.accessToken)).status).toBe(200)
    expectRefusal(await first('/profile', theirs.accessToken), invalid)
    expectRefusal(await second('/profile', ours), invalid)
  })

  test('whose module is missing stops the start, and so does a requirement that cannot be', async () => {
    const Lacking = moduleOf({ imports: [ProfileModule] })
    await expect(openNest(Lacking, 'express')).rejects.toThrow(/jotward auth/)

    @Controller()
    class Impossible {
      @Get()
      @Protect({ fresh: 'soon' as '5m' })
      get(): string {
        return 'entered'
      }
    }
    const AppModule = moduleOf({ imports: [JotwardModule.register({ auth })], controllers: [Impossible] })
    await expect(openNest(AppModule, 'express')).rejects.toThrow(ConfigError)
  })

  test('over an Auth that stands already takes no other', () => {
    const other = createIssuer({ now: 1_800_000_000 })
    expect(() => nestAuth(auth).JotwardModule.register({ auth: other })).toThrow(
      /auth: is another one than that of nestAuth\(\)/,
    )
  })

  test('is told of settings that it does not have, or that are undefined, for they would leave the application open', () => {
    const { register, registerAsync } = nestAuth(auth).JotwardModule
    const misspelt: object = { auth, gaurd: {} }
    const lacking: object = { useFactory: () => ({ auth }), guard: undefined }
    expect(() => register(misspelt as { auth: typeof auth })).toThrow(/gaurd: is not a setting; did you mean "guard"\?/)
    expect(() => registerAsync(lacking as { useFactory: () => { auth: typeof auth } })).toThrow(/guard: is undefined/)
  })

  test('guards HTTP, and lets nothing pass that it cannot read', async () => {
    const guard = nestAuth(auth).protect({ optional: 'lenient' })
    const context = {
      getType: () => 'rpc',
      getHandler: () => openNest,
      getClass: () => ProfileController,
      switchToHttp: () => {
        throw new Error('nothing is to be read')
      },
    }
    expect(() => guard.canActivate(context)).toThrow('Only HTTP is guarded')
  })

  test('hands out classes, which NestJS makes instances of', async () => {
    const AppModule = moduleOf({
      imports: [JotwardModule.register({ auth }), ProfileModule],
      providers: [{ provide: APP_GUARD, useClass: protect() }],
    })
    const get = await open(AppModule)
    expectRefusal(await get('/profile/open'), refused)
    expect((await get('/profile/open', await accessToken())).text).toBe('open')
  })
})

test('the build is told of NestJS what NestJS is', () => {
  expectTypeOf<typeof NestCommon>().toExtend<typeof ToldCommon>()
  expectTypeOf<typeof NestCore>().toExtend<typeof ToldCore>()
  expect(APP_GUARD).toBeTypeOf('string')
})
