import type { Engine } from '../engine.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import { verifyWithHook } from '../request/authenticate.ts'
import { checkCsrf, checkOrigin } from '../request/csrf.ts'
import type { TokenKind } from '../request/locations.ts'
import type { RequestView } from '../request/request-view.ts'
import { csrfValue, setTokenCookies, unsetTokenCookies } from '../request/token-cookies.ts'
import type { Delivery } from '../request/transport.ts'
import { verifyRefreshToken } from '../token/refresh-token.ts'
import type { SignedToken, TokenPair } from './tokens.ts'

/** Tokens as cookies, for endpoints that hand them out: the ready-made ones, and an application's own. */
export interface CookieJar {
  /** How the configuration wants tokens handed out. */
  readonly delivery: Delivery
  /**
   * Values of `Set-Cookie` headers that hand out a pair, or an access token alone, with their CSRF values.
   *
   * @throws ConfigError where a token is longer than a browser would keep
   */
  set(tokens: TokenPair | SignedToken): readonly string[]
  /** Values of `Set-Cookie` headers that make a browser forget both tokens, with the attributes they were set with. */
  unset(): readonly string[]
  /** The value that pages of a session send along (`x-csrf-token`); null where none is asked for. */
  csrfToken(of: { readonly sessionId: string | null; readonly tokenId: string }, kind?: TokenKind): string | null
  /**
   * Refuses a request that a page of another site has sent: for endpoints that need no token, like a sign-in.
   *
   * @throws AuthError `csrf_failed`
   */
  checkOrigin(request: RequestView): void
  /**
   * Refuses a request whose token came in a cookie and whose sender does not know the CSRF value. Guards do so by
   * themselves; this is for endpoints that take a token from the request on their own.
   *
   * @throws AuthError `csrf_failed`, or what is wrong with the token
   */
  checkCsrf(request: RequestView, token: { readonly kind: TokenKind; readonly token: string }): MaybePromise<void>
}

const isPair = (tokens: TokenPair | SignedToken): tokens is TokenPair => 'refreshToken' in tokens

const setAll = (engine: Engine<unknown>, tokens: TokenPair | SignedToken): readonly string[] => {
  const { accessToken, expiresIn, sessionId, tokenId } = tokens
  const session = sessionId ?? tokenId
  const access = setTokenCookies(engine, { kind: 'access', token: accessToken, session, expiresIn })
  if (!isPair(tokens)) return access
  const left = tokens.session.absoluteExpiresAt - Math.floor(engine.now())
  return [
    ...access,
    ...setTokenCookies(engine, { kind: 'refresh', token: tokens.refreshToken, session, expiresIn: left }),
  ]
}

/** What the CSRF value of a token is bound to. Expired or not: whoever signs out may have an old one. */
const sessionOf = (
  engine: Engine<unknown>,
  { kind, token }: { readonly kind: TokenKind; readonly token: string },
): MaybePromise<string> => {
  if (kind === 'refresh') {
    const { issuer, keys } = engine
    return verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying }).sessionId
  }
  return whenReady(
    verifyWithHook(engine, token, { isForSignOut: true }),
    ({ content }) => content.sessionId ?? content.tokenId,
  )
}

export const createCookieJar = (engine: Engine<unknown>): CookieJar => {
  const { delivery, csrf } = engine.transport
  return {
    delivery,
    set: (tokens) => setAll(engine, tokens),
    unset: () => unsetTokenCookies(engine),
    csrfToken: ({ sessionId, tokenId }, kind = 'access') => csrfValue(engine, kind, sessionId ?? tokenId),
    checkOrigin: (request) => {
      if (csrf !== null) checkOrigin(request, csrf.rules, { mayBeUnknown: true })
    },
    checkCsrf: (request, token) =>
      whenReady(sessionOf(engine, token), (session) => checkCsrf(request, csrf, { kind: token.kind, session })),
  }
}
