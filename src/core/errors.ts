/**
 * The one table of everything that can be refused, and the three classes of failure by who must act: `AuthError`
 * (the caller), `ConfigError` (the programmer, at start-up only), `StoreError` (the operator).
 */

interface ErrorRow {
  /** HTTP status of the answer. */
  readonly status: number
  /** `error` on the wire (RFC 6749 §5.2, RFC 6750 §3.1, RFC 9470 §3), or null where the RFC asks for silence. */
  readonly wire: string | null
  /** Public and constant: it never carries anything of the request. */
  readonly message: string
}

export const AUTH_ERRORS = {
  missing_token: { status: 401, wire: null, message: 'Authentication is required.' },
  malformed_credentials: { status: 400, wire: 'invalid_request', message: 'The credentials are malformed.' },
  token_invalid: { status: 401, wire: 'invalid_token', message: 'The token is not valid.' },
  token_expired: { status: 401, wire: 'invalid_token', message: 'The token has expired.' },
  token_not_yet_valid: { status: 401, wire: 'invalid_token', message: 'The token is not valid yet.' },
  token_revoked: { status: 401, wire: 'invalid_token', message: 'The token has been revoked.' },
  verification_failed: { status: 401, wire: 'invalid_token', message: 'The token is not accepted.' },
  user_refused: { status: 401, wire: 'invalid_token', message: 'The user may not be signed in any more.' },
  wrong_token_type: { status: 401, wire: 'invalid_token', message: 'This kind of token is not accepted here.' },
  insufficient_permission: { status: 403, wire: 'insufficient_scope', message: 'The token lacks a permission.' },
  access_denied: { status: 403, wire: 'access_denied', message: 'This is not allowed.' },
  csrf_failed: { status: 403, wire: 'invalid_request', message: 'The request may come from another site.' },
  reauthentication_required: {
    status: 401,
    wire: 'insufficient_user_authentication',
    message: 'A more recent authentication is required.',
  },
  invalid_credentials: { status: 401, wire: 'invalid_grant', message: 'The credentials are not correct.' },
  refresh_token_invalid: { status: 401, wire: 'invalid_grant', message: 'The refresh token is not valid.' },
  refresh_token_reused: { status: 401, wire: 'invalid_grant', message: 'The refresh token is not valid.' },
  invalid_body: { status: 400, wire: 'invalid_request', message: 'The request body is not valid.' },
  invalid_query: { status: 400, wire: 'invalid_request', message: 'The query string is not valid.' },
  password_rejected: { status: 400, wire: 'invalid_request', message: 'The password does not meet the policy.' },
  unsupported_grant_type: { status: 400, wire: 'unsupported_grant_type', message: 'The grant type is not supported.' },
  invalid_scope: { status: 400, wire: 'invalid_scope', message: 'The scope exceeds what was granted.' },
  signup_closed: { status: 403, wire: 'invalid_request', message: 'Signing up is closed.' },
  not_restorable: { status: 409, wire: 'invalid_request', message: 'The token cannot be restored.' },
  account_exists: { status: 409, wire: 'invalid_request', message: 'The account exists already.' },
  not_found: { status: 404, wire: 'invalid_request', message: 'There is nothing here.' },
  method_not_allowed: { status: 405, wire: 'invalid_request', message: 'The method is not allowed here.' },
  body_too_large: { status: 413, wire: 'invalid_request', message: 'The request body is too large.' },
  unsupported_media_type: { status: 415, wire: 'invalid_request', message: 'The media type is not supported.' },
  rate_limited: { status: 429, wire: 'rate_limited', message: 'Too many attempts.' },
  overloaded: { status: 503, wire: 'temporarily_unavailable', message: 'The service is busy.' },
  hook_failed: { status: 503, wire: 'temporarily_unavailable', message: 'The service is not available.' },
  store_unavailable: { status: 503, wire: 'temporarily_unavailable', message: 'The service is not available.' },
} as const satisfies Record<string, ErrorRow>

/** Every code that an `AuthError` can carry: a closed union, so that a `switch` over it can be exhaustive. */
export type AuthErrorCode = keyof typeof AUTH_ERRORS

/** What is wrong with one member of a request; public, so it names the member and never repeats its value. */
export interface FieldProblem {
  readonly path: string
  readonly problem: string
}

/** What an `AuthError` may tell besides its code. */
export interface AuthErrorDetails {
  /** For logs only: ids and reasons, never a token, secret or password. */
  readonly detail?: string
  readonly cause?: unknown
  /** Public: the members of the request that were refused. */
  readonly problems?: readonly FieldProblem[]
  /** Permissions that would have sufficed (`scope` of the challenge, RFC 6750 §3). */
  readonly permissions?: readonly string[]
  /** Seconds: how recent the authentication must be (`max_age` of the challenge, RFC 9470 §3). */
  readonly maxAge?: number
  /** Seconds until a retry makes sense (`Retry-After`, RFC 9110 §10.2.3). */
  readonly retryAfter?: number
  /** Methods that the path does answer (`Allow`, RFC 9110 §10.2.1). */
  readonly allow?: readonly string[]
}

/** A refusal that the caller must act on. `code` is stable, `message` is public; `detail` and `cause` are for logs. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: AuthErrorCode
  readonly details: AuthErrorDetails

  constructor(code: AuthErrorCode, details: AuthErrorDetails = {}) {
    super(AUTH_ERRORS[code].message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
  }

  get status(): number {
    return AUTH_ERRORS[this.code].status
  }

  /** For logs only: ids and reasons, never a token, secret or password. */
  get detail(): string | null {
    return this.details.detail ?? null
  }
}

/** One thing wrong with a configuration, and its remedy. */
export interface ConfigProblem {
  /** Where it stands, like `accessToken.lifetime`. */
  readonly path: string
  /** What is wrong and what to write instead. */
  readonly problem: string
}

/** The configuration cannot be used; every problem is named at once. Thrown at start-up only. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, problem }) => (path === '' ? problem : `${path}: ${problem}`)).join('\n'))
    this.problems = problems
  }
}

/** A store could not do what it was asked: whether it was done is not known. Answered as 503, never as success. */
export class StoreError extends Error {
  override readonly name = 'StoreError'

  constructor(operation: string, cause: unknown) {
    super(`The store failed at ${operation}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
