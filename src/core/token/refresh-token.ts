import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { Session } from '../session/session.ts'
import type { JsonObject } from './json.ts'
import { signJws, verifyJws } from './jws.ts'
import type { KeySet } from './key-set.ts'
import type { SigningKey } from './keys.ts'
import { isTokenType } from './token-type.ts'

/** Media type of a refresh token's header; ours, so that none passes for another kind of token (RFC 8725 §3.11). */
export const REFRESH_TOKEN_TYPE = 'rt+jwt'

/** What an authentic refresh token says. Whether it is still good only the store can tell. */
export interface RefreshTokenContent {
  readonly subject: string
  readonly sessionId: string
  readonly generation: number
  /** NumericDate: creation of its session. */
  readonly createdAt: Seconds
  readonly keyId: string
}

/**
 * Signs the refresh token of a session's current generation.
 *
 * Its bytes rest on the session's identity, the generation and the key alone, in this order of members: minted again,
 * on any machine, it is the same token. That is what makes rotation idempotent without keeping a secret.
 */
export const signRefreshToken = (issuer: string, session: Session, key: SigningKey): string => {
  const { id, subject, createdAt, absoluteExpiresAt, state } = session
  const payload = {
    iss: issuer,
    sub: subject,
    sid: id,
    gen: state.generation,
    jti: `${id}.${state.generation}`,
    iat: createdAt,
    exp: absoluteExpiresAt,
  }
  return signJws({ header: { typ: REFRESH_TOKEN_TYPE }, payload, key })
}

const invalid = (detail: string, cause?: unknown): AuthError =>
  new AuthError('refresh_token_invalid', cause === undefined ? { detail } : { detail, cause })

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const read = (claims: JsonObject, issuer: string, keyId: string): RefreshTokenContent => {
  const { iss, sub, sid, gen, jti, iat } = claims
  if (iss !== issuer) throw invalid('iss is not this issuer')
  if (typeof sub !== 'string' || typeof sid !== 'string') throw invalid('sub or sid is not a string')
  if (!isCount(gen) || !isCount(iat)) throw invalid('gen or iat is not a count')
  if (jti !== `${sid}.${gen}`) throw invalid('jti is not that of the generation')
  return { subject: sub, sessionId: sid, generation: gen, createdAt: iat, keyId }
}

/**
 * Verifies that a refresh token is authentic, before any store is touched: a forged one changes nothing. Its times are
 * the store's to judge, on the store's clock.
 *
 * @throws AuthError `refresh_token_invalid`
 */
export const verifyRefreshToken = (
  token: string,
  { issuer, keySet }: { readonly issuer: string; readonly keySet: KeySet },
): RefreshTokenContent => {
  try {
    const { header, claims } = verifyJws(token, keySet)
    if (!isTokenType(header.typ, REFRESH_TOKEN_TYPE)) throw invalid('typ is not that of a refresh token')
    if (header.kid === undefined) throw invalid('kid is missing')
    return read(claims, issuer, header.kid)
  } catch (cause) {
    if (cause instanceof AuthError && cause.code === 'refresh_token_invalid') throw cause
    throw invalid('the signature does not hold', cause)
  }
}
