import type { EventSink } from '../ports/event-sink.ts'
import type { Store } from '../ports/store.ts'
import type { RevocationPolicy } from '../ports/session-store.ts'
import type { UserDirectory } from '../ports/user-directory.ts'
import type { ReadClaims } from './claims-schema.ts'
import type { Seconds } from './duration.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { PermissionRules } from './permission/permission-rules.ts'
import type { Finders } from './request/finders.ts'
import type { ResolvedLocations } from './request/locations.ts'
import type { RotationPolicy } from './session/rotation.ts'
import type { JsonObject, JsonValue } from './token/json.ts'
import type { TokenLimits } from './token/jws.ts'
import type { KeyRing } from './token/key-ring.ts'

/** For whom and when a new access token is made. */
export interface ClaimsContext {
  readonly reason: 'signin' | 'refresh' | 'reauthentication'
  readonly subject: string
  readonly sessionId: string
  readonly claims: JsonObject
  readonly permissions: readonly string[]
  /** What was given at sign-in for this moment. */
  readonly refreshData: JsonValue
}

/** Answers with what shall stand instead of the session's grant; what it leaves out stays. */
export type ClaimsHook = (
  context: ClaimsContext,
) => MaybePromise<{ readonly claims?: JsonObject; readonly permissions?: readonly string[] }>

/** A configuration resolved: defaults applied, units normalised, keys imported. All that the core works with. */
export interface Engine<Claims> {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly clientId: string
  readonly realm: string
  readonly keys: KeyRing
  readonly accessToken: {
    readonly lifetime: Seconds
    /** The longest that any process on the store mints; what claims to live longer is refused. */
    readonly longestLifetime: Seconds
    readonly clockTolerance: Seconds
    readonly limits: Required<Pick<TokenLimits, 'maxBytes'>>
  }
  readonly refreshToken: {
    readonly idleLifetime: Seconds
    readonly absoluteLifetime: Seconds
    readonly rotation: RotationPolicy
    readonly maxSessions: number
  }
  readonly revocation: RevocationPolicy
  readonly permissions: PermissionRules
  /** Every permission that there is, or null where none are declared. */
  readonly permissionNames: ReadonlySet<string> | null
  readonly locations: ResolvedLocations
  readonly finders: Finders
  readonly readClaims: ReadClaims<Claims>
  readonly hasClaimsSchema: boolean
  readonly store: Store
  readonly users: UserDirectory | null
  readonly claimsHook: ClaimsHook | null
  readonly emit: EventSink
  /** NumericDate of this process, with its fraction. Sessions are timed by the store's clock instead. */
  readonly now: () => Seconds
}
