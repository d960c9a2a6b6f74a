import { request as httpRequest } from 'node:http'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'

/** One request as the suites write it. */
export interface Sent {
  /** Default: GET, or POST where there is a body. */
  readonly method?: string
  readonly path: string
  /** Names and values in order; a name may come twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array
}

/** What came back. */
export interface Answer {
  readonly status: number
  /** By lower-case name; null where it is absent. */
  readonly header: (name: string) => string | null
  /** Every value of `Set-Cookie`, in order. */
  readonly cookies: readonly string[]
  readonly text: string
}

/** A service under test. How requests reach it is its own affair. */
export interface Service {
  readonly send: (sent: Sent) => Promise<Answer>
  /** Null where requests are handed over without a network. */
  readonly port: number | null
  readonly close: () => Promise<void>
}

const methodOf = ({ method, body }: Sent): string => method ?? (body === undefined ? 'GET' : 'POST')

type FetchHandler = (request: Request) => Response | Promise<Response>

/** Requests handed to a function, as Bun, Deno and Workers do. */
export const direct = (handler: FetchHandler): Service => ({
  send: async (sent) => {
    const headers = new Headers()
    for (const [name, value] of sent.headers ?? []) headers.append(name, value)
    const init = { method: methodOf(sent), headers, ...(sent.body === undefined ? {} : { body: sent.body }) }
    const response = await handler(new Request(`http://localhost${sent.path}`, init))
    // Whoever serves a function leaves out the body of an answer to HEAD.
    const text = init.method === 'HEAD' ? '' : await response.text()
    const cookies = response.headers.getSetCookie()
    return { status: response.status, header: (name) => response.headers.get(name), cookies, text }
  },
  port: null,
  close: () => Promise.resolve(),
})

const exchange = (port: number, sent: Sent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const method = methodOf(sent)
    const length = sent.body === undefined ? 0 : Buffer.byteLength(sent.body)
    // A list of names and values is sent as it stands: neither joined nor put in order.
    const headers = ['Host', 'localhost', 'Connection', 'close', ...(sent.headers ?? []).flat()]
    if (method !== 'GET' && method !== 'HEAD') headers.push('Content-Length', String(length))
    const outgoing = httpRequest({ port, host: '127.0.0.1', method, path: sent.path, headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () => {
        const header = (name: string): string | null => {
          const value = incoming.headers[name]
          return value === undefined ? null : String(value)
        }
        const cookies = incoming.headers['set-cookie'] ?? []
        resolve({ status: incoming.statusCode ?? 0, header, cookies, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(sent.body)
  })

/** Requests over a real connection to a server of node:http that listens already. */
export const overListening = (server: Server): Service => {
  // A server that listens on a port has an address with one; only a socket file would give a string.
  const { port } = server.address() as AddressInfo
  return {
    send: (sent) => exchange(port, sent),
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Requests over a real connection to a server of node:http, on a port of its own. */
export const overHttp = async (server: Server): Promise<Service> => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return overListening(server)
}

const CLOSED_AFTER_MS = 5_000

/** Sends bytes that no client would send, and reads until the other side closes, or has answered `answers` times. */
export const sendBytes = (port: number, bytes: string, answers = 1): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const finish = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(received)
    }
    const timer = setTimeout(finish, CLOSED_AFTER_MS)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const ended = [...received.matchAll(/HTTP\/1\.1 \d{3} [\s\S]*?\r\n\r\n[^\r]*\}/g)]
      if (ended.length >= answers) finish()
    })
    socket.once('error', finish)
    socket.once('close', finish)
    socket.write(bytes, 'latin1')
  })
