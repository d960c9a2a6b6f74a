import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import { checkClaims } from './claims.ts'
import type { ClaimRules, Claims } from './claims.ts'
import { verifyJws } from './jws.ts'
import type { JwsHeader, TokenLimits } from './jws.ts'
import type { KeySet } from './key-set.ts'
import { isTokenType } from './token-type.ts'

export { isTokenType }

/** What one kind of token has to be. */
export interface TokenProfile {
  readonly keySet: KeySet
  /** The `typ` of its header; null where this issuer's tokens carry none. */
  readonly typ: string | null
  readonly rules: ClaimRules
  readonly limits?: TokenLimits
}

/** A token that has been accepted. */
export interface VerifiedToken {
  readonly header: JwsHeader
  readonly claims: Claims
}

/**
 * Verifies a token: signature, then type, then claims. Nothing in a token is acted upon before its signature holds,
 * and until then every failure has the same code.
 *
 * @throws AuthError `token_invalid` | `wrong_token_type` | `token_expired` | `token_not_yet_valid`
 */
export const verifyToken = (token: unknown, profile: TokenProfile, now: Seconds): VerifiedToken => {
  const { header, claims } = verifyJws(token, profile.keySet, profile.limits)
  if (!isTokenType(header.typ, profile.typ)) throw new AuthError('wrong_token_type')
  return { header, claims: checkClaims(claims, profile.rules, now) }
}
