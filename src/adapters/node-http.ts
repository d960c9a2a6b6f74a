import { Readable } from 'node:stream'
import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'

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
  setHeader(name: string, value: string | readonly string[]): unknown
  end(data?: string | Uint8Array): unknown
}

/**
 * What the core sees of a Node request. `headers` is of no use here: Node drops a second Authorization header
 * without a word, and two credentials must be refused.
 */
export const nodeRequestView = ({ rawHeaders }: NodeRequest): RequestView => ({
  header: (name) => {
    let found: string | null = null
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const candidate = rawHeaders[index]
      if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue
      const value = rawHeaders[index + 1] ?? ''
      found = found === null ? value : `${found}, ${value}`
    }
    return found
  },
})

export const writeRefusal = (response: NodeResponse, { status, headers, body }: Refusal): void => {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}

/** The path of a request, without its query. */
export const nodePath = ({ url = '/' }: NodeRequest): string => {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

const readHeaders = ({ rawHeaders }: NodeRequest): Headers => {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    // HTTP/2 has pseudo-headers, which are no headers.
    if (!name.startsWith(':')) headers.append(name, rawHeaders[index + 1] ?? '')
  }
  return headers
}

/** What a body parser made of a body, made a body again. */
const serializeBody = (body: unknown, contentType: string): string | Uint8Array => {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return JSON.stringify(body)
  // A form parser gives an object of strings and lists of strings; anything else is no form.
  const pairs = Object.entries(body ?? {}).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)]),
  )
  return new URLSearchParams(pairs).toString()
}

const isStream = (request: NodeRequest): request is NodeRequest & Readable => request instanceof Readable

/** A Fetch request of a Node one, whether or not a body parser has read it. The host is nobody's word but ours. */
export const toWebRequest = (request: NodeRequest): Request => {
  const { method = 'GET', url = '/', body } = request
  const headers = readHeaders(request)
  const address = `http://localhost${url.startsWith('/') ? url : `/${url}`}`
  if (method === 'GET' || method === 'HEAD') return new Request(address, { method, headers })
  if (isStream(request) && !request.readableEnded && body === undefined) {
    // Node's and the DOM's streams are the same at run time; the types of the two do not know of each other.
    const stream = Readable.toWeb(request) as unknown as ReadableStream<Uint8Array>
    return new Request(address, { method, headers, body: stream, duplex: 'half' } as RequestInit)
  }
  const text = body === undefined || body === null ? null : serializeBody(body, headers.get('content-type') ?? '')
  return new Request(address, { method, headers, body: text })
}

export const writeResponse = async (response: NodeResponse, answer: Response): Promise<void> => {
  const body = answer.body === null ? undefined : new Uint8Array(await answer.arrayBuffer())
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = answer.headers.getSetCookie()
  if (cookies.length > 0) response.setHeader('set-cookie', cookies)
  response.end(body)
}
