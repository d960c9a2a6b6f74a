import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import { createBed } from '../conformance/adapter/bed.ts'
import { sendBytes } from '../conformance/exchange.ts'
import { serveFastify } from '../conformance/serve-fastify.ts'
import { serveKoa } from '../conformance/serve-koa.ts'
import { serveNest, serveNestFastify } from '../conformance/serve-nestjs.ts'
import { serveNode } from '../conformance/serve-node.ts'
import type { Serve } from '../conformance/serve.ts'

/**
 * What frameworks on node:http can get wrong about paths and bodies as they come over the wire. h3 and Elysia have both
 * from their own server, and know a request by an address that is resolved already.
 */

const FRAMEWORKS: readonly (readonly [name: string, serve: Serve])[] = [
  ['node:http', serveNode],
  ['fastify', serveFastify],
  ['koa', serveKoa],
  ['nestjs on express', serveNest],
  ['nestjs on fastify', serveNestFastify],
]

type Answering = (request: Request) => Promise<Response>

const tell: Answering = async (request) =>
  Response.json({ method: request.method, path: new URL(request.url).pathname, body: await request.text() })

const matches = (path: string): boolean => path === '/echo' || path.startsWith('/echo/')

const begin = async (serve: Serve, answer = tell) => {
  let entered = 0
  const handle: Answering = async (request) => {
    entered += 1
    return answer(request)
  }
  const handler: MountedHandler = Object.assign(handle, { matches, paths: ['/echo', '/echo/*'] })
  const { auth } = createBed(serve)
  const service = await serve({
    auths: [auth],
    endpoints: { handler, after: 'nothing' },
    routes: [{ path: '/guarded', guards: [{}], enter: () => 'entered' }],
  })
  onTestFinished(() => service.close())
  const { port, send } = service
  if (port === null) throw new Error('a server has a port')
  return { port, send, entered: () => entered }
}

const MEGABYTE = 'x'.repeat(1_000_000)
const CHUNKED = `${Array.from({ length: 10 }, () => `186a0\r\n${MEGABYTE.slice(0, 100_000)}\r\n`).join('')}0\r\n\r\n`

const LONG_BODIES = [
  ['whose length is told', `Content-Length: 1000000\r\n\r\n${MEGABYTE}`],
  ['in chunks', `Transfer-Encoding: chunked\r\n\r\n${CHUNKED}`],
] as const

/** Two requests over one connection, the first with a long body, and the bodies of the answers. */
const twice = async (port: number, path: string, rest: string): Promise<readonly string[]> => {
  // Of a type that Fastify reads without being told how: under NestJS it does so before it asks a guard.
  const type = 'Content-Type: text/plain'
  const bytes = `POST ${path} HTTP/1.1\r\nHost: x\r\n${type}\r\n${rest}GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  return (await sendBytes(port, bytes, 2)).match(/\{".*"\}/g) ?? []
}

describe.each(FRAMEWORKS)('on %s', (_name, serve) => {
  describe('mounted endpoints', () => {
    test.each([
      '/echo/x/../in',
      '/echo/./in',
      '/echo/x/%2e%2e/in',
      '/echo/x/%2E./in',
      '/echo\\in',
      '/echo/x\\..\\in',
      '/%65cho/in',
      '//echo/in',
      '/ECHO/in',
      '/echoes',
    ])('do not answer %s, which is no path of theirs as it stands', async (path) => {
      const { send, entered } = await begin(serve)
      expect((await send({ path })).status).toBe(404)
      expect((await send({ path, method: 'POST', body: 'x' })).status).toBe(404)
      expect(entered()).toBe(0)
      expect((await send({ path: '/echo/in' })).status).toBe(200)
    })

    test('are found by the path of an absolute target, whatever host it names (RFC 9112 §3.2.2)', async () => {
      const { port } = await begin(serve)
      const bytes = 'GET http://evil.example/echo/in?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
      expect(await sendBytes(port, bytes)).toContain('"path":"/echo/in"')
    })

    test('see TRACE, which a Fetch request cannot be made with', async () => {
      const { port } = await begin(serve)
      const answer = await sendBytes(port, 'TRACE /echo/in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      expect(answer).toContain('{"method":"TRACE","path":"/echo/in","body":""}')
    })

    test.each(LONG_BODIES.flatMap(([title, rest]) => [0, 2].map((reads) => [title, reads, rest] as const)))(
      'leave the connection whole after a long body %s, of which they read %d pieces',
      async (_title, reads, rest) => {
        const { port } = await begin(serve, async (request) => {
          const reader = request.body?.getReader()
          for (let read = 0; read < reads; read++) await reader?.read()
          if (reads > 0) await reader?.cancel()
          return Response.json({ method: request.method })
        })
        expect(await twice(port, '/echo', rest)).toEqual(['{"method":"POST"}', '{"method":"GET"}'])
      },
    )

    test('have a body that fails where its sender breaks off, and the server goes on', async () => {
      const seen: string[] = []
      const { port, send } = await begin(serve, async (request) => {
        const body = await request.text().catch((error: unknown) => {
          seen.push(String(error))
          return 'broken off'
        })
        return Response.json({ body })
      })
      const socket = connect(port, '127.0.0.1')
      socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n{"a')
      setTimeout(() => socket.destroy(), 50)
      await expect.poll(() => seen).toHaveLength(1)
      expect((await send({ path: '/echo', method: 'POST', body: 'x' })).text).toBe('{"body":"x"}')
    })

    test('answer without a body and without a type where they have none', async () => {
      const { send } = await begin(serve, async () => new Response(null, { status: 202, headers: { 'x-of': 'ours' } }))
      const { status, text, header } = await send({ path: '/echo' })
      expect([status, text, header('content-type'), header('x-of')]).toEqual([202, '', null, 'ours'])
    })

    test('answer 204 with the headers that they set', async () => {
      const { send } = await begin(serve, async () => new Response(null, { status: 204, headers: { 'x-of': 'ours' } }))
      const { status, text, header } = await send({ path: '/echo', method: 'DELETE' })
      expect([status, text, header('content-type'), header('x-of')]).toEqual([204, '', null, 'ours'])
    })
  })

  test.each(LONG_BODIES)('a guard that refuses leaves the connection whole after a long body %s', async (_t, rest) => {
    const { port } = await begin(serve)
    const bodies = await twice(port, '/guarded', rest)
    expect(bodies.map((body) => (JSON.parse(body) as { code: string }).code)).toEqual([
      'missing_token',
      'missing_token',
    ])
  })
})
