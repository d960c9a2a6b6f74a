import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { RefreshTokenContent } from '../token/refresh-token.ts'
import type { Session } from './session.ts'

/** Whether a refresh with this token would go well: it is the live one, or was superseded within the grace. */
const isCurrent = (
  { refreshToken: { rotation }, accessToken, now }: Engine<unknown>,
  { state }: Session,
  generation: number,
): boolean => {
  const behind = state.generation - generation
  if (behind <= 0) return true
  const graceEndMs = (state.graceFromMs ?? 0) + rotation.graceMs + accessToken.clockTolerance * 1000
  return behind === 1 && rotation.graceMs > 0 && now() * 1000 <= graceEndMs
}

/**
 * The session of an authentic refresh token, without rotating it.
 *
 * @throws AuthError `token_revoked` where the session has ended, or the token was superseded
 */
export const readRefreshSession = (
  engine: Engine<unknown>,
  { sessionId, subject, createdAt, generation }: RefreshTokenContent,
): MaybePromise<Session> =>
  whenReady(engine.store.sessions.find(sessionId), (session) => {
    if (session === null || session.subject !== subject || session.createdAt !== createdAt) {
      throw new AuthError('token_revoked', { detail: 'the session has ended' })
    }
    if (isCurrent(engine, session, generation)) return session
    throw new AuthError('token_revoked', { detail: 'the refresh token was superseded' })
  })
