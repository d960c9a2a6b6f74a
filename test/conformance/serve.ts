import type { Auth } from '../../src/auth.ts'
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
export interface GuardPlan<P extends string> {
  readonly requirement?: Requirement<P>
  /** Index among `auths`. Default 0. */
  readonly by?: number
}

export interface RoutePlan<Claims, P extends string> {
  readonly path: string
  /** In order; none leaves the route open. */
  readonly guards: readonly GuardPlan<P>[]
  /** The handler: what it returns is answered as JSON. `caller` speaks for the guard `by`, default 0. */
  readonly enter: (caller: Caller<Claims, P>) => unknown
  readonly by?: number
}

/** An application, told in the words that all frameworks share. */
export interface Plan<Claims, P extends string> {
  readonly auths: readonly Auth<Claims, P>[]
  /** Guards of everything below a prefix, before the routes; the prefix '' is the whole application. */
  readonly areas?: readonly (GuardPlan<P> & { readonly prefix: string })[]
  readonly routes: readonly RoutePlan<Claims, P>[]
  /** Ready-made endpoints, before or after whatever the framework has to read bodies with. */
  readonly endpoints?: { readonly handler: MountedHandler; readonly after: 'nothing' | 'body parsers' }
}

/** Builds the application in one framework and opens it for requests. */
export type Serve = <Claims, P extends string>(plan: Plan<Claims, P>) => Promise<Service>

/** The adapter of a plan's guard. */
export const nth = <T>(items: readonly T[], index = 0): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`the plan has no guard ${index}`)
  return item
}
