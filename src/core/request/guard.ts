import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { AuthErrorCode } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { JsonObject } from '../token/json.ts'
import { verifyJws } from '../token/jws.ts'
import { renewCookie } from '../session/renew-cookie.ts'
import { authenticateAccessToken, authenticateRefreshToken, isRefreshToken } from './authenticate.ts'
import type { Admission, Presented } from './authenticate.ts'
import { createChecks, runChecks } from './checks.ts'
import { checkCsrf } from './csrf.ts'
import { createExtract } from './extract.ts'
import type { Found } from './finders.ts'
import type { Principal } from './principal.ts'
import { refuse } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import type { RequestView } from './request-view.ts'
import { resolveRequirement } from './requirement.ts'
import type { Requirement, ResolvedRequirement } from './requirement.ts'
import { formerCookies } from './token-cookies.ts'

/** What a guard decides: who calls (null: anonymous, under an optional guard), or the answer that refuses. */
export type Verdict<Claims, P extends string> =
  | {
      readonly principal: Principal<Claims, P> | null
      /** Values of `Set-Cookie` headers to send with the answer, where an access cookie was renewed. */
      readonly cookies: readonly string[]
    }
  | { readonly refusal: Refusal }

/** Judges one request. Never throws for anything that a request holds. */
export type Guard<Claims, P extends string> = (request: RequestView) => MaybePromise<Verdict<Claims, P>>

/**
 * Codes that blame the token. Whatever else a caller is refused with, a good token meets too, or a hook of the
 * application's said so: a dead store is not a bad token, and too many attempts are not made good by dropping it.
 */
const OF_TOKEN: ReadonlySet<string> = new Set([
  'malformed_credentials',
  'token_invalid',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'wrong_token_type',
  'verification_failed',
  'user_refused',
])

/** Whether a code blames the token, so that a lenient guard lets its holder pass as anonymous. */
export const isOfToken = (code: AuthErrorCode): boolean => OF_TOKEN.has(code)

/** Codes that go out only where the signature of the token holds. */
const SIGNED: ReadonlySet<string> = new Set([
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'verification_failed',
  'user_refused',
  'access_denied',
  'csrf_failed',
  'insufficient_permission',
  'reauthentication_required',
])

/**
 * Claims for the hook that shapes a refusal. The signature is asked once more: a hook that chooses keys can refuse with
 * any code before it was.
 */
const claimsOf = (
  { keys, accessToken: { limits }, refusals }: Engine<unknown>,
  failure: unknown,
  found: Found | null,
): JsonObject | null => {
  if (found === null || !(failure instanceof AuthError) || !SIGNED.has(failure.code)) return null
  if (refusals.hookFor(failure.code) === null) return null
  for (const keySet of [keys.verifying, keys.refresh.verifying]) {
    try {
      return verifyJws(found.token, keySet, limits).claims
    } catch {
      // Signed with a key of the other kind, or with none of ours.
    }
  }
  return null
}

/** One way or the other to a principal, by the kinds that the route takes. */
const createAuthenticate = <Claims, P extends string>(
  engine: Engine<Claims>,
  kinds: ResolvedRequirement<P, Claims>['kinds'],
) => {
  const byRefresh = (found: Presented, admission: Admission<Claims, P>) =>
    authenticateRefreshToken<Claims, P>(engine, found, admission)
  const byAccess = (found: Presented, admission: Admission<Claims, P>) =>
    authenticateAccessToken<Claims, P>(engine, found, admission)
  if (!kinds.includes('refresh')) return byAccess
  if (!kinds.includes('access')) return byRefresh
  return (found: Presented, admission: Admission<Claims, P>): MaybePromise<Principal<Claims, P>> =>
    isRefreshToken(engine, found.token) ? byRefresh(found, admission) : byAccess(found, admission)
}

/** Whether a browser may have sent the token by itself. */
const createAdmit = <Claims, P extends string>(
  { transport: { csrf } }: Engine<Claims>,
  request: RequestView,
): Admission<Claims, P>['admit'] => {
  if (csrf === null || !csrf.rules.isChecked(request.method)) return null
  return ({ tokenKind, sessionId, tokenId }) =>
    checkCsrf(request, csrf, { kind: tokenKind, session: sessionId ?? tokenId })
}

const NO_COOKIES: readonly string[] = Object.freeze([])

/** A refusal to the caller, and to the operator where it is theirs to mend. */
const decline = <Claims, P extends string>(
  engine: Engine<Claims>,
  failure: unknown,
  { request, found }: { readonly request: RequestView; readonly found: Found | null },
): MaybePromise<Verdict<Claims, P>> => {
  if (!(failure instanceof AuthError)) engine.emit({ type: 'failure', at: 'guard', error: failure })
  else if (failure.code === 'hook_failed') {
    engine.emit({ type: 'failure', at: failure.detail ?? 'guard', error: failure.details.cause ?? failure })
  }
  const cookies = formerCookies(engine, failure)
  const answer = refuse(failure, engine.refusals, { request, claims: claimsOf(engine, failure, found), cookies })
  return whenReady(answer, (refusal) => ({ refusal }))
}

/** @throws ConfigError for a requirement that cannot be, when the guard is made */
export const createGuard = <Claims, P extends string>(
  engine: Engine<Claims>,
  requirement: Requirement<P, Claims> = {},
): Guard<Claims, P> => {
  const resolved = resolveRequirement<P, Claims>(requirement, engine)
  const extract = createExtract(engine, resolved.locations, resolved.kinds)
  const authenticate = createAuthenticate<Claims, P>(engine, resolved.kinds)
  const checks = createChecks<Claims, P>(engine, resolved)
  const { revocation, whenStale } = resolved
  // Where nobody asks whether a token is revoked, none may become one that is not.
  const mayRenew = engine.transport.cookies.renewWithin !== null && revocation !== 'skip'

  const judge = (request: RequestView, found: Found): MaybePromise<Principal<Claims, P>> => {
    const admit = found.location === 'cookie' ? createAdmit<Claims, P>(engine, request) : null
    const principal = authenticate(found, { revocation, whenStale, admit })
    return checks.length === 0 ? principal : whenReady(principal, (known) => runChecks(checks, known, request))
  }

  const accept = (principal: Principal<Claims, P>): MaybePromise<Verdict<Claims, P>> => {
    if (!mayRenew || principal.location !== 'cookie') return { principal, cookies: NO_COOKIES }
    return whenReady(renewCookie(engine, principal), (cookies) => ({ principal, cookies }))
  }

  const fail = (failure: unknown, request: RequestView, found: Found | null): MaybePromise<Verdict<Claims, P>> =>
    resolved.lenient && failure instanceof AuthError && isOfToken(failure.code)
      ? { principal: null, cookies: NO_COOKIES }
      : decline(engine, failure, { request, found })

  const decide = (request: RequestView, found: Found | null): MaybePromise<Verdict<Claims, P>> => {
    try {
      if (found === null) {
        if (resolved.optional) return { principal: null, cookies: NO_COOKIES }
        throw new AuthError('missing_token')
      }
      const principal = judge(request, found)
      return principal instanceof Promise
        ? principal.then(accept).catch((failure: unknown) => fail(failure, request, found))
        : accept(principal)
    } catch (failure) {
      return fail(failure, request, found)
    }
  }

  return (request) => {
    try {
      const found = extract(request)
      return found instanceof Promise
        ? found.then(
            (token) => decide(request, token),
            (failure: unknown) => fail(failure, request, null),
          )
        : decide(request, found)
    } catch (failure) {
      return fail(failure, request, null)
    }
  }
}
