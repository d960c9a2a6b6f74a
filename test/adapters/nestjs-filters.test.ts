import { Catch, Controller, Get, HttpException, UseFilters } from '@nestjs/common'
import type { ArgumentsHost, ExceptionFilter, INestApplication, ModuleMetadata } from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nestAuth } from '../../src/adapters/nestjs.ts'
import { createAuth } from '../../src/auth.ts'
import type { RefusalChange } from '../../src/core/request/refusal.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { createBed, ISSUER, SECRET } from '../conformance/adapter/bed.ts'
import type { Answer } from '../conformance/exchange.ts'
import { challengeOf, expectRefusal } from '../conformance/refusals.ts'
import { moduleOf, openNest, serveNest } from '../conformance/serve-nestjs.ts'
import type { Platform } from '../conformance/serve-nestjs.ts'

/** A refusal beside an application's own filters. */

const { auth } = createBed(serveNest)
const { JotwardModule, Protect, protect } = nestAuth(auth)

/** Status and body of any exception, as documentation has applications write it; it knows of no challenge. */
@Catch()
class OwnFilter implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    const response: { status(code: number): { send(body: unknown): unknown } } = host.switchToHttp().getResponse()
    if (!(exception instanceof HttpException)) {
      response.status(500).send({ own: 'failure' })
      return
    }
    response.status(exception.getStatus()).send({ own: exception.message, body: exception.getResponse() })
  }
}

@Controller()
class Routes {
  @Get('guarded')
  @Protect()
  guarded(): string {
    return 'entered'
  }

  @Get('filtered')
  @Protect()
  @UseFilters(OwnFilter)
  filtered(): string {
    return 'entered'
  }
}

const BODY = { code: 'missing_token', error_description: 'Authentication is required.' }

/** What matters of a refusal, whoever writes it. */
const told = ({ status, text, header }: Answer) => ({
  status,
  challenge: header('www-authenticate'),
  cache: header('cache-control'),
  body: JSON.parse(text) as unknown,
})

const HEADERS = { challenge: challengeOf('missing_token', ISSUER), cache: 'no-store' }

/** An issuer that refuses in words of the application's, and routes that it guards. */
const refusingWith = (change: RefusalChange) => {
  const own = createAuth({
    issuer: ISSUER,
    audience: ISSUER,
    keys: { secret: SECRET },
    store: memoryStore(),
    errors: { on: { default: () => change } },
  })
  const realm = nestAuth(own)

  @Controller()
  class Guarded {
    @Get('guarded')
    guarded(): string {
      return 'entered'
    }
  }
  realm.Protect()(Guarded)
  return { module: realm.JotwardModule.register({ auth: own }), controllers: [Guarded] }
}

const OWN = { status: 401, ...HEADERS, body: { own: 'Authentication is required.', body: BODY } }

const REGISTERED = { imports: [JotwardModule.register({ auth })], controllers: [Routes] }

const open = async (metadata: ModuleMetadata, platform: Platform, prepare?: (app: INestApplication) => void) => {
  const { send, close } = await openNest(moduleOf(metadata), platform, prepare)
  onTestFinished(close)
  return (path: string) => send({ path })
}

describe.each(['express', 'fastify'] as const)('a refusal on %s', (platform) => {
  test('is written to the letter where no filter of the application takes it', async () => {
    const get = await open(REGISTERED, platform)
    const answer = await get('/guarded')
    expect(told(answer)).toEqual({ status: 401, ...HEADERS, body: BODY })
    expectRefusal(answer, { code: 'missing_token', realm: ISSUER })
  })

  test('goes to a filter of the route, with its challenge on the response already', async () => {
    const get = await open(REGISTERED, platform)
    expect(told(await get('/filtered'))).toEqual(OWN)
  })

  test('goes to a filter of the whole application, likewise', async () => {
    const get = await open(REGISTERED, platform, (app) => app.useGlobalFilters(new OwnFilter()))
    expect(told(await get('/guarded'))).toEqual(OWN)
  })

  test('of an imported module stays ours beside an APP_FILTER of the importing one', async () => {
    const providers = [{ provide: APP_FILTER, useClass: OwnFilter }]
    const get = await open({ ...REGISTERED, providers }, platform)
    expect(told(await get('/guarded'))).toEqual({ status: 401, ...HEADERS, body: BODY })
  })

  test('without the module differs in nothing but a charset', async () => {
    const get = await open({ controllers: [Routes] }, platform, (app) => app.useGlobalGuards(protect()))
    const answer = await get('/guarded')
    expect(told(answer)).toEqual({ status: 401, ...HEADERS, body: BODY })
    expect(answer.header('content-type')).toBe('application/json; charset=utf-8')
  })

  test('keeps the headers that the application has set before, such as those of CORS', async () => {
    const get = await open(REGISTERED, platform, (app) => app.enableCors({ origin: 'https://app.example.com' }))
    const answer = await get('/guarded')
    expect(answer.header('access-control-allow-origin')).toBe('https://app.example.com')
    expectRefusal(answer, { code: 'missing_token', realm: ISSUER })
  })

  test('in the words of the application is seen by a filter as it is: members of an object, or text', async () => {
    const text = { status: 404, headers: { 'content-type': 'text/x-own' }, body: 'plainly no' }
    const shapes: readonly (readonly [change: RefusalChange, status: number, body: unknown])[] = [
      [text, 404, 'plainly no'],
      [{ status: 200, body: { ok: false } }, 200, { ok: false }],
      [{ status: 303, headers: { location: '/login' }, body: 17 }, 303, '17'],
    ]
    for (const [change, status, body] of shapes) {
      const { module, controllers } = refusingWith(change)
      const filtered = await open({ imports: [module], controllers }, platform, (app) =>
        app.useGlobalFilters(new OwnFilter()),
      )
      const answer = await filtered('/guarded')
      expect([answer.status, JSON.parse(answer.text)]).toEqual([status, { own: 'Authentication is required.', body }])
      expect(answer.header('location')).toBe(change.headers?.['location'] ?? null)
      const unfiltered = await open({ imports: [module], controllers }, platform)
      expect((await unfiltered('/guarded')).text).toBe(typeof body === 'string' ? body : JSON.stringify(body))
    }
  })
})
