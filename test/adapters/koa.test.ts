import { Router } from '@koa/router'
import Koa from 'koa'
import type { Context } from 'koa'
import bodyParser from 'koa-bodyparser'
import { createServer } from 'node:http'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import { koaAuth } from '../../src/adapters/koa.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { overHttp } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { serveKoa } from '../conformance/serve-koa.ts'

adapterConformance('koa', serveKoa)

const { auth, accessToken } = createBed(serveKoa)
const { protect, principal, optionalPrincipal, mount } = koaAuth(auth)

const open = async (build: (app: Koa) => void) => {
  const app = new Koa()
  build(app)
  const listener = app.callback()
  const service = await overHttp(createServer((request, response) => void listener(request, response)))
  onTestFinished(() => service.close())
  return service.send
}

describe('protect() in Koa', () => {
  test('fits an application and a router whose state and context have types of their own', async () => {
    interface State {
      user: string
    }
    const app = new Koa<State, { own: number }>()
    const router = new Router<State, { own: number }>()
    app.use(protect({ optional: true }))
    router.get('/', protect({ permissions: ['clerk'] }), (context) => {
      expectTypeOf(principal(context)).toEqualTypeOf<Principal<Claims, Permission>>()
      expectTypeOf(context.state.user).toEqualTypeOf<string>()
      expectTypeOf(context.own).toEqualTypeOf<number>()
      context.body = 'entered'
    })
    app.use(mount(createEcho())).use(router.routes())
    const listener = app.callback()
    const service = await overHttp(createServer((request, response) => void listener(request, response)))
    onTestFinished(() => service.close())
    expectRefusal(await service.send({ path: '/' }), { code: 'missing_token', realm: ISSUER })
  })

  test('leaves the state alone but for the caller, whom templates have as `principal`', async () => {
    const send = await open((app) => {
      app.use((context, next) => {
        context.state.own = 1
        return next()
      })
      app.use(protect())
      app.use((context) => {
        context.body = { keys: Object.keys(context.state), isSame: context.state.principal === principal(context) }
      })
    })
    const { text } = await send({ path: '/', headers: [bearer(await accessToken())] })
    expect(JSON.parse(text)).toEqual({ keys: ['own', 'principal'], isSame: true })
  })

  test('refuses through the context, so that middleware before it sees the answer and may add to it', async () => {
    const seen: unknown[] = []
    const send = await open((app) => {
      app.use(async (context, next) => {
        await next()
        seen.push(context.status, context.body)
        context.set('x-of', 'the application')
      })
      app.use(protect())
    })
    const answer = await send({ path: '/' })
    expectRefusal(answer, { code: 'missing_token', realm: ISSUER })
    expect(answer.header('x-of')).toBe('the application')
    expect(seen).toEqual([401, answer.text])
  })

  test('makes no promise where nothing is awaited', async () => {
    const made: unknown[] = []
    const following = Promise.resolve('what comes next')
    const send = await open((app) => {
      app.use((context: Context) => {
        made.push(protect({ optional: true })(context, () => following))
        expect(optionalPrincipal(context)).toBeNull()
        made.push(protect()(context, () => following))
      })
    })
    expectRefusal(await send({ path: '/' }), { code: 'missing_token', realm: ISSUER })
    expect(made).toHaveLength(2)
    expect(made[0]).toBe(following)
    expect(made[1]).toBeUndefined()
  })
})

const tell = async (request: Request): Promise<Response> =>
  Response.json({ path: new URL(request.url).pathname, body: await request.text() })

/** Endpoints below /echo; by default they tell what they were asked. */
const createEcho = (answer: typeof tell = tell): MountedHandler =>
  Object.assign((request: Request) => answer(request), {
    matches: (path: string) => path === '/echo' || path.startsWith('/echo/'),
  })

describe('mount() in Koa', () => {
  test('answers below the place where an application has cut the path', async () => {
    const send = await open((app) => {
      app.use((context, next) => {
        context.path = context.path.replace(/^\/api/, '')
        return next()
      })
      app.use(mount(createEcho()))
    })
    expect((await send({ path: '/api/echo/in' })).text).toContain('"path":"/echo/in"')
  })

  test('hands on the very text that a parser has read, where it was kept', async () => {
    const send = await open((app) => app.use(bodyParser()).use(mount(createEcho())))
    const headers = [['Content-Type', 'application/json']] as const
    const body = '{"a":1,"a":2.0}'
    expect(JSON.parse((await send({ path: '/echo', headers, body })).text)).toEqual({ path: '/echo', body })
  })

  test('keeps the cookies that the application has set', async () => {
    const send = await open((app) => {
      app.use((context, next) => {
        context.cookies.set('of', 'application')
        return next()
      })
      app.use(mount(createEcho(async () => new Response('', { headers: { 'set-cookie': 'of=endpoint' } }))))
    })
    expect((await send({ path: '/echo' })).header('set-cookie')).toBe('of=application; path=/; httponly,of=endpoint')
  })

  test('lets middleware before it see the answer and add to it', async () => {
    const send = await open((app) => {
      app.use(async (context, next) => {
        await next()
        context.set('x-status', String(context.status))
      })
      app.use(mount(createEcho(async () => new Response('made', { status: 201 }))))
    })
    const { status, text, header } = await send({ path: '/echo' })
    expect([status, text, header('x-status'), header('content-length')]).toEqual([201, 'made', '201', '4'])
  })

  test('leaves the failure of a handler to the application', async () => {
    const send = await open((app) => {
      app.use(async (context, next) => {
        await next().catch((error: unknown) => {
          context.body = String(error)
        })
      })
      app.use(mount(createEcho(() => Promise.reject(new Error('no luck')))))
    })
    expect((await send({ path: '/echo' })).text).toBe('Error: no luck')
  })
})
