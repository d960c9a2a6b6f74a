import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import { spendTicket } from '../session/ticket.ts'
import { createChecks, runChecks } from './checks.ts'
import { createExtract } from './extract.ts'
import type { Extract } from './extract.ts'
import type { Finder } from './finders.ts'
import { createGuard } from './guard.ts'
import type { Guard, Verdict } from './guard.ts'
import type { RequestView } from './request-view.ts'
import { resolveRequirement } from './requirement.ts'
import type { Requirement } from './requirement.ts'

/**
 * Credentials that a transport hands over together with a request, because they stand in none of the places where
 * requests have them: in a subprotocol, a ticket, a message after the handshake. The same guards judge them.
 */

/** What to make of a token that stands in the request besides: two make none (RFC 6750 §2), or it is of no concern. */
type Others = 'refuse' | 'ignore'

interface TicketCredential {
  readonly kind: 'ticket'
  readonly ticket: string
  readonly others: Others
}

export type Credential =
  | { readonly kind: 'token'; readonly token: string; readonly others: Others }
  | TicketCredential
  /** What the transport has refused itself, to be put into the guard's words. */
  | { readonly kind: 'failure'; readonly failure: unknown }

/** A symbol, so that nothing that a caller sends, and no object that an application copies together, can be one. */
const CREDENTIAL = Symbol('credential')

interface CredentialView extends RequestView {
  readonly [CREDENTIAL]: Credential
}

const isCredentialView = (request: RequestView): request is CredentialView => CREDENTIAL in request

/** The same request with a credential, for guards made by `createCredentialGuard`; others find none. */
export const withCredential = (request: RequestView, credential: Credential): RequestView =>
  Object.assign({ ...request }, { [CREDENTIAL]: credential })

/** @throws AuthError `malformed_credentials` */
const refuseOthers = (extract: Extract, request: RequestView, others: Others): MaybePromise<void> => {
  if (others === 'ignore') return undefined
  return whenReady(extract(request), (found) => {
    if (found !== null) throw new AuthError('malformed_credentials', { detail: 'there are two credentials' })
  })
}

/** Finds the token that was handed over. What was refused already it throws, as a place that holds something bad does. */
const credentialFinder = (extract: Extract): Finder => ({
  location: 'custom',
  find: (request) => {
    if (!isCredentialView(request)) return null
    const credential = request[CREDENTIAL]
    if (credential.kind === 'failure') throw credential.failure
    if (credential.kind === 'ticket') return null
    return whenReady(refuseOthers(extract, request, credential.others), () => credential.token)
  },
})

/** It stood in no place that has a name: it was handed over by itself. */
const withoutPlace = <Claims, P extends string>(verdict: Verdict<Claims, P>): Verdict<Claims, P> =>
  'refusal' in verdict || verdict.principal === null
    ? verdict
    : { ...verdict, principal: { ...verdict.principal, location: null } }

/** The same issuer, whose tokens travel in that one place. */
const withFinder = <Claims>(engine: Engine<Claims>, finder: Finder): Engine<Claims> => {
  const { transport } = engine
  const place = new Map([[finder.location, finder]])
  const finders = { access: place, refresh: place }
  const locations = { ...transport.locations, find: () => null }
  return { ...engine, transport: { ...transport, finders, locations } }
}

/** Judges tickets by the same checks, and has the other guard refuse. */
const createTicketGuard = <Claims, P extends string>(
  engine: Engine<Claims>,
  requirement: Requirement<P, Claims>,
  { extract, decline }: { readonly extract: Extract; readonly decline: Guard<Claims, P> },
) => {
  const resolved = resolveRequirement<P, Claims>(requirement, engine)
  const checks = createChecks<Claims, P>(engine, resolved)
  return async (request: RequestView, { ticket, others }: TicketCredential): Promise<Verdict<Claims, P>> => {
    try {
      // A ticket stands for an access token, and for nothing else.
      if (!resolved.kinds.includes('access')) throw new AuthError('wrong_token_type')
      await refuseOthers(extract, request, others)
      const caller = await spendTicket<Claims, P>(engine, ticket, resolved.revocation)
      return { principal: await runChecks(checks, caller, request), cookies: [] }
    } catch (failure) {
      return decline(withCredential(request, { kind: 'failure', failure }))
    }
  }
}
/**
 * A guard for requests with a credential, which is judged like any other; without one it is `createGuard`.
 *
 * @throws ConfigError for a requirement that cannot be, when the guard is made
 */
export const createCredentialGuard = <Claims, P extends string>(
  engine: Engine<Claims>,
  requirement: Requirement<P, Claims> = {},
): Guard<Claims, P> => {
  const guard = createGuard<Claims, P>(engine, requirement)
  const extract = createExtract(engine, requirement.locations ?? null)
  const finder = credentialFinder(extract)
  const places = { ...requirement, locations: [finder.location] }
  const byToken = createGuard<Claims, P>(withFinder(engine, finder), places)
  const byTicket = createTicketGuard<Claims, P>(engine, requirement, { extract, decline: byToken })
  return (request) => {
    if (!isCredentialView(request)) return guard(request)
    const credential = request[CREDENTIAL]
    return credential.kind === 'ticket' ? byTicket(request, credential) : whenReady(byToken(request), withoutPlace)
  }
}
