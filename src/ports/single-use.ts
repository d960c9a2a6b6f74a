import type { Seconds } from '../core/duration.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'

/** What is to be spent. */
export interface Spending {
  /**
   * Names one use of one thing, code point by code point: 1 to 255 characters without control characters. All uses of
   * one store share the identifiers, so those of different kinds must not coincide.
   */
  readonly id: string
  /** Tells a sharded store the place of the identifier, with which the identifier begins too; it is no part of the name. */
  readonly subject: string
  /** How long the identifier stays spent: until what bears it cannot be accepted any more. */
  readonly retention: Seconds
}

/** Spends identifiers of what may be used once: tickets, reset tokens, proofs of possession (RFC 9449 §11.1). */
export interface SingleUse {
  /**
   * Spends an identifier: true for exactly one caller, whatever races, and false for all others until `retention` has
   * passed on the store's clock; then it can be spent anew. A refusal changes nothing. Returns true only when the
   * spending is as durable as the store can make it, and throws `StoreError` where it is not known whether it was done.
   */
  spend(use: Spending): MaybePromise<boolean>
}
