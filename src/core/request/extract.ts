import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import { findToken } from './finders.ts'
import type { Finder, Found } from './finders.ts'
import type { Location, TokenKind } from './locations.ts'
import type { RequestView } from './request-view.ts'

/** Looks for a token in the places that are configured, or that a route names instead. */
export type Extract = (request: RequestView) => MaybePromise<Found | null>

const extractKind = ({ transport: { finders, locations } }: Engine<unknown>, kind: TokenKind) => {
  return (order: readonly Location[] | null): Extract => {
    const places = (order ?? locations.order[kind])
      .map((location) => finders[kind].get(location))
      .filter((finder): finder is Finder => finder !== undefined)
    return (request) => findToken(request, places, locations.several)
  }
}

/**
 * The one of two findings that counts. Both kinds may stand in one and the same place, the header for one: that is one
 * token, not two. And a browser sends both cookies wherever the refresh cookie goes.
 */
const createMerge = (engine: Engine<unknown>, order: readonly Location[] | null) => {
  const { locations } = engine.transport
  const places = order ?? locations.order.access
  const rank = ({ location }: Found): number => (places.includes(location) ? places.indexOf(location) : places.length)
  return (access: Found | null, refresh: Found | null): Found | null => {
    if (access === null || refresh === null) return access ?? refresh
    if (locations.several === 'first') return rank(refresh) < rank(access) ? refresh : access
    const areCookies = access.location === 'cookie' && refresh.location === 'cookie'
    if (areCookies || access.token === refresh.token) return access
    throw new AuthError('malformed_credentials', { detail: 'there are two tokens' })
  }
}

/**
 * Chooses the places once, so that a request only looks.
 *
 * What it returns throws AuthError `malformed_credentials`: for something that is no single token (RFC 6750 §2), or
 * two tokens where that is refused.
 */
export const createExtract = (
  engine: Engine<unknown>,
  order: readonly Location[] | null = null,
  kinds: readonly TokenKind[] = ['access'],
): Extract => {
  const [first, second] = kinds.map((kind) => extractKind(engine, kind)(order))
  if (first === undefined) return () => null
  if (second === undefined) return first
  const merge = createMerge(engine, order)
  return (request) =>
    whenReady(first(request), (access) => whenReady(second(request), (refresh) => merge(access, refresh)))
}
