import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { Stamp } from '../session/session.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { signingInput, signJws } from './jws.ts'
import type { JwsInput } from './jws.ts'
import type { SigningKey } from './keys.ts'
import { signatureBytes } from './signature.ts'

/** Media type of an access token's header (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'

/** Claims that every access token must have. */
export const REQUIRED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'] as const

/** Claims with a meaning of their own, which custom claims may not take. */
const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...REQUIRED_CLAIMS,
  'nbf',
  'client_id',
  'sid',
  'auth_time',
  'scope',
  'stamp',
  'permissions',
  'cnf',
  'act',
])

/** Names among custom claims that are not theirs to take. */
export const reservedAmong = (claims: JsonObject): readonly string[] =>
  Object.keys(claims).filter((name) => RESERVED_CLAIMS.has(name))

/** What an access token says, beyond what every verifier checks. */
export interface AccessTokenContent {
  readonly subject: string
  readonly tokenId: string
  /** The session that it belongs to, or null for one issued alone. */
  readonly sessionId: string | null
  readonly audience: readonly string[]
  readonly clientId: string
  readonly issuedAt: Seconds
  /** Null for a token that never expires by itself. */
  readonly expiresAt: Seconds | null
  /** NumericDate of the authentication, or null where the token does not tell. */
  readonly authTime: Seconds | null
  readonly permissions: readonly string[]
  readonly stamp: Stamp
  readonly claims: JsonObject
}

/** Members of the header besides those that are its own: `alg`, `kid` and `typ`. */
type ExtraHeaders = JsonObject

/** What is signed of an access token (RFC 9068 §2.2). */
const jwsInput = (
  issuer: string,
  content: AccessTokenContent,
  { key, headers }: { readonly key: SigningKey; readonly headers: ExtraHeaders },
): JwsInput => {
  const { audience, sessionId, authTime, permissions, stamp } = content
  const payload: Record<string, JsonValue> = {
    iss: issuer,
    sub: content.subject,
    aud: audience.length === 1 ? (audience[0] ?? '') : audience,
    client_id: content.clientId,
    ...(content.expiresAt === null ? {} : { exp: content.expiresAt }),
    iat: content.issuedAt,
    jti: content.tokenId,
  }
  if (sessionId !== null) payload['sid'] = sessionId
  if (authTime !== null) payload['auth_time'] = authTime
  if (permissions.length > 0) payload['scope'] = permissions.join(' ')
  payload['stamp'] = [stamp.subject, stamp.global]
  return { header: { ...headers, typ: ACCESS_TOKEN_TYPE }, payload: { ...payload, ...content.claims }, key }
}

/** Signs an access token (RFC 9068 §2.2). */
export const signAccessToken = (
  issuer: string,
  content: AccessTokenContent,
  key: SigningKey,
  headers: ExtraHeaders = {},
): string => signJws(jwsInput(issuer, content, { key, headers }))

/** What decides how long an access token gets. */
interface Sized {
  readonly id: string
  readonly subject: string
  readonly audience: readonly string[] | null
  readonly clientId: string | null
  readonly permissions: readonly string[]
  readonly claims: JsonObject
  readonly headers: ExtraHeaders
  readonly key: SigningKey
}

/** A date with as many digits as any that is to come, and a counter with as many as there can be. */
const LONG_DATE = 9_999_999_999
const LONG_COUNTER = Number.MAX_SAFE_INTEGER

/** The most bytes that an access token of this content can have. */
export const accessTokenBytes = (
  engine: {
    readonly issuer: string
    readonly audience: readonly string[]
    readonly clientId: string
  },
  { id, subject, audience, clientId, permissions, claims, headers, key }: Sized,
): number => {
  const content = {
    subject,
    tokenId: id,
    sessionId: id,
    audience: audience ?? engine.audience,
    clientId: clientId ?? engine.clientId,
    issuedAt: LONG_DATE,
    expiresAt: LONG_DATE,
    authTime: LONG_DATE,
    permissions,
    stamp: { subject: LONG_COUNTER, global: LONG_COUNTER },
    claims,
  }
  return (
    signingInput(jwsInput(engine.issuer, content, { key, headers })).length +
    1 +
    Math.ceil((signatureBytes(key) * 4) / 3)
  )
}

const invalid = (detail: string): AuthError => new AuthError('token_invalid', { detail })

const text = (claims: JsonObject, name: string): string => {
  const value = claims[name]
  if (typeof value !== 'string' || value === '') throw invalid(`${name} is not a string`)
  return value
}

const numericDate = (claims: JsonObject, name: string): Seconds => {
  const value = claims[name]
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid(`${name} is not a NumericDate`)
  return value
}

const optional = <T>(claims: JsonObject, name: string, read: (claims: JsonObject, name: string) => T): T | null =>
  Object.hasOwn(claims, name) ? read(claims, name) : null

const isCounter = (value: JsonValue | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const readStamp = (claims: JsonObject): Stamp => {
  const value = claims['stamp']
  if (!Array.isArray(value)) throw invalid('stamp is not a pair of counters')
  // Of an array nothing is known but that it is one; both members are checked.
  const [subject, global] = value as readonly JsonValue[]
  if (value.length !== 2 || !isCounter(subject) || !isCounter(global)) throw invalid('stamp is not a pair of counters')
  return { subject, global }
}

const NO_CLAIMS: JsonObject = Object.freeze({})

const readAudience = (claims: JsonObject): readonly string[] => {
  const value = claims['aud']
  return (Array.isArray(value) ? value : [value]).filter((member) => typeof member === 'string')
}

const customClaims = (claims: JsonObject): JsonObject => {
  const names = Object.keys(claims).filter((name) => !RESERVED_CLAIMS.has(name))
  // Most tokens have none, and every request passes here.
  return names.length === 0 ? NO_CLAIMS : Object.fromEntries(names.map((name) => [name, claims[name] ?? null]))
}

/** Reads the content of a token whose signature, type and registered claims have been verified. */
export const readAccessToken = (claims: JsonObject): AccessTokenContent => ({
  subject: text(claims, 'sub'),
  tokenId: text(claims, 'jti'),
  sessionId: optional(claims, 'sid', text),
  audience: readAudience(claims),
  clientId: optional(claims, 'client_id', text) ?? '',
  issuedAt: numericDate(claims, 'iat'),
  expiresAt: optional(claims, 'exp', numericDate),
  authTime: optional(claims, 'auth_time', numericDate),
  permissions: (optional(claims, 'scope', text) ?? '').split(' ').filter((name) => name !== ''),
  stamp: optional(claims, 'stamp', readStamp) ?? { subject: 0, global: 0 },
  claims: customClaims(claims),
})
