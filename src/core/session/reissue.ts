import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { ClaimsContext } from '../hooks.ts'
import type { Principal } from '../request/principal.ts'
import type { Session } from './session.ts'
import { draftAccessToken, earlierThan, mintAccessToken } from './tokens.ts'
import type { AccessToken } from './tokens.ts'

/** A further access token in the caller's own session, which is neither refreshed nor prolonged by it. */

const gone = (detail: string): AuthError => new AuthError('token_revoked', { detail })

/** What the user holds today; null where no directory is in play. */
const heldBy = async ({ users }: Engine<unknown>, session: Session): Promise<readonly string[] | null> => {
  const { credentialVersion } = session.grant
  if (users === null || credentialVersion === null) return null
  const user = await users.findById(session.subject)
  if (user?.active === true && user.credentialVersion === credentialVersion) return user.permissions
  throw gone('the user may not be signed in any more')
}

/**
 * @throws AuthError `token_invalid` for a caller of another issuer; `token_revoked` where the session has ended or the user may not be signed in any more
 * @throws StoreError where the store cannot tell
 */
export const reissue = async (
  engine: Engine<unknown>,
  { issuer, sessionId, permissions }: Pick<Principal<unknown>, 'issuer' | 'sessionId' | 'permissions'>,
  { reason, authTime }: { readonly reason: ClaimsContext['reason']; readonly authTime: 'now' | Seconds | null },
): Promise<AccessToken> => {
  // Two realms on one store would otherwise make callers of each other's.
  if (issuer !== engine.issuer) throw new AuthError('token_invalid', { detail: 'the caller is of another issuer' })
  const session = sessionId === null ? null : await engine.store.sessions.find(sessionId)
  if (session === null) throw gone('the session has ended')
  const held = await heldBy(engine, session)
  // What the caller's own token had given up stays given up, and what the user has lost is lost.
  const draft = await draftAccessToken(engine, session, { reason, scope: null, held, ceiling: permissions })
  const issuedAt = Math.floor(engine.now())
  const since = authTime === 'now' ? issuedAt : earlierThan(issuedAt, authTime)
  return mintAccessToken(engine, session, draft, { issuedAt, authTime: since })
}
