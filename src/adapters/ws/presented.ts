import { AuthError } from '../../core/errors.ts'
import type { Credential } from '../../core/request/credential.ts'
import type { RequestView } from '../../core/request/request-view.ts'
import type { ResolvedWsOptions } from './options.ts'
import type { UpgradeRequest } from './peers.ts'

/** Offered among the subprotocols, it says that the next one is a token; it is also what the server selects. */
export const BEARER_PROTOCOL = 'jotward.bearer'

const PROTOCOLS = 'sec-websocket-protocol'

/** As in a header (RFC 6750 §2.1), but for what a subprotocol cannot hold (RFC 6455 §4.1). */
const TOKEN = /^[A-Za-z0-9\-._~+]+$/

const malformed = (detail: string): Credential => ({
  kind: 'failure',
  failure: new AuthError('malformed_credentials', { detail }),
})

/** What `new WebSocket(url, ['jotward.bearer', token, …])` offers. */
interface Offered {
  readonly token: string | null
  /** The application's own, as they came. */
  readonly others: readonly string[]
}

const readOffered = (request: RequestView): Offered | null => {
  const offered = (request.header(PROTOCOLS) ?? '').split(',').map((name) => name.trim())
  const at = offered.indexOf(BEARER_PROTOCOL)
  if (at === -1) return null
  const others = offered.filter((_name, index) => index !== at && index !== at + 1)
  const token = offered[at + 1] ?? ''
  return { token: TOKEN.test(token) && !others.includes(BEARER_PROTOCOL) ? token : null, others }
}

/** The ticket of the address; more than one, or an address that is none, makes none. */
const readTickets = (request: RequestView): readonly string[] | null => {
  try {
    const tickets = request.query('ticket').filter((ticket) => ticket !== '')
    return tickets.length > 1 ? null : tickets
  } catch {
    return null
  }
}

/**
 * Takes the credential out of what only upgrade requests have, or null where there is none. The token leaves the header
 * in which it stood: what is selected among the rest, by ws or by a function of the application's, cannot be it.
 */
export const takePresented = (
  request: UpgradeRequest,
  view: RequestView,
  { ways, places }: ResolvedWsOptions,
): Credential | null => {
  const offered = readOffered(view)
  if (offered !== null) request.headers[PROTOCOLS] = [...offered.others, BEARER_PROTOCOL].join(', ')
  if (offered?.token === null) return malformed('the subprotocols hold not exactly one token')
  const token = ways.has('subprotocol') && offered !== null ? offered.token : null
  const tickets = ways.has('ticket') ? readTickets(view) : []
  if (tickets === null) return malformed('the query holds not exactly one ticket')
  const [ticket] = tickets
  const others = places !== null && places.length === 0 ? 'ignore' : 'refuse'
  if (ticket === undefined) return token === null ? null : { kind: 'token', token, others }
  return token === null ? { kind: 'ticket', ticket, others } : malformed('there are a token and a ticket')
}
