import type { Engine } from '../engine.ts'
import { AuthError, StoreError } from '../errors.ts'
import { whenReady } from '../maybe-promise.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { ACCESS_TOKEN_TYPE, readAccessToken, REQUIRED_CLAIMS } from '../token/access-token.ts'
import type { AccessTokenContent } from '../token/access-token.ts'
import { verifyToken } from '../token/verify-token.ts'
import { authorize } from './authorize.ts'
import type { Extract } from './extract.ts'
import { toPrincipal } from './principal.ts'
import type { Principal } from './principal.ts'
import type { RequestView } from './request-view.ts'
import type { ResolvedRequirement } from './requirement.ts'

/**
 * Verifies an access token: signature, type, registered claims. Revocation is not asked. To sign out any token of ours
 * will do, expired or meant for another service.
 *
 * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid` | `wrong_token_type`
 */
export const verifyAccessToken = (
  { keys, issuer, audience, accessToken, now }: Engine<unknown>,
  token: string,
  { isForSignOut = false }: { readonly isForSignOut?: boolean } = {},
): AccessTokenContent => {
  const { claims } = verifyToken(
    token,
    {
      keySet: keys.verifying,
      typ: ACCESS_TOKEN_TYPE,
      rules: {
        issuer,
        audience: isForSignOut ? null : audience,
        clockTolerance: accessToken.clockTolerance,
        // Revocations are kept for as long as this: a token that lived longer would outlive its own.
        maxLifetime: isForSignOut ? null : accessToken.longestLifetime,
        required: REQUIRED_CLAIMS,
        allowExpired: isForSignOut,
      },
      limits: accessToken.limits,
    },
    now(),
  )
  return readAccessToken(claims)
}

/**
 * The whole way of an access token to its principal: verified, then asked for among everything revoked.
 *
 * @throws AuthError as `verifyAccessToken`, and `token_revoked`
 * @throws StoreError where the store cannot tell
 */
export const authenticateToken = <Claims, P extends string>(
  engine: Engine<Claims>,
  token: string,
): MaybePromise<Principal<Claims, P>> => {
  const principal = toPrincipal<Claims, P>(engine, verifyAccessToken(engine, token))
  return whenReady(engine.store.revocations.isRevoked(principal), (revoked) => {
    if (revoked === true) throw new AuthError('token_revoked')
    // Nothing but a plain no lets a token pass; a store that answers otherwise has not answered.
    if (revoked !== false) throw new StoreError('checking a token', new Error(`it cannot tell: ${revoked}`))
    return principal
  })
}

/**
 * Request to principal, the one path of every guard: extract, verify, revocation, authorize. Null is the
 * anonymous caller of an optional guard.
 *
 * @throws AuthError `missing_token` | `malformed_credentials`, and as `authenticateToken`, `authorize`
 * @throws StoreError where the store cannot tell
 */
export const authenticate = <Claims, P extends string>(
  engine: Engine<Claims>,
  request: RequestView,
  { extract, requirement }: { readonly extract: Extract; readonly requirement: ResolvedRequirement },
): MaybePromise<Principal<Claims, P> | null> =>
  whenReady(extract(request), (found) => {
    if (found === null) {
      if (requirement.optional) return null
      throw new AuthError('missing_token')
    }
    return whenReady(authenticateToken<Claims, P>(engine, found.token), (principal) => {
      authorize(engine, principal, requirement)
      return principal
    })
  })
