import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { newIdentifier } from '../token/identifier.ts'
import type { TokenRecord } from '../../ports/token-register.ts'
import { revokeToken, sessionOfRefreshToken, tokenRetention } from './revoke.ts'

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

const findRecord = async (engine: Engine<unknown>, tokenId: string): Promise<TokenRecord | null> => {
  requireRegister(engine)
  // Every refresh token of a session is its session's: they share one record.
  return engine.store.tokens.find(sessionOfRefreshToken(tokenId) ?? tokenId)
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
    const stood = await isRevoked(engine, record)
    await engine.store.sessions.suspend({ id: record.tokenId, subject, suspended: true }, engine.revocation)
    if (!stood) engine.emit({ type: 'session.suspended', subject, sessionId: record.tokenId })
  }
  return present(engine, record)
}

const notRestorable = (): AuthError =>
  new AuthError('not_restorable', { detail: 'its session, or its subject, was ended' })

/** Whether an access token is refused not for itself, but with its session, its subject or everything. */
const isRevokedWithOthers = ({ store }: Engine<unknown>, record: TokenRecord): MaybePromise<boolean> =>
  // An id that no token has: what is revoked then is so for the rest.
  store.revocations.isRevokedAtSource({ ...record, tokenId: newIdentifier(record.subject) })

const restoreAccessToken = async (engine: Engine<unknown>, record: TokenRecord): Promise<void> => {
  const { tokenId, subject } = record
  // Asked before: a token that stays refused must not come back later, with its session.
  if (await isRevokedWithOthers(engine, record)) throw notRestorable()
  const retention = tokenRetention(engine)
  await engine.store.revocations.setToken({ tokenId, subject, revoked: false, retention })
  engine.emit({ type: 'token.restored', subject, tokenId })
}

const restoreSession = async (engine: Engine<unknown>, record: TokenRecord): Promise<void> => {
  const { tokenId: id, subject } = record
  // Changes nothing of a session that has ended.
  await engine.store.sessions.suspend({ id, subject, suspended: false }, engine.revocation)
  if (await isRevoked(engine, record)) throw notRestorable()
  engine.emit({ type: 'session.resumed', subject, sessionId: id })
}

/**
 * Takes back what `revokeRegistered` did. What has ended otherwise (by sign-out, reuse, an epoch) stays ended.
 *
 * @throws AuthError `not_found` | `not_restorable`
 * @throws StoreError where it is not known whether it was done
 */
export const restoreRegistered = async (engine: Engine<unknown>, tokenId: string): Promise<RegisteredToken> => {
  const record = await requireRecord(engine, tokenId)
  await (record.kind === 'access' ? restoreAccessToken : restoreSession)(engine, record)
  return present(engine, record)
}
