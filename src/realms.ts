import type { Auth, Connecting } from './auth.ts'
import { ConfigError } from './core/errors.ts'
import type { MaybePromise } from './core/maybe-promise.ts'
import { whenReady } from './core/maybe-promise.ts'
import { isOfToken } from './core/request/guard.ts'
import type { Guard, Verdict } from './core/request/guard.ts'
import type { RequestView } from './core/request/request-view.ts'
import type { Requirement } from './core/request/requirement.ts'

/** Any issuer, whatever its claims and permissions. */
type AnyAuth = Auth<unknown>

type ClaimsOf<A> = A extends Auth<infer Claims, infer _P, infer _Input> ? Claims : never

/** The permissions that every one of them knows. */
type SharedPermissions<A extends readonly unknown[]> = A extends readonly [infer First, ...infer Rest]
  ? (First extends Auth<infer _Claims, infer P, infer _Input> ? P : never) & SharedPermissions<Rest>
  : string

interface Realm<Claims, P extends string> extends Connecting<Claims, P> {
  readonly issuer: string
}

/** Whether another realm may know the token: this one has found none, or none of its own. */
const mayBeOfAnother = <Claims, P extends string>(verdict: Verdict<Claims, P>): boolean =>
  'refusal' in verdict && (verdict.refusal.code === 'missing_token' || verdict.refusal.code === 'token_invalid')

/** Refusals that an optional guard does not know, and those that a lenient one overlooks. */
const isAnonymous = <Claims, P extends string>(
  verdict: Verdict<Claims, P>,
  optional: Requirement['optional'],
): boolean => {
  if (!('refusal' in verdict)) return false
  const { code } = verdict.refusal
  return code === 'missing_token' ? optional !== false : optional === 'lenient' && isOfToken(code)
}

/** Asks one guard after the other until one knows the token. What nobody knows is refused in the first one's words. */
const tryInOrder = <Claims, P extends string>(
  guards: readonly Guard<Claims, P>[],
  request: RequestView,
  refused: Verdict<Claims, P> | null = null,
): MaybePromise<Verdict<Claims, P>> => {
  const [guard, ...others] = guards
  if (guard === undefined) return refused ?? { principal: null, cookies: [] }
  return whenReady(guard(request), (verdict) => {
    if (!mayBeOfAnother(verdict)) return verdict
    // A token that is nobody's tells more than none.
    const isTold = refused !== null && 'refusal' in refused && refused.refusal.code === 'token_invalid'
    const first = refused === null || (!isTold && 'refusal' in verdict && verdict.refusal.code === 'token_invalid')
    return tryInOrder(others, request, first ? verdict : refused)
  })
}

const requireDistinct = (auths: readonly AnyAuth[]): void => {
  const problems = auths
    .map(({ issuer }) => issuer)
    .filter((issuer, index, all) => all.indexOf(issuer) !== index)
    .map((issuer) => ({ path: 'issuer', problem: `two realms have the issuer "${issuer}"; give each its own` }))
  const stores = new Set(auths.map(({ store }) => store))
  if (stores.size < auths.length) {
    const problem = 'two realms have one store, where each would see the sessions of the other; give each its own'
    problems.push({ path: 'store', problem })
  }
  if (auths.length === 0) problems.push({ path: '', problem: 'realms() needs at least one Auth' })
  if (problems.length > 0) throw new ConfigError(problems)
}

/**
 * Several issuers behind one guard, tried in order: staff and customers, or an old issuer beside a new one. Each keeps
 * its own keys, audience, cookies and users, and never accepts a token of another; `principal.issuer` tells which one
 * let a caller in. A requirement names permissions that all of them know.
 *
 * @example
 * const { protect, principal } = expressAuth(realms(staff, customers))
 *
 * @throws ConfigError where two have the same issuer
 */
export const realms = <const A extends readonly AnyAuth[]>(
  ...auths: A
): Connecting<ClaimsOf<A[number]>, SharedPermissions<A>> => {
  requireDistinct(auths)
  // Which of them lets a caller in decides what the claims are: one of the union.
  const members = auths as unknown as readonly Realm<ClaimsOf<A[number]>, SharedPermissions<A>>[]
  const memberOf = ({ issuer }: { readonly issuer: string }) => {
    const member = members.find((candidate) => candidate.issuer === issuer)
    if (member === undefined) throw new Error(`The caller is of no realm here: ${issuer}`)
    return member
  }
  return {
    guard: (requirement = {}) => {
      const { optional = false, ...rest } = requirement
      // An optional guard would call everybody anonymous whose token is another realm's.
      const guards = members.map((member) => member.guard(rest))
      // What is taken apart here is no longer what was given: a guard knows best what a requirement may be.
      members[0]?.guard(requirement)
      return (request) =>
        whenReady(tryInOrder(guards, request), (verdict) =>
          isAnonymous(verdict, optional) ? { principal: null, cookies: [] } : verdict,
        )
    },
    validity: {
      secondsLeft: (principal) => memberOf(principal).validity.secondsLeft(principal),
      isRevoked: (principal, how) => memberOf(principal).validity.isRevoked(principal, how),
    },
    // What is told of all of them together, the first one's sink hears.
    emit: (event) => members[0]?.emit(event),
  }
}
