import { createServer } from 'node:http'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Elysia } from 'elysia'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { elysiaAuth } from '../../src/adapters/elysia.ts'
import { fastifyAuth } from '../../src/adapters/fastify.ts'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { honoAuth } from '../../src/adapters/hono.ts'
import { nodeAuth } from '../../src/adapters/node.ts'
import {
  ACCESS,
  createIssuer,
  CSRF,
  nameOf,
  namesIn,
  NEAR_END,
  oursIn,
  signIn,
} from '../conformance/adapter/renewal-bed.ts'
import { direct, overHttp } from '../conformance/exchange.ts'

/** Renewed cookies where a framework has ways of its own to answer; what all have is in the conformance suite. */

const begin = async () => {
  const issuer = createIssuer()
  const { browser } = await signIn(issuer)
  issuer.clock.now += NEAR_END
  return { auth: issuer.auth, headers: [browser.header()], cookie: browser.header()[1] }
}

const listen = async (listener: RequestListener) => {
  const service = await overHttp(createServer(listener))
  onTestFinished(() => service.close())
  return service.send
}

const inElysia = (app: { handle: (request: Request) => Promise<Response> }) => direct((request) => app.handle(request))

/** The ways to hand headers to `writeHead`; each sets a header, a cookie, and what caches may do. */
const HEADS: readonly (readonly [title: string, write: (response: ServerResponse) => unknown])[] = [
  [
    'an object',
    (response) => response.writeHead(202, { 'X-Own': 'yes', 'Set-Cookie': 'a=1', 'Cache-Control': 'no-cache' }),
  ],
  [
    'words and an object',
    (response) =>
      response.writeHead(202, 'Taken', { 'x-own': 'yes', 'set-cookie': ['a=1'], 'cache-control': 'no-cache' }),
  ],
  [
    'names and values in turn',
    (response) => response.writeHead(202, ['X-Own', 'yes', 'Set-Cookie', 'a=1', 'Cache-Control', 'no-cache']),
  ],
  [
    'a status alone, after headers',
    (response) =>
      response
        .setHeader('x-own', 'yes')
        .appendHeader('Set-Cookie', 'a=1')
        .setHeader('cache-control', 'no-cache')
        .writeHead(202),
  ],
]

describe('on node:http', () => {
  test.each(HEADS)('renewed cookies go out beside what a handler hands to writeHead as %s', async (_title, write) => {
    const { auth, headers } = await begin()
    const { protect } = nodeAuth(auth)
    const send = await listen(
      protect({}, (_request, response) => {
        write(response)
        response.end('done')
      }),
    )
    const answer = await send({ path: '/', headers })
    expect([answer.status, answer.text, answer.header('x-own')]).toEqual([202, 'done', 'yes'])
    expect(namesIn(answer)).toEqual([ACCESS, CSRF, 'a'])
    expect(answer.header('cache-control')).toBe('no-cache, private')
  })

  test('headers that come twice in turn stay two', async () => {
    const { auth, headers } = await begin()
    const { protect } = nodeAuth(auth)
    const send = await listen(
      protect({}, (_request, response) => {
        response.setHeader('set-cookie', 'gone=1')
        response.writeHead(200, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'])
        response.end()
      }),
    )
    expect(namesIn(await send({ path: '/', headers }))).toEqual([ACCESS, CSRF, 'a', 'b'])
  })

  test('an answer that breaks the rules of HTTP is refused by Node as ever', async () => {
    const { auth, headers } = await begin()
    const { protect } = nodeAuth(auth)
    const send = await listen(
      protect({}, (_request, response) => {
        expect(() => response.writeHead(200, { 'x-own': 'a\nb' })).toThrow(TypeError)
        response.writeHead(200)
        expect(() => response.writeHead(200)).toThrow('Cannot write headers')
        response.end('done')
      }),
    )
    expect((await send({ path: '/', headers })).text).toBe('done')
  })

  test('renewed cookies go out over HTTP/2', async () => {
    const { auth, cookie } = await begin()
    const { protect } = nodeAuth(auth)
    const server = createHttp2Server(
      protect({}, (_request, response: { writeHead(status: number, headers: object): unknown; end(): unknown }) => {
        response.writeHead(200, { 'set-cookie': 'a=1' })
        response.end()
      }) as Parameters<typeof createHttp2Server>[0] & object,
    )
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    // A server that listens on a port has an address with one.
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.close()
      server.close()
    })
    const received = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      const stream = session.request({ ':path': '/', cookie })
      stream.once('response', resolve)
      stream.once('error', reject)
      stream.resume()
    })
    expect((received['set-cookie'] ?? []).map(nameOf)).toEqual([ACCESS, CSRF, 'a'])
  })
})

test('in Fastify renewed cookies go out to an injected request too', async () => {
  const { auth, cookie } = await begin()
  const app = fastify()
  app.get('/', { onRequest: fastifyAuth(auth).protect() }, () => 'done')
  const answer = await app.inject({ url: '/', headers: { cookie } })
  expect(answer.cookies.map(({ name }) => name)).toEqual([ACCESS, CSRF])
})

test('a fetch handler may answer with a response that nobody may change', async () => {
  const { auth, headers } = await begin()
  const guarded = fetchAuth(auth).protect({}, () => Response.redirect('https://example.com/next', 303))
  const answer = await direct(guarded).send({ path: '/', headers })
  expect([answer.status, answer.header('location'), oursIn(answer)]).toEqual([
    303,
    'https://example.com/next',
    [ACCESS, CSRF],
  ])
})

test('a fetch handler may hand a copy of the request to a nearer guard, or on a copy of its refusal', async () => {
  const issuer = createIssuer({ errors: { on: { default: () => ({ status: 200 }) } } })
  const { browser } = await signIn(issuer)
  issuer.clock.now += NEAR_END
  const { protect } = fetchAuth(issuer.auth)
  const inner = protect({ permissions: ['orders:write'] }, () => new Response('entered'))
  const copiedRequest = protect({}, (request) => inner(new Request(request)))
  const copiedRefusal = protect({}, async (request) => new Response((await inner(request)).body, { status: 202 }))
  for (const [guarded, status] of [
    [copiedRequest, 200],
    [copiedRefusal, 202],
  ] as const) {
    const answer = await direct(guarded).send({ path: '/', headers: [browser.header()] })
    expect([answer.status, answer.text === 'entered', answer.cookies]).toEqual([status, false, []])
  }
})

test('in Hono an application within an application renews once', async () => {
  const { auth, headers } = await begin()
  const { protect } = honoAuth(auth)
  const inner = new Hono().use(protect()).get('/in', (context) => context.text('done'))
  const app = new Hono().use(protect()).route('/', inner)
  expect(namesIn(await direct((request) => app.fetch(request)).send({ path: '/in', headers }))).toEqual([ACCESS, CSRF])
})

describe('in Elysia', () => {
  test.each([true, false])('they go out beside cookies that are set by name, code compiled: %s', async (aot) => {
    const { auth, headers } = await begin()
    const { protect, renew } = elysiaAuth(auth)
    const app = new Elysia({ aot }).onAfterHandle(renew).get(
      '/',
      ({ cookie }) => {
        cookie['theme']?.set({ value: 'dark', path: '/' })
        return 'done'
      },
      { beforeHandle: protect() },
    )
    const answer = await inElysia(app).send({ path: '/', headers })
    expect([answer.text, namesIn(answer).toSorted()]).toEqual(['done', [ACCESS, CSRF, 'theme']])
  })

  test.each([true, false])(
    'a handler that removes the cookie by name has the last word, code compiled: %s',
    async (aot) => {
      const { auth, headers } = await begin()
      const { protect, renew } = elysiaAuth(auth)
      const app = new Elysia({ aot }).onAfterHandle(renew).get(
        '/',
        ({ cookie }) => {
          cookie[ACCESS]?.remove()
          return 'done'
        },
        { beforeHandle: protect() },
      )
      const answer = await inElysia(app).send({ path: '/', headers })
      expect(answer.cookies).toEqual([expect.stringMatching(/^__Host-jotward-access=;.*Max-Age=0/)])
    },
  )

  test.each([
    ['words', ({ set }: { set: { status?: unknown } }) => Object.assign(set, { status: 'Unauthorized' }) && 'no'],
    ['status()', ({ status }: { status: (code: 401, text: string) => unknown }) => status(401, 'no')],
  ] as const)('they do not go out with 401 said by %s (#115)', async (_title, handler) => {
    const { auth, headers } = await begin()
    const { protect, renew } = elysiaAuth(auth)
    // What the handlers take is part of Elysia's context, which has more types than they need.
    const app = new Elysia().onAfterHandle(renew).get('/', handler as () => string, { beforeHandle: protect() })
    const answer = await inElysia(app).send({ path: '/', headers })
    expect([answer.status, answer.text, answer.cookies]).toEqual([401, 'no', []])
  })

  test('they go out beside headers whose names are in capitals, and with an object that has no prototype', async () => {
    const { auth, headers } = await begin()
    const { protect, renew } = elysiaAuth(auth)
    const app = new Elysia().onAfterHandle(renew).get(
      '/',
      ({ set }) => {
        Object.assign(set.headers, { 'Set-Cookie': 'theme=dark', 'Cache-Control': 'no-cache' })
        const data: Record<string, unknown> = Object.create(null) as object as Record<string, unknown>
        data['done'] = true
        return data
      },
      { beforeHandle: protect() },
    )
    const answer = await inElysia(app).send({ path: '/', headers })
    expect([answer.text, namesIn(answer)]).toEqual(['{"done":true}', [ACCESS, CSRF, 'theme']])
    expect(answer.header('cache-control')).toBe('no-cache, private')
  })

  test('none goes out where the hook that sends them is missing', async () => {
    const { auth, headers } = await begin()
    const app = new Elysia().get('/', () => 'done', { beforeHandle: elysiaAuth(auth).protect() })
    const answer = await inElysia(app).send({ path: '/', headers })
    expect([answer.text, answer.cookies]).toEqual(['done', []])
  })
})
