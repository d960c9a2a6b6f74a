import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import { verifyRefreshToken } from '../token/refresh-token.ts'
import type { RefreshTokenContent } from '../token/refresh-token.ts'
import type { Rotation } from '../../ports/session-store.ts'
import { revokeSession } from './revoke.ts'
import type { Session } from './session.ts'
import { mintPair } from './tokens.ts'
import type { TokenPair } from './tokens.ts'

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

/** Whether the user may still be signed in under what the session was made with. */
const passesGate = async ({ users }: Engine<unknown>, { subject, grant }: Session): Promise<boolean> => {
  if (users === null) return true
  const user = await users.findById(subject)
  if (user === null || !user.active) return false
  return grant.credentialVersion === null || grant.credentialVersion === user.credentialVersion
}

/**
 * Exchanges a refresh token for a new pair.
 *
 * Concurrent and repeated calls with one token get the same refresh token; one older than that ends its whole session,
 * because thief and owner cannot be told apart (RFC 9700 §4.14.2). What fails after the rotation may be tried again
 * within the grace.
 *
 * @throws AuthError `refresh_token_invalid` | `refresh_token_reused` | `hook_failed` | `invalid_scope`
 * @throws StoreError where it is not known whether the token was rotated
 */
export const refresh = async (
  engine: Engine<unknown>,
  token: string,
  { scope }: RefreshOptions = {},
): Promise<TokenPair> => {
  const { issuer, keys, store, refreshToken, revocation } = engine
  const content = verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying })
  const presented = { ...content, nextKeyId: keys.refresh.signing.kid, keyThumbprint: null }
  const rotation = await store.sessions.rotate(presented, { ...refreshToken.rotation, ...revocation })
  const { session, nowMs } = settle(engine, rotation, content)
  if (!(await passesGate(engine, session))) {
    await revokeSession(engine, { sessionId: session.id, subject: session.subject }, 'user_refused')
    throw new AuthError('refresh_token_invalid', { detail: 'the user may not be signed in any more' })
  }
  return mintPair(engine, session, { reason: 'refresh', issuedAt: Math.floor(nowMs / 1000), scope: scope ?? null })
}
