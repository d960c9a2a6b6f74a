import type { Refusal } from '../core/request/refusal.ts'
import type { RequestView } from '../core/request/request-view.ts'

/** What the core sees of a Fetch request. `Headers` joins repeated ones by itself. */
export const requestView = ({ headers }: Request): RequestView => ({ header: (name) => headers.get(name) })

/**
 * A response of the class that is global at this moment, never of one kept from an earlier one. Servers replace the
 * global class by one derived from it (@hono/node-server does): a response of the new class is an instance of both,
 * one of the old class would be taken for a plain value by whoever asks `instanceof Response`, and answered with 200.
 */
export const webResponse = (body: string | null, init: ResponseInit): Response => new Response(body, init)

export const refusalResponse = ({ status, headers, body }: Refusal): Response => webResponse(body, { status, headers })
