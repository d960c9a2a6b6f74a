import { AUTH_ERRORS, AuthError } from '../core/errors.ts'
import type { AuthErrorCode } from '../core/errors.ts'
import type { Route } from './route.ts'

type Speaker = Pick<Route, 'speaksOAuth'>

/** RFC 6749 §5.2 has 400 where the rest of HTTP has 401. */
const isPlain = (code: AuthErrorCode, { speaksOAuth }: Speaker): boolean =>
  speaksOAuth === true && AUTH_ERRORS[code].wire === 'invalid_grant'

/** The HTTP status of a refusal of a route. */
export const statusOf = (code: AuthErrorCode, route: Speaker): number =>
  isPlain(code, route) ? 400 : AUTH_ERRORS[code].status

/**
 * A failure with the status that it has at a route. It is what the answer is made from: without a 401 nothing is
 * challenged for, a problem document tells the same status, and a hook can still change it.
 */
export const inWordsOf = (route: Speaker, failure: unknown): unknown => {
  if (!(failure instanceof AuthError) || !isPlain(failure.code, route)) return failure
  const { code, details } = failure
  const same = new AuthError(code, { cause: failure, ...details })
  return Object.defineProperty(same, 'status', { value: statusOf(code, route) })
}
