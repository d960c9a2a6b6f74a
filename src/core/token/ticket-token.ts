import { hkdfSync } from 'node:crypto'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { PrincipalContent } from '../request/principal.ts'
import type { JsonObject } from './json.ts'
import { signJws } from './jws.ts'
import type { TokenLimits } from './jws.ts'
import { createKeySet } from './key-set.ts'
import type { PurposeKeys } from './key-ring.ts'
import type { SigningKey, VerificationKey } from './keys.ts'
import { secretKey } from './secret.ts'
import { verifyToken } from './verify-token.ts'

/** Media type of a ticket's header; ours, so that none passes for another kind of token (RFC 8725 §3.11). */
export const TICKET_TYPE = 'ticket+jwt'

/** The longest that a ticket lives. */
export const TICKET_LIFETIME: Seconds = 30

/** What a ticket says. */
export interface TicketContent {
  /** `jti`; spent with the ticket. */
  readonly id: string
  /** Whom the service that issued it takes tokens for. */
  readonly audience: readonly string[]
  readonly issuedAt: Seconds
  readonly expiresAt: Seconds
  /** What the access token said for which it was issued. */
  readonly token: PrincipalContent
}

const derive = ({ keyObject }: VerificationKey): SigningKey =>
  secretKey(new Uint8Array(hkdfSync('sha256', keyObject.export(), '', 'jotward ticket', 32)), 'HS256')

/** A secret of their own, derived from each that signs refresh tokens, and retired with it. */
export const createTicketKeys = ({ signing, verifying }: PurposeKeys): PurposeKeys => {
  const result = createKeySet(verifying.keys.map(derive))
  // One secret gives one key, so that what was distinct stays so.
  if ('problems' in result) throw new ConfigError(result.problems)
  return { signing: derive(signing), verifying: result.keySet }
}

/** Claims in a place of their own, where they cannot take another's. */
const tokenMember = ({ stamp, ...content }: PrincipalContent): JsonObject => ({
  ...content,
  stamp: { subject: stamp.subject, global: stamp.global },
})

/** Signs a ticket. What its token said is one member: nothing of the one is taken for the other's. */
export const signTicket = (issuer: string, content: TicketContent, key: SigningKey): string => {
  const { id, audience, issuedAt, expiresAt, token } = content
  const payload = {
    iss: issuer,
    sub: token.subject,
    aud: audience,
    iat: issuedAt,
    exp: expiresAt,
    jti: id,
    token: tokenMember(token),
  }
  return signJws({ header: { typ: TICKET_TYPE }, payload, key })
}

/** What a ticket is held to. */
export interface TicketRules {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly clockTolerance: Seconds
  readonly limits: TokenLimits
}

const isSameAudience = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name) => other.includes(name))

/**
 * Verifies a ticket. Whether it was used before, and what has become of its token, the store must tell.
 *
 * @throws AuthError `token_invalid` | `wrong_token_type` | `token_expired` | `token_not_yet_valid`
 */
export const verifyTicket = (
  ticket: string,
  { issuer, audience, clockTolerance, limits }: TicketRules,
  { keys, now }: { readonly keys: PurposeKeys; readonly now: Seconds },
): TicketContent => {
  const rules = { issuer, audience: null, clockTolerance, maxLifetime: TICKET_LIFETIME, required: ['sub', 'jti'] }
  const { claims } = verifyToken(ticket, { keySet: keys.verifying, typ: TICKET_TYPE, rules, limits }, now)
  // Nothing but `signTicket` signs this type under these keys, so the payload is what it has made.
  const { aud, iat, exp, jti, token } = claims as unknown as {
    readonly aud: readonly string[]
    readonly iat: Seconds
    readonly exp: Seconds
    readonly jti: string
    readonly token: PrincipalContent
  }
  // A service of another audience would let in whom it does not know to be meant for it.
  if (!isSameAudience(aud, audience)) {
    throw new AuthError('token_invalid', { detail: 'the ticket is of a service of another audience' })
  }
  return { id: jti, audience: aud, issuedAt: iat, expiresAt: exp, token }
}
