import type { Engine } from '../engine.ts'
import { AuthError, StoreError } from '../errors.ts'
import { whenReady } from '../maybe-promise.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { readRefreshSession } from '../session/read-refresh-session.ts'
import { ACCESS_TOKEN_TYPE, readAccessToken, REQUIRED_CLAIMS } from '../token/access-token.ts'
import type { AccessTokenContent } from '../token/access-token.ts'
import { decodeUnverified } from '../token/jws.ts'
import { onlyKey } from '../token/key-set.ts'
import { isKeyId } from '../token/keys.ts'
import { verifyRefreshToken } from '../token/refresh-token.ts'
import { verifyToken } from '../token/verify-token.ts'
import type { VerifiedToken } from '../token/verify-token.ts'
import { askHook } from './ask-hook.ts'
import type { Location } from './locations.ts'
import { toPrincipal } from './principal.ts'
import type { Principal } from './principal.ts'
import type { WhenStale } from './requirement.ts'

/**
 * Verifies an access token: signature, type, registered claims. Revocation is not asked. To sign out any token of ours
 * will do, expired or meant for another service.
 *
 * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid` | `wrong_token_type`
 */
export const verifyAccessToken = (
  { keys, issuer, audience, accessToken, now }: Engine<unknown>,
  token: string,
  { isForSignOut = false, mayBeExpired = isForSignOut, keyId = null }: VerifyOptions = {},
): VerifiedAccessToken => {
  const { maxAgeWithoutExpiry } = accessToken
  const { header, claims } = verifyToken(
    token,
    {
      keySet: keyId === null ? keys.verifying : onlyKey(keys.verifying, keyId),
      typ: ACCESS_TOKEN_TYPE,
      rules: {
        issuer,
        audience: isForSignOut ? null : audience,
        clockTolerance: accessToken.clockTolerance,
        // Revocations are kept for as long as this: a token that lived longer would outlive its own.
        maxLifetime: isForSignOut ? null : accessToken.longestLifetime,
        maxAgeWithoutExpiry,
        required: REQUIRED_CLAIMS,
        allowExpired: mayBeExpired,
      },
      limits: accessToken.limits,
    },
    now(),
  )
  return { header, claims, content: readAccessToken(claims) }
}

/** What to be lenient about, and what to be strict about besides. */
export interface VerifyOptions {
  /** Any audience and any lifetime, expired or not. */
  readonly isForSignOut?: boolean
  readonly mayBeExpired?: boolean
  /** The only key that may verify; null for whichever the header names. */
  readonly keyId?: string | null
}

/** An access token whose signature and registered claims hold. */
export interface VerifiedAccessToken extends VerifiedToken {
  readonly content: AccessTokenContent
}

/** The same for an application that chooses the key itself. */
export const verifyWithHook = (
  engine: Engine<unknown>,
  token: string,
  options: Omit<VerifyOptions, 'keyId'> = {},
): MaybePromise<VerifiedAccessToken> => {
  const hook = engine.hooks.verificationKey
  if (hook === null) return verifyAccessToken(engine, token, options)
  const { header, payload } = decodeUnverified(token, engine.accessToken.limits)
  const chosen = askHook('hooks.verificationKey', () => hook({ header, payload }))
  return whenReady(chosen, (keyId) => {
    if (keyId === null || isKeyId(keyId)) return verifyAccessToken(engine, token, { ...options, keyId })
    throw new AuthError('hook_failed', { detail: 'hooks.verificationKey', cause: new Error('it returned no kid') })
  })
}

/** What to ask about revocation: the store as it is used to answer, the store itself, or nothing. */
export type RevocationCheck = 'usual' | 'strict' | 'skip'

/**
 * @throws AuthError `token_revoked`
 * @throws StoreError where it cannot be told
 */
const checkRevocation = <Claims, P extends string>(
  engine: Engine<Claims>,
  principal: Principal<Claims, P>,
  { revocation, whenStale }: Pick<Admission<Claims, P>, 'revocation' | 'whenStale'>,
): MaybePromise<Principal<Claims, P>> => {
  if (revocation === 'skip') return principal
  const { revocations } = engine.store
  const answer = revocation === 'strict' ? revocations.isRevokedAtSource(principal) : revocations.isRevoked(principal)
  return whenReady(answer, (revoked) => {
    if (revoked === 'stale' && whenStale === 'serve') return principal
    if (revoked === 'stale' && whenStale === 'ask') {
      return checkRevocation(engine, principal, { revocation: 'strict', whenStale })
    }
    if (revoked === true) throw new AuthError('token_revoked')
    // Nothing but a plain no lets a token pass; a store that answers otherwise has not answered.
    if (revoked !== false) throw new StoreError('checking a token', new Error(`it cannot tell: ${revoked}`))
    return principal
  })
}

/** How a token came, and what is asked of it. */
export interface Presented {
  readonly token: string
  readonly location: Location | null
}

/**
 * A refresh token of ours that was sent where an access token is due is told as such, once its signature holds.
 *
 * @throws AuthError
 */
const refuseAccessToken = ({ issuer, keys }: Engine<unknown>, token: string, failure: unknown): never => {
  if (!(failure instanceof AuthError) || failure.code !== 'token_invalid') throw failure
  try {
    verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying })
  } catch {
    throw failure
  }
  throw new AuthError('wrong_token_type')
}

/** As `verifyWithHook`, in the words of a guard. */
const verifyPresented = (engine: Engine<unknown>, token: string): MaybePromise<VerifiedAccessToken> => {
  try {
    const verified = verifyWithHook(engine, token)
    return verified instanceof Promise
      ? verified.catch((failure: unknown) => refuseAccessToken(engine, token, failure))
      : verified
  } catch (failure) {
    return refuseAccessToken(engine, token, failure)
  }
}

/**
 * The whole way of an access token to its principal: verified, let through by `admit`, then asked for among everything
 * revoked.
 *
 * @throws AuthError as `verifyAccessToken`, and `token_revoked`
 * @throws StoreError where the store cannot tell
 */
export const authenticateAccessToken = <Claims, P extends string>(
  engine: Engine<Claims>,
  { token, location }: Presented,
  admission: Admission<Claims, P>,
): MaybePromise<Principal<Claims, P>> => {
  const arrival = { tokenKind: 'access', location } as const
  return whenReady(verifyPresented(engine, token), ({ content }) => {
    const principal = toPrincipal<Claims, P>(engine, content, arrival)
    const standing = (): MaybePromise<Principal<Claims, P>> => checkRevocation(engine, principal, admission)
    return admission.admit === null ? standing() : whenReady(admission.admit(principal), standing)
  })
}

/** What stands between a token that is authentic and its principal. */
export interface Admission<Claims, P extends string> {
  readonly revocation: RevocationCheck
  /** What to make of a copy that is too old to say. */
  readonly whenStale: WhenStale
  /** Asked before any store is: throws where the request may not use the token. */
  readonly admit: ((principal: Principal<Claims, P>) => MaybePromise<void>) | null
}

/** Whether a token is an authentic refresh token of ours. No other keys are asked: neither kind verifies as the other. */
export const isRefreshToken = ({ issuer, keys }: Engine<unknown>, token: string): boolean => {
  try {
    verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying })
    return true
  } catch {
    return false
  }
}

/**
 * An access token that was sent to a route that takes refresh tokens is told as such.
 *
 * @throws AuthError
 */
const refuseRefreshToken = (engine: Engine<unknown>, token: string, cause: unknown): never => {
  try {
    verifyAccessToken(engine, token, { isForSignOut: true })
  } catch {
    throw new AuthError('token_invalid', { cause })
  }
  throw new AuthError('wrong_token_type')
}

const verifyRefresh = (engine: Engine<unknown>, token: string) => {
  try {
    return verifyRefreshToken(token, { issuer: engine.issuer, keySet: engine.keys.refresh.verifying })
  } catch (cause) {
    return refuseRefreshToken(engine, token, cause)
  }
}

/**
 * The way of a refresh token to its principal, without spending it: its session must live, and it must be the token that
 * a refresh would take.
 *
 * @throws AuthError `token_invalid` | `wrong_token_type` | `token_revoked`
 * @throws StoreError where the store cannot tell
 */
export const authenticateRefreshToken = <Claims, P extends string>(
  engine: Engine<Claims>,
  { token, location }: Presented,
  { admit }: Admission<Claims, P>,
): MaybePromise<Principal<Claims, P>> => {
  const content = verifyRefresh(engine, token)
  return whenReady(readRefreshSession(engine, content), (session) => {
    const { id, subject, grant } = session
    const principal = toPrincipal<Claims, P>(
      engine,
      {
        subject,
        tokenId: `${id}.${content.generation}`,
        sessionId: id,
        clientId: grant.clientId ?? engine.clientId,
        permissions: grant.permissions,
        claims: grant.claims,
        issuedAt: session.createdAt,
        expiresAt: session.absoluteExpiresAt,
        authTime: session.authTime,
        stamp: session.stamp,
      },
      { tokenKind: 'refresh', location },
    )
    return admit === null ? principal : whenReady(admit(principal), () => principal)
  })
}
