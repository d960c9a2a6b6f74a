import type { MaybePromise } from '../../../src/core/maybe-promise.ts'
import type { Guard } from '../../../src/core/request/guard.ts'
import type { RequestBody, RequestView } from '../../../src/core/request/request-view.ts'

/** What of a request a test is about; the rest is a plain `GET /`. */
export interface Parts {
  readonly method?: string
  readonly path?: string
  readonly parameters?: Readonly<Record<string, string>>
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, readonly string[]>>
  readonly body?: MaybePromise<RequestBody | null>
}

export const view = ({ headers = {}, query = {}, parameters = {}, body = null, ...line }: Parts = {}): RequestView => ({
  method: line.method ?? 'GET',
  path: line.path ?? '/',
  parameter: (name) => parameters[name] ?? null,
  header: (name) => headers[name] ?? null,
  query: (name) => query[name] ?? [],
  body: () => body,
})

export const bearer = (token: string, parts: Parts = {}): RequestView =>
  view({ ...parts, headers: { ...parts.headers, authorization: `Bearer ${token}` } })

/** The code of a refusal; of a request that is let in its subject, `'nobody'` where that is unknown. */
export const outcomeOf = async (guard: Guard<unknown, string>, request: RequestView): Promise<string> => {
  const verdict = await guard(request)
  return 'refusal' in verdict ? verdict.refusal.code : (verdict.principal?.subject ?? 'nobody')
}
