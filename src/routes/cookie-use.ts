import type { Auth } from '../auth.ts'
import { whenReady } from '../core/maybe-promise.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Found } from '../core/request/finders.ts'
import type { TokenKind } from '../core/request/locations.ts'
import type { RequestView } from '../core/request/request-view.ts'

/** How an issuer's cookies are called, where they go, and whether it looks for tokens in them. */
export interface CookieUse {
  readonly names: Readonly<Record<TokenKind, string>>
  /** `Path` of the refresh cookie. */
  readonly refreshPath: string
  /** A promise where a function of the application's own that looks for tokens answers late. */
  readonly isLookedFor: Readonly<Record<TokenKind, MaybePromise<boolean>>>
  /** Whether requests of other sites are refused at all. */
  readonly isProtected: boolean
  /** Whether pages send a value along. */
  readonly hasCsrfValue: boolean
}

/** A request with one header and nothing else. */
const requestWith = (header: string, value: string): RequestView => ({
  method: 'POST',
  path: '/',
  parameter: () => null,
  header: (name) => (name === header ? value : null),
  query: () => [],
  body: () => null,
})

const isCookie = (found: Found | null): boolean => found?.location === 'cookie'

const isFoundInCookie = (find: () => MaybePromise<Found | null>): MaybePromise<boolean> => {
  try {
    const answer = whenReady(find(), isCookie)
    // Only an application's own function can fail here, for this is none of the requests that it was written for.
    return answer instanceof Promise ? answer.catch(() => false) : answer
  } catch {
    return false
  }
}

const isProtected = (auth: Auth<unknown>): boolean => {
  try {
    auth.cookies.checkOrigin(requestWith('sec-fetch-site', 'cross-site'))
    return false
  } catch {
    return true
  }
}

/** What of its cookies an issuer shows by what it does: which it unsets, and whether it finds a token in one. */
export const readCookieUse = (auth: Auth<unknown>): CookieUse => {
  const unset = auth.cookies.unset()
  // In order: the access cookie, its CSRF value where that is a cookie too, and the same for the refresh token.
  const names = [...new Set(unset.map((cookie) => cookie.slice(0, cookie.indexOf('='))))]
  const [access = '', refresh = ''] = [names[0], names[names.length / 2]]
  const path = unset.findLast((cookie) => cookie.startsWith(`${refresh}=`))
  return {
    names: { access, refresh },
    refreshPath: /; Path=([^;]*)/.exec(path ?? '')?.[1] ?? '/',
    isLookedFor: {
      access: isFoundInCookie(() => auth.find(requestWith('cookie', `${access}=probe`))),
      refresh: isFoundInCookie(() => auth.findRefreshToken(requestWith('cookie', `${refresh}=probe`))),
    },
    isProtected: isProtected(auth),
    hasCsrfValue: auth.cookies.csrfToken({ sessionId: null, tokenId: 'probe' }) !== null,
  }
}
