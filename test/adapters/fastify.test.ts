import { fastify } from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { fastifyAuth } from '../../src/adapters/fastify.ts'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { serveFastify } from '../conformance/serve-fastify.ts'

adapterConformance('fastify', serveFastify)

const { auth, accessToken } = createBed(serveFastify)
const { protect, principal, optionalPrincipal, mount } = fastifyAuth(auth)

const create = (): FastifyInstance => {
  const app = fastify()
  onTestFinished(() => app.close())
  return app
}

const authorized = async () => ({ authorization: bearer(await accessToken())[1] })

const enter = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply.send({ subject: optionalPrincipal(request)?.subject ?? null })

describe('protect() in Fastify', () => {
  test.each(['onRequest', 'preValidation', 'preHandler'] as const)('is a hook of a route, as %s', async (name) => {
    const app = create()
    app.post('/', { [name]: protect({ fresh: true }) }, (request, reply) => {
      expectTypeOf(principal(request)).toEqualTypeOf<Principal<Claims, Permission>>()
      return reply.send({ role: principal(request).claims.role })
    })
    const json = { 'content-type': 'application/json' }
    const payload = '{"a":1}'
    expect((await app.inject({ method: 'POST', url: '/', headers: json, payload })).statusCode).toBe(401)
    const headers = { ...json, ...(await authorized()) }
    expect((await app.inject({ method: 'POST', url: '/', headers, payload })).json()).toEqual({ role: 'clerk' })
  })

  test('is a hook of a plugin, which ends where the plugin ends', async () => {
    const app = create()
    app.register(async (scope) => {
      scope.addHook('onRequest', protect())
      scope.get('/inside', enter)
    })
    app.get('/outside', enter)
    expect((await app.inject('/inside')).json()).toMatchObject({ code: 'missing_token' })
    expect((await app.inject({ url: '/inside', headers: await authorized() })).json()).toEqual({ subject: 'ann' })
    expect((await app.inject('/outside')).json()).toMatchObject({ statusCode: 500, message: /^No guard ran/ })
  })

  test('sees two Authorization headers where a request is injected (N019)', async () => {
    const app = create()
    app.get('/', { onRequest: protect() }, enter)
    const { authorization } = await authorized()
    const headers = { Authorization: [authorization, authorization] }
    expect((await app.inject({ url: '/', headers })).json()).toMatchObject({ code: 'malformed_credentials' })
  })

  test('refuses through the reply: hooks see a text and may add to it, no schema cuts it', async () => {
    const app = create()
    const seen: unknown[] = []
    app.addHook('onSend', async (_request, reply, payload) => {
      reply.header('x-of', 'the application')
      seen.push(typeof payload)
      return payload
    })
    app.addHook('onResponse', async (_request, reply) => {
      seen.push(reply.statusCode)
    })
    const schema = { response: { 401: { type: 'object', properties: { nothing: { type: 'string' } } } } }
    app.get('/', { schema, onRequest: protect() }, enter)
    const { headers, body } = await app.inject('/')
    expect(seen).toEqual(['string', 401])
    expect(headers).toMatchObject({ 'x-of': 'the application', 'content-type': 'application/json' })
    expect(JSON.parse(body)).toMatchObject({ code: 'missing_token' })
  })

  test('and the mounted endpoints fit an application on HTTP/2', async () => {
    const app = fastify({ http2: true })
    onTestFinished(() => app.close())
    app.register(mount(createEcho()))
    app.get('/', { onRequest: protect() }, (request, reply) => reply.send(principal(request).subject))
    expect((await app.inject('/')).statusCode).toBe(401)
    expect((await app.inject({ url: '/', headers: await authorized() })).body).toBe('ann')
  })
})

const tell = async (request: Request): Promise<Response> => {
  const { pathname, search } = new URL(request.url)
  return Response.json({ path: pathname, query: search, body: await request.text() })
}

/** Endpoints below /echo; by default they tell what they were asked. */
const createEcho = (answer: typeof tell = tell): MountedHandler & { readonly paths: readonly string[] } =>
  Object.assign((request: Request) => answer(request), {
    matches: (path: string) => path === '/echo' || path.startsWith('/echo/'),
    paths: ['/echo', '/echo/*'],
  })

const unlisted: MountedHandler = Object.assign((request: Request) => tell(request), {
  matches: (path: string) => path === '/echo',
})

describe('mount() in Fastify', () => {
  test.each([
    ['/api', '/api/echo/in'],
    ['/api/v1/', '/api/v1/echo/in'],
    ['/of/:tenant', '/of/anybody/echo/in'],
  ])('answers below the prefix %s', async (prefix, url) => {
    const app = create()
    app.register(mount(createEcho()), { prefix })
    expect((await app.inject(`${url}?a=/b`)).json()).toEqual({ path: '/echo/in', query: '?a=/b', body: '' })
    expect((await app.inject('/echo/in')).statusCode).toBe(404)
  })

  test('answers in a plugin within a plugin, whose prefix is whatever was given to both', async () => {
    const app = create()
    app.register(async (scope) => scope.register(mount(createEcho()), { prefix: '/b' }), { prefix: '/a' })
    expect((await app.inject('/a/b/echo')).json()).toMatchObject({ path: '/echo' })
  })

  test('stands beside routes for any path, which do not take its own', async () => {
    const app = create()
    app.get('/*', (_request, reply) => reply.send('any'))
    app.get('/:a/:b', (_request, reply) => reply.send('two'))
    app.register(mount(createEcho()))
    expect((await app.inject('/echo/in')).json()).toMatchObject({ path: '/echo/in' })
    expect((await app.inject('/echo')).json()).toMatchObject({ path: '/echo' })
    expect((await app.inject('/x/y')).body).toBe('two')
    expect((await app.inject('/x')).body).toBe('any')
  })

  test('leaves what is not its own to the application, also where a handler does not list its paths', async () => {
    const app = create()
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('nowhere'))
    app.get('/own', (_request, reply) => reply.send('own'))
    app.register(mount(unlisted))
    expect((await app.inject('/echo')).json()).toMatchObject({ path: '/echo' })
    expect((await app.inject('/own')).body).toBe('own')
    expect((await app.inject('/echoes')).body).toBe('nowhere')
    expect((await app.inject({ method: 'POST', url: '/echoes', payload: { a: 1 } })).body).toBe('nowhere')
  })

  test('leaves the parsers of the application as they are, and asks none of them', async () => {
    const app = create()
    app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(new Error('asked')))
    app.register(mount(createEcho()))
    app.post('/own', (request, reply) => reply.send({ own: request.body }))
    expect((await app.inject({ method: 'POST', url: '/own', payload: { a: 1 } })).json()).toEqual({ own: { a: 1 } })
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } } as const
    expect((await app.inject({ ...form, url: '/own', payload: 'a=1' })).statusCode).toBe(415)
    expect((await app.inject({ ...form, url: '/echo', payload: 'a=1' })).json()).toMatchObject({ body: 'a=1' })
  })

  test.each(['x, y', 'nonsense', '/', 'application/json; charset'])(
    'lets its endpoints judge the Content-Type %s, for which Fastify has words of its own',
    async (type) => {
      const app = create()
      app.register(mount(createEcho()))
      const headers = { 'content-type': type }
      expect((await app.inject({ method: 'POST', url: '/echo', headers, payload: 'a' })).json()).toMatchObject({
        body: 'a',
      })
    },
  )

  test('reads what a preParsing hook has made of the body', async () => {
    const app = create()
    app.addHook('preParsing', async (_request, _reply, payload) => {
      const chunks: unknown[] = []
      for await (const chunk of payload) chunks.push(chunk)
      return Readable.from([Buffer.from(`decoded ${chunks.join('')}`)])
    })
    app.register(mount(createEcho()))
    const { body } = await app.inject({ method: 'POST', url: '/echo', payload: 'text' })
    expect(JSON.parse(body)).toMatchObject({ body: 'decoded text' })
  })

  test('has the hooks of the application run before its endpoints', async () => {
    const app = create()
    const ran: string[] = []
    app.addHook('onRequest', async () => void ran.push('onRequest'))
    app.addHook('preHandler', async () => void ran.push('preHandler'))
    app.addHook('onSend', async () => void ran.push('onSend'))
    app.register(mount(createEcho()))
    expect((await app.inject({ method: 'POST', url: '/echo', payload: 'x' })).statusCode).toBe(200)
    expect(ran).toEqual(['onRequest', 'preHandler', 'onSend'])
  })

  test('is guarded by a guard of the whole application, wherever that stands, and not by a guard of a plugin', async () => {
    const app = create()
    await app.register(mount(createEcho()))
    app.register(async (scope) => {
      scope.addHook('onRequest', protect())
      scope.get('/', enter)
    })
    const [open, guarded] = [await app.inject('/echo'), await app.inject('/')]
    expect([open.statusCode, guarded.statusCode]).toEqual([200, 401])
    const whole = create()
    await whole.register(mount(createEcho()))
    whole.addHook('onRequest', protect())
    expect((await whole.inject('/echo')).statusCode).toBe(401)
  })

  test('keeps the cookies that the application has set', async () => {
    const app = create()
    app.addHook('onRequest', async (_request, reply) => void reply.header('set-cookie', 'of=application'))
    app.register(mount(createEcho(async () => new Response(null, { headers: { 'set-cookie': 'of=endpoint' } }))))
    expect((await app.inject('/echo')).headers['set-cookie']).toEqual(['of=application', 'of=endpoint'])
  })

  test('leaves the failure of a handler to the application’s own answer for failures', async () => {
    const app = create()
    app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send({ failed: error.message }))
    app.register(mount(createEcho(() => Promise.reject(new Error('no luck')))))
    const { statusCode, body } = await app.inject('/echo')
    expect([statusCode, body]).toEqual([500, '{"failed":"no luck"}'])
  })
})
