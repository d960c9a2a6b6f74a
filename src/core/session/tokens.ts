import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { ClaimsContext, ClaimsHook } from '../hooks.ts'
import type { Seconds } from '../duration.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { accessCookieRoom } from '../request/token-cookies.ts'
import { accessTokenBytes, signAccessToken } from '../token/access-token.ts'
import { newIdentifier } from '../token/identifier.ts'
import { isSigningKey } from '../token/keys.ts'
import type { SigningKey } from '../token/keys.ts'
import { signRefreshToken } from '../token/refresh-token.ts'
import { unknownKeys } from '../unknown-keys.ts'
import type { Session } from './session.ts'
import { contentProblems, headerProblems } from './token-content.ts'
import type { TokenContent } from './token-content.ts'
import { recordAccessToken } from './tracking.ts'

/** A signed access token and what its holder may know of it. */
export interface SignedToken {
  readonly accessToken: string
  /** `jti`. */
  readonly tokenId: string
  /** Null for a token without a session. */
  readonly sessionId: string | null
  /** Null for a token that never expires by itself. */
  readonly expiresIn: Seconds | null
  readonly permissions: readonly string[]
}

/** An access token of a session, which always expires. */
export interface AccessToken extends SignedToken {
  readonly expiresIn: Seconds
}

/** What a sign-in or a refresh gives out. */
export interface TokenPair extends AccessToken {
  readonly refreshToken: string
  readonly session: Session
}

/** What of a session its tokens are made from; it stands before the session does. */
export type SessionDraft = Pick<Session, 'subject' | 'grant' | 'refreshData' | 'stamp'> & {
  /** Null for a token without a session. */
  readonly id: string | null
}

/** How the content of an access token shall differ from what its session was granted. */
export interface ContentOptions {
  readonly reason: ClaimsContext['reason']
  /** Fewer permissions than were granted (RFC 6749 §6), or null for all. */
  readonly scope: readonly string[] | null
  /** What the user holds today: nothing of the grant counts beyond it. Null where no directory is in play. */
  readonly held: readonly string[] | null
  /** What the caller's own token holds: the answer goes beyond it in no case. Null where there is none. */
  readonly ceiling: readonly string[] | null
  /** Default false. */
  readonly neverExpires?: boolean
}

/** An access token that only needs to be signed: all that can fail is behind it. */
export interface Draft extends TokenContent {
  readonly tokenId: string
  readonly key: SigningKey
}

/** What a content is refused with that the configuration of today cannot carry. */
const MISFIT = {
  signin: 'hook_failed',
  // To be tried again: a schema that a deploy made stricter must not log everybody out.
  refresh: 'hook_failed',
  reauthentication: 'token_invalid',
  alone: 'hook_failed',
} as const

/** What a hook answers, checked. What it refuses with stands; whatever else it throws is told to the operator. */
const ask = async <T>(engine: Engine<unknown>, at: string, hook: () => Promise<T>): Promise<T> => {
  try {
    return await hook()
  } catch (cause) {
    if (cause instanceof AuthError) throw cause
    engine.emit({ type: 'failure', at, error: cause })
    throw new AuthError('hook_failed', { cause, detail: at })
  }
}

const check = (engine: Engine<unknown>, content: TokenContent): TokenContent => {
  const problems = contentProblems(engine, content)
  if (problems.length > 0) throw new ConfigError(problems)
  return content
}

/** What a hook leaves out stays, be it absent or undefined; what it misspells would stay by mistake. */
const readAnswer = (answer: Awaited<ReturnType<ClaimsHook>>, given: TokenContent): TokenContent => {
  const object: unknown = answer
  if (typeof object !== 'object' || object === null) throw new Error('it returned no object')
  const problems = unknownKeys('', answer, ['claims', 'permissions'])
  if (problems.length > 0) throw new ConfigError(problems)
  return { claims: answer.claims ?? given.claims, permissions: answer.permissions ?? given.permissions, headers: {} }
}

const askClaims = async (engine: Engine<unknown>, context: ClaimsContext): Promise<TokenContent> => {
  const { claims, permissions } = context
  const given = { claims, permissions, headers: {} }
  const hook = engine.hooks.claims
  if (hook === null) return given
  return ask(engine, 'hooks.claims', async () => check(engine, readAnswer(await hook(context), given)))
}

/** What was given to the sign-in itself stands above what the hook adds to every token. */
const askHeaders = async (engine: Engine<unknown>, context: ClaimsContext, own: TokenContent['headers']) => {
  const hook = engine.hooks.headers
  if (hook === null) return own
  return ask(engine, 'hooks.headers', async () => {
    const headers = { ...(await hook(context)), ...own }
    const problems = headerProblems(headers)
    if (problems.length > 0) throw new ConfigError(problems)
    return headers
  })
}

const askKey = async (engine: Engine<unknown>, context: ClaimsContext): Promise<SigningKey> => {
  const { keys, hooks } = engine
  const hook = hooks.signingKey
  if (hook === null) return keys.signing
  return ask(engine, 'hooks.signingKey', async () => {
    const keyId = await hook(context)
    if (keyId === null) return keys.signing
    const key = keys.verifying.keys.find(({ kid }) => kid === keyId)
    if (key === undefined || !isSigningKey(key))
      throw new Error('it named a key that keys does not hold, or cannot sign')
    return key
  })
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
  const kept = [
    ...granted.filter((name) => rules.satisfies(limit, name)),
    ...limit.filter((name) => rules.satisfies(granted, name)),
  ]
  // Two roles may overlap without one holding the other: what both lead to stays.
  const shared = [
    ...rules.expand(granted).filter((name) => rules.satisfies(limit, name)),
    ...rules.expand(limit).filter((name) => rules.satisfies(granted, name)),
  ]
  return [...new Set([...kept, ...shared.filter((name) => !rules.satisfies(kept, name))])]
}

/** The longest that an access token may get: beyond it no guard would take it, or no browser keep it. */
const roomFor = (engine: Engine<unknown>): number => {
  const { maxBytes } = engine.accessToken.limits
  return engine.transport.usesCookies ? Math.min(maxBytes, accessCookieRoom(engine)) : maxBytes
}

const sizeProblems = (engine: Engine<unknown>, draft: SessionDraft, content: Omit<Draft, 'tokenId'>) => {
  const { subject, grant } = draft
  const id = draft.id ?? newIdentifier(subject)
  if (accessTokenBytes(engine, { ...grant, ...content, id, subject }) <= roomFor(engine)) return []
  const problem = engine.transport.usesCookies
    ? 'make a token longer than accessToken.maxBytes or than a cookie may be'
    : 'make a token longer than accessToken.maxBytes, which no guard would accept'
  return [{ path: 'claims', problem }]
}

/**
 * Finds out what an access token will carry. Everything that can fail in the making of tokens fails here, so that it
 * can be asked before anything is written.
 *
 * @throws AuthError `hook_failed` | `invalid_scope`, or what says that the grant no longer fits the configuration
 * @throws StoreError where the token could not be entered in the register
 */
export const draftAccessToken = async (
  engine: Engine<unknown>,
  session: SessionDraft,
  { reason, scope, held, ceiling, neverExpires = false }: ContentOptions,
): Promise<Draft> => {
  const { id, subject, grant, refreshData } = session
  const permissions = common(engine, grant.permissions, held)
  const context = { reason, subject, sessionId: id, claims: grant.claims, permissions, refreshData }
  const answer = await askClaims(engine, context)
  const content = {
    claims: answer.claims,
    permissions: narrowPermissions(engine, common(engine, answer.permissions, ceiling), scope),
    headers: await askHeaders(engine, context, grant.headers ?? {}),
    key: await askKey(engine, context),
  }
  const misfits = contentProblems(engine, content)
  const problems = misfits.length > 0 ? misfits : sizeProblems(engine, session, content)
  if (problems.length > 0) {
    const error = new ConfigError(problems)
    engine.emit({ type: 'failure', at: 'the content of an access token', error })
    throw new AuthError(MISFIT[reason], { cause: error, detail: error.message })
  }
  const tokenId = newIdentifier(subject)
  await recordAccessToken(engine, session, tokenId, { never: neverExpires })
  return { ...content, tokenId }
}

/** When an access token is made, and since when its holder counts as authenticated. */
export interface Moment {
  /** NumericDate of the minting. */
  readonly issuedAt: Seconds
  /** NumericDate of the authentication, or null for a token that is never fresh. Default: that of the session. */
  readonly authTime?: Seconds | null
}

/** How long an access token of a grant lives. What was not asked for at sign-in is as configured today. */
export const accessLifetimeOf = ({ accessToken }: Engine<unknown>, { grant }: Pick<Session, 'grant'>): Seconds =>
  Math.min(grant.accessLifetime ?? accessToken.lifetime, accessToken.longestLifetime)

/**
 * When the holder of a token that no authentication has minted counts as authenticated. Where a token is refreshed in the
 * very second of its sign-in, `auth_time` is put a second back: of the two only the first was minted by the sign-in itself.
 */
export const earlierThan = (issuedAt: Seconds, authTime: Seconds | null): Seconds | null =>
  authTime === null ? null : Math.min(authTime, issuedAt - 1)

/** Signs an access token of a session. */
export const mintAccessToken = (
  engine: Engine<unknown>,
  session: Session,
  { claims, permissions, headers, tokenId, key }: Draft,
  { issuedAt, authTime = session.authTime }: Moment,
): AccessToken => {
  const { id: sessionId, subject, grant, stamp } = session
  // It never outlives the session.
  const expiresAt = Math.min(issuedAt + accessLifetimeOf(engine, session), session.absoluteExpiresAt)
  const content = {
    subject,
    tokenId,
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
  const accessToken = signAccessToken(engine.issuer, content, key, headers)
  return { accessToken, tokenId, sessionId, expiresIn: expiresAt - issuedAt, permissions }
}

/**
 * Signs both tokens of a session; the refresh token is that of its current generation.
 *
 * @throws StoreError where this process does not hold the key of the generation
 */
export const mintPair = (engine: Engine<unknown>, session: Session, draft: Draft, moment: Moment): TokenPair => {
  const key = engine.keys.refresh.signingFor(session.state.refreshKeyId)
  const refreshToken = signRefreshToken(engine.issuer, session, key)
  return { ...mintAccessToken(engine, session, draft, moment), refreshToken, session }
}
