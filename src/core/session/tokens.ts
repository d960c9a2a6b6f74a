import type { ClaimsContext, Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { accessTokenBytes, signAccessToken } from '../token/access-token.ts'
import { newIdentifier } from '../token/identifier.ts'
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

/** What of a session its tokens are made from; it stands before the session does. */
export type SessionDraft = Pick<Session, 'id' | 'subject' | 'grant' | 'refreshData'>

/** How the content of an access token shall differ from what its session was granted. */
export interface ContentOptions {
  readonly reason: ClaimsContext['reason']
  /** Fewer permissions than were granted (RFC 6749 §6), or null for all. */
  readonly scope: readonly string[] | null
  /** What the user holds today: nothing of the grant counts beyond it. Null where no directory is in play. */
  readonly held: readonly string[] | null
  /** What the caller's own token holds: the answer goes beyond it in no case. Null where there is none. */
  readonly ceiling: readonly string[] | null
}

/** What a content is refused with that the configuration of today cannot carry. */
const MISFIT = {
  signin: 'hook_failed',
  // To be tried again: a schema that a deploy made stricter must not log everybody out.
  refresh: 'hook_failed',
  reauthentication: 'token_invalid',
} as const

const askHook = async (engine: Engine<unknown>, context: ClaimsContext): Promise<TokenContent> => {
  const { claimsHook } = engine
  if (claimsHook === null) return context
  try {
    const content = { ...context, ...(await claimsHook(context)) }
    const problems = contentProblems(engine, content)
    if (problems.length > 0) throw new ConfigError(problems)
    return content
  } catch (cause) {
    engine.emit({ type: 'failure', at: 'hooks.claims', error: cause })
    throw new AuthError('hook_failed', { cause })
  }
}

/**
 * Fewer permissions, as a client asks for.
 *
 * @throws AuthError `invalid_scope`
 */
export const narrowPermissions = (
  { permissions: rules }: Pick<Engine<unknown>, 'permissions'>,
  granted: readonly string[],
  scope: readonly string[] | null,
): readonly string[] => {
  if (scope === null) return granted
  // Under a wildcard a text with a space in it would pass too, and become a second permission.
  const beyond = scope.find((name) => !isPermissionName(name) || !rules.satisfies(granted, name))
  if (beyond === undefined) return scope
  throw new AuthError('invalid_scope', { detail: 'a permission was asked that is not granted' })
}

/** What two sets of permissions have in common: of a wildcard what the other side still has of it. */
const common = (
  { permissions: rules }: Engine<unknown>,
  granted: readonly string[],
  limit: readonly string[] | null,
): readonly string[] => {
  if (limit === null) return granted
  const kept = granted.filter((name) => rules.satisfies(limit, name))
  return [...new Set([...kept, ...limit.filter((name) => rules.satisfies(granted, name))])]
}

/**
 * Finds out what an access token will carry. Everything that can fail in the making of tokens fails here, so that it
 * can be asked before anything is written.
 *
 * @throws AuthError `hook_failed` | `invalid_scope`, or what says that the grant no longer fits the configuration
 */
export const resolveContent = async (
  engine: Engine<unknown>,
  { id, subject, grant, refreshData }: SessionDraft,
  { reason, scope, held, ceiling }: ContentOptions,
): Promise<TokenContent> => {
  const permissions = common(engine, grant.permissions, held)
  const context = { reason, subject, sessionId: id, claims: grant.claims, permissions, refreshData }
  const answer = await askHook(engine, context)
  const content = {
    claims: answer.claims,
    permissions: narrowPermissions(engine, common(engine, answer.permissions, ceiling), scope),
  }
  const isTooLong = accessTokenBytes(engine, { ...grant, ...content, id, subject }) > engine.accessToken.limits.maxBytes
  const problems = isTooLong
    ? [{ path: 'claims', problem: `make a token longer than accessToken.maxBytes, which no guard would accept` }]
    : contentProblems(engine, content)
  if (problems.length === 0) return content
  const error = new ConfigError(problems)
  engine.emit({ type: 'failure', at: 'the content of an access token', error })
  throw new AuthError(MISFIT[reason], { cause: error, detail: error.message })
}

/** When an access token is made, and since when its holder counts as authenticated. */
export interface Moment {
  /** NumericDate of the minting. */
  readonly issuedAt: Seconds
  /** NumericDate of the authentication. Default: that of the session. */
  readonly authTime?: Seconds
}

/** Signs an access token of a session. What was not asked for at sign-in is as configured today. */
export const mintAccessToken = (
  engine: Engine<unknown>,
  session: Session,
  { claims, permissions }: TokenContent,
  { issuedAt, authTime = session.authTime }: Moment,
): AccessToken => {
  const { id: sessionId, subject, grant, stamp } = session
  const lifetime = Math.min(grant.accessLifetime ?? engine.accessToken.lifetime, engine.accessToken.longestLifetime)
  // It never outlives the session.
  const expiresAt = Math.min(issuedAt + lifetime, session.absoluteExpiresAt)
  const content = {
    subject,
    tokenId: newIdentifier(subject),
    sessionId,
    audience: grant.audience ?? engine.audience,
    clientId: grant.clientId ?? engine.clientId,
    issuedAt,
    expiresAt,
    authTime,
    permissions,
    stamp,
    claims,
  }
  const accessToken = signAccessToken(engine.issuer, content, engine.keys.signing)
  return { accessToken, expiresIn: expiresAt - issuedAt, permissions }
}

/**
 * Signs both tokens of a session; the refresh token is that of its current generation.
 *
 * @throws StoreError where this process does not hold the key of the generation
 */
export const mintPair = (
  engine: Engine<unknown>,
  session: Session,
  content: TokenContent,
  moment: Moment,
): TokenPair => {
  const key = engine.keys.refresh.signingFor(session.state.refreshKeyId)
  const refreshToken = signRefreshToken(engine.issuer, session, key)
  return { ...mintAccessToken(engine, session, content, moment), refreshToken, session }
}
