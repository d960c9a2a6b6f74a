import { AuthError } from '../errors.ts'
import type { RequestView } from './request-view.ts'

/** `token68` (RFC 9110 §11.2), which is what a bearer token is made of (RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

const SCHEME = /^bearer(?: +|$)/i

/**
 * The bearer token of the Authorization header (RFC 6750 §2.1), or null where there is none. A foreign scheme counts
 * as none.
 *
 * @throws AuthError `malformed_credentials` for the scheme without exactly one token
 */
export const extractBearer = (request: RequestView): string | null => {
  const value = request.header('authorization')
  if (value === null || value === '') return null
  const scheme = SCHEME.exec(value)
  if (scheme === null) return null
  const token = value.slice(scheme[0].length)
  if (!TOKEN.test(token)) {
    throw new AuthError('malformed_credentials', { detail: 'the Authorization header holds not exactly one token' })
  }
  return token
}
