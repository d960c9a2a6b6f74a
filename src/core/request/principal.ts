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
  { claims, audience: _audience, ...content }: AccessTokenContent,
): Principal<Claims, P> => {
  const read = engine.readClaims(claims)
  if ('problem' in read) throw new AuthError('token_invalid', { detail: `custom claims: ${read.problem}` })
  const { permissions } = content
  const can = (permission: P): boolean => engine.permissions.satisfies(permissions, permission)
  return { ...content, can, claims: read.claims }
}
