import type { Engine } from '../engine.ts'
import { AuthError, StoreError } from '../errors.ts'
import { verifyRefreshToken } from '../token/refresh-token.ts'
import type { RefreshTokenContent } from '../token/refresh-token.ts'
import type { Rotation } from '../../ports/session-store.ts'
import type { User } from '../../ports/user-directory.ts'
import { revokeSession } from './revoke.ts'
import type { Session } from './session.ts'
import { draftAccessToken, earlierThan, mintPair } from './tokens.ts'
import type { Draft, TokenPair } from './tokens.ts'

export interface RefreshOptions {
  /** Fewer permissions than were granted (RFC 6749 §6). Default: all. */
  readonly scope?: readonly string[]
}

const EVENTS = {
  rotated: 'session.refreshed',
  replayed: 'refresh.replayed',
  replayed_late: 'refresh.replayed_late',
  recovered: 'refresh.recovered',
  reused: 'refresh.reused',
} as const

/** Tells of the outcome and refuses what is refused; the caller is told the same for all of it. */
const settle = (
  { emit }: Engine<unknown>,
  rotation: Rotation,
  { subject, sessionId, generation }: RefreshTokenContent,
) => {
  if (!('session' in rotation))
    throw new AuthError('refresh_token_invalid', { detail: `the session is ${rotation.outcome}` })
  emit({ type: EVENTS[rotation.outcome], subject, sessionId, generation })
  if (rotation.outcome !== 'reused') return rotation
  emit({ type: 'session.ended', subject, sessionId, reason: 'reused' })
  throw new AuthError('refresh_token_reused', { detail: 'a superseded refresh token was presented' })
}

/** Ends the session of a user who may not be signed in any more. */
const refuseUser = async (engine: Engine<unknown>, subject: string, sessionId: string): Promise<never> => {
  await revokeSession(engine, { sessionId, subject }, 'user_refused')
  throw new AuthError('refresh_token_invalid', { detail: 'the user may not be signed in any more' })
}

/** The user of a token, active; null where no directory is configured. */
const readUser = async (engine: Engine<unknown>, content: RefreshTokenContent): Promise<User | null> => {
  if (engine.users === null) return null
  const user = (await engine.users.findById(content.subject)) ?? null
  return user?.active === true ? user : refuseUser(engine, content.subject, content.sessionId)
}

/** Whether the session was made under the credentials of today. Those of tomorrow mean that the directory lags behind. */
const checkCredentials = async (engine: Engine<unknown>, session: Session, user: User | null): Promise<void> => {
  const { credentialVersion } = session.grant
  if (user === null || credentialVersion === null || credentialVersion === user.credentialVersion) return
  if (credentialVersion < user.credentialVersion) await refuseUser(engine, session.subject, session.id)
  throw new StoreError('reading the user', new Error('the directory is behind the session'))
}

/** What a refreshed access token carries. What the user has lost since sign-in, the session has lost too. */
const contentOf = async (
  engine: Engine<unknown>,
  session: Session,
  user: User | null,
  scope: readonly string[] | null,
): Promise<Draft> => {
  const held = user !== null && session.grant.credentialVersion !== null ? user.permissions : null
  return draftAccessToken(engine, session, { reason: 'refresh', scope, held, ceiling: null })
}

/** Whether anything besides the store can fail at a refresh, so that it must be asked before the rotation. */
const mayFail = (
  { users, hooks, hasClaimsSchema, trackTokens }: Engine<unknown>,
  scope: readonly string[] | null,
): boolean => {
  const hasHook = hooks.claims !== null || hooks.headers !== null || hooks.signingKey !== null
  return users !== null || hasHook || hasClaimsSchema || trackTokens === 'all' || scope !== null
}

/** How far the clocks of this process and of the store may be apart here. */
const CLOCKS_APART_MS = 300_000

/**
 * Whether a token looks superseded beyond any replay. Of such nothing is asked before the store has judged it: a hook
 * that fails, or a scope that is refused, must not keep a reuse from being found.
 */
const looksReused = (
  { refreshToken: { rotation }, now }: Engine<unknown>,
  { state }: Session,
  { generation }: RefreshTokenContent,
): boolean => {
  const generationsBehind = state.generation - generation
  if (generationsBehind !== 1) return generationsBehind > 1
  const graceEndMs = (state.graceFromMs ?? state.rotatedAtMs) + rotation.graceMs
  return state.lateReplays >= rotation.lateReplays && now() * 1000 > graceEndMs + CLOCKS_APART_MS
}

/**
 * Finds out before the rotation whether the refresh can be answered after it. Null where nothing can fail, or the store
 * has to judge first.
 */
const foresee = async (
  engine: Engine<unknown>,
  content: RefreshTokenContent,
  user: User | null,
  scope: readonly string[] | null,
): Promise<Draft | null> => {
  if (!mayFail(engine, scope)) return null
  const session = await engine.store.sessions.find(content.sessionId)
  if (session === null || looksReused(engine, session, content)) return null
  await checkCredentials(engine, session, user)
  // A replay is signed with the key of its generation: without it there is no answer, and nothing may be spent on one.
  if (session.state.generation > content.generation) engine.keys.refresh.signingFor(session.state.refreshKeyId)
  return contentOf(engine, session, user, scope)
}

/**
 * Exchanges a refresh token for a new pair.
 *
 * Concurrent and repeated calls with one token get the same refresh token; one older than that ends its whole session,
 * because thief and owner cannot be told apart (RFC 9700 §4.14.2). Whatever may fail for a while (the directory, the
 * claims hook) is asked before the rotation: an outage must not spend a token that then looks stolen.
 *
 * @throws AuthError `refresh_token_invalid` | `refresh_token_reused` | `hook_failed` | `invalid_scope`
 * @throws StoreError where it is not known whether the token was rotated
 */
export const refresh = async (
  engine: Engine<unknown>,
  token: string,
  { scope = null }: { readonly scope?: readonly string[] | null } = {},
): Promise<TokenPair> => {
  const { issuer, keys, store, refreshToken, revocation } = engine
  const content = verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying })
  const user = await readUser(engine, content)
  const foreseen = await foresee(engine, content, user, scope)
  const presented = { ...content, nextKeyId: keys.refresh.signing.kid, keyThumbprint: null }
  const rotation = await store.sessions.rotate(presented, { ...refreshToken.rotation, ...revocation })
  const { session, nowMs } = settle(engine, rotation, content)
  if (foreseen === null) await checkCredentials(engine, session, user)
  const tokenContent = foreseen ?? (await contentOf(engine, session, user, scope))
  const issuedAt = Math.floor(nowMs / 1000)
  return mintPair(engine, session, tokenContent, { issuedAt, authTime: earlierThan(issuedAt, session.authTime) })
}
