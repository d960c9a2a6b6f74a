import { parseBody } from '../core/request/request-body.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'
import { isRefused, markRefused, renewalFor } from './renewal.ts'
import type { Renewal } from './renewal.ts'

/** The longest body that is looked into for a token. */
const MAX_BODY_BYTES = 65_536

const readCopy = async (request: Request): Promise<Uint8Array | null> => {
  if (request.bodyUsed || request.body === null) return null
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.clone().body ?? []) {
    length += chunk.byteLength
    if (length > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A copy of a body, which stays to be read; null where it is too long, was read already, or broke off on the way. */
const copyBody = (request: Request): Promise<Uint8Array | null> => readCopy(request).catch(() => null)

/**
 * What the core sees of a Fetch request. `Headers` joins repeated ones by itself, pieces of a Cookie header by `; `.
 * Never at a comma: that may stand in a cookie of somebody else's.
 */
export const requestView = (
  request: Request,
  parameter: (name: string) => string | null = () => null,
): RequestView => ({
  method: request.method,
  get path() {
    return new URL(request.url).pathname
  },
  parameter,
  header: (name) => request.headers.get(name),
  query: (name) => new URL(request.url).searchParams.getAll(name),
  body: async () => {
    const bytes = await copyBody(request)
    return bytes === null ? null : parseBody(request.headers.get('content-type'), bytes)
  },
})

/**
 * A response of the class that is global at this moment, never of one kept from an earlier one. Servers replace the
 * global class by one derived from it (@hono/node-server does): a response of the new class is an instance of both,
 * one of the old class would be taken for a plain value by whoever asks `instanceof Response`, and answered with 200.
 */
export const webResponse = (body: Response['body'] | string, init: ResponseInit): Response => new Response(body, init)

/** Statuses with which a response must be made without a body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** The body of a refusal, to which a hook may have given any status. */
export const refusalBody = ({ status, body }: Pick<Refusal, 'status' | 'body'>): string | null =>
  BODILESS.has(status) ? null : body

export const refusalResponse = (refusal: Refusal): Response => {
  const { status, headers, cookies } = refusal
  const response = webResponse(refusalBody(refusal), { status, headers })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  markRefused(response)
  return response
}

/**
 * A copy of a response with other headers: one response may answer many requests, as those without a body do that are
 * made once, and what is meant for one caller must not go out to the next.
 */
export const copyWith = (
  { body, status, statusText, headers }: Response,
  change: (copy: Headers) => void,
): Response => {
  const copy = new Headers(headers)
  change(copy)
  return webResponse(body, { status, statusText, headers: copy })
}

/** Renewed cookies come before those that are there. */
export const addRenewal = (headers: Headers, { cookies, cacheControl }: Renewal): void => {
  const all = [...cookies, ...headers.getSetCookie()]
  headers.delete('set-cookie')
  for (const cookie of all) headers.append('set-cookie', cookie)
  if (cacheControl !== null) headers.set('cache-control', cacheControl)
}

/** A response with renewed cookies. */
export const renewedResponse = (response: Response, renewed: readonly string[]): Response => {
  const { status, headers } = response
  if (isRefused(response)) return response
  const cacheControl = headers.get('cache-control')
  const renewal = renewalFor([renewed], { status, cookies: headers.getSetCookie(), cacheControl })
  return renewal === null ? response : copyWith(response, (copy) => addRenewal(copy, renewal))
}
