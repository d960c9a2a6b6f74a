import type { Engine } from '../engine.ts'
import type { TokenRecord } from '../../ports/token-register.ts'
import { MAX_SESSION_LIFETIME } from './lifecycle.ts'
import type { Grant, Stamp } from './session.ts'

/**
 * Entries in the token register, where the configuration asks for them. They are written before their tokens exist: one
 * too many is a record of a token that nobody has, one too few would be a token that nobody can find.
 */

interface Tracked {
  readonly id: string | null
  readonly subject: string
  readonly stamp: Stamp
  readonly grant: Pick<Grant, 'accessLifetime'>
}

/** Enters an access token that is about to be signed. */
export const recordAccessToken = async (
  engine: Engine<unknown>,
  { id, subject, stamp, grant }: Tracked,
  tokenId: string,
  expires: { readonly never: boolean } = { never: false },
): Promise<void> => {
  if (engine.trackTokens !== 'all') return
  const issuedAt = Math.floor(engine.now())
  const { lifetime, longestLifetime } = engine.accessToken
  const expiresAt = expires.never ? null : issuedAt + Math.min(grant.accessLifetime ?? lifetime, longestLifetime)
  const record: TokenRecord = { tokenId, kind: 'access', subject, sessionId: id, stamp, issuedAt, expiresAt }
  await engine.store.tokens.record([record])
}

/** Enters the refresh tokens of a session that is about to be made: one record for all of them. */
export const recordRefreshTokens = async (
  engine: Engine<unknown>,
  { id, subject, stamp }: { readonly id: string; readonly subject: string; readonly stamp: Stamp },
  absoluteLifetime: number,
): Promise<void> => {
  if (engine.trackTokens === 'none') return
  const issuedAt = Math.floor(engine.now())
  const expiresAt = issuedAt + Math.min(absoluteLifetime, MAX_SESSION_LIFETIME)
  await engine.store.tokens.record([
    { tokenId: id, kind: 'refresh', subject, sessionId: id, stamp, issuedAt, expiresAt },
  ])
}
