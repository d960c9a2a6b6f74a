import type { MaybePromise } from '../core/maybe-promise.ts'
import type { RevocationLog } from './revocation-log.ts'
import type { SessionStore } from './session-store.ts'
import type { SingleUse } from './single-use.ts'
import type { TokenRegister } from './token-register.ts'
import type { UserDirectory } from './user-directory.ts'

/** What of that which was acknowledged outlives what. */
export interface StorePromises {
  /** The death of the store's process. */
  readonly crash: boolean
  /** The loss of its machine's power. */
  readonly powerLoss: boolean
  /** The promotion of a standby in its place; null where there is none to be promoted. */
  readonly failover: boolean | null
  /** Sentences for whoever runs it: what this rests on, what could not be checked, and what would make it better. */
  readonly remarks: readonly string[]
}

/** A store that keeps users too. */
export interface StoreWithUsers extends Store {
  readonly users: UserDirectory
}

/**
 * Everything that one place of storage keeps. Sessions and revocations belong together, for ending a session and
 * telling the log of it is one atomic operation. The caller owns and closes the client beneath.
 */
export interface Store {
  readonly sessions: SessionStore
  readonly revocations: RevocationLog
  readonly tokens: TokenRegister
  readonly singleUse: SingleUse
  /** Null where this place keeps no users. */
  readonly users: UserDirectory | null
  /** Resolves when the store can keep its promises, or rejects with a `ConfigError` or `StoreError` that says why not. */
  ready(): MaybePromise<void>
  /** Tells, as the storage is set up at this moment, what it keeps. Rejects with a `StoreError` where it does not answer. */
  promises(): MaybePromise<StorePromises>
  /** Ends what the store itself began (followers, timers); the client beneath stays open. */
  close(): MaybePromise<void>
}
