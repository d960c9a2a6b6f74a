import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { ConfigError } from 'jotward'
import { errorCode } from './error-code.ts'

/** Answers one request of the client at an address. */
export type FetchHandler = (request: Request, environment: { readonly client?: string }) => Promise<Response>

/** Nothing that a client does slowly, or sends too much of, may hold the server (OWASP; slow loris). */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Longer than proxies keep an idle connection (60 s), or a request of theirs would meet one that is being closed.
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
} as const

const IDLE_CHECK_MS = 50

/** A server that listens. */
export interface HttpServer {
  readonly address: AddressInfo
  /** Accepts nothing more and resolves when what is in flight has been answered, or with false when time was up. */
  stop(deadlineMs: number): Promise<boolean>
}

interface ListenOptions {
  readonly host: string
  readonly port: number
}

const listenProblem = (error: unknown, { host, port }: ListenOptions): ConfigError => {
  const code = errorCode(error)
  const sentences: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use; set PORT to another`,
    EACCES: `port ${port} is not for this user; set PORT to one above 1023`,
    EADDRNOTAVAIL: `${host} is not an address of this machine; set HOST to another`,
    ENOTFOUND: `${host} is not known; set HOST to another`,
  }
  return new ConfigError([{ path: '', problem: sentences[code] ?? `cannot listen on ${host}, port ${port}: ${code}` }])
}

const listening = (server: Server, options: ListenOptions): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenProblem(error, options)))
    server.listen(options, () => {
      // A server that listens on a port has an address with one; only a socket file would give a string.
      resolve(server.address() as AddressInfo)
    })
  })

/** Remembers the answers under way, so that a stop can tell their clients to let go of the connection. */
const trackAnswers = (server: Server): ReadonlySet<ServerResponse> => {
  const answers = new Set<ServerResponse>()
  server.prependListener('request', (_request, answer: ServerResponse) => {
    answers.add(answer)
    answer.once('close', () => answers.delete(answer))
  })
  return answers
}

const stopServer = async (
  server: Server,
  answers: ReadonlySet<ServerResponse>,
  deadlineMs: number,
): Promise<boolean> => {
  const closed = new Promise<boolean>((resolve) => {
    server.close(() => resolve(true))
  })
  for (const answer of answers) if (!answer.headersSent) answer.setHeader('connection', 'close')
  // A connection whose answer was on its way already becomes idle only later.
  const idleCheck = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  let deadline: NodeJS.Timeout | undefined
  const timeUp = new Promise<boolean>((resolve) => {
    deadline = setTimeout(() => resolve(false), deadlineMs)
  })
  const inTime = await Promise.race([closed, timeUp])
  clearInterval(idleCheck)
  clearTimeout(deadline)
  if (!inTime) server.closeAllConnections()
  return inTime
}

/**
 * Listens with `handler`.
 *
 * @throws ConfigError where the port or the host cannot be had
 */
export const listen = async (handler: FetchHandler, options: ListenOptions): Promise<HttpServer> => {
  // The adaptor would replace the global Response for the whole process, and with it what other code relies on.
  const adaptor = createAdaptorServer({
    fetch: (request, { incoming: { socket } }) =>
      handler(request, socket.remoteAddress === undefined ? {} : { client: socket.remoteAddress }),
    overrideGlobalObjects: false,
    serverOptions: LIMITS,
  })
  // Without `createServer` the adaptor makes a server of node:http.
  const server = adaptor as Server
  const answers = trackAnswers(server)
  const address = await listening(server, options)
  return { address, stop: (deadlineMs) => stopServer(server, answers, deadlineMs) }
}
