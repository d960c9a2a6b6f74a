import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import { verifyWithHook } from '../request/authenticate.ts'
import type { RevocationCheck } from '../request/authenticate.ts'
import { toPrincipal } from '../request/principal.ts'
import type { Principal, PrincipalContent } from '../request/principal.ts'
import { isRevoked, isRevokedInStore } from '../request/validity.ts'
import { newIdentifier } from '../token/identifier.ts'
import type { JsonObject } from '../token/json.ts'
import { createTicketKeys, signTicket, TICKET_LIFETIME, verifyTicket } from '../token/ticket-token.ts'
import type { TicketContent } from '../token/ticket-token.ts'
import type { PurposeKeys } from '../token/key-ring.ts'
import { isJson } from './token-content.ts'

/**
 * One-time tickets: what stands for an access token where that must not be written, an address above all. A ticket lives
 * for seconds, opens once, and is worth no more than its token: who revokes that, or its session, or its subject, has
 * revoked the ticket and what was opened with it.
 */

/** A ticket, and for how long it can be redeemed. */
export interface Ticket {
  readonly ticket: string
  /** At most 30, and never longer than its token lives. */
  readonly expiresIn: Seconds
}

export interface Tickets<Claims, P extends string> {
  /**
   * A ticket for a caller, by its principal or by the access token itself. The token is needed where `accessToken.claims`
   * makes other values of the claims than the token carries, a date of a string: those cannot be written down again.
   *
   * @throws AuthError `token_expired` | `token_revoked` for one whose token does not live any more, `wrong_token_type` for
   *   one with a refresh token, and whatever is wrong with a token
   * @throws ConfigError for claims that cannot be written down again
   */
  issue(caller: Principal<Claims, P> | string): Promise<Ticket>
  /**
   * The principal of a ticket's token, once, whatever races. To be used by the service that issued it, or one of the
   * same issuer, audience and secrets, over the same store.
   *
   * @throws AuthError `token_invalid` (which one used before is too) | `token_expired` | `token_not_yet_valid` |
   *   `token_revoked` | `wrong_token_type`
   * @throws StoreError where the store cannot tell
   */
  redeem(ticket: string): Promise<Principal<Claims, P>>
}

/** Clocks of processes may be apart by this, each way. */
const MAX_TOLERANCE = 300

/** From the first moment at which any process takes it to the last one. */
const RETENTION = TICKET_LIFETIME + 2 * MAX_TOLERANCE + 1

/** A ticket is a little longer, and two objects deeper, than the token that it stands for. */
const OVERHEAD_BYTES = 1024
const DEPTH = 34

const keysOf = new WeakMap<PurposeKeys, PurposeKeys>()

/** Derived once for each issuer, however many of its guards take tickets. */
const ticketKeys = ({ keys: { refresh } }: Engine<unknown>): PurposeKeys => {
  const known = keysOf.get(refresh)
  if (known !== undefined) return known
  const keys = createTicketKeys(refresh)
  keysOf.set(refresh, keys)
  return keys
}

const ARRIVAL = { tokenKind: 'access', location: null } as const

/** Claims as the token carried them, of what the schema has made of them, where that is the same. */
const carriedClaims = (engine: Engine<unknown>, claims: unknown): JsonObject => {
  // Without a schema nobody has made anything of them.
  if (!engine.hasClaimsSchema) return claims as JsonObject
  const written = isJson(claims) ? JSON.stringify(claims) : null
  if (written !== null) {
    const carried = JSON.parse(written) as JsonObject
    const read = engine.readClaims(carried)
    if ('claims' in read && isJson(read.claims) && JSON.stringify(read.claims) === written) return carried
  }
  const problem = 'has claims that accessToken.claims makes of others; give the access token instead'
  throw new ConfigError([{ path: 'principal', problem }])
}

const contentOf = (engine: Engine<unknown>, caller: Principal<unknown> | string): MaybePromise<PrincipalContent> => {
  if (typeof caller === 'string') return whenReady(verifyWithHook(engine, caller), ({ content }) => content)
  if (caller.tokenKind !== 'access') throw new AuthError('wrong_token_type')
  if (caller.issuer !== engine.issuer)
    throw new AuthError('token_invalid', { detail: 'the caller is of another issuer' })
  return { ...caller, claims: carriedClaims(engine, caller.claims) }
}

/** What of a token a ticket carries, and nothing that stands beside it. */
const carried = (content: PrincipalContent): PrincipalContent => ({
  subject: content.subject,
  tokenId: content.tokenId,
  sessionId: content.sessionId,
  clientId: content.clientId,
  permissions: content.permissions,
  claims: content.claims,
  issuedAt: content.issuedAt,
  expiresAt: content.expiresAt,
  authTime: content.authTime,
  stamp: content.stamp,
})

const issueTicket = async (engine: Engine<unknown>, caller: Principal<unknown> | string): Promise<Ticket> => {
  const { issuer, audience, now } = engine
  const token = carried(await contentOf(engine, caller))
  const issuedAt = Math.floor(now())
  const expiresAt = Math.floor(Math.min(issuedAt + TICKET_LIFETIME, token.expiresAt ?? Number.POSITIVE_INFINITY))
  if (!(now() < expiresAt)) throw new AuthError('token_expired')
  if (await isRevoked(engine, toPrincipal(engine, token, ARRIVAL), 'usual')) throw new AuthError('token_revoked')
  const content: TicketContent = { id: newIdentifier(token.subject), audience, issuedAt, expiresAt, token }
  return { ticket: signTicket(issuer, content, ticketKeys(engine).signing), expiresIn: expiresAt - issuedAt }
}

const isTrue = (answer: unknown): boolean => answer === true

const spend = (engine: Engine<unknown>, { id, token: { subject } }: TicketContent): MaybePromise<void> =>
  whenReady(engine.store.singleUse.spend({ id: `${id}.ticket`, subject, retention: RETENTION }), (isFirst) => {
    // Nothing but a plain yes: whatever else a store answers, it has not spent the ticket for this caller.
    if (!isTrue(isFirst)) throw new AuthError('token_invalid', { detail: 'the ticket was used before' })
  })

/**
 * Spends a ticket for its principal. The store is asked nothing before the ticket is known to be ours.
 *
 * @throws AuthError as `Tickets.redeem`
 * @throws StoreError where the store cannot tell
 */
export const spendTicket = <Claims, P extends string>(
  engine: Engine<Claims>,
  ticket: string,
  revocation: RevocationCheck,
): MaybePromise<Principal<Claims, P>> => {
  const { issuer, audience, accessToken, now } = engine
  const limits = { maxBytes: accessToken.limits.maxBytes + OVERHEAD_BYTES, maxDepth: DEPTH }
  const rules = { issuer, audience, clockTolerance: accessToken.clockTolerance, limits }
  const content = verifyTicket(ticket, rules, { keys: ticketKeys(engine), now: now() })
  const principal = toPrincipal<Claims, P>(engine, content.token, ARRIVAL)
  return whenReady(spend(engine, content), () =>
    whenReady(isRevokedInStore(engine, principal, revocation), (revoked) => {
      if (revoked) throw new AuthError('token_revoked')
      return principal
    }),
  )
}

export const createTickets = <Claims, P extends string>(engine: Engine<Claims>): Tickets<Claims, P> => ({
  issue: async (caller) => issueTicket(engine, caller),
  redeem: async (ticket) => {
    const principal = await spendTicket<Claims, P>(engine, ticket, 'skip')
    if (await isRevoked(engine, principal, 'usual')) throw new AuthError('token_revoked')
    return principal
  },
})
