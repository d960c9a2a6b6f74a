import type { EventSink } from '../ports/event-sink.ts'
import type { Store } from '../ports/store.ts'
import type { RevocationPolicy } from '../ports/session-store.ts'
import type { UserDirectory } from '../ports/user-directory.ts'
import type { ReadClaims } from './claims-schema.ts'
import type { Seconds } from './duration.ts'
import type { Hooks } from './hooks.ts'
import type { PermissionRules } from './permission/permission-rules.ts'
import type { RefusalPolicy } from './request/refusal.ts'
import type { Transport } from './request/transport.ts'
import type { RotationPolicy } from './session/rotation.ts'
import type { TokenLimits } from './token/jws.ts'
import type { KeyRing } from './token/key-ring.ts'

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
    /** How long a token without `exp` is accepted, counted from its `iat`; null where none is. */
    readonly maxAgeWithoutExpiry: Seconds | null
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
  /** Which tokens are kept in the store's register. */
  readonly trackTokens: 'none' | 'refresh' | 'all'
  readonly permissions: PermissionRules
  /** Every permission that there is, or null where none are declared. */
  readonly permissionNames: ReadonlySet<string> | null
  readonly transport: Transport
  readonly refusals: RefusalPolicy
  readonly readClaims: ReadClaims<Claims>
  readonly hasClaimsSchema: boolean
  readonly store: Store
  readonly users: UserDirectory | null
  readonly hooks: Hooks<Claims>
  readonly emit: EventSink
  /** NumericDate of this process, with its fraction. Sessions are timed by the store's clock instead. */
  readonly now: () => Seconds
}
