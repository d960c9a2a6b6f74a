import { AuthError } from '../errors.ts'
import type { RequestView } from './request-view.ts'

/** The scheme and one `token68` (RFC 9110 §11.2, RFC 6750 §2.1). */
const CREDENTIALS = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** The scheme, whatever follows: one that merely begins with these letters has another sign of a name behind them. */
const SCHEME = /^bearer(?![\w!#$%&'*+.^`|~-])/i

/** A bearer token behind something else: several headers, joined, or several credentials in one. */
const SECOND = /,[ \t]*bearer(?:[ \t]|$)/i

/**
 * The bearer token of the Authorization header (RFC 6750 §2.1), or null where there is none. A foreign scheme counts
 * as none.
 *
 * @throws AuthError `malformed_credentials` for the scheme without exactly one token, or beside another scheme
 */
export const extractBearer = (request: RequestView): string | null => {
  const value = request.header('authorization')
  if (value === null || value === '') return null
  const token = CREDENTIALS.exec(value)?.[1]
  if (token !== undefined) return token
  if (!SCHEME.test(value) && !SECOND.test(value)) return null
  throw new AuthError('malformed_credentials', { detail: 'the Authorization header holds not exactly one token' })
}
