import type { ClaimsContext, Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { newIdentifier } from '../token/identifier.ts'
import { signAccessToken } from '../token/access-token.ts'
import { signRefreshToken } from '../token/refresh-token.ts'
import type { Session } from './session.ts'
import { contentProblems } from './token-content.ts'
import type { TokenContent } from './token-content.ts'

/** An access token and what its holder may know of it. */
export interface AccessToken {
  readonly accessToken: string
  readonly expiresIn: Seconds
  readonly permissions: readonly string[]
}

/** What a sign-in or a refresh gives out. */
export interface TokenPair extends AccessToken {
  readonly refreshToken: string
  readonly session: Session
}

/** How an access token of a session shall differ from the session's grant. */
export interface MintOptions {
  readonly reason: ClaimsContext['reason']
  /** NumericDate of the minting. */
  readonly issuedAt: Seconds
  /** NumericDate of the authentication. Default: that of the session. */
  readonly authTime?: Seconds
  /** Fewer permissions than were granted (RFC 6749 §6), or null for all. */
  readonly scope: readonly string[] | null
}

const askHook = async (engine: Engine<unknown>, context: ClaimsContext): Promise<TokenContent> => {
  if (engine.claimsHook === null) return context
  try {
    const content = { ...context, ...(await engine.claimsHook(context)) }
    const problems = contentProblems(engine, content)
    if (problems.length > 0) throw new ConfigError(problems)
    return content
  } catch (cause) {
    engine.emit({ type: 'failure', at: 'hooks.claims', error: cause })
    throw new AuthError('hook_failed', { cause })
  }
}

const narrow = (engine: Engine<unknown>, granted: readonly string[], scope: readonly string[] | null) => {
  if (scope === null) return granted
  // Under a wildcard a text with a space in it would pass too, and become a second permission.
  const beyond = scope.find((name) => !isPermissionName(name) || !engine.permissions.satisfies(granted, name))
  if (beyond !== undefined)
    throw new AuthError('invalid_scope', { detail: 'a permission was asked that is not granted' })
  return scope
}

/**
 * Signs an access token of a session, from its grant and the claims hook. It never outlives the session.
 *
 * @throws AuthError `hook_failed` | `invalid_scope`
 */
export const mintAccessToken = async (
  engine: Engine<unknown>,
  session: Session,
  { reason, issuedAt, authTime = session.authTime, scope }: MintOptions,
): Promise<AccessToken> => {
  const { id: sessionId, subject, grant, stamp, refreshData } = session
  const { claims, permissions } = await askHook(engine, {
    reason,
    subject,
    sessionId,
    claims: grant.claims,
    permissions: grant.permissions,
    refreshData,
  })
  const expiresAt = Math.min(issuedAt + grant.accessLifetime, session.absoluteExpiresAt)
  const narrowed = narrow(engine, permissions, scope)
  const content = {
    subject,
    tokenId: newIdentifier(subject),
    sessionId,
    audience: grant.audience,
    clientId: grant.clientId,
    issuedAt,
    expiresAt,
    authTime,
    permissions: narrowed,
    stamp,
    claims,
  }
  const accessToken = signAccessToken(engine.issuer, content, engine.keys.signing)
  return { accessToken, expiresIn: expiresAt - issuedAt, permissions: narrowed }
}

/** Signs both tokens of a session; the refresh token is that of its current generation. */
export const mintPair = async (engine: Engine<unknown>, session: Session, options: MintOptions): Promise<TokenPair> => {
  const access = await mintAccessToken(engine, session, options)
  const key = engine.keys.refresh.signingFor(session.state.refreshKeyId)
  return { ...access, refreshToken: signRefreshToken(engine.issuer, session, key), session }
}
