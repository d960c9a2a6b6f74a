import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { TokenRecord } from '../../ports/token-register.ts'
import { revokeToken, tokenRetention } from './revoke.ts'

/** The register of issued tokens, with what has become of them. */

/** A token that was issued. */
export interface RegisteredToken {
  /** `jti`; of a refresh token the id of its session, which every `jti` of the session begins with. */
  readonly tokenId: string
  readonly kind: 'access' | 'refresh'
  readonly subject: string
  readonly sessionId: string | null
  /** NumericDate. */
  readonly issuedAt: Seconds
  /** NumericDate, or null for a token that never expires by itself. */
  readonly expiresAt: Seconds | null
  /** Whether it is refused now: revoked itself, or with its session, its subject or everything. */
  readonly revoked: boolean
}

export interface RegisteredTokenPage {
  readonly tokens: readonly RegisteredToken[]
  /** Where the next page goes on, or null after the last one. */
  readonly next: string | null
}

const requireRegister = ({ trackTokens }: Engine<unknown>): void => {
  if (trackTokens !== 'none') return
  throw new ConfigError([{ path: 'trackTokens', problem: 'is needed for this; set it to "refresh" or "all"' }])
}

/** Never kept with the record: what is revoked is asked where it is decided. */
const isRevoked = async ({ store }: Engine<unknown>, record: TokenRecord): Promise<boolean> => {
  if (record.kind === 'refresh') return (await store.sessions.find(record.tokenId)) === null
  return store.revocations.isRevokedAtSource(record)
}

const present = async (engine: Engine<unknown>, record: TokenRecord): Promise<RegisteredToken> => {
  const { tokenId, kind, subject, sessionId, issuedAt, expiresAt } = record
  return { tokenId, kind, subject, sessionId, issuedAt, expiresAt, revoked: await isRevoked(engine, record) }
}

/** Every refresh token of a session is its session's: `sid.generation` is looked up as `sid`. */
const familyOf = (tokenId: string): string => /^([^.]+)\.\d+$/.exec(tokenId)?.[1] ?? tokenId

const findRecord = async (engine: Engine<unknown>, tokenId: string): Promise<TokenRecord | null> => {
  requireRegister(engine)
  return engine.store.tokens.find(familyOf(tokenId))
}

/** @throws AuthError `not_found` */
const requireRecord = async (engine: Engine<unknown>, tokenId: string): Promise<TokenRecord> => {
  const record = await findRecord(engine, tokenId)
  if (record === null) throw new AuthError('not_found', { detail: 'no such token is registered' })
  return record
}

export const getToken = async (engine: Engine<unknown>, tokenId: string): Promise<RegisteredToken | null> => {
  const record = await findRecord(engine, tokenId)
  return record === null ? null : present(engine, record)
}

/** Tokens of one subject, or of everybody where it is null; the latest first. */
export const listTokens = async (
  engine: Engine<unknown>,
  subject: string | null,
  { after = null, limit = 100 }: { readonly after?: string | null; readonly limit?: number } = {},
): Promise<RegisteredTokenPage> => {
  requireRegister(engine)
  const { records, next } = await engine.store.tokens.list({ subject, after, limit })
  return { tokens: await Promise.all(records.map((record) => present(engine, record))), next }
}

/**
 * Revokes a registered token: an access token by itself, a refresh token with its session, which is suspended until it
 * is restored.
 *
 * @throws AuthError `not_found`
 * @throws StoreError where it is not known whether it was done
 */
export const revokeRegistered = async (engine: Engine<unknown>, tokenId: string): Promise<RegisteredToken> => {
  const record = await requireRecord(engine, tokenId)
  const { subject } = record
  if (record.kind === 'access') await revokeToken(engine, record)
  else {
    await engine.store.sessions.suspend({ id: record.tokenId, subject, suspended: true }, engine.revocation)
    engine.emit({ type: 'session.suspended', subject, sessionId: record.tokenId })
  }
  return present(engine, record)
}

/**
 * Takes back what `revokeRegistered` did. What has ended otherwise (by sign-out, reuse, an epoch) stays ended.
 *
 * @throws AuthError `not_found` | `not_restorable`
 * @throws StoreError where it is not known whether it was done
 */
export const restoreRegistered = async (engine: Engine<unknown>, tokenId: string): Promise<RegisteredToken> => {
  const record = await requireRecord(engine, tokenId)
  const { subject } = record
  if (record.kind === 'access') {
    const change = { tokenId: record.tokenId, subject, revoked: false, retention: tokenRetention(engine) }
    await engine.store.revocations.setToken(change)
    engine.emit({ type: 'token.restored', subject, tokenId: record.tokenId })
  } else {
    await engine.store.sessions.suspend({ id: record.tokenId, subject, suspended: false }, engine.revocation)
    engine.emit({ type: 'session.resumed', subject, sessionId: record.tokenId })
  }
  const restored = await present(engine, record)
  if (restored.revoked) throw new AuthError('not_restorable', { detail: 'its session, or its subject, was ended' })
  return restored
}
