import { resolveConfig } from './config.ts'
import type { AuthConfig } from './auth-config.ts'
import type { Engine } from './core/engine.ts'
import type { Seconds } from './core/duration.ts'
import { ConfigError } from './core/errors.ts'
import { whenReady } from './core/maybe-promise.ts'
import type { MaybePromise } from './core/maybe-promise.ts'
import type { PermissionRules } from './core/permission/permission-rules.ts'
import { authenticateAccessToken, verifyWithHook } from './core/request/authenticate.ts'
import { createCredentialGuard } from './core/request/credential.ts'
import { createOwnChecks, runChecks } from './core/request/checks.ts'
import { createExtract } from './core/request/extract.ts'
import type { Found } from './core/request/finders.ts'
import type { Guard } from './core/request/guard.ts'
import type { Principal } from './core/request/principal.ts'
import { refuse } from './core/request/refusal.ts'
import type { Refusal } from './core/request/refusal.ts'
import type { RequestView } from './core/request/request-view.ts'
import { formerCookies } from './core/request/token-cookies.ts'
import type { Requirement } from './core/request/requirement.ts'
import { createValidity } from './core/request/validity.ts'
import type { Validity } from './core/request/validity.ts'
import { createCookieJar } from './core/session/cookie-jar.ts'
import type { CookieJar } from './core/session/cookie-jar.ts'
import { issueAfter } from './core/session/issue.ts'
import type { IssueOptions } from './core/session/issue-options.ts'
import { refresh } from './core/session/refresh.ts'
import type { RefreshOptions } from './core/session/refresh.ts'
import { getToken, listTokens, restoreRegistered, revokeRegistered } from './core/session/registered-tokens.ts'
import type { RegisteredToken, RegisteredTokenPage } from './core/session/registered-tokens.ts'
import { reissue } from './core/session/reissue.ts'
import {
  revokeEverything,
  revokeSession,
  revokeSubject,
  revokeToken,
  signOut,
  signOutEverywhere,
} from './core/session/revoke.ts'
import type { Session } from './core/session/session.ts'
import { checkSubject } from './core/session/subject.ts'
import { signAlone } from './core/session/sign-alone.ts'
import type { SignOptions } from './core/session/sign-alone.ts'
import { createTickets } from './core/session/ticket.ts'
import type { Tickets } from './core/session/ticket.ts'
import type { AccessToken, SignedToken, TokenPair } from './core/session/tokens.ts'
import { publicJwks } from './core/token/jwks.ts'
import type { JwksDocument } from './core/token/jwks.ts'
import type { JsonObject } from './core/token/json.ts'
import type { VerifiedToken } from './core/token/verify-token.ts'
import type { EventSink } from './ports/event-sink.ts'
import type { Store } from './ports/store.ts'
import type { User, UserDirectory } from './ports/user-directory.ts'

/** Which page of a list is wanted. */
export interface PageOptions {
  /** `next` of the page before. */
  readonly after?: string | null
  /** Default 100. */
  readonly limit?: number
}

/** Single tokens: signing and verifying them, and the register of those issued. */
export interface Tokens<P extends string, Input extends object> {
  /**
   * Signs an access token that belongs to no session.
   *
   * @throws ConfigError for options that cannot be
   */
  sign(options: SignOptions<P, Input>): Promise<SignedToken>
  /**
   * Header and claims of an access token, verified; revocation is not asked.
   *
   * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid` | `wrong_token_type`
   */
  verify(accessToken: string, options?: { readonly allowExpired?: boolean }): MaybePromise<VerifiedToken>
  /** A registered token, or null. Like all below it throws ConfigError where `trackTokens` is not set. */
  get(tokenId: string): Promise<RegisteredToken | null>
  /** The subject's tokens that have not expired, the latest first. */
  list(subject: string, page?: PageOptions): Promise<RegisteredTokenPage>
  /** The like of everybody. */
  listAll(page?: PageOptions): Promise<RegisteredTokenPage>
  /**
   * Revokes an access token by itself, a refresh token with its session, until it is restored.
   *
   * @throws AuthError `not_found`
   */
  revoke(tokenId: string): Promise<RegisteredToken>
  /**
   * Takes `revoke` back. The end of a session (by sign-out, reuse or an epoch) is final.
   *
   * @throws AuthError `not_found` | `not_restorable`
   */
  restore(tokenId: string): Promise<RegisteredToken>
}

/** What an adapter needs: one `Auth`, or several realms together. */
export interface Guarding<Claims, P extends string> {
  /** What a route asks, as a function from request to verdict. */
  guard(requirement?: Requirement<P, Claims>): Guard<Claims, P>
}

/** What adapters for connections that last need besides. */
export interface Connecting<Claims, P extends string> extends Guarding<Claims, P> {
  /** What has become of a caller who was let in before. */
  readonly validity: Validity<Claims, P>
  /** Tells the configured sink. */
  readonly emit: EventSink
}

/** The whole of Jotward over one configuration: what adapters guard with, routes answer with, applications call. */
export interface Auth<
  Claims = JsonObject,
  P extends string = string,
  Input extends object = JsonObject,
> extends Connecting<Claims, P> {
  /**
   * Makes a session for a subject whose credentials have been checked already, or for a user of the directory.
   *
   * @throws ConfigError for options that cannot be, and for a subject that the configured directory does not know
   */
  issue(options: IssueOptions<P, Input> & ({ readonly subject: string } | { readonly user: User })): Promise<TokenPair>
  /**
   * Makes a session for a subject whose credentials `check` finds good, or throws. Best for passwords: a sign-out
   * everywhere in the midst of the check is never lost, for then the check runs again.
   */
  issueAfter(subject: string, check: () => MaybePromise<IssueOptions<P, Input>>): Promise<TokenPair>
  /**
   * Exchanges a refresh token for a new pair; whoever asks again gets the same refresh token again.
   *
   * @throws AuthError `refresh_token_invalid` | `refresh_token_reused` | `hook_failed` | `invalid_scope`
   * @throws StoreError where it is not known whether the token was rotated
   */
  refresh(refreshToken: string, options?: RefreshOptions): Promise<TokenPair>
  /**
   * A further access token in the caller's own session, as old as the caller's; with `fresh: true`, for after its user has
   * authenticated once more, a fresh one.
   */
  reissue(principal: Principal<Claims, P>, options?: { readonly fresh?: boolean }): Promise<AccessToken>
  /**
   * The principal of an access token, revocation and the application's own hooks included.
   *
   * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid` | `token_revoked` | `wrong_token_type` |
   *   `verification_failed` | `hook_failed`
   */
  verify(accessToken: string): MaybePromise<Principal<Claims, P>>
  /** The one access token of a request, where the configuration looks for it, with its place; null where there is none. */
  find(request: RequestView): MaybePromise<Found | null>
  /** The refresh token likewise. */
  findRefreshToken(request: RequestView): MaybePromise<Found | null>
  /** The answer to a failure, as guards and endpoints give it. */
  refuse(failure: unknown, request?: RequestView): MaybePromise<Refusal>
  /** Ends the session of an access token (expired or not) or a refresh token. */
  signOut(token: string): Promise<void>
  /** Ends every session of the subject of a token. */
  signOutEverywhere(token: string): Promise<void>
  readonly tokens: Tokens<P, Input>
  readonly cookies: CookieJar
  /** What stands for an access token, once and for seconds, where that must not be written. */
  readonly tickets: Tickets<Claims, P>
  readonly revoke: {
    token(token: { readonly tokenId: string; readonly subject: string }): Promise<void>
    session(session: { readonly sessionId: string; readonly subject: string }): Promise<void>
    /** Every session and access token that the subject has at this moment. */
    subject(subject: string): Promise<void>
    /** Everybody's: for incidents, and after a backup was restored. */
    everything(): Promise<void>
  }
  readonly sessions: {
    /** The subject's live sessions, the most recently refreshed first. */
    list(subject: string): Promise<readonly Session[]>
    /** A live session, or null. */
    find(sessionId: string): Promise<Session | null>
  }
  /** The public keys, to publish (RFC 7517 §5); empty where a secret signs. */
  jwks(): JwksDocument
  readonly issuer: string
  readonly realm: string
  /** Life of an access token. */
  readonly accessLifetime: Seconds
  readonly store: Store
  readonly users: UserDirectory | null
  readonly permissions: PermissionRules
  /** Whether tokens are registered, so that `tokens` can list them. */
  readonly trackTokens: 'none' | 'refresh' | 'all'
  /** Whether the application names its own claims for each new token. */
  readonly hasClaimsHook: boolean
  /** Why a token could not carry these custom claims, or null where it could. */
  claimsProblem(claims: JsonObject): string | null
  /** Resolves when the store can keep its promises. */
  ready(): Promise<void>
  /** Ends what the store began; its client stays the caller's to close. */
  close(): Promise<void>
}

/** A session of somebody whom the directory does not know would end at its first refresh. */
const requireUser = async ({ users }: Engine<unknown>, subject: string): Promise<void> => {
  if (users === null || (await users.findById(subject))) return
  const problem = 'is not known to users; leave users out of the configuration where they live elsewhere'
  throw new ConfigError([{ path: 'subject', problem }])
}

type Issue = IssueOptions<string, object> & ({ readonly subject: string } | { readonly user: User })

const issue = async (engine: Engine<unknown>, options: Issue): Promise<TokenPair> => {
  const given: unknown = options
  if (typeof given !== 'object' || given === null) {
    throw new ConfigError([{ path: '', problem: 'a sign-in needs an object of options' }])
  }
  if (!('user' in options)) {
    const { subject, ...rest } = options
    await requireUser(engine, subject)
    return issueAfter(engine, subject, () => rest)
  }
  const { user, ...rest } = options
  // What a directory found for a stranger is null.
  const found: unknown = user
  if (typeof found !== 'object' || found === null) throw new ConfigError([{ path: 'user', problem: 'is no user' }])
  if (user.active) {
    const { permissions, credentialVersion } = user
    return issueAfter(engine, user.id, () => ({ permissions, credentialVersion, ...rest }))
  }
  throw new ConfigError([{ path: 'user', problem: 'is disabled; check `active` before a session is made' }])
}

const createTokens = (engine: Engine<unknown>): Tokens<string, object> => ({
  sign: async (options) => signAlone(engine, options),
  verify: (accessToken, { allowExpired = false } = {}) =>
    verifyWithHook(engine, accessToken, { mayBeExpired: allowExpired }),
  get: async (tokenId) => getToken(engine, tokenId),
  list: async (subject, page) => {
    // Null, by mistake, would list everybody's.
    checkSubject(subject)
    return listTokens(engine, subject, page)
  },
  listAll: async (page) => listTokens(engine, null, page),
  revoke: async (tokenId) => revokeRegistered(engine, tokenId),
  restore: async (tokenId) => restoreRegistered(engine, tokenId),
})

const ON_ITS_OWN = { location: null } as const
const AS_USUAL = { revocation: 'usual', whenStale: 'refuse', admit: null } as const

/** Stands where a token came without a request. */
const NO_REQUEST: RequestView = {
  method: 'GET',
  path: '/',
  parameter: () => null,
  header: () => null,
  query: () => [],
  body: () => null,
}

const createVerify = <Claims, P extends string>(engine: Engine<Claims>): Auth<Claims, P>['verify'] => {
  const checks = createOwnChecks<Claims, P>(engine, AS_USUAL)
  return (token) =>
    whenReady(authenticateAccessToken<Claims, P>(engine, { token, ...ON_ITS_OWN }, AS_USUAL), (principal) =>
      runChecks(checks, principal, NO_REQUEST),
    )
}

/**
 * Builds an issuer and its guards from one configuration. No input or output happens here.
 *
 * @example
 * const auth = createAuth({
 *   issuer: 'https://api.example.com',
 *   audience: 'https://api.example.com',
 *   keys: { secret: process.env['AUTH_SECRET'] ?? '' },
 *   store: memoryStore(),
 * })
 *
 * @throws ConfigError with every problem at once
 */
export const createAuth = <
  Claims = JsonObject,
  const P extends string = string,
  Input extends object = JsonObject,
  const R extends string = P,
>(
  config: AuthConfig<Claims, P, Input, R>,
): Auth<Claims, P | R, Input> => {
  const engine = resolveConfig<Claims, P, R>(config)
  const { store } = engine
  return {
    issue: async (options) => issue(engine, options),
    issueAfter: async (subject, check) => issueAfter(engine, subject, check),
    refresh: async (refreshToken, options) => refresh(engine, refreshToken, options),
    reissue: async (principal, { fresh = false } = {}) =>
      reissue(engine, principal, { reason: 'reauthentication', authTime: fresh ? 'now' : principal.authTime }),
    verify: createVerify<Claims, P | R>(engine),
    guard: (requirement) => createCredentialGuard<Claims, P | R>(engine, requirement),
    validity: createValidity<Claims, P | R>(engine),
    find: createExtract(engine),
    findRefreshToken: createExtract(engine, null, ['refresh']),
    refuse: (failure, request) =>
      refuse(failure, engine.refusals, {
        request: request ?? null,
        claims: null,
        cookies: formerCookies(engine, failure),
      }),
    signOut: async (token) => signOut(engine, token),
    signOutEverywhere: async (token) => signOutEverywhere(engine, token),
    tokens: createTokens(engine),
    cookies: createCookieJar(engine),
    tickets: createTickets<Claims, P>(engine),
    revoke: {
      token: async (token) => revokeToken(engine, token),
      session: async (session) => revokeSession(engine, session),
      subject: async (subject) => revokeSubject(engine, subject),
      everything: async () => revokeEverything(engine),
    },
    sessions: {
      list: async (subject) => store.sessions.list(subject),
      find: async (sessionId) => store.sessions.find(sessionId),
    },
    jwks: () => publicJwks(engine.keys.verifying.keys),
    issuer: engine.issuer,
    realm: engine.realm,
    accessLifetime: engine.accessToken.lifetime,
    store,
    users: engine.users,
    permissions: engine.permissions,
    trackTokens: engine.trackTokens,
    hasClaimsHook: engine.hooks.claims !== null,
    claimsProblem: (claims) => {
      const read = engine.readClaims(claims)
      return 'problem' in read ? read.problem : null
    },
    emit: engine.emit,
    ready: async () => store.ready(),
    close: async () => store.close(),
  }
}
