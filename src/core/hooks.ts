import type { EventSink } from '../ports/event-sink.ts'
import type { ConfigProblem } from './errors.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Principal } from './request/principal.ts'
import type { JsonObject, JsonValue } from './token/json.ts'
import type { JwsHeader } from './token/jws.ts'
import { unknownKeys } from './unknown-keys.ts'

/**
 * What an application may answer in the place of Jotward. Each may return its answer or a promise of it. What a hook
 * throws lets nobody in and is answered as 503 `hook_failed`, but for an `AuthError`, which stands.
 */

/** For whom and when a new access token is made. */
export interface ClaimsContext {
  readonly reason: 'signin' | 'refresh' | 'reauthentication' | 'alone'
  readonly subject: string
  /** Null for a token without a session. */
  readonly sessionId: string | null
  readonly claims: JsonObject
  readonly permissions: readonly string[]
  /** What was given at sign-in for this moment. */
  readonly refreshData: JsonValue
}

/** Answers with what shall stand instead of the session's grant; what it leaves out stays. */
export type ClaimsHook = (
  context: ClaimsContext,
) => MaybePromise<{ readonly claims?: JsonObject; readonly permissions?: readonly string[] }>

/** Members to add to the header of a new access token; those given to the sign-in itself stand above them. */
export type HeadersHook = (context: ClaimsContext) => MaybePromise<JsonObject>

/** The `kid` of the key that signs a new access token, among those of `keys`; null for the current one. */
export type SigningKeyHook = (context: ClaimsContext) => MaybePromise<string | null>

/**
 * The `kid` of the only key that may verify a token, or null for whichever its header names. Header and payload are the
 * word of a stranger: nothing of them has been verified.
 */
export type VerificationKeyHook = (token: {
  readonly header: JwsHeader
  readonly payload: JsonObject
}) => MaybePromise<string | null>

/** A yes or no about a verified caller. */
export type PrincipalHook<Claims, P extends string> = (principal: Principal<Claims, P>) => MaybePromise<boolean>

export interface HooksConfig<Claims = JsonObject, P extends string = string> {
  /** Replaces claims or permissions for each new access token. */
  readonly claims?: ClaimsHook
  /** Adds to the header of each new access token. */
  readonly headers?: HeadersHook
  /** Chooses the key that signs an access token. */
  readonly signingKey?: SigningKeyHook
  /** Chooses the key that may verify an access token. */
  readonly verificationKey?: VerificationKeyHook
  /** A revocation list of your own, asked after that of the store: true refuses with `token_revoked`. */
  readonly isRevoked?: PrincipalHook<Claims, P>
  /** A condition on every request: false refuses with `verification_failed`. */
  readonly verify?: PrincipalHook<Claims, P>
  /** Is told of everything that happens; ids only. */
  readonly onEvent?: EventSink
}

/** The hooks resolved: null, or absent, where there is none. */
export interface Hooks<Claims = unknown> {
  readonly claims: ClaimsHook | null
  readonly headers: HeadersHook | null
  readonly signingKey: SigningKeyHook | null
  readonly verificationKey: VerificationKeyHook | null
  // As methods, so that code which does not care for the claims can take any engine.
  isRevoked?(principal: Principal<Claims>): MaybePromise<boolean>
  verify?(principal: Principal<Claims>): MaybePromise<boolean>
}

const NAMES = ['claims', 'headers', 'signingKey', 'verificationKey', 'isRevoked', 'verify', 'onEvent'] as const

const isHookName = (name: string): boolean => NAMES.some((known) => known === name)

/** What is wrong with the setting `hooks`: a hook that nobody can call would let pass what it should refuse. */
export const hookProblems = (config: object): readonly ConfigProblem[] => [
  ...unknownKeys('hooks', config, NAMES),
  ...Object.entries(config)
    .filter(([name, hook]) => isHookName(name) && hook !== undefined && typeof hook !== 'function')
    .map(([name]) => ({ path: `hooks.${name}`, problem: 'must be a function' })),
]

export const resolveHooks = <Claims, P extends string>({
  claims,
  headers,
  signingKey,
  verificationKey,
  isRevoked,
  verify,
}: HooksConfig<Claims, P> = {}): Hooks<Claims> => ({
  claims: claims ?? null,
  headers: headers ?? null,
  signingKey: signingKey ?? null,
  verificationKey: verificationKey ?? null,
  ...(isRevoked === undefined ? {} : { isRevoked }),
  ...(verify === undefined ? {} : { verify }),
})
