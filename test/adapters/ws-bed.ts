import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { createConnection } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { ClientOptions, ServerOptions } from 'ws'
import { wsAuth } from '../../src/adapters/ws.ts'
import type { WsOptions } from '../../src/adapters/ws.ts'
import type { Connecting } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import type { Requirement } from '../../src/core/request/requirement.ts'
import type { IssueOptions } from '../../src/core/session/issue-options.ts'
import type { JsonObject } from '../../src/core/token/json.ts'
import type { AuthEvent } from '../../src/ports/event-sink.ts'
import { createAuth, memoryStore } from '../../src/index.ts'
import { noise } from '../core/token/fixtures.ts'
import { expectRefusal } from '../conformance/refusals.ts'

/** Real servers and clients of ws, over real connections, on ports of their own. */

export const ISSUER = 'https://api.example.com'

/** An issuer whose clock runs, and can be turned on. */
export const createIssuer = (config: Partial<AuthConfig> = {}) => {
  const clock = { ahead: 0 }
  const events: AuthEvent[] = []
  const auth = createAuth({
    issuer: ISSUER,
    audience: ISSUER,
    keys: { secret: noise('ws tests') },
    store: memoryStore({ now: () => Date.now() + clock.ahead * 1000 }),
    clock: () => Date.now() / 1000 + clock.ahead,
    accessToken: { clockTolerance: 0 },
    hooks: { onEvent: (event) => events.push(event) },
    ...config,
  })
  const token = async (options: Partial<IssueOptions> & { readonly subject?: string } = {}): Promise<string> =>
    (await auth.issue({ subject: 'ann', ...options })).accessToken
  return { auth, clock, events, token }
}

export interface Route {
  readonly requirement?: Requirement<string, JsonObject>
  readonly options?: WsOptions
  readonly server?: Partial<ServerOptions>
  /** Instead of one that notes messages and answers with them. */
  readonly handler?: (socket: WebSocket, request: IncomingMessage, caller: Principal<JsonObject> | null) => unknown
}

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has an address with one.
  return (server.address() as AddressInfo).port
}

/** A server with one guarded route, which counts who came in and what was heard. */
export const serve = async (auth: Connecting<JsonObject, string>, route: Route = {}) => {
  const guards = wsAuth(auth, route.options)
  const sockets = new WebSocketServer({ noServer: true, ...route.server })
  const entered: (string | null)[] = []
  const heard: string[] = []
  const opened: WebSocket[] = []
  const listener = guards.protect(route.requirement ?? {}, sockets, (socket, request, caller) => {
    entered.push(caller?.subject ?? null)
    opened.push(socket)
    if (route.handler !== undefined) return route.handler(socket, request, caller)
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString())
      socket.send(`heard ${data.toString()}`)
    })
    return undefined
  })
  const server = createServer((_request, response) => response.end('plain'))
  server.on('upgrade', listener)
  const port = await listen(server)
  onTestFinished(async () => {
    guards.close()
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
  return { ...guards, server, sockets, port, entered, heard, opened }
}

export type Service = Awaited<ReturnType<typeof serve>>

export interface Closing {
  readonly code: number
  readonly reason: string
}

export interface Attempt {
  readonly path?: string
  readonly protocols?: readonly string[]
  readonly headers?: Record<string, string>
  readonly origin?: string
}

/** A client that has tried to connect: open, or with the answer that refused it. */
export const connect = async (port: number, { path = '/', protocols = [], headers = {}, origin }: Attempt = {}) => {
  const options: ClientOptions = { headers, ...(origin === undefined ? {} : { origin }) }
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], options)
  const received: string[] = []
  client.on('message', (data: Buffer) => received.push(data.toString()))
  client.on('error', () => undefined)
  const closed = new Promise<Closing>((resolve) => {
    client.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  onTestFinished(() => client.terminate())
  const refusal = await new Promise<IncomingMessage | null>((resolve, reject) => {
    client.once('open', () => resolve(null))
    client.once('unexpected-response', (_request, response) => resolve(response))
    client.once('close', () => reject(new Error('closed without an answer')))
  })
  return { client, received, closed, refusal }
}

export type Client = Awaited<ReturnType<typeof connect>>

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

/** Connects, and must be let in. */
export const enter = async (service: Service, attempt: Attempt = {}): Promise<Client> => {
  const before = service.entered.length
  const client = await connect(service.port, attempt)
  expect(client.refusal?.statusCode ?? 101).toBe(101)
  await until(() => service.entered.length > before)
  return client
}

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Connects, and must be refused to the letter, without the handler being entered; the connection must be closed. */
export const refused = async (service: Service, attempt: Attempt, code: AuthErrorCode, challenge = '') => {
  const before = service.entered.length
  const { refusal } = await connect(service.port, attempt)
  if (refusal === null) throw new Error('it was let in')
  const text = await bodyOf(refusal)
  const header = (name: string): string | null => {
    const value = refusal.headers[name]
    return value === undefined ? null : String(value)
  }
  const cookies = refusal.headers['set-cookie'] ?? []
  expectRefusal({ status: refusal.statusCode ?? 0, header, cookies, text }, { code, realm: ISSUER, challenge })
  expect(header('connection')).toBe('close')
  if (!refusal.socket.destroyed) await once(refusal.socket, 'close')
  expect(service.entered.length, 'the handler was not entered').toBe(before)
  return refusal
}

/** Waits for what must come about, and not for longer than it may take. */
export const until = async (holds: () => boolean, milliseconds = 5_000): Promise<void> => {
  const end = performance.now() + milliseconds
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come about')
    await sleep(5)
  }
}

export const authenticate = (token: unknown): string => JSON.stringify({ type: 'authenticate', token })

/** A text frame as a client sends it (RFC 6455 §5.2), of up to 64 KiB, under a mask of zeros. */
export const frame = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const { length } = payload
  const lengths = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...lengths, 0, 0, 0, 0]), payload])
}

export const upgradeBytes = (headers: Record<string, string> = {}, path = '/'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n')

/** A client that does nothing by itself: neither does it answer a close frame, nor close its side. */
export const rawClient = async (port: number) => {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
  const state = { received: Buffer.alloc(0), isEnded: false, isClosed: false }
  socket.on('data', (chunk) => {
    state.received = Buffer.concat([state.received, chunk])
  })
  socket.on('end', () => {
    state.isEnded = true
  })
  socket.on('close', () => {
    state.isClosed = true
  })
  socket.on('error', () => undefined)
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  const text = (): string => state.received.toString('latin1')
  return { socket, state, text }
}
