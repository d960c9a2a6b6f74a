import { AuthError } from '../core/errors.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Found } from '../core/request/finders.ts'
import type { RequestView } from '../core/request/request-view.ts'
import { tellFailedHook } from './call-hook.ts'
import type { RouteContext } from './route-context.ts'

/** What stands where the configuration looks: a token, nothing, or something that is no single token. */
export type Finding = Found | AuthError | null

/** The tokens that a request carries. Whether a malformed one matters is the endpoint's to say. */
export interface CarriedTokens {
  readonly access: Finding
  readonly refresh: Finding
}

export const NO_TOKENS: CarriedTokens = Object.freeze({ access: null, refresh: null })

const settle = async (auth: RouteContext['auth'], find: () => MaybePromise<Found | null>): Promise<Finding> => {
  try {
    return await find()
  } catch (failure) {
    if (!(failure instanceof AuthError)) throw failure
    tellFailedHook(auth, failure)
    return failure
  }
}

/** To be asked before the body is read, for a token may stand in it. */
export const findCarriedTokens = async (auth: RouteContext['auth'], view: RequestView): Promise<CarriedTokens> => ({
  access: await settle(auth, () => auth.find(view)),
  refresh: await settle(auth, () => auth.findRefreshToken(view)),
})

/** The token of a finding, where it is one. */
export const foundOf = (finding: Finding): Found | null => (finding instanceof AuthError ? null : finding)

/** Tokens that stand in the JSON body, under whatever names the configuration has given them. */
export const tokensInJson = ({ access, refresh }: CarriedTokens): readonly string[] =>
  [access, refresh].map(foundOf).flatMap((found) => (found?.location === 'json' ? [found.token] : []))
