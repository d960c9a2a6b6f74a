import type { Engine } from '../engine.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { findToken } from './finders.ts'
import type { Finder, Found } from './finders.ts'
import type { Location } from './locations.ts'
import type { RequestView } from './request-view.ts'

/** Looks for an access token in the places that are configured, or that a route names instead. */
export type Extract = (request: RequestView) => MaybePromise<Found | null>

/**
 * Chooses the places once, so that a request only looks.
 *
 * What it returns throws AuthError `malformed_credentials`: for something that is no single token (RFC 6750 §2), or
 * two tokens where that is refused.
 */
export const createExtract = (
  { finders, locations }: Engine<unknown>,
  order: readonly Location[] | null = null,
): Extract => {
  const places = (order ?? locations.order)
    .map((location) => finders.get(location))
    .filter((finder): finder is Finder => finder !== undefined)
  return (request) => findToken(request, places, locations.several)
}
