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
  /** Empty where the status, which a hook has given, goes without one. */
  readonly body: string
}

/** What stands in place of parts of a refusal; what it leaves out stays. */
export interface RefusalChange {
  /** 200 to 599. */
  readonly status?: number
  /** Added, or put in place of those of the same name, but for `set-cookie`, which is sent beside other cookies. */
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

type Shape = NonNullable<ErrorsConfig['body']>

const bodyOf = (error: AuthError, shape: Shape, status: number): JsonObject => {
  const { code, details } = error
  const { wire, message } = AUTH_ERRORS[code]
  const problems =
    details.problems === undefined ? {} : { problems: details.problems.map(({ path, problem }) => ({ path, problem })) }
  const told = wire === null ? {} : { error: wire }
  if (shape === 'oauth') return { ...told, code, error_description: message, ...problems }
  if (shape === 'problem') return { type: `urn:jotward:${code}`, title: message, status, code, ...told, ...problems }
  return { [shape.messageKey]: message, ...problems }
}

/** What is no `AuthError` is the operator's affair, and tells the caller nothing but that. */
export const toAuthError = (failure: unknown): AuthError =>
  failure instanceof AuthError ? failure : new AuthError('store_unavailable', { cause: failure })

/** The answer to a failure, before any hook has shaped it. */
export const plainRefusal = (
  error: AuthError,
  { realm, body: shape }: Pick<RefusalPolicy, 'realm' | 'body'>,
  cookies: readonly string[] = [],
): Refusal => {
  const { code, status } = error
  const headers = headersOf(error, realm)
  if (shape === 'problem') headers['content-type'] = 'application/problem+json'
  return { code, status, headers, cookies, body: JSON.stringify(bodyOf(error, shape, status)) }
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

/** Where an answer ends is its server's to say. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

const isHeader = (header: readonly [name: string, value: unknown]): header is readonly [string, string] => {
  const [name, value] = header
  return HEADER_NAME.test(name) && !FRAMING.has(name) && typeof value === 'string' && HEADER_VALUE.test(value)
}

/** @throws Error for what cannot be sent */
const readHeaders = (headers: object): Record<string, string> => {
  const given = Object.entries(headers).map(([name, value]): readonly [string, unknown] => [name.toLowerCase(), value])
  const sent = given.filter(isHeader)
  if (sent.length < given.length) throw new Error('its headers cannot be sent')
  return Object.fromEntries(sent)
}

/** Answers that have no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** @throws Error for what cannot be sent, so that the plain refusal is */
const change = (error: AuthError, refusal: Refusal, changed: RefusalChange, shape: Shape): Refusal => {
  const given: unknown = changed
  if (typeof given !== 'object' || given === null) throw new Error('it returned no object')
  const { status = refusal.status, headers = {}, body = bodyOf(error, shape, status) } = changed
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new Error('its status is none')
  const { 'set-cookie': cookie, ...others } = readHeaders(headers)
  const isText = typeof body === 'string' && 'content-type' in others
  const text: unknown = BODILESS.has(status) ? '' : isText ? body : JSON.stringify(body)
  if (typeof text !== 'string') throw new Error('its body is no JSON')
  const cookies = cookie === undefined ? refusal.cookies : [...refusal.cookies, cookie]
  return { ...refusal, status, headers: { ...refusal.headers, ...others }, cookies, body: text }
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
    const answer = whenReady(hook(context), (changed) => change(error, plain, changed, policy.body))
    return answer instanceof Promise ? answer.catch(failed) : answer
  } catch (cause) {
    return failed(cause)
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isHook = (value: unknown): boolean => value === undefined || typeof value === 'function'

/** Reads the setting `errors`. */
export const resolveErrors = (
  config: ErrorsConfig = {},
): { readonly errors: Pick<RefusalPolicy, 'body' | 'hookFor'>; readonly problems: readonly ConfigProblem[] } => {
  const { body = 'oauth', on: given = {} } = config
  const on = isObject(given) ? given : {}
  const problems = [
    ...unknownKeys('errors', config, ['body', 'on']),
    ...unknownKeys('errors.on', on, [...Object.keys(AUTH_ERRORS), 'default']),
    ...(isObject(given) ? [] : [{ path: 'errors.on', problem: 'must be an object of functions' }]),
  ]
  const isKeyed = isObject(body) && typeof body.messageKey === 'string' && body.messageKey !== ''
  if (body !== 'oauth' && body !== 'problem' && !isKeyed) {
    problems.push({ path: 'errors.body', problem: 'must be "oauth", "problem" or { messageKey: "msg" }' })
  }
  for (const [code, hook] of Object.entries(on)) {
    if (!isHook(hook)) problems.push({ path: `errors.on.${code}`, problem: 'must be a function' })
  }
  const hookFor = (code: AuthErrorCode): RefusalHook | null => on[code] ?? on.default ?? null
  return { errors: { body, hookFor }, problems }
}
