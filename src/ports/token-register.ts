import type { Seconds } from '../core/duration.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Stamp } from '../core/session/session.ts'

/**
 * One token as it was issued: a fact that never changes. Whether it is revoked is not part of it; that is asked of the
 * revocation log and the sessions, so that two records can never tell two stories.
 */
export interface TokenRecord {
  /** The `jti` of an access token; of a refresh token the id of its session, for all tokens of a family share one record. */
  readonly tokenId: string
  readonly kind: 'access' | 'refresh'
  readonly subject: string
  /** Null for a token of no session. */
  readonly sessionId: string | null
  readonly stamp: Stamp
  /** NumericDate, by the clock of the process that issued the token. */
  readonly issuedAt: Seconds
  /** NumericDate by the same clock, or null for a token that never expires by itself. */
  readonly expiresAt: Seconds | null
}

/** Which records are asked for. */
export interface TokenQuery {
  /** Those of one subject, or of all where it is null. */
  readonly subject: string | null
  /** `next` of the page before, or null for the first page. */
  readonly after: string | null
  /** Records on the page: fewer only on the last one. */
  readonly limit: number
}

export interface TokenPage {
  readonly records: readonly TokenRecord[]
  /** Where the next page goes on, or null after the last one. */
  readonly next: string | null
}

/**
 * Keeps a record of every token issued, where the application asks for that. A record is told of until 300 s after its
 * token has expired, by the store's clock, because the clock that issued it may be another; a token that never expires
 * counts as expired 365 days after its issue. From then on the record counts as none, and may be forgotten.
 *
 * Each method is atomic and throws `StoreError` where it is not known whether it was done. On a sharded store all
 * records of one call to `record` are of one subject, and token identifiers begin with the place of their subject.
 */
export interface TokenRegister {
  /** Records tokens, all of them or none; a record that is there already stays as it is and where it is. */
  record(records: readonly TokenRecord[]): MaybePromise<void>
  /** Returns the record of a token, or null where there is none. */
  find(tokenId: string): MaybePromise<TokenRecord | null>
  /**
   * Returns records in the order of their recording, the latest first, of one call the last first. Pages that go on
   * from one another repeat nothing, and miss nothing that stood at the first of them, whatever is recorded or expires
   * in between.
   */
  list(query: TokenQuery): MaybePromise<TokenPage>
}
