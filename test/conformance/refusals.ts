import { expect } from 'vitest'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import type { Answer } from './exchange.ts'

/**
 * What the wire says for each code, written down once more: a table that was read from the source would agree with any
 * mistake in it (RFC 6749 §5.2, RFC 6750 §3.1, RFC 9470 §3).
 */
export const WIRE: Readonly<Record<AuthErrorCode, readonly [status: number, error: string | null, words: string]>> = {
  missing_token: [401, null, 'Authentication is required.'],
  malformed_credentials: [400, 'invalid_request', 'The credentials are malformed.'],
  token_invalid: [401, 'invalid_token', 'The token is not valid.'],
  token_expired: [401, 'invalid_token', 'The token has expired.'],
  token_not_yet_valid: [401, 'invalid_token', 'The token is not valid yet.'],
  token_revoked: [401, 'invalid_token', 'The token has been revoked.'],
  verification_failed: [401, 'invalid_token', 'The token is not accepted.'],
  user_refused: [401, 'invalid_token', 'The user may not be signed in any more.'],
  access_denied: [403, 'access_denied', 'This is not allowed.'],
  csrf_failed: [403, 'invalid_request', 'The request may come from another site.'],
  not_restorable: [409, 'invalid_request', 'The token cannot be restored.'],
  wrong_token_type: [401, 'invalid_token', 'This kind of token is not accepted here.'],
  insufficient_permission: [403, 'insufficient_scope', 'The token lacks a permission.'],
  reauthentication_required: [401, 'insufficient_user_authentication', 'A more recent authentication is required.'],
  invalid_credentials: [401, 'invalid_grant', 'The credentials are not correct.'],
  refresh_token_invalid: [401, 'invalid_grant', 'The refresh token is not valid.'],
  refresh_token_reused: [401, 'invalid_grant', 'The refresh token is not valid.'],
  invalid_body: [400, 'invalid_request', 'The request body is not valid.'],
  invalid_query: [400, 'invalid_request', 'The query string is not valid.'],
  password_rejected: [400, 'invalid_request', 'The password does not meet the policy.'],
  unsupported_grant_type: [400, 'unsupported_grant_type', 'The grant type is not supported.'],
  invalid_scope: [400, 'invalid_scope', 'The scope exceeds what was granted.'],
  signup_closed: [403, 'invalid_request', 'Signing up is closed.'],
  account_exists: [409, 'invalid_request', 'The account exists already.'],
  not_found: [404, 'invalid_request', 'There is nothing here.'],
  method_not_allowed: [405, 'invalid_request', 'The method is not allowed here.'],
  body_too_large: [413, 'invalid_request', 'The request body is too large.'],
  unsupported_media_type: [415, 'invalid_request', 'The media type is not supported.'],
  rate_limited: [429, 'rate_limited', 'Too many attempts.'],
  overloaded: [503, 'temporarily_unavailable', 'The service is busy.'],
  hook_failed: [503, 'temporarily_unavailable', 'The service is not available.'],
  store_unavailable: [503, 'temporarily_unavailable', 'The service is not available.'],
}

/** Errors that belong into a challenge; those of the token endpoint do not. */
const IN_CHALLENGE = ['invalid_request', 'invalid_token', 'insufficient_scope', 'insufficient_user_authentication']

const isChallenged = (code: AuthErrorCode): boolean =>
  WIRE[code][0] === 401 || code === 'insufficient_permission' || code === 'malformed_credentials'

/** The challenge that must come with a code (RFC 6750 §3), or null. `extra` is like `, scope="orders:read"`. */
export const challengeOf = (code: AuthErrorCode, realm: string, extra = ''): string | null => {
  if (!isChallenged(code)) return null
  const [, error, words] = WIRE[code]
  const told = error !== null && IN_CHALLENGE.includes(error)
  return `Bearer realm="${realm}"${told ? `, error="${error}", error_description="${words}"` : ''}${extra}`
}

export interface ExpectedRefusal {
  readonly code: AuthErrorCode
  readonly realm: string
  /** Further parameters of the challenge. */
  readonly challenge?: string
  /** At the token endpoint `invalid_grant` is 400, and challenges for nothing (RFC 6749 §5.2). */
  readonly oauth?: boolean
  /** A HEAD request is answered without a body. */
  readonly bodiless?: boolean
}

/** Checks everything of a refusal that a caller can see, to the letter. */
export const expectRefusal = (answer: Answer, { code, realm, challenge, oauth, bodiless }: ExpectedRefusal): void => {
  const [status, error, words] = WIRE[code]
  const isPlain400 = oauth === true && error === 'invalid_grant'
  const { problems: _problems, ...body } = (answer.text === '' ? {} : JSON.parse(answer.text)) as Record<
    string,
    unknown
  >
  expect({
    status: answer.status,
    challenge: answer.header('www-authenticate'),
    type: answer.header('content-type'),
    cache: answer.header('cache-control'),
    retryAfter: answer.header('retry-after'),
    body,
  }).toEqual({
    status: isPlain400 ? 400 : status,
    challenge: isPlain400 ? null : challengeOf(code, realm, challenge),
    type: 'application/json',
    cache: 'no-store',
    retryAfter: status === 503 ? '1' : null,
    body: bodiless === true ? {} : { ...(error === null ? {} : { error }), code, error_description: words },
  })
}
