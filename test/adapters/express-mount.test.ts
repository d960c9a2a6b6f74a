import { createServer } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import type { Express, NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express'
import { describe, expect, onTestFinished, test } from 'vitest'
import { expressAuth } from '../../src/adapters/express.ts'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import { createBed } from '../conformance/adapter/bed.ts'
import { overHttp, sendBytes } from '../conformance/exchange.ts'
import { serveExpress } from '../conformance/serve-express.ts'

/** What only a mount on Node's own requests can get wrong. */

const { mount } = expressAuth(createBed(serveExpress).auth)

type Answering = (request: Request) => Response | Promise<Response>

const tell: Answering = async (request) =>
  Response.json({ method: request.method, path: new URL(request.url).pathname, body: await request.text() })

/** Endpoints below /echo; by default they tell method, path and body. */
const endpoints = (answer = tell): MountedHandler => {
  const handle = async (request: Request): Promise<Response> => answer(request)
  return Object.assign(handle, { matches: (path: string) => path.startsWith('/echo') })
}

const serve = async (build: (app: Express) => void) => {
  const app = express()
  build(app)
  app.use((error: Error, _request: ExpressRequest, response: ExpressResponse, _next: NextFunction) => {
    response.status(500).json({ failed: error.message })
  })
  const service = await overHttp(createServer(app))
  onTestFinished(() => service.close())
  const { port } = service
  if (port === null) throw new Error('a server has a port')
  return { ...service, port }
}

const post = (path: string, type: string, body: string) => ({ path, headers: [['Content-Type', type]] as const, body })

const FORM = 'application/x-www-form-urlencoded'

describe('paths', () => {
  const RESOLVABLE = [
    '/echo/x/../in',
    '/echo/./in',
    '/echo/x/%2e%2e/in',
    '/echo/x/%2E./in',
    '/echo\\in',
    '/echo/x\\..\\in',
  ]

  test.each(RESOLVABLE)('%s does not pass by what the application has put before /echo/in', async (path) => {
    let limited = 0
    const { send } = await serve((app) => {
      app.use('/echo/in', (_request, _response, next) => {
        limited += 1
        next()
      })
      app.use(mount(endpoints()))
    })
    expect((await send({ path: '/echo/in' })).status).toBe(200)
    expect((await send({ path })).status).toBe(404)
    expect(limited).toBe(1)
  })

  test('an absolute target is served by its path, whatever host it names (RFC 9112 §3.2.2)', async () => {
    const { port } = await serve((app) => app.use(mount(endpoints())))
    const bytes = 'GET http://evil.example/echo/in?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    expect(await sendBytes(port, bytes)).toContain('"path":"/echo/in"')
  })

  test('are those below the place where the handler is mounted', async () => {
    const { send } = await serve((app) => app.use('/api', mount(endpoints())))
    expect((await send({ path: '/api/echo/in' })).text).toContain('"path":"/echo/in"')
    expect((await send({ path: '/echo/in' })).status).toBe(404)
  })

  test('TRACE reaches the handler, which a Fetch request cannot be made with', async () => {
    const { port } = await serve((app) => app.use(mount(endpoints())))
    const answer = await sendBytes(port, 'TRACE /echo/in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).toContain('{"method":"TRACE","path":"/echo/in","body":""}')
  })
})

describe('bodies', () => {
  test('a parser that sets a body without having read one does not hide the real one (Express 4)', async () => {
    const { send } = await serve((app) => {
      app.use((request, _response, next) => {
        request.body = {}
        next()
      })
      app.use(mount(endpoints()))
    })
    expect((await send(post('/echo', FORM, 'a=1'))).text).toContain('"body":"a=1"')
    expect((await send({ method: 'POST', path: '/echo' })).text).toContain('"body":""')
  })

  test('a form with parts in brackets arrives as text, also where a part is called toString', async () => {
    const { send } = await serve((app) => app.use(express.urlencoded({ extended: true }), mount(endpoints())))
    const names = ['toString', 'valueOf', 'toJSON', '__proto__', 'constructor', 'hasOwnProperty', 'x]']
    for (const name of names) {
      const { status, text } = await send(post('/echo', FORM, `grant_type[${name}]=x&a=1`))
      expect([name, status]).toEqual([name, 200])
      expect(new URLSearchParams((JSON.parse(text) as { body: string }).body).get('a')).toBe('1')
    }
  })

  test.each([
    ['text', express.text({ type: '*/*' })],
    ['bytes', express.raw({ type: '*/*' })],
    ['JSON of any kind', express.json({ strict: false, type: '*/*' })],
  ])('a parser for %s hands on what it has read', async (_title, parser) => {
    const { send } = await serve((app) => app.use(parser, mount(endpoints())))
    for (const body of ['{"a":"ä"}', '[1]', '7', 'null']) {
      expect((await send(post('/echo', 'application/json', body))).text).toContain(
        JSON.stringify({ body }).slice(1, -1),
      )
    }
  })

  const MEGABYTE = 'x'.repeat(1_000_000)
  const CHUNKED = `${Array.from({ length: 10 }, () => `186a0\r\n${MEGABYTE.slice(0, 100_000)}\r\n`).join('')}0\r\n\r\n`

  test.each([
    ['whose length is told', `Content-Length: 1000000\r\n\r\n${MEGABYTE}`, 0],
    ['whose length is told, broken off in reading', `Content-Length: 1000000\r\n\r\n${MEGABYTE}`, 2],
    ['in chunks', `Transfer-Encoding: chunked\r\n\r\n${CHUNKED}`, 0],
    ['in chunks, broken off in reading', `Transfer-Encoding: chunked\r\n\r\n${CHUNKED}`, 2],
  ])('a long body that nobody reads to its end, %s, leaves the connection whole', async (_title, rest, reads) => {
    const answer: Answering = async (request) => {
      const reader = request.body?.getReader()
      for (let read = 0; read < reads; read++) await reader?.read()
      if (reads > 0) await reader?.cancel()
      return Response.json({ method: request.method })
    }
    const { port } = await serve((app) => app.use(mount(endpoints(answer))))
    const bytes = `POST /echo HTTP/1.1\r\nHost: x\r\n${rest}GET /echo HTTP/1.1\r\nHost: x\r\n\r\n`
    const received = await sendBytes(port, bytes, 2)
    expect(received.match(/\{"method":"\w+"\}/g)).toEqual(['{"method":"POST"}', '{"method":"GET"}'])
  })

  test('a sender that breaks off is an error of the body, and the server goes on', async () => {
    const seen: string[] = []
    const answer: Answering = async (request) => {
      try {
        return new Response(await request.text())
      } catch (error) {
        seen.push(String(error))
        throw error
      }
    }
    const { port, send } = await serve((app) => app.use(mount(endpoints(answer))))
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n{"a')
    setTimeout(() => socket.destroy(), 50)
    await expect.poll(() => seen).toHaveLength(1)
    expect((await send({ path: '/echo', method: 'POST', body: 'x' })).text).toBe('x')
  })
})

describe('failures', () => {
  test.each([
    ['rejects', () => Promise.reject(new Error('no luck'))],
    [
      'throws',
      () => {
        throw new Error('no luck')
      },
    ],
  ])('a handler that %s is the framework’s to answer', async (_title, answer: Answering) => {
    const { send } = await serve((app) => app.use(mount(endpoints(answer))))
    const { status, text } = await send({ path: '/echo' })
    expect([status, text]).toEqual([500, '{"failed":"no luck"}'])
  })
})

test('a mount keeps the cookies that the application has set', async () => {
  const { send } = await serve((app) => {
    app.use((_request, response, next) => {
      response.append('set-cookie', 'early=1')
      next()
    })
    app.use(mount(endpoints(() => new Response('set', { headers: { 'set-cookie': 'a=1' } }))))
  })
  expect((await send({ path: '/echo' })).cookies).toEqual(['early=1', 'a=1'])
})
