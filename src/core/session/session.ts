import type { Seconds } from '../duration.ts'
import type { JsonObject, JsonValue } from '../token/json.ts'

/**
 * The two revocation epochs under which something was issued: it is dead once either store counter stands higher.
 * Counters of the store, not times of processes, so that no two clocks are ever compared.
 */
export interface Stamp {
  readonly subject: number
  readonly global: number
}

/** What a session entitles to. Fixed at sign-in; every access token of the session is minted from it. */
export interface Grant {
  readonly permissions: readonly string[]
  /** Custom claims, in the form in which the token carries them. */
  readonly claims: JsonObject
  /** Members for the header of its access tokens; sessions of earlier versions have none. */
  readonly headers?: JsonObject
  /** Null: as configured when a token is made; likewise the next two. */
  readonly audience: readonly string[] | null
  readonly clientId: string | null
  readonly accessLifetime: Seconds | null
  readonly idleLifetime: Seconds
  /** The user's credential version at sign-in (see `UserDirectory`), or null where no directory is in play. */
  readonly credentialVersion: number | null
}

/** Why a session ended; kept with its tombstone and told in events. */
export type EndReason = 'signout' | 'revoked' | 'reused' | 'evicted' | 'user_refused'

/** One refresh-token family: created at sign-in, rotated at refresh, ended once and for all. */
export interface Session {
  /** At least 128 random bits after 16 routing bits (`core/token/identifier.ts`). */
  readonly id: string
  readonly subject: string
  /** NumericDate; the `iat` of each of its refresh tokens. */
  readonly createdAt: Seconds
  /** NumericDate of the authentication. A refresh never moves it. */
  readonly authTime: Seconds
  /** NumericDate; the `exp` of each of its refresh tokens. Never moves. */
  readonly absoluteExpiresAt: Seconds
  readonly stamp: Stamp
  readonly grant: Grant
  /** Thumbprint of the key that the session is bound to (RFC 9449), or null. */
  readonly keyThumbprint: string | null
  /** What the caller wants to see in a list of sessions, like "Firefox on Linux". */
  readonly device: string | null
  /** The application's own data, given at sign-in and handed to the claims hook at each refresh. */
  readonly refreshData: JsonValue
  readonly state: SessionState
}

/** What changes in the life of a session. */
export interface SessionState {
  /** Counts rotations; the generation of the one live refresh token. */
  readonly generation: number
  /** Key that signs the live refresh token; written when its generation is made. */
  readonly refreshKeyId: string
  /** Store time of the last rotation, or of the creation. */
  readonly rotatedAtMs: number
  /** Start of the running grace, or null before the first refresh, which therefore always rotates. */
  readonly graceFromMs: number | null
  readonly idleExpiresAtMs: number
  readonly lateReplays: number
  readonly suspendedAtMs: number | null
  readonly endedAtMs: number | null
  readonly endReason: EndReason | null
}
