import type { Seconds } from '../core/duration.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { JsonObject } from '../core/token/json.ts'

/** Somebody who can sign in. */
export interface User {
  /** The subject of their tokens. */
  readonly id: string
  /** As they wrote it. */
  readonly email: string
  /** In PHC string format, or null where they cannot sign in with a password. */
  readonly passwordHash: string | null
  readonly permissions: readonly string[]
  /** False refuses sign-in and refresh. */
  readonly active: boolean
  /** Rises when the credentials change; sessions made under an earlier one are refused at refresh. */
  readonly credentialVersion: number
  /** What the application's own sign-up fields hold. */
  readonly profile: JsonObject
  /** NumericDate. */
  readonly createdAt: Seconds
}

export interface NewUser {
  readonly email: string
  /** The form in which addresses are compared (`core/user/email.ts`); unique. */
  readonly canonicalEmail: string
  readonly passwordHash: string | null
  readonly permissions: readonly string[]
  readonly profile: JsonObject
}

export interface UserPage {
  readonly users: readonly User[]
  /** Where the next page goes on, or null after the last one. */
  readonly next: string | null
}

export interface PasswordReplacement {
  /** The hash that was checked: where it is no longer in place, nothing is written. */
  readonly expected: string | null
  readonly hash: string
  /** True for new credentials (the version rises), false for the same password hashed anew. */
  readonly changed: boolean
}

/** Knows the users. Each method is atomic and throws `StoreError` where it is not known whether it was done. */
export interface UserDirectory {
  /** Adds a user, or returns null where the canonical address is taken. */
  create(user: NewUser): MaybePromise<User | null>
  /** Returns a user, or null where there is none; never from a copy that may lag, for null and inactive end sessions. */
  findById(id: string): MaybePromise<User | null>
  findByEmail(canonicalEmail: string): MaybePromise<User | null>
  /** Returns users in the order of their making, at most `limit` from `after` on. */
  list(page: { readonly after: string | null; readonly limit: number }): MaybePromise<UserPage>
  /** Replaces the password hash if the expected one is in place; returns the user, or null where it was not. */
  replacePassword(id: string, replacement: PasswordReplacement): MaybePromise<User | null>
  /** Changes what is given and leaves the rest; returns the user, or null where there is none. */
  update(
    id: string,
    change: { readonly active?: boolean; readonly permissions?: readonly string[]; readonly profile?: JsonObject },
  ): MaybePromise<User | null>
}
