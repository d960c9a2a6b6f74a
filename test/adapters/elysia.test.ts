import { Elysia } from 'elysia'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { elysiaAuth } from '../../src/adapters/elysia.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { direct } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { serveElysia, serveElysiaOnNode, serveElysiaUncompiled } from '../conformance/serve-elysia.ts'
import { createEcho, CROOKED_PATHS } from './echo.ts'

adapterConformance('elysia', serveElysia)
adapterConformance('elysia without compiled handlers', serveElysiaUncompiled)
adapterConformance('elysia on node:http', serveElysiaOnNode)

type Caller = Principal<Claims, Permission>

const { auth, signIn, accessToken } = createBed(serveElysia)
const { protect, principal, optionalPrincipal, mount } = elysiaAuth(auth)
const missing = { code: 'missing_token', realm: ISSUER } as const

const open = (app: { handle: (request: Request) => Promise<Response> }) => direct((request) => app.handle(request)).send

describe('Elysia', () => {
  test('guards a group, and a plugin whose hooks are scoped, and nothing beside them', async () => {
    const plugin = new Elysia().onBeforeHandle({ as: 'scoped' }, protect()).get('/of-plugin', () => 'entered')
    const app = new Elysia()
      .get('/open', () => 'open')
      .group('/group', (group) => group.onBeforeHandle(protect()).get('/in', () => 'entered'))
      .get('/beside', () => 'open')
      .use(plugin)
      .get('/after-plugin', () => 'entered')
    const send = open(app)
    const headers = [bearer(await accessToken())]
    for (const path of ['/group/in', '/of-plugin', '/after-plugin']) {
      expectRefusal(await send({ path }), missing)
      expect((await send({ path, headers })).text).toBe('entered')
    }
    for (const path of ['/open', '/beside']) expect((await send({ path })).text).toBe('open')
  })

  test('derives the caller into the context, typed and without null', async () => {
    const app = new Elysia()
      .guard({ beforeHandle: protect() }, (guarded) =>
        guarded
          .resolve((context) => ({ caller: principal(context) }))
          .get('/me', ({ caller }) => {
            expectTypeOf(caller).toEqualTypeOf<Caller>()
            return caller.claims.role
          }),
      )
      .get('/shop', ({ request }) => optionalPrincipal({ request })?.subject ?? 'stranger', {
        beforeHandle: protect({ optional: true }),
      })
    const send = open(app)
    const headers = [bearer(await accessToken())]
    expect((await send({ path: '/me', headers })).text).toBe('clerk')
    expectRefusal(await send({ path: '/me' }), missing)
    expect((await send({ path: '/shop' })).text).toBe('stranger')
    expect((await send({ path: '/shop', headers })).text).toBe('ann')
  })

  test('has a guard as a macro', async () => {
    const app = new Elysia()
      .macro({ asks: (permission: Permission) => ({ beforeHandle: protect({ permissions: [permission] }) }) })
      .get('/orders', (context) => principal(context).subject, { asks: 'orders:read' })
    const send = open(app)
    const able = await signIn({ permissions: ['orders:read'] })
    expect((await send({ path: '/orders', headers: [bearer(able.accessToken)] })).text).toBe('ann')
    const plain = await send({ path: '/orders', headers: [bearer(await accessToken())] })
    expectRefusal(plain, { code: 'insufficient_permission', realm: ISSUER, challenge: ', scope="orders:read"' })
  })

  test('asks nobody else about a refusal, and keeps the headers that were set before', async () => {
    const app = new Elysia()
      .onError(() => 'taken over')
      .onRequest(({ set }) => {
        set.headers['access-control-allow-origin'] = '*'
        set.headers['content-type'] = 'text/plain'
      })
      .get('/', () => 'entered', { beforeHandle: protect() })
    const answer = await open(app)({ path: '/' })
    expectRefusal(answer, missing)
    expect(answer.header('access-control-allow-origin')).toBe('*')
  })

  test('passes over the answer of a hook whose text has no return, but never over ours', async () => {
    const ask = async (hook: ReturnType<typeof protect>): Promise<number> =>
      (await open(new Elysia().get('/', () => 'entered', { beforeHandle: hook }))({ path: '/' })).status
    const hook = protect()
    // A bound function shows no text, as one that a minifier has rewritten may show no return.
    const bound = hook.bind(null)
    // Why ours brings a text of its own. Once this fails, Elysia asks hooks themselves, and that text can go.
    expect(await ask(bound)).toBe(200)
    expect(await ask(Object.defineProperty(bound, 'toString', { value: () => String(hook) }))).toBe(401)
    expect(String(hook)).not.toBe(Function.prototype.toString.call(hook))
  })

  test('parses no body for a guard’s sake, and a guard finds a token in one that was parsed', async () => {
    const inForm = protect({ locations: ['form'] })
    const app = new Elysia()
      .post('/unread', async ({ request }) => request.text(), { beforeHandle: protect() })
      .post('/parsed', ({ body }) => Object.keys(body as object).length, { beforeHandle: inForm })
      .post('/clone', async ({ request }) => (await request.text()).length, { beforeHandle: inForm })
    const send = open(app)
    const token = await accessToken()
    const broken = { headers: [bearer(token), ['Content-Type', 'application/json'] as const], body: '{"a' }
    expect((await send({ path: '/unread', ...broken })).text).toBe('{"a')
    const headers = [['Content-Type', 'application/x-www-form-urlencoded'] as const]
    const form = { headers, body: `a=1&access_token=${token}` }
    expect((await send({ path: '/parsed', ...form })).text).toBe('2')
    expect((await send({ path: '/clone', ...form })).text).toBe(String(form.body.length))
    expectRefusal(await send({ path: '/parsed', headers, body: 'a=1' }), missing)
  })

  test('takes a guard where guards belong: what only derives or transforms would not hear its answer', () => {
    const app = new Elysia()
    // @ts-expect-error a derived context is made of what its function returns
    expect(() => app.derive(protect())).not.toThrow()
    // @ts-expect-error and so is a resolved one
    expect(() => app.resolve(protect())).not.toThrow()
    // @ts-expect-error a transform returns nothing
    expect(() => app.onTransform(protect())).not.toThrow()
  })
})

const setTwo = async (): Promise<Response> => {
  const response = new Response('set')
  for (const cookie of ['a=1', 'b=2']) response.headers.append('set-cookie', cookie)
  return response
}

describe('endpoints mounted in Elysia', () => {
  test.each(CROOKED_PATHS)('never pass by, at %s, what the application has put before them', async (path) => {
    const { handler, entered } = createEcho()
    let limited = 0
    const app = new Elysia()
      .onRequest((context) => {
        if ('path' in context && context.path === '/echo/in') limited += 1
      })
      .onRequest(mount(handler))
    const send = open(app)
    await send({ path })
    await send({ path: '/echo/in' })
    expect(entered.filter((seen) => seen === '/echo/in').length).toBeLessThanOrEqual(limited)
    expect(entered).toContain('/echo/in')
    // Nor do they see a path that is none of theirs.
    expect(entered.filter((seen) => !handler.matches(seen))).toEqual([])
  })

  test('are not found at a path that Elysia gets wrong, after a host of one letter', async () => {
    const { handler, entered } = createEcho()
    const app = new Elysia().onRequest(mount(handler))
    const statusAt = async (address: string) => (await app.handle(new Request(address))).status
    expect(await statusAt('http://localhost/echo/in')).toBe(200)
    // Elysia takes the first for /echo/in, and finds no path in the second.
    expect(await statusAt('http://x/aa/echo/in')).toBe(404)
    expect(await statusAt('http://x/echo/in')).toBe(404)
    expect(entered).toEqual(['/echo/in'])
  })

  test.each(Object.entries({ 'by itself': serveElysia, 'on node:http': serveElysiaOnNode }))(
    'hand out all their cookies beside those of the application, Elysia %s',
    async (_title, serve) => {
      const handler = Object.assign(setTwo, { matches: (path: string) => path === '/echo' })
      const endpoints = { handler, after: 'nothing' } as const
      const service = await serve({ auths: [auth], routes: [], cookiesBefore: ['early=1'], endpoints })
      onTestFinished(() => service.close())
      const answer = await service.send({ path: '/echo' })
      expect([answer.text, answer.cookies.toSorted()]).toEqual(['set', ['a=1', 'b=2', 'early=1']])
    },
  )
})
