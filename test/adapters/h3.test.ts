import { createServer } from 'node:http'
import { defineHandler, defineValidatedHandler, H3, readBody } from 'h3'
import { toNodeHandler } from 'h3/node'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { h3Auth } from '../../src/adapters/h3.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { direct, overHttp } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { serveH3, serveH3OnNode } from '../conformance/serve-h3.ts'
import { createEcho, CROOKED_PATHS } from './echo.ts'

adapterConformance('h3', serveH3)
adapterConformance('h3 on node:http', serveH3OnNode)

const { auth, accessToken } = createBed(serveH3)
const { protect, principal, optionalPrincipal, mount } = h3Auth(auth)
const missing = { code: 'missing_token', realm: ISSUER } as const

const open = (app: H3) => direct((request) => app.fetch(request)).send

describe('h3', () => {
  test('knows the caller by its event, typed', async () => {
    const app = new H3().use(protect({ optional: true })).get('/', (event) => {
      expectTypeOf(principal).returns.toEqualTypeOf<Principal<Claims, Permission>>()
      return { role: optionalPrincipal(event)?.claims.role ?? null }
    })
    const send = open(app)
    expect((await send({ path: '/', headers: [bearer(await accessToken())] })).text).toBe('{"role":"clerk"}')
    expect((await send({ path: '/' })).text).toBe('{"role":null}')
  })

  test('knows it in an application within an application, mounted or called with the same request', async () => {
    const inner = new H3().get('/who', (event) => principal(event).subject)
    const app = new H3()
      .use('/api/**', protect())
      .mount('/api', inner)
      .get('/who', (event) => inner.fetch(event.req), { middleware: [protect()] })
    const send = open(app)
    const headers = [bearer(await accessToken())]
    for (const path of ['/api/who', '/who']) {
      expectRefusal(await send({ path }), missing)
      expect((await send({ path, headers })).text).toBe('ann')
    }
  })

  test('takes a guard among the middleware of a handler by itself', async () => {
    const guarded = defineHandler({ middleware: [protect()], handler: (event) => principal(event).subject })
    const send = open(new H3().get('/', guarded))
    expectRefusal(await send({ path: '/' }), missing)
    expect((await send({ path: '/', headers: [bearer(await accessToken())] })).text).toBe('ann')
  })

  test('knows the caller in a handler whose request has been validated, which is another one then', async () => {
    const validated = defineValidatedHandler({
      validate: { query: z.object({ page: z.coerce.number() }) },
      middleware: [protect()],
      handler: (event) => `${principal(event).subject} ${event.url.searchParams.get('page')}`,
    })
    const send = open(new H3().get('/', validated))
    expectRefusal(await send({ path: '/?page=no' }), missing)
    expect((await send({ path: '/?page=2', headers: [bearer(await accessToken())] })).text).toBe('ann 2')
  })

  test('asks nobody else about a refusal, and keeps what an application sets on errors', async () => {
    let errors = 0
    const app = new H3({
      onError: () => {
        errors += 1
        return 'taken over'
      },
    })
    app.use((event) => {
      event.res.headers.set('content-type', 'text/plain')
      event.res.errHeaders.set('access-control-allow-origin', '*')
    })
    app.use(protect())
    const answer = await open(app)({ path: '/' })
    expectRefusal(answer, missing)
    expect(answer.header('access-control-allow-origin')).toBe('*')
    expect(errors).toBe(0)
  })

  test('leaves the body to the handler', async () => {
    const app = new H3().post('/', async (event) => ({ read: await readBody(event) }), { middleware: [protect()] })
    const headers = [bearer(await accessToken()), ['Content-Type', 'application/json'] as const]
    expect((await open(app)({ path: '/', headers, body: '{"a":1}' })).text).toBe('{"read":{"a":1}}')
  })
})

describe('endpoints mounted in h3', () => {
  test.each(CROOKED_PATHS)('never pass by, at %s, what the application has put before them', async (path) => {
    const { handler, entered } = createEcho()
    let limited = 0
    const app = new H3()
      .use('/echo/in', (_event, next) => {
        limited += 1
        return next()
      })
      .use(mount(handler))
    const { send, close } = await overHttp(createServer(toNodeHandler(app)))
    onTestFinished(close)
    await send({ path })
    await send({ path: '/echo/in' })
    expect(entered.filter((seen) => seen === '/echo/in').length).toBeLessThanOrEqual(limited)
    expect(entered).toContain('/echo/in')
    // Nor do they see a path that is none of theirs.
    expect(entered.filter((seen) => !handler.matches(seen))).toEqual([])
  })

  test('may answer 404 themselves', async () => {
    const nothing = Object.assign(async () => new Response('nothing here', { status: 404 }), { matches: () => true })
    const handler = defineHandler({ middleware: [mount(nothing)], handler: () => 'the application' })
    for (const app of [new H3().use(mount(nothing)), new H3().all('/echo', handler)]) {
      expect((await open(app)({ path: '/echo' })).text).toBe('nothing here')
    }
  })
})
