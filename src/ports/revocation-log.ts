import type { Seconds } from '../core/duration.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { RevocableToken, RevocationEntry } from '../core/session/revocation-set.ts'
import type { Stamp } from '../core/session/session.ts'

/** One access token to be revoked, or restored. */
export interface TokenRevocation {
  readonly tokenId: string
  readonly subject: string
  readonly revoked: boolean
  /** How long the entry must be kept: until the token cannot be accepted any more. */
  readonly retention: Seconds
}

/** A stretch of the log. */
export interface RevocationPage {
  readonly entries: readonly RevocationEntry[]
  /** Where the next read goes on. */
  readonly cursor: string
  /** Whether the log ended here when it was read. */
  readonly atEnd: boolean
  /** Names the log's incarnation; where it changes, a follower reads again from null. */
  readonly source: string
  /** The store's clock as it answered, in milliseconds; left out where it is that of this machine. */
  readonly nowMs?: number
}

/**
 * The ordered log of everything revoked, and the exact answer drawn from it. Writes return only when they are as
 * durable as the store can make them; each method throws `StoreError` where it is not known whether it was done.
 */
export interface RevocationLog {
  /** Reads the epochs in force for a subject, never from a copy that may lag. */
  epochs(subject: string): MaybePromise<Stamp>
  /**
   * Tells whether a token is dead by its own entry, its session's, or an epoch, from what this process knows: at once
   * where it holds an exact set, and `'stale'` where its lease on that set has lapsed. An epoch that was lost is taken
   * back from the token's stamp.
   */
  isRevoked(token: RevocableToken): MaybePromise<boolean | 'stale'>
  /** Tells the same, and never from a copy that may lag. */
  isRevokedAtSource(token: RevocableToken): MaybePromise<boolean>
  /** Revokes one access token, or restores it. */
  setToken(revocation: TokenRevocation): MaybePromise<void>
  /**
   * Raises a subject's epoch, or everybody's where it is null, above every stamp given out before, and returns it. A
   * store of several places gives everybody's one value in all of them, and returns when all have it.
   */
  bump(subject: string | null): MaybePromise<number>
  /**
   * Returns entries appended since `cursor`, in an order safe to apply, repeats allowed; from the beginning where the
   * cursor is null, of another shape, or ahead of the log.
   */
  read(cursor: string | null): MaybePromise<RevocationPage>
}
