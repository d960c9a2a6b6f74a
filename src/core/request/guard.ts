import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { authenticate } from './authenticate.ts'
import { createExtract } from './extract.ts'
import type { Principal } from './principal.ts'
import { refuse } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import type { RequestView } from './request-view.ts'
import { resolveRequirement } from './requirement.ts'
import type { Requirement } from './requirement.ts'

/** What a guard decides: who calls (null: anonymous, under an optional guard), or the answer that refuses. */
export type Verdict<Claims, P extends string> =
  | { readonly principal: Principal<Claims, P> | null }
  | { readonly refusal: Refusal }

/** Judges one request. Never throws for anything that a request holds. */
export type Guard<Claims, P extends string> = (request: RequestView) => MaybePromise<Verdict<Claims, P>>

/** Whether the token was at fault. A good one that lacks a permission is not made anonymous, and a dead store is not a bad token. */
const isOfToken = ({ code, status }: AuthError): boolean =>
  status < 500 && code !== 'insufficient_permission' && code !== 'reauthentication_required'

/** @throws ConfigError for a requirement that cannot be, when the guard is made */
export const createGuard = <Claims, P extends string>(
  engine: Engine<Claims>,
  requirement: Requirement<P> = {},
): Guard<Claims, P> => {
  const resolved = resolveRequirement(requirement, engine)
  const way = { extract: createExtract(engine, resolved.locations), requirement: resolved }

  const accept = (principal: Principal<Claims, P> | null): Verdict<Claims, P> => ({ principal })

  const decline = (failure: unknown): Verdict<Claims, P> => {
    if (resolved.lenient && failure instanceof AuthError && isOfToken(failure)) return { principal: null }
    if (!(failure instanceof AuthError)) engine.emit({ type: 'failure', at: 'guard', error: failure })
    return { refusal: refuse(failure, engine.realm) }
  }

  return (request) => {
    try {
      const principal = authenticate<Claims, P>(engine, request, way)
      return principal instanceof Promise ? principal.then(accept, decline) : accept(principal)
    } catch (failure) {
      return decline(failure)
    }
  }
}
