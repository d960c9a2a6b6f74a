import { Readable } from 'node:stream'
import { parsedBody } from '../core/request/request-body.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import type { MountedHandler } from './handler.ts'
import { addCookies, forgetRenewed } from './node-cookies.ts'

/**
 * What Node's own requests and responses need to be read and written; shared by the frameworks that stand on them.
 */

/** The part of Node's `IncomingMessage`, and of what frameworks make of it, that is needed here. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  /** What a body parser has made of the body, where one ran. */
  readonly body?: unknown
}

/** The part of Node's `ServerResponse` that is needed here. */
export interface NodeResponse {
  statusCode: number
  getHeader(name: string): unknown
  setHeader(name: string, value: string | readonly string[]): unknown
  writeHead(status: number, ...rest: readonly unknown[]): unknown
  end(data?: string | Uint8Array): unknown
}

/** What a framework knows of a request besides what came over the wire. */
export interface RequestExtras {
  /** What a body parser has made of the body. */
  readonly body?: unknown
  /** What stands in the path for the names of the route's pattern. */
  readonly parameters?: unknown
}

/** A parameter of the path from what a router has made of them, whatever that is. */
export const parameterOf = (parameters: unknown, name: string): string | null => {
  if (typeof parameters !== 'object' || parameters === null || !Object.hasOwn(parameters, name)) return null
  const value: unknown = Reflect.get(parameters, name)
  return typeof value === 'string' ? value : null
}

/** The Cookie header may come in pieces over HTTP/2 (RFC 9113 §8.2.3), which are one list all the same. */
const separatorOf = (name: string): string => (name === 'cookie' ? '; ' : ', ')

const joinedHeader = ({ rawHeaders }: NodeRequest, name: string): string | null => {
  let found: string | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index]
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue
    const value = rawHeaders[index + 1] ?? ''
    found = found === null ? value : `${found}${separatorOf(name)}${value}`
  }
  return found
}

/**
 * What the core sees of a Node request. `headers` is of no use here: Node drops a second Authorization header
 * without a word, and two credentials must be refused. Of a body it sees what a parser has made of it.
 */
export const nodeRequestView = (
  request: NodeRequest,
  { body = request.body, parameters }: RequestExtras = {},
): RequestView => ({
  method: request.method ?? 'GET',
  get path() {
    return nodePath(request)
  },
  parameter: (name) => parameterOf(parameters, name),
  // HTTP/2 names the host in a pseudo-header (RFC 9113 §8.3.1).
  header: (name) => joinedHeader(request, name) ?? (name === 'host' ? joinedHeader(request, ':authority') : null),
  query: (name) => new URL(`http://localhost${nodeTarget(request)}`).searchParams.getAll(name),
  body: () => parsedBody(joinedHeader(request, 'content-type'), body),
})

export const writeRefusal = (response: NodeResponse, { status, headers, cookies, body }: Refusal): void => {
  forgetRenewed(response)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  addCookies(response, cookies)
  response.end(body)
}

/** The target of a request from its path on. The host is nobody's word but ours: an absolute one (RFC 9112 §3.2.2) loses it. */
export const nodeTarget = ({ url = '/' }: NodeRequest): string => {
  if (url.startsWith('/')) return url
  const target = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  return target.startsWith('/') ? target : `/${target}`
}

/** The path of a request, without its query. */
export const nodePath = (request: NodeRequest): string => /^[^?#]*/.exec(nodeTarget(request))?.[0] ?? '/'

/**
 * Whether a URL leaves a path as it is. Frameworks do not resolve `/auth/x/../signin`, so an endpoint that answered it
 * would pass by whatever an application has put before `/auth/signin`.
 */
export const isPlainPath = (path: string): boolean => new URL(`http://localhost${path}`).pathname === path

const readHeaders = ({ rawHeaders }: NodeRequest): Headers => {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    // HTTP/2 has pseudo-headers, which are no headers.
    if (!name.startsWith(':')) headers.append(name, rawHeaders[index + 1] ?? '')
  }
  const authority = joinedHeader({ rawHeaders }, ':authority')
  if (authority !== null && !headers.has('host')) headers.set('host', authority)
  return headers
}

const FORM = 'application/x-www-form-urlencoded'

/** A parser makes objects of `name[part]=…`, whose own members may take the place of `toString`. */
const fieldText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** What a body parser made of a body, made a body again. */
const serializeBody = (body: unknown, contentType: string): string | Uint8Array => {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  if (!contentType.toLowerCase().startsWith(FORM)) return JSON.stringify(body)
  // A form parser gives an object of strings and lists of strings; anything else is no form.
  const pairs = Object.entries(body ?? {}).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, fieldText(item)]),
  )
  return new URLSearchParams(pairs).toString()
}

const isUnread = (source: unknown): source is Readable => source instanceof Readable && !source.readableDidRead

/** A body as it arrives. Nothing is read before it is asked for, and whoever stops reading leaves the connection whole. */
const streamBody = (request: Readable): ReadableStream<Uint8Array> => {
  const chunks = request.iterator({ destroyOnReturn: false })
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    // A request without an encoding of its own gives buffers.
    const next: IteratorResult<Uint8Array, unknown> = await chunks.next()
    if (next.done === true) controller.close()
    else controller.enqueue(next.value)
  }
  const cancel = async (): Promise<void> => {
    await chunks.return?.()
  }
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

/** The Fetch standard has no request with these methods, so one that asks for nothing tells of it. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/**
 * A Fetch request of a Node one, whether or not a body parser has read it. `body` is what a parser made of the body,
 * or a stream that takes the request's place.
 */
export const toWebRequest = (request: NodeRequest, body = request.body): Request => {
  const { method = 'GET' } = request
  const headers = readHeaders(request)
  const address = `http://localhost${nodeTarget(request)}`
  if (FORBIDDEN_METHODS.has(method.toUpperCase())) {
    return Object.defineProperty(new Request(address, { headers }), 'method', { value: method })
  }
  if (method === 'GET' || method === 'HEAD') return new Request(address, { method, headers })
  // The stream comes first: a parser that does not know the type leaves it unread, and may set a body all the same.
  const stream = [request, body].find(isUnread)
  if (stream !== undefined) return new Request(address, { method, headers, body: streamBody(stream), duplex: 'half' })
  const text = body === undefined ? null : serializeBody(body, headers.get('content-type') ?? '')
  return new Request(address, { method, headers, body: text })
}

export const writeResponse = async (response: NodeResponse, answer: Response): Promise<void> => {
  const body = answer.body === null ? undefined : new Uint8Array(await answer.arrayBuffer())
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value)
  addCookies(response, answer.headers.getSetCookie())
  response.end(body)
}

/** Lets the rest of a body run by that nobody has read to its end, so that the connection can serve the next request. */
export const discardBody = (request: NodeRequest): void => {
  if (request instanceof Readable && !request.readableEnded) request.resume()
}

/** Has a mounted handler answer a request by itself. */
export const serveMounted = async (
  handler: MountedHandler,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> => {
  await writeResponse(response, await handler(toWebRequest(request)))
  discardBody(request)
}
