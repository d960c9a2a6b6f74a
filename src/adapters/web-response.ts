import { parseBody } from '../core/request/request-body.ts'
import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'

/** The longest body that is looked into for a token. */
const MAX_BODY_BYTES = 65_536

/** A copy of a body, which stays to be read; null where it is too long, or was read already. */
const copyBody = async (request: Request): Promise<Uint8Array | null> => {
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
export const webResponse = (body: string | null, init: ResponseInit): Response => new Response(body, init)

export const refusalResponse = ({ status, headers, cookies, body }: Refusal): Response => {
  const response = webResponse(body, { status, headers })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
