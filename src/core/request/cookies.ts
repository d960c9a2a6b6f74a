import type { Seconds } from '../duration.ts'

/** Cookies as they are sent (RFC 6265bis §4.1) and as they come back (§5.7). */

export type SameSite = 'Strict' | 'Lax' | 'None'

/** What names a cookie and says where it goes; a cookie is unset with the very same. */
export interface CookieTarget {
  readonly name: string
  readonly path: string
  /** Null keeps it to the host that sets it. */
  readonly domain: string | null
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: SameSite
}

/** A name is a token of HTTP (RFC 9110 §5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/

export const isCookieName = (name: unknown): name is string => typeof name === 'string' && NAME.test(name)

/** Browsers refuse more than this for name and value (RFC 6265bis §5.7), some for the attributes too. */
export const MAX_COOKIE_BYTES = 4096

/** The value of a `Set-Cookie` header. A `maxAge` of 0 unsets the cookie; null lets it end with the browser. */
export const serializeCookie = (target: CookieTarget, value: string, maxAge: Seconds | null): string => {
  const { name, path, domain, secure, httpOnly, sameSite } = target
  const parts = [`${name}=${value}`, `Path=${path}`]
  if (maxAge !== null) parts.push(`Max-Age=${Math.max(0, Math.floor(maxAge))}`)
  // For the rare client that knows no Max-Age.
  if (maxAge === 0) parts.push('Expires=Thu, 01 Jan 1970 00:00:00 GMT')
  if (domain !== null) parts.push(`Domain=${domain}`)
  if (secure) parts.push('Secure')
  if (httpOnly) parts.push('HttpOnly')
  parts.push(`SameSite=${sameSite}`)
  return parts.join('; ')
}

/** A `Set-Cookie` header that makes a browser forget the cookie. */
export const unsetCookie = (target: CookieTarget): string => serializeCookie(target, '', 0)

/**
 * Every value of a name in a Cookie header. More than one means that somebody else has set a cookie of that name, on a
 * parent domain perhaps: which is ours cannot be told, so the caller refuses.
 */
export const cookieValues = (header: string | null, name: string): readonly string[] => {
  if (header === null) return []
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}
