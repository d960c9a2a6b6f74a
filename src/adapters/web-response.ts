import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'

// Taken at load: servers replace the global class (@hono/node-server does), and a frame that compares with
// `instanceof` would then take a refusal for a plain value, and answer 200.
const WebResponse = globalThis.Response

/** What the core sees of a Fetch request. `Headers` joins repeated ones by itself. */
export const requestView = ({ headers }: Request): RequestView => ({ header: (name) => headers.get(name) })

export const webResponse = (body: string | null, init: ResponseInit): Response => new WebResponse(body, init)

export const refusalResponse = ({ status, headers, body }: Refusal): Response => webResponse(body, { status, headers })
