import type { Engine } from '../engine.ts'
import type { Seconds } from '../duration.ts'
import { AuthError } from '../errors.ts'
import { verifyWithHook } from '../request/authenticate.ts'
import { verifyRefreshToken } from '../token/refresh-token.ts'
import type { RevocableToken } from './revocation-set.ts'
import type { EndReason } from './session.ts'
import { checkSubject, isName } from './subject.ts'

/** The grains of revocation: one token, one session, one subject, everything. Each returns once it is durable. */

/** How long the revocation of one token is kept: one that never expires by itself is accepted for longer than any other. */
export const tokenRetention = ({ revocation, accessToken }: Engine<unknown>): Seconds =>
  Math.max(revocation.retention, (accessToken.maxAgeWithoutExpiry ?? 0) + 301)

/** No store could keep another, so that asking it for one would fail again and again. */
const checkIdentifier = (id: string): void => {
  if (!isName(id)) throw new AuthError('not_found', { detail: 'it is no identifier of ours' })
}

/** The session of a refresh token by its `jti`, `sid.generation`; null for any other token. */
export const sessionOfRefreshToken = (tokenId: string): string | null => /^([^.]+)\.\d+$/.exec(tokenId)?.[1] ?? null

/**
 * Revokes an access token by itself, and a refresh token with its session (RFC 7009 §2.1): nobody would ask for the
 * one token of a family.
 *
 * @throws AuthError `not_found` where the session is another subject's, or the identifier none that could be ours
 */
export const revokeToken = async (
  engine: Engine<unknown>,
  { tokenId, subject }: { readonly tokenId: string; readonly subject: string },
): Promise<void> => {
  checkIdentifier(tokenId)
  const { store, emit } = engine
  const sessionId = sessionOfRefreshToken(tokenId)
  // The id itself is entered all the same: it might be that of an access token from elsewhere.
  if (sessionId !== null) await revokeSession(engine, { sessionId, subject })
  await store.revocations.setToken({ tokenId, subject, revoked: true, retention: tokenRetention(engine) })
  emit({ type: 'token.revoked', subject, tokenId })
}

/** @throws AuthError `not_found` where the session is another subject's, or the identifier none that could be ours */
export const revokeSession = async (
  { store, revocation, emit }: Engine<unknown>,
  { sessionId, subject }: { readonly sessionId: string; readonly subject: string },
  reason: EndReason = 'revoked',
): Promise<void> => {
  checkIdentifier(sessionId)
  const ending = await store.sessions.end({ id: sessionId, subject, reason }, revocation)
  if (ending === 'foreign') throw new AuthError('not_found', { detail: `session ${sessionId} is of another subject` })
  if (ending === 'ended') emit({ type: 'session.ended', subject, sessionId, reason })
}

/**
 * Ends every session and access token that the subject has at this moment.
 *
 * @throws ConfigError for what cannot be a subject: null, by mistake, would end everybody's
 */
export const revokeSubject = async ({ store, emit }: Engine<unknown>, subject: string): Promise<void> => {
  checkSubject(subject)
  await store.revocations.bump(subject)
  emit({ type: 'subject.revoked', subject })
}

/** Ends every session and access token of everybody: for incidents, and after a backup was restored. */
export const revokeEverything = async ({ store, emit }: Engine<unknown>): Promise<void> => {
  await store.revocations.bump(null)
  emit({ type: 'everything.revoked' })
}

type Bearer = Pick<RevocableToken, 'subject' | 'sessionId'> & { readonly access: RevocableToken | null }

/** Who signs out: by an access token, expired or not, or by a refresh token. */
const identify = async (engine: Engine<unknown>, token: string): Promise<Bearer> => {
  try {
    const { content: access } = await verifyWithHook(engine, token, { isForSignOut: true })
    return { subject: access.subject, sessionId: access.sessionId, access }
  } catch (failure) {
    try {
      const { issuer, keys } = engine
      const { subject, sessionId } = verifyRefreshToken(token, { issuer, keySet: keys.refresh.verifying })
      return { subject, sessionId, access: null }
    } catch {
      // The hook that chooses keys failed, or neither kind of token it was.
      throw failure
    }
  }
}

/**
 * Ends the session that a token belongs to, so that both of its tokens are refused from then on. The token may be an
 * access token, expired or not, or a refresh token; doing it again changes nothing.
 *
 * @throws AuthError `token_invalid` | `token_not_yet_valid` | `wrong_token_type`
 * @throws StoreError where it is not known whether it was done
 */
export const signOut = async (engine: Engine<unknown>, token: string): Promise<void> => {
  const { subject, sessionId, access } = await identify(engine, token)
  if (sessionId !== null) await revokeSession(engine, { sessionId, subject }, 'signout')
  else if (access !== null) await revokeToken(engine, access)
}

/**
 * Ends every session of the subject to whom a token belongs. Unlike `signOut` it asks for a token of a session that
 * still lives, so that a stolen token of an ended one can disturb nobody.
 *
 * @throws AuthError as `signOut`, and `token_revoked`
 * @throws StoreError where it is not known whether it was done
 */
export const signOutEverywhere = async (engine: Engine<unknown>, token: string): Promise<void> => {
  const { subject, sessionId, access } = await identify(engine, token)
  const revoked = access !== null && (await engine.store.revocations.isRevokedAtSource(access))
  const ended = sessionId !== null && (await engine.store.sessions.find(sessionId)) === null
  if (revoked || ended) throw new AuthError('token_revoked')
  await revokeSubject(engine, subject)
}
