import { connect, createServer } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expressAuth } from '../../src/adapters/express.ts'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import { serveExpress } from '../conformance/serve-express.ts'

/** Middleware on Node's requests serves HTTP/2 as well, whose pseudo-headers are no headers (RFC 9113 §8.3). */

const { auth, accessToken } = createBed(serveExpress)
const { protect, principal, mount } = expressAuth(auth)

const echo: MountedHandler = Object.assign(
  async (request: Request): Promise<Response> => {
    const names = [...request.headers.keys()]
    const { pathname } = new URL(request.url)
    return Response.json({ method: request.method, pathname, names, body: await request.text() }, { status: 203 })
  },
  { matches: (path: string) => path === '/echo' },
)

const server = createServer((request, response) => {
  mount(echo)(request, response, () => {
    protect()(request, response, () => {
      response.end(`entered by ${principal(request).subject}`)
    })
  })
})

const connection: { session: ClientHttp2Session | null } = { session: null }

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A server that listens on a port has an address with one; only a socket file would give a string.
  connection.session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterAll(() => {
  connection.session?.close()
  server.close()
})

const send = (headers: OutgoingHttpHeaders, body = ''): Promise<{ headers: IncomingHttpHeaders; text: string }> =>
  new Promise((resolve, reject) => {
    const stream = connection.session?.request(headers, { endStream: body === '' })
    if (stream === undefined) throw new Error('the session is open by now')
    let received: IncomingHttpHeaders = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (head) => {
      received = head
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('end', () => resolve({ headers: received, text }))
    stream.on('error', reject)
    if (body !== '') stream.end(body)
  })

test('guards requests of HTTP/2', async () => {
  const refused = await send({ ':path': '/guarded' })
  expect(refused.headers).toMatchObject({
    ':status': 401,
    'www-authenticate': 'Bearer realm="https://api.example.com"',
    'content-type': 'application/json',
  })
  expect(JSON.parse(refused.text)).toMatchObject({ code: 'missing_token' })
  const [, good] = bearer(await accessToken())
  expect((await send({ ':path': '/guarded', authorization: `${good}x` })).headers[':status']).toBe(401)
  expect((await send({ ':path': '/guarded', authorization: good })).text).toBe('entered by ann')
})

test('hands requests of HTTP/2 on without their pseudo-headers, with their body', async () => {
  const { headers, text } = await send(
    { ':method': 'POST', ':path': '/echo?x=1', 'content-type': 'text/plain' },
    'body',
  )
  expect(headers[':status']).toBe(203)
  expect(JSON.parse(text)).toEqual({ method: 'POST', pathname: '/echo', names: ['content-type', 'host'], body: 'body' })
})
