import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse, OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import { nodeAuth } from '../../src/adapters/node.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import { adapterConformance } from '../conformance/adapter-conformance.ts'
import { bearer, createBed, ISSUER } from '../conformance/adapter/bed.ts'
import type { Claims, Permission } from '../conformance/adapter/bed.ts'
import { overHttp } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { serveNode } from '../conformance/serve-node.ts'

adapterConformance('node:http', serveNode)

const { auth, accessToken } = createBed(serveNode)
const { protect, principal, mount } = nodeAuth(auth)

const endpoints = (answer: (request: Request) => Promise<Response>): MountedHandler =>
  Object.assign(answer, { matches: (path: string) => path === '/echo' })

type Caller = Principal<Claims, Permission>

describe('a guarded listener of node:http', () => {
  test('is given the caller, and null only where the guard is optional', async () => {
    const strict = protect({ fresh: true }, (request, response, caller) => {
      expectTypeOf(request).toEqualTypeOf<IncomingMessage>()
      expectTypeOf(response).toEqualTypeOf<ServerResponse>()
      expectTypeOf(caller).toEqualTypeOf<Caller>()
      expect(caller).toBe(principal(request))
      response.end(caller.claims.role)
    })
    const optional = protect({ optional: true }, (_request, response, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Caller | null>()
      return response.end(JSON.stringify(caller))
    })
    const server = createServer((request, response) => (request.url === '/' ? strict : optional)(request, response))
    const service = await overHttp(server)
    onTestFinished(() => service.close())
    expect((await service.send({ path: '/', headers: [bearer(await accessToken())] })).text).toBe('clerk')
    expect((await service.send({ path: '/optional' })).text).toBe('null')
  })

  test('has the request and the response of the server that it is given to', () => {
    const servers = [
      createServer(
        protect({}, (request, response) => {
          expectTypeOf(request).toEqualTypeOf<IncomingMessage>()
          response.writeHead(204).end()
        }),
      ),
      createHttp2Server(
        protect({}, (request, response) => {
          expectTypeOf(request).toEqualTypeOf<Http2ServerRequest>()
          expectTypeOf(response).toEqualTypeOf<Http2ServerResponse>()
          response.stream.respond()
        }),
      ),
    ]
    expect(servers.every((server) => server.listenerCount('request') === 1)).toBe(true)
  })

  test('returns what its handler returned, so that its failure reaches whoever calls it', async () => {
    const headers = Object.entries({ authorization: `Bearer ${await accessToken()}` }).flat()
    const request = Object.assign(Object.create(null) as IncomingMessage, { rawHeaders: headers })
    const response = Object.create(null) as ServerResponse
    // Nothing had to be awaited, so nothing is a promise.
    expect(protect({}, (_request, _response, { subject }) => subject)(request, response)).toBe('ann')
    const rejecting = protect({}, async () => {
      await Promise.resolve()
      throw new Error('no luck')
    })
    await expect(rejecting(request, response)).rejects.toThrow('no luck')
  })

  test('stands in whatever has middleware with a request, a response and next', async () => {
    const app = express()
    const answer = protect({ permissions: ['clerk'] }, (_request, response) => response.end('entered'))
    app.use('/orders', answer)
    const service = await overHttp(createServer(app))
    onTestFinished(() => service.close())
    expectRefusal(await service.send({ path: '/orders' }), { code: 'missing_token', realm: ISSUER })
    expect((await service.send({ path: '/else' })).status).toBe(404)
  })
})

describe('mounted endpoints on node:http', () => {
  test('that fail, fail for whoever calls the listener', async () => {
    const listener = mount(
      endpoints(() => Promise.reject(new Error('no luck'))),
      (_request, response) => response.end('next'),
    )
    const server = createServer((request, response) => {
      Promise.resolve(listener(request, response)).catch((error: unknown) => {
        response.statusCode = 500
        response.end(String(error))
      })
    })
    const service = await overHttp(server)
    onTestFinished(() => service.close())
    const { status, text } = await service.send({ path: '/echo' })
    expect([status, text]).toEqual([500, 'Error: no luck'])
    expect((await service.send({ path: '/' })).text).toBe('next')
  })
})

/** A server of HTTP/2 and one connection to it. */
const openHttp2 = async (listener: (request: Http2ServerRequest, response: Http2ServerResponse) => unknown) => {
  const server = createHttp2Server(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A server that listens on a port has an address with one; only a socket file would give a string.
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    session.close()
    server.close()
  })
  return (headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<{ status: unknown; text: string }> =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === undefined })
      let status: unknown = null
      let text = ''
      stream.setEncoding('utf8')
      stream.on('response', (head) => {
        status = head[':status']
      })
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => resolve({ status, text }))
      stream.on('error', reject)
      if (body !== undefined) stream.end(body)
    })
}

describe('HTTP/2, whose requests pass for those of node:http', () => {
  test('is guarded, and goes on after a long body that a guard refused', async () => {
    const send = await openHttp2(
      protect({}, (_request, response, { subject }) => response.end(`entered by ${subject}`)),
    )
    const refused = await send({ ':path': '/', ':method': 'POST' }, Buffer.alloc(1_000_000))
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([401, { code: 'missing_token' }])
    const [, authorization] = bearer(await accessToken())
    expect((await send({ ':path': '/', authorization: `${authorization}x` })).status).toBe(401)
    expect((await send({ ':path': '/', authorization })).text).toBe('entered by ann')
  })

  test('reaches mounted endpoints without its pseudo-headers, with its body', async () => {
    const echo = endpoints(async (request) =>
      Response.json({ method: request.method, names: [...request.headers.keys()], body: await request.text() }),
    )
    const send = await openHttp2(mount(echo, (_request, response) => response.end('next')))
    const { text } = await send({ ':method': 'POST', ':path': '/echo?x=1', 'content-type': 'text/plain' }, 'body')
    expect(JSON.parse(text)).toEqual({ method: 'POST', names: ['content-type', 'host'], body: 'body' })
    expect((await send({ ':path': '/' })).text).toBe('next')
  })
})
