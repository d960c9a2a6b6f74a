import type { Guarding } from '../../src/auth.ts'
import type { MountedHandler } from '../../src/adapters/handler.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import type { Requirement } from '../../src/core/request/requirement.ts'
import type { Service } from './exchange.ts'

/** Who calls, as an adapter tells it. */
export interface Caller<Claims, P extends string> {
  readonly principal: () => Principal<Claims, P>
  readonly optionalPrincipal: () => Principal<Claims, P> | null
}

/** `protect(requirement)` of one of the plan's guards. */
export interface GuardPlan<Claims, P extends string> {
  readonly requirement?: Requirement<P, Claims>
  /** Index among `auths`. Default 0. */
  readonly by?: number
}

export interface RoutePlan<Claims, P extends string> {
  /** A segment like `:id` is a parameter. */
  readonly path: string
  /** In order; none leaves the route open. */
  readonly guards: readonly GuardPlan<Claims, P>[]
  /** The handler: what it returns is answered as JSON, but for a `Reply`. `caller` speaks for the guard `by`, default 0. */
  readonly enter: (caller: Caller<Claims, P>) => unknown
  readonly by?: number
}

/** An application, told in the words that all frameworks share. */
export interface Plan<Claims, P extends string> {
  readonly auths: readonly Guarding<Claims, P>[]
  /** Guards of everything below a prefix, before the routes; the prefix '' is the whole application. */
  readonly areas?: readonly (GuardPlan<Claims, P> & { readonly prefix: string })[]
  readonly routes: readonly RoutePlan<Claims, P>[]
  /** Cookies that the application itself sets for each request, before any guard. */
  readonly cookiesBefore?: readonly string[]
  /** Ready-made endpoints, before or after whatever the framework has to read bodies with. */
  readonly endpoints?: { readonly handler: MountedHandler; readonly after: 'nothing' | 'body parsers' }
}

/**
 * What a framework does not have: parameters of the path; templates; cookies of the application beside those of a
 * refusal; an answer of its own to what a handler throws; a guard's sight of that answer.
 */
export type Lack = 'parameters' | 'templates' | 'cookies before a refusal' | 'errors' | 'sight of errors'

/** Builds the application in one framework and opens it for requests. */
export interface Serve {
  <Claims, P extends string>(plan: Plan<Claims, P>): Promise<Service>
  readonly lacks?: readonly Lack[]
}

/** The adapter of a plan's guard. */
export const nth = <T>(items: readonly T[], index = 0): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`the plan has no guard ${index}`)
  return item
}

export const lacking = (lacks: readonly Lack[], serve: Serve): Serve => Object.assign(serve, { lacks })

/** Whether a path fits a pattern, for those who route by hand. */
export const isPathOf = (pattern: string, path: string): boolean => {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith(':') || part === given[index])
}
