import { resolveConfig } from './config.ts'
import type { AuthConfig } from './auth-config.ts'
import type { Engine } from './core/engine.ts'
import type { Seconds } from './core/duration.ts'
import { AuthError, ConfigError } from './core/errors.ts'
import type { MaybePromise } from './core/maybe-promise.ts'
import { authenticateToken } from './core/request/authenticate.ts'
import { createExtract } from './core/request/extract.ts'
import type { Found } from './core/request/finders.ts'
import type { RequestView } from './core/request/request-view.ts'
import { createGuard } from './core/request/guard.ts'
import type { PermissionRules } from './core/permission/permission-rules.ts'
import type { Guard } from './core/request/guard.ts'
import type { Principal } from './core/request/principal.ts'
import type { Requirement } from './core/request/requirement.ts'
import { issueAfter } from './core/session/issue.ts'
import type { IssueOptions } from './core/session/issue-options.ts'
import { refresh } from './core/session/refresh.ts'
import type { RefreshOptions } from './core/session/refresh.ts'
import {
  revokeEverything,
  revokeSession,
  revokeSubject,
  revokeToken,
  signOut,
  signOutEverywhere,
} from './core/session/revoke.ts'
import type { Session } from './core/session/session.ts'
import { mintAccessToken, resolveContent } from './core/session/tokens.ts'
import type { AccessToken, TokenPair } from './core/session/tokens.ts'
import { publicJwks } from './core/token/jwks.ts'
import type { JwksDocument } from './core/token/jwks.ts'
import type { JsonObject } from './core/token/json.ts'
import type { EventSink } from './ports/event-sink.ts'
import type { Store } from './ports/store.ts'
import type { UserDirectory } from './ports/user-directory.ts'

/** The whole of Jotward over one configuration: what adapters guard with, routes answer with, applications call. */
export interface Auth<Claims = JsonObject, P extends string = string> {
  /**
   * Makes a session for a subject whose credentials have been checked already.
   *
   * @throws ConfigError for options that cannot be, and for a subject that the configured directory does not know
   */
  issue(options: IssueOptions<P> & { readonly subject: string }): Promise<TokenPair>
  /**
   * Makes a session for a subject whose credentials `check` finds good, or throws. Best for passwords: a sign-out
   * everywhere in the midst of the check is never lost, for then the check runs again.
   */
  issueAfter(subject: string, check: () => MaybePromise<IssueOptions<P>>): Promise<TokenPair>
  /**
   * Exchanges a refresh token for a new pair; whoever asks again gets the same refresh token again.
   *
   * @throws AuthError `refresh_token_invalid` | `refresh_token_reused` | `hook_failed` | `invalid_scope`
   * @throws StoreError where it is not known whether the token was rotated
   */
  refresh(refreshToken: string, options?: RefreshOptions): Promise<TokenPair>
  /** A fresh access token in the caller's own session, after its user has authenticated once more. */
  reissue(principal: Principal<Claims, P>): Promise<AccessToken>
  /**
   * The principal of an access token, revocation included.
   *
   * @throws AuthError `token_invalid` | `token_expired` | `token_not_yet_valid` | `token_revoked` | `wrong_token_type`
   */
  verify(accessToken: string): MaybePromise<Principal<Claims, P>>
  /** What a route asks, as a function from request to verdict; adapters are built on it. */
  guard(requirement?: Requirement<P>): Guard<Claims, P>
  /** The one access token of a request, where the configuration looks for it, with its place; null where there is none. */
  find(request: RequestView): MaybePromise<Found | null>
  /** Ends the session of an access token (expired or not) or a refresh token. */
  signOut(token: string): Promise<void>
  /** Ends every session of the subject of a token. */
  signOutEverywhere(token: string): Promise<void>
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
  /** Why a token could not carry these custom claims, or null where it could. */
  claimsProblem(claims: JsonObject): string | null
  /** Tells the configured sink. */
  readonly emit: EventSink
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

const reissue = async (
  engine: Engine<unknown>,
  { sessionId, permissions }: Principal<unknown>,
): Promise<AccessToken> => {
  const session = sessionId === null ? null : await engine.store.sessions.find(sessionId)
  if (session === null) throw new AuthError('token_revoked', { detail: 'the session has ended' })
  const issuedAt = Math.floor(engine.now())
  const { credentialVersion } = session.grant
  const user = engine.users === null ? null : await engine.users.findById(session.subject)
  const isBound = engine.users !== null && credentialVersion !== null
  if (isBound && (user?.active !== true || user.credentialVersion !== credentialVersion)) {
    throw new AuthError('token_revoked', { detail: 'the user may not be signed in any more' })
  }
  // What the caller's own token had given up stays given up, and what the user has lost is lost.
  const held = isBound ? (user?.permissions ?? []) : null
  const options = { reason: 'reauthentication', scope: null, held, ceiling: permissions } as const
  const content = await resolveContent(engine, session, options)
  return mintAccessToken(engine, session, content, { issuedAt, authTime: issuedAt })
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
export const createAuth = <Claims = JsonObject, const P extends string = string>(
  config: AuthConfig<Claims, P>,
): Auth<Claims, P> => {
  const engine = resolveConfig<Claims, P>(config)
  const { store } = engine
  return {
    issue: async ({ subject, ...options }) => {
      await requireUser(engine, subject)
      return issueAfter(engine, subject, () => options)
    },
    issueAfter: async (subject, check) => issueAfter(engine, subject, check),
    refresh: async (refreshToken, options) => refresh(engine, refreshToken, options),
    reissue: async (principal) => reissue(engine, principal),
    verify: (accessToken) => authenticateToken<Claims, P>(engine, accessToken),
    guard: (requirement) => createGuard<Claims, P>(engine, requirement),
    find: createExtract(engine),
    signOut: async (token) => signOut(engine, token),
    signOutEverywhere: async (token) => signOutEverywhere(engine, token),
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
    claimsProblem: (claims) => {
      const read = engine.readClaims(claims)
      return 'problem' in read ? read.problem : null
    },
    emit: engine.emit,
    ready: async () => store.ready(),
    close: async () => store.close(),
  }
}
