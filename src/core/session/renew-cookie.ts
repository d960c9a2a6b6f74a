import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import type { Principal } from '../request/principal.ts'
import { setTokenCookies } from '../request/token-cookies.ts'
import { reissue } from './reissue.ts'

const NOTHING: readonly string[] = Object.freeze([])

/** Whether an access cookie is near enough to its end. */
const isNearExpiry = (
  { transport: { cookies }, now }: Engine<unknown>,
  { location, tokenKind, sessionId, expiresAt }: Principal<unknown>,
): boolean =>
  cookies.renewWithin !== null &&
  location === 'cookie' &&
  tokenKind === 'access' &&
  sessionId !== null &&
  expiresAt !== null &&
  expiresAt - now() < cookies.renewWithin

const renew = async (engine: Engine<unknown>, principal: Principal<unknown>): Promise<readonly string[]> => {
  try {
    const { authTime, sessionId, subject } = principal
    // A copy of the log may lag: what it does not know yet must not get a token that it never will.
    const answer: unknown = await engine.store.revocations.isRevokedAtSource(principal)
    if (answer !== false) return NOTHING
    const token = await reissue(engine, principal, { reason: 'refresh', authTime })
    // The session ends no later for it, so there is nothing to be gained.
    if (engine.now() + token.expiresIn <= (principal.expiresAt ?? 0)) return NOTHING
    engine.emit({ type: 'token.renewed', subject, tokenId: token.tokenId })
    const { accessToken, expiresIn, tokenId } = token
    return setTokenCookies(engine, { kind: 'access', token: accessToken, session: sessionId ?? tokenId, expiresIn })
  } catch (error) {
    // The request has been accepted and goes on with the cookie that it has; the session's own end is no failure.
    if (!(error instanceof AuthError) || error.status >= 500) {
      engine.emit({ type: 'failure', at: 'renewing a cookie', error })
    }
    return NOTHING
  }
}

/**
 * The cookies that renew an access cookie near its end, or none. Never fresher than the one that they replace, never
 * beyond the session: a session that was signed out meanwhile gives none, and a token that is minted all the same is
 * refused with its session.
 */
export const renewCookie = (engine: Engine<unknown>, principal: Principal<unknown>): MaybePromise<readonly string[]> =>
  isNearExpiry(engine, principal) ? renew(engine, principal) : NOTHING
