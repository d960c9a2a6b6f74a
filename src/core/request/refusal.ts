import { AUTH_ERRORS, AuthError } from '../errors.ts'
import type { AuthErrorCode, ConfigProblem } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { JsonObject, JsonValue } from '../token/json.ts'
import { unknownKeys } from '../unknown-keys.ts'
import type { EventSink } from '../../ports/event-sink.ts'
import type { RequestView } from './request-view.ts'

/** An answer that refuses, as a value: an adapter only writes it. */
export interface Refusal {
  readonly code: AuthErrorCode
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Values of `Set-Cookie` headers. */
  readonly cookies: readonly string[]
  readonly body: string
}

/** What stands in place of parts of a refusal; what it leaves out stays. */
export interface RefusalChange {
  readonly status?: number
  /** Added, or put in place of those of the same name. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, or as it is where it is a string and `headers` names a `content-type`. */
  readonly body?: JsonValue
}

/** What a hook for refusals is told. */
export interface RefusalContext {
  readonly code: AuthErrorCode
  readonly status: number
  /** The public words of the code. */
  readonly message: string
  /** Claims of the token, where its signature holds; null elsewhere. */
  readonly claims: JsonObject | null
  readonly request: RequestView | null
  /** For logs; never to be sent. */
  readonly error: AuthError
}

export type RefusalHook = (context: RefusalContext) => MaybePromise<RefusalChange>

/** How refusals are worded. */
export interface ErrorsConfig {
  /**
   * `'oauth'` (default): `{ error?, code, error_description }`; `'problem'`: RFC 9457; `{ messageKey: 'msg' }`:
   * `{ msg }` with the public words alone.
   */
  readonly body?: 'oauth' | 'problem' | { readonly messageKey: string }
  /** Shapes the refusals of one code, or with `default` of all the others. */
  readonly on?: { readonly [code in AuthErrorCode | 'default']?: RefusalHook }
}

/** Codes whose challenge tells more than the realm (RFC 6750 §3.1, RFC 9470 §3). */
const CHALLENGE_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_token',
  'insufficient_scope',
  'insufficient_user_authentication',
])

/** A challenge (RFC 6750 §3). The words are ours and constant, so nothing of the request is echoed. */
const challenge = ({ code, details }: AuthError, realm: string): string => {
  const { wire, message } = AUTH_ERRORS[code]
  const parameters = [`realm="${realm}"`]
  if (wire !== null && CHALLENGE_ERRORS.has(wire)) {
    parameters.push(`error="${wire}"`, `error_description="${message}"`)
    if (details.permissions !== undefined) parameters.push(`scope="${details.permissions.join(' ')}"`)
    if (details.maxAge !== undefined) parameters.push(`max_age="${details.maxAge}"`)
  }
  return `Bearer ${parameters.join(', ')}`
}

const isChallenged = ({ code, status }: AuthError): boolean =>
  // Every 401 (RFC 9110 §15.5.2), and what a guard answers otherwise.
  status === 401 || code === 'insufficient_permission' || code === 'malformed_credentials'

/** Seconds after which a retry makes sense where nothing better is known. */
const RETRY_AFTER = 1

const headersOf = (error: AuthError, realm: string): Record<string, string> => {
  const { retryAfter, allow } = error.details
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (isChallenged(error)) headers['www-authenticate'] = challenge(error, realm)
  if (retryAfter !== undefined || error.status === 503) headers['retry-after'] = String(retryAfter ?? RETRY_AFTER)
  if (allow !== undefined) headers['allow'] = allow.join(', ')
  return headers
}

const bodyOf = ({ code, status, details }: AuthError, shape: NonNullable<ErrorsConfig['body']>): JsonObject => {
  const { wire, message } = AUTH_ERRORS[code]
  const problems =
    details.problems === undefined ? {} : { problems: details.problems.map(({ path, problem }) => ({ path, problem })) }
  const error = wire === null ? {} : { error: wire }
  if (shape === 'oauth') return { ...error, code, error_description: message, ...problems }
  if (shape === 'problem') return { type: `urn:jotward:${code}`, title: message, status, code, ...error, ...problems }
  return { [shape.messageKey]: message, ...problems }
}

/** What is no `AuthError` is the operator's affair, and tells the caller nothing but that. */
export const toAuthError = (failure: unknown): AuthError =>
  failure instanceof AuthError ? failure : new AuthError('store_unavailable', { cause: failure })

/** The answer to a failure, before any hook has shaped it. */
export const plainRefusal = (
  error: AuthError,
  { realm, body }: Pick<RefusalPolicy, 'realm' | 'body'>,
  cookies: readonly string[] = [],
): Refusal => {
  const headers = headersOf(error, realm)
  if (body === 'problem') headers['content-type'] = 'application/problem+json'
  return { code: error.code, status: error.status, headers, cookies, body: JSON.stringify(bodyOf(error, body)) }
}

/** How an issuer refuses. */
export interface RefusalPolicy {
  readonly realm: string
  readonly body: NonNullable<ErrorsConfig['body']>
  readonly hookFor: (code: AuthErrorCode) => RefusalHook | null
  readonly emit: EventSink
}

/** Besides the failure itself. */
export interface RefusalSource {
  readonly request: RequestView | null
  readonly claims: JsonObject | null
  readonly cookies: readonly string[]
}

/** A value of a header: visible characters, blanks and tabs (RFC 9110 §5.5). */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const isHeaders = (headers: object): boolean =>
  Object.entries(headers).every(
    ([name, value]) => HEADER_NAME.test(name) && typeof value === 'string' && HEADER_VALUE.test(value),
  )

/** @throws Error for what cannot be sent, so that the plain refusal is */
const change = (refusal: Refusal, changed: RefusalChange): Refusal => {
  const given: unknown = changed
  if (typeof given !== 'object' || given === null) throw new Error('it returned no object')
  const { status = refusal.status, headers = {}, body } = changed
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new Error('its status is none')
  if (!isHeaders(headers)) throw new Error('its headers cannot be sent')
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const isText = typeof body === 'string' && 'content-type' in lower
  const text = body === undefined ? refusal.body : isText ? body : JSON.stringify(body)
  return { ...refusal, status, headers: { ...refusal.headers, ...lower }, body: text }
}

/** The answer to a failure. A hook that fails leaves the plain one: nothing that it does can let a request through. */
export const refuse = (failure: unknown, policy: RefusalPolicy, source: RefusalSource): MaybePromise<Refusal> => {
  const error = toAuthError(failure)
  const plain = plainRefusal(error, policy, source.cookies)
  const hook = policy.hookFor(error.code)
  if (hook === null) return plain
  const failed = (cause: unknown): Refusal => {
    policy.emit({ type: 'failure', at: `errors.on.${error.code}`, error: cause })
    return plain
  }
  const { request, claims } = source
  const context = { code: error.code, status: error.status, message: error.message, claims, request, error }
  try {
    const answer = whenReady(hook(context), (changed) => change(plain, changed))
    return answer instanceof Promise ? answer.catch(failed) : answer
  } catch (cause) {
    return failed(cause)
  }
}

const isHook = (value: unknown): boolean => value === undefined || typeof value === 'function'

/** Reads the setting `errors`. */
export const resolveErrors = (
  config: ErrorsConfig = {},
): { readonly errors: Pick<RefusalPolicy, 'body' | 'hookFor'>; readonly problems: readonly ConfigProblem[] } => {
  const { body = 'oauth', on = {} } = config
  const problems = [
    ...unknownKeys('errors', config, ['body', 'on']),
    ...unknownKeys('errors.on', on, [...Object.keys(AUTH_ERRORS), 'default']),
  ]
  const isKeyed = typeof body === 'object' && typeof body.messageKey === 'string' && body.messageKey !== ''
  if (body !== 'oauth' && body !== 'problem' && !isKeyed) {
    problems.push({ path: 'errors.body', problem: 'must be "oauth", "problem" or { messageKey: "msg" }' })
  }
  for (const [code, hook] of Object.entries(on)) {
    if (!isHook(hook)) problems.push({ path: `errors.on.${code}`, problem: 'must be a function' })
  }
  const hookFor = (code: AuthErrorCode): RefusalHook | null => on[code] ?? on.default ?? null
  return { errors: { body, hookFor }, problems }
}
