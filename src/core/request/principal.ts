import type { Seconds } from '../duration.ts'
import { AuthError } from '../errors.ts'
import type { Engine } from '../engine.ts'
import type { Stamp } from '../session/session.ts'
import type { AccessTokenContent } from '../token/access-token.ts'

/** The verified caller of a request. */
export interface Principal<Claims, P extends string = string> {
  readonly subject: string
  readonly tokenId: string
  /** The session that the token belongs to, or null for a token issued alone. */
  readonly sessionId: string | null
  readonly clientId: string
  /** As granted. */
  readonly permissions: readonly string[]
  /** Whether the caller holds a permission, or one that includes it. */
  can(permission: P): boolean
  /** Custom claims, as the schema gives them out. */
  readonly claims: Claims
  /** NumericDates. */
  readonly issuedAt: Seconds
  readonly expiresAt: Seconds
  readonly authTime: Seconds | null
  /** The revocation epochs under which the token was made. */
  readonly stamp: Stamp
}

/** @throws AuthError `token_invalid` where the custom claims do not fit their schema */
export const toPrincipal = <Claims, P extends string>(
  engine: Engine<Claims>,
  content: AccessTokenContent,
): Principal<Claims, P> => {
  const read = engine.readClaims(content.claims)
  if ('problem' in read) throw new AuthError('token_invalid', { detail: `custom claims: ${read.problem}` })
  const { permissions } = content
  // Member by member: every request passes here, and a spread took a third of the whole guard (12.8 µs to 8.4 µs).
  return {
    subject: content.subject,
    tokenId: content.tokenId,
    sessionId: content.sessionId,
    clientId: content.clientId,
    permissions,
    can: (permission) => engine.permissions.satisfies(permissions, permission),
    claims: read.claims,
    issuedAt: content.issuedAt,
    expiresAt: content.expiresAt,
    authTime: content.authTime,
    stamp: content.stamp,
  }
}
