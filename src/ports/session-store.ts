import type { Seconds } from '../core/duration.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Presentation, RotationPolicy } from '../core/session/rotation.ts'
import type { EndReason, Grant, Session, Stamp } from '../core/session/session.ts'
import type { JsonValue } from '../core/token/json.ts'

/** A session to be made. Times are missing on purpose: the store's clock gives them. */
export interface NewSession {
  readonly id: string
  readonly subject: string
  /** NumericDate of the authentication, or null for the moment of creation. */
  readonly authTime: Seconds | null
  readonly absoluteLifetime: Seconds
  /** The epochs read before the credentials were checked. */
  readonly stamp: Stamp
  readonly grant: Grant
  readonly keyThumbprint: string | null
  readonly device: string | null
  readonly refreshData: JsonValue
  readonly refreshKeyId: string
}

/** How long an entry of the revocation log must be kept: until no token that it concerns can be accepted any more. */
export interface RevocationPolicy {
  readonly retention: Seconds
}

export interface CreationPolicy extends RevocationPolicy {
  /** Live sessions per subject; the least recently refreshed ends when one more is made. */
  readonly maxPerSubject: number
}

export type Creation =
  | {
      readonly outcome: 'created'
      readonly session: Session
      readonly nowMs: number
      readonly evicted: readonly string[]
    }
  /** An epoch has moved since the stamp was read: the credentials must be checked anew. */
  | { readonly outcome: 'outdated' }
  /** The identifier is taken: an earlier attempt with it has succeeded. */
  | { readonly outcome: 'exists' }

export type Rotation =
  | {
      readonly outcome: 'rotated' | 'replayed' | 'replayed_late' | 'recovered' | 'reused'
      readonly session: Session
      /** The store's time of the operation, from which the access token's `iat` is taken. */
      readonly nowMs: number
    }
  | { readonly outcome: 'revoked' | 'unknown' | 'key_mismatch' }

/** One session to be ended, suspended or resumed. */
export interface SessionReference {
  readonly id: string
  readonly subject: string
}

/** What became of an end: this call's doing, done before, or refused because the session is another subject's. */
export type Ending = 'ended' | 'already' | 'foreign'

/**
 * Keeps refresh-token families. Each method is one atomic operation on the store's own clock, and on a sharded store
 * touches only the place of one subject (which an identifier begins with). All but a plain rotation return only when
 * they are as durable as the store can make them. Each throws `StoreError` where it is not known whether it was done.
 *
 * `rotate` must decide as `decideRotation` does.
 */
export interface SessionStore {
  /** Creates a session if its stamp is still current and its identifier is free, ending the oldest beyond the cap. */
  create(session: NewSession, policy: CreationPolicy): MaybePromise<Creation>
  /** Decides what a presented refresh token becomes and writes the change; a reuse also enters the revocation log. */
  rotate(presented: Presentation, policy: RotationPolicy & RevocationPolicy): MaybePromise<Rotation>
  /** Returns a session while it can still be refreshed, else null. */
  find(id: string): MaybePromise<Session | null>
  /** Returns the subject's sessions that can still be refreshed, the most recently refreshed first. */
  list(subject: string): MaybePromise<readonly Session[]>
  /**
   * Ends a session for good and enters it in the revocation log. Repeating it changes nothing, but confirms anew that
   * the end is durable; a session of which the store knows nothing is entered in the log all the same.
   */
  end(session: SessionReference & { readonly reason: EndReason }, policy: RevocationPolicy): MaybePromise<Ending>
  /** Suspends a session or takes the suspension back, and enters either in the revocation log. */
  suspend(session: SessionReference & { readonly suspended: boolean }, policy: RevocationPolicy): MaybePromise<void>
}
