import type { Duplex } from 'node:stream'
import type { Connecting } from '../../auth.ts'
import { AuthError, ConfigError } from '../../core/errors.ts'
import type { MaybePromise } from '../../core/maybe-promise.ts'
import { whenReady } from '../../core/maybe-promise.ts'
import { withCredential } from '../../core/request/credential.ts'
import { checkOrigin } from '../../core/request/csrf.ts'
import type { Guard, Verdict } from '../../core/request/guard.ts'
import type { RequestView } from '../../core/request/request-view.ts'
import type { Requirement } from '../../core/request/requirement.ts'
import { nodeRequestView } from '../node-http.ts'
import type { ResolvedWsOptions } from './options.ts'
import type { UpgradeRequest } from './peers.ts'
import { takePresented } from './presented.ts'

/** How one route judges its upgrade requests, and the messages that come after them. */
export interface UpgradeJudge<Claims, P extends string> {
  /** `'waits'`: the connection may open, and its first message must tell who calls. */
  judge(request: UpgradeRequest): MaybePromise<Verdict<Claims, P> | 'waits'>
  /** Judges the token of a message, under the request that opened the connection; null is none. */
  judgeMessage(request: UpgradeRequest, token: string | null): MaybePromise<Verdict<Claims, P>>
  /** Refuses in the guard's words. */
  refuse(request: UpgradeRequest, failure: unknown): MaybePromise<Verdict<Claims, P>>
}

/** @throws ConfigError for what a connection cannot ask */
const checkRequirement = ({ token = 'access' }: Requirement): void => {
  if (token === 'access') return
  const problem = 'is about requests; a connection is opened with an access token, or what stands for one'
  throw new ConfigError([{ path: 'token', problem }])
}

/** The failure of a page of another site, or null. Whoever names no origin is no browser: no cookie is its own doing. */
const originFailure = (view: RequestView, rules: ResolvedWsOptions['origins'], mayBeUnknown: boolean): unknown => {
  try {
    checkOrigin(view, rules, { mayBeUnknown })
    return null
  } catch (failure) {
    return failure
  }
}

/** Where nothing of the request counts: nothing is found. */
const findNothing =
  <Claims, P extends string>(guard: Guard<Claims, P>, isOptional: boolean): Guard<Claims, P> =>
  (request) => {
    if (isOptional) return { principal: null, cookies: [] }
    return guard(withCredential(request, { kind: 'failure', failure: new AuthError('missing_token') }))
  }

export const createUpgradeJudge = <Claims, P extends string>(
  auth: Connecting<Claims, P>,
  requirement: Requirement<P, Claims>,
  options: ResolvedWsOptions,
): UpgradeJudge<Claims, P> => {
  // What is asked of a caller does not matter to what is checked here.
  checkRequirement(requirement as Requirement)
  const { places, ways, origins } = options
  const locations = requirement.locations ?? places
  const isAnywhere = locations === null || locations.length > 0
  const guard = auth.guard(locations === null || !isAnywhere ? requirement : { ...requirement, locations })
  const guardPlaces = isAnywhere ? guard : findNothing(guard, (requirement.optional ?? false) !== false)

  const refuse = (view: RequestView, failure: unknown): MaybePromise<Verdict<Claims, P>> =>
    guard(withCredential(view, { kind: 'failure', failure }))

  /** A cookie comes by itself, wherever the page comes from that connects: without an origin nobody knows. */
  const checkCookie = (view: RequestView, verdict: Verdict<Claims, P>): MaybePromise<Verdict<Claims, P>> => {
    if ('refusal' in verdict || verdict.principal?.location !== 'cookie') return verdict
    const failure = originFailure(view, origins, false)
    return failure === null ? verdict : refuse(view, failure)
  }

  const judgePlaces = (view: RequestView): MaybePromise<Verdict<Claims, P> | 'waits'> =>
    whenReady(guardPlaces(view), (verdict) => {
      const isMissing = 'refusal' in verdict && verdict.refusal.code === 'missing_token'
      return isMissing && ways.has('message') ? 'waits' : checkCookie(view, verdict)
    })

  return {
    judge: (request) => {
      const view = nodeRequestView(request)
      const presented = takePresented(request, view, options)
      const failure = originFailure(view, origins, true)
      if (failure !== null) return refuse(view, failure)
      return presented === null ? judgePlaces(view) : guard(withCredential(view, presented))
    },
    judgeMessage: (request, token) => {
      const view = nodeRequestView(request)
      const nothing = new AuthError('malformed_credentials', { detail: 'the message holds no token' })
      if (token === null) return refuse(view, nothing)
      // What opened the connection was judged then.
      return guard(withCredential(view, { kind: 'token', token, others: 'ignore' }))
    },
    refuse: (request, failure) => refuse(nodeRequestView(request), failure),
  }
}

/** Keeps a connection from ending the process while nobody else listens to it. */
export const guardSocket = (socket: Duplex): (() => void) => {
  const drop = (): void => {
    socket.destroy()
  }
  socket.on('error', drop)
  return () => {
    socket.removeListener('error', drop)
  }
}
