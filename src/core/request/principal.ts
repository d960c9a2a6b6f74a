import type { Seconds } from '../duration.ts'
import { AuthError } from '../errors.ts'
import type { Engine } from '../engine.ts'
import type { BoundPermission } from '../permission/permission-rules.ts'
import type { Stamp } from '../session/session.ts'
import type { JsonObject } from '../token/json.ts'
import type { User } from '../../ports/user-directory.ts'
import type { Location, TokenKind } from './locations.ts'

/** The verified caller of a request. */
export interface Principal<Claims, P extends string = string> {
  readonly subject: string
  readonly tokenId: string
  /** A refresh token only where a route asks for one. */
  readonly tokenKind: TokenKind
  /** Where the token was found; null where it was handed over by itself. */
  readonly location: Location | null
  /** The session that the token belongs to, or null for a token issued alone. */
  readonly sessionId: string | null
  /** `iss`: tells realms apart. */
  readonly issuer: string
  readonly clientId: string
  /** As granted. */
  readonly permissions: readonly string[]
  /** Whether the caller holds a permission, or one that includes it. */
  can(permission: BoundPermission<P>): boolean
  /** Custom claims, as the schema gives them out. */
  readonly claims: Claims
  /** The user, where the route asks for `user`; null elsewhere. */
  readonly user: User | null
  /** NumericDates. */
  readonly issuedAt: Seconds
  /** Null for a token that never expires by itself. */
  readonly expiresAt: Seconds | null
  readonly authTime: Seconds | null
  /** The revocation epochs under which the token was made. */
  readonly stamp: Stamp
}

/** What of a principal a token says. */
export interface PrincipalContent {
  readonly subject: string
  readonly tokenId: string
  readonly sessionId: string | null
  readonly clientId: string
  readonly permissions: readonly string[]
  readonly claims: JsonObject
  readonly issuedAt: Seconds
  readonly expiresAt: Seconds | null
  readonly authTime: Seconds | null
  readonly stamp: Stamp
}

/** How a token came. */
export interface Arrival {
  readonly tokenKind: TokenKind
  readonly location: Location | null
}

/** @throws AuthError `token_invalid` where the custom claims do not fit their schema */
export const toPrincipal = <Claims, P extends string>(
  engine: Engine<Claims>,
  content: PrincipalContent,
  { tokenKind, location }: Arrival,
): Principal<Claims, P> => {
  const read = engine.readClaims(content.claims)
  if ('problem' in read) throw new AuthError('token_invalid', { detail: `custom claims: ${read.problem}` })
  const { permissions } = content
  // Member by member: every request passes here, and a spread took a third of the whole guard (12.8 µs to 8.4 µs).
  return {
    subject: content.subject,
    tokenId: content.tokenId,
    tokenKind,
    location,
    sessionId: content.sessionId,
    issuer: engine.issuer,
    clientId: content.clientId,
    permissions,
    can: (permission) => engine.permissions.satisfies(permissions, permission),
    claims: read.claims,
    user: null,
    issuedAt: content.issuedAt,
    expiresAt: content.expiresAt,
    authTime: content.authTime,
    stamp: content.stamp,
  }
}
