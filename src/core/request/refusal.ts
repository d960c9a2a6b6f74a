import { AUTH_ERRORS, AuthError } from '../errors.ts'

/** An answer that refuses, as a value: an adapter only writes it. */
export interface Refusal {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body: string
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

/** The answer to a failure. What is no `AuthError` is the operator's affair, and tells the caller nothing but that. */
export const refuse = (failure: unknown, realm: string): Refusal => {
  const error = failure instanceof AuthError ? failure : new AuthError('store_unavailable', { cause: failure })
  const { wire, message } = AUTH_ERRORS[error.code]
  const body = {
    ...(wire === null ? {} : { error: wire }),
    code: error.code,
    error_description: message,
    ...(error.details.problems === undefined ? {} : { problems: error.details.problems }),
  }
  return { status: error.status, headers: headersOf(error, realm), body: JSON.stringify(body) }
}
