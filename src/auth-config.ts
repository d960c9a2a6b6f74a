import type { ClaimsSchema } from './core/claims-schema.ts'
import type { Duration, Seconds } from './core/duration.ts'
import type { HooksConfig } from './core/hooks.ts'
import type { PermissionsConfig } from './core/permission/permission-rules.ts'
import type { CookiesConfig } from './core/request/cookie-config.ts'
import type { CsrfConfig } from './core/request/csrf.ts'
import type { LocationsConfig } from './core/request/locations.ts'
import type { ErrorsConfig } from './core/request/refusal.ts'
import type { Delivery } from './core/request/transport.ts'
import type { JsonObject } from './core/token/json.ts'
import type { KeysConfig } from './core/token/key-ring.ts'
import type { Store } from './ports/store.ts'
import type { UserDirectory } from './ports/user-directory.ts'

export interface AccessTokenConfig<Claims, Input extends object = JsonObject> {
  /** Default `'15m'`. */
  readonly lifetime?: Duration
  /**
   * The longest lifetime that any process on the store gives, for tokens are accepted, and revocations kept, for just
   * so long. To raise `lifetime` beyond it, raise this everywhere first; to lower it, wait until such tokens have
   * expired. At most a day. Default `'1h'`.
   */
  readonly longestLifetime?: Duration
  /** How far clocks may be apart, 0 to 300 s. Default 5 s. */
  readonly clockTolerance?: Duration
  /** Longest token that is looked at, in bytes. Default 8192. */
  readonly maxBytes?: number
  /**
   * Accepts tokens without `exp`, for 365 days from their `iat`, and lets `auth.tokens.sign` make such: whoever steals one
   * has it until it is revoked. Default false.
   */
  readonly dangerouslyAllowNoExpiry?: boolean
  /** Checks custom claims at issue and at each request; its output type reaches the handler. Must be synchronous. */
  readonly claims?: ClaimsSchema<Claims, Input>
}

export interface RefreshTokenConfig {
  /** Secret that signs refresh tokens; required where `keys` holds no secret to derive it from. */
  readonly secret?: string | Uint8Array
  /** Former secrets, under which refresh tokens are still accepted. */
  readonly previousSecrets?: readonly (string | Uint8Array)[]
  /** Secrets that will sign next: to be known everywhere before any process signs with one. */
  readonly nextSecrets?: readonly (string | Uint8Array)[]
  /** A session that is not refreshed for so long ends. Default `'30d'`. */
  readonly idleLifetime?: Duration
  /** A session ends after so long in any case; at most `'365d'`. Default `'180d'`. */
  readonly absoluteLifetime?: Duration
  /** How long a superseded token still gets its successor, 0 to 300 s; 0 is strict single use. Default 30 s. */
  readonly grace?: Duration
  /** How often per session a token may come back after the grace. Default 1, or 0 where `grace` is 0. */
  readonly lateReplays?: number
  /** Live sessions per subject; the least recently refreshed ends. Default 50. */
  readonly maxSessions?: number
}

/** Everything that `createAuth` takes. */
export interface AuthConfig<
  Claims = JsonObject,
  P extends string = string,
  Input extends object = JsonObject,
  R extends string = P,
> {
  /** `iss` of every token: an identifier of this service, best its https URL. */
  readonly issuer: string
  /** `aud` of access tokens: who they are for. */
  readonly audience: string | readonly string[]
  readonly keys: KeysConfig
  readonly store: Store
  /** Users whose state is checked at each refresh; the ready-made routes sign them in. Often `store.users`. */
  readonly users?: UserDirectory
  /** `client_id` of tokens that this service issues for itself. Default: the issuer. */
  readonly clientId?: string
  /** Named in challenges (RFC 9110 §11.5). Default: the issuer. */
  readonly realm?: string
  readonly accessToken?: AccessTokenConfig<Claims, Input>
  readonly refreshToken?: RefreshTokenConfig
  readonly permissions?: PermissionsConfig<P, R>
  /** Where tokens are looked for. Default: the Authorization header. */
  readonly locations?: LocationsConfig
  /** How the ready-made endpoints hand tokens out; a sign-in may ask for the other. Default `'body'`. */
  readonly delivery?: Delivery
  /** Names and attributes of the cookies in which tokens travel. */
  readonly cookies?: CookiesConfig
  /** What protects requests whose token came in a cookie. */
  readonly csrf?: CsrfConfig
  /** How refusals are worded, and by whom. */
  readonly errors?: ErrorsConfig
  /** Keeps a record of issued tokens, for `auth.tokens` and its endpoints. Default: of none. */
  readonly trackTokens?: 'none' | 'refresh' | 'all'
  readonly hooks?: HooksConfig<Claims, NoInfer<P | R>>
  /** Now as NumericDate (seconds), for tests. Default: the system's clock. Sessions go by the store's clock. */
  readonly clock?: () => Seconds
}
