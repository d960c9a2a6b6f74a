import { AUTH_ERRORS } from '../../core/errors.ts'
import type { AuthErrorCode } from '../../core/errors.ts'

/**
 * What a socket is closed with: codes of the application's own range (RFC 6455 §7.4.2), like the HTTP statuses of the
 * same meaning, and registered ones where there are such. Never a status itself: 401 is no close code, and whoever
 * tries to send one gets an exception instead.
 */
export const CLOSE_CODES = {
  /** No token, or none that is good: a new one, and a new connection. */
  unauthenticated: 4401,
  /** A good token that may not do this. */
  forbidden: 4403,
  /** The service is going down (RFC 6455 §7.4.1). */
  goingAway: 1001,
  /** More than a peer may send (RFC 6455 §7.4.1). */
  policyViolation: 1008,
  /** The application's handler has failed (RFC 6455 §7.4.1). */
  internalError: 1011,
  /** It is not known: try again later (IANA, WebSocket Close Code Number Registry). */
  tryAgainLater: 1013,
} as const

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]

/** The close code of a refusal. */
export const closeCodeOf = (code: AuthErrorCode): CloseCode => {
  const { status } = AUTH_ERRORS[code]
  if (status >= 500) return CLOSE_CODES.tryAgainLater
  if (status === 429) return CLOSE_CODES.policyViolation
  return status === 403 ? CLOSE_CODES.forbidden : CLOSE_CODES.unauthenticated
}
