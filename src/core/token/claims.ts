import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** The claims of a token that has been accepted: those named here have these types where they are present. */
export interface Claims extends JsonObject {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly sub?: string
  /** NumericDate: seconds since 1970, perhaps with a fraction. */
  readonly exp?: number
  readonly nbf?: number
  readonly iat?: number
  readonly auth_time?: number
  readonly jti?: string
  readonly sid?: string
  readonly client_id?: string
  /** Names with spaces between them (RFC 6749 §3.3). */
  readonly scope?: string
  readonly permissions?: readonly string[]
}

/** What the claims of a token have to be. */
export interface ClaimRules {
  /** Exactly this `iss`. */
  readonly issuer: string
  /** At least one of these in `aud`, exactly; null where any will do. */
  readonly audience: readonly string[] | null
  /** How far the clocks of issuer and verifier may differ. */
  readonly clockTolerance: Seconds
  /** The longest that `exp` may lie after `iat`; null for no limit. */
  readonly maxLifetime: Seconds | null
  /** Claims that have to be there, besides `iss` and `aud`, which always have. */
  readonly required: readonly string[]
  /** Lets a token without `exp` pass for so long after its `iat`; null (default) for never. */
  readonly maxAgeWithoutExpiry?: Seconds | null
  /** Lets a token pass that has expired, for signing out. Default false; all else is judged as ever. */
  readonly allowExpired?: boolean
}

/** 9999-12-31T23:59:59Z. A later date is one in milliseconds, or meant to overflow. */
const LAST_DATE = 253_402_300_799

const MAX_TEXT = 255

const isText = (value: JsonValue): boolean => typeof value === 'string' && value !== '' && value.length <= MAX_TEXT

const isString = (value: JsonValue): boolean => typeof value === 'string'

const isStrings = (value: JsonValue): boolean => Array.isArray(value) && value.every(isString)

const isNumericDate = (value: JsonValue): boolean => typeof value === 'number' && value >= 0 && value <= LAST_DATE

const isAudience = (value: JsonValue): boolean => isString(value) || isStrings(value)

/** The type of each claim that anything here reads. A claim of another type is refused, never converted. */
const CLAIM_TYPES: readonly (readonly [name: string, hasType: (value: JsonValue) => boolean])[] = [
  ['iss', isString],
  ['sub', isText],
  ['aud', isAudience],
  ['exp', isNumericDate],
  ['nbf', isNumericDate],
  ['iat', isNumericDate],
  ['auth_time', isNumericDate],
  ['jti', isText],
  ['sid', isText],
  ['client_id', isText],
  ['scope', isString],
  ['permissions', isStrings],
]

const invalid = (detail: string): AuthError => new AuthError('token_invalid', { detail })

const checkPresence = (claims: JsonObject, { required, maxLifetime, maxAgeWithoutExpiry = null }: ClaimRules): void => {
  // A lifetime cannot be judged without both of its ends.
  const ends = maxLifetime === null ? [] : ['exp', 'iat']
  for (const name of ['iss', 'aud', ...ends, ...required]) {
    if (name === 'exp' && maxAgeWithoutExpiry !== null && Object.hasOwn(claims, 'iat')) continue
    if (!Object.hasOwn(claims, name)) throw invalid(`the claim ${name} is missing`)
  }
}

const checkTypes = (claims: JsonObject): Claims => {
  for (const [name, hasType] of CLAIM_TYPES) {
    const value = claims[name]
    if (value !== undefined && !hasType(value)) throw invalid(`the claim ${name} has the wrong type`)
  }
  // Presence of iss and aud, and the types of all that Claims names, have just been checked.
  return claims as Claims
}

const checkContext = ({ iss, aud }: Claims, { issuer, audience }: ClaimRules): void => {
  if (iss !== issuer) throw invalid('the token is of another issuer')
  if (audience === null) return
  const meant = typeof aud === 'string' ? audience.includes(aud) : aud.some((name) => audience.includes(name))
  if (!meant) throw invalid('the token is for another audience')
}

// Every comparison is written so that a clock that is not a number refuses.
const checkExpiry = ({ exp, iat }: Claims, rules: ClaimRules, now: Seconds): void => {
  const { clockTolerance, maxAgeWithoutExpiry = null, allowExpired = false } = rules
  if (allowExpired) return
  if (exp === undefined) {
    const ends = maxAgeWithoutExpiry === null || iat === undefined ? null : iat + maxAgeWithoutExpiry
    if (ends !== null && !(now < ends)) throw new AuthError('token_expired')
    return
  }
  // "on or after which" the token must not be accepted (RFC 7519 §4.1.4).
  if (!(now < exp + clockTolerance)) throw new AuthError('token_expired')
}

// Here too a clock that is not a number refuses.
const checkTimes = (claims: Claims, rules: ClaimRules, now: Seconds): void => {
  const { exp, nbf, iat } = claims
  const { clockTolerance, maxLifetime } = rules
  if (exp !== undefined && iat !== undefined) {
    if (iat > exp) throw invalid('the token expires before it is issued')
    if (maxLifetime !== null && exp - iat > maxLifetime) throw invalid('the token lives longer than it may')
  }
  for (const start of [nbf, iat]) {
    if (start !== undefined && !(start <= now + clockTolerance)) throw new AuthError('token_not_yet_valid')
  }
  checkExpiry(claims, rules, now)
}

/**
 * Judges the claims of a token whose signature holds: first whether all that are required are there, then their types,
 * then their values (RFC 7519 §4.1, RFC 8725 §3.8 to §3.10, RFC 9068 §4).
 *
 * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid`
 */
export const checkClaims = (claims: JsonObject, rules: ClaimRules, now: Seconds): Claims => {
  checkPresence(claims, rules)
  const typed = checkTypes(claims)
  checkContext(typed, rules)
  checkTimes(typed, rules, now)
  return typed
}
