import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { isPromiseLike, whenReady } from '../maybe-promise.ts'
import { askHook } from './ask-hook.ts'
import type { CookieTarget } from './cookies.ts'
import { cookieValues } from './cookies.ts'
import type { Location, ResolvedLocations, TokenFinder, TokenKind } from './locations.ts'
import type { RequestView } from './request-view.ts'

/** What stands in one place: a token, nothing, or something that is no single token. */
type Finding = string | null | AuthError

/** Looks for a token in one place. */
export interface Finder {
  readonly location: Location
  find(request: RequestView): MaybePromise<Finding>
}

/** `token68` (RFC 9110 §11.2), which is what a bearer token is made of (RFC 6750 §2.1). */
const TOKEN = '[A-Za-z0-9\\-._~+/]+=*'

const BARE = new RegExp(`^${TOKEN}$`)

const malformed = (detail: string): AuthError => new AuthError('malformed_credentials', { detail })

const escape = (text: string): string => text.replaceAll(/[.*+?^$|]/g, '\\$&')

/** The Authorization header, or one like it. A foreign scheme counts as no token, and never as a second one. */
const headerFinder = ({ name, schemes }: ResolvedLocations['header']): Finder => {
  const named = schemes.filter((scheme) => scheme !== '').map(escape)
  const isBareAccepted = schemes.includes('')
  const any = `(?:${named.join('|')})`
  // Each with the sign of a name that must not follow: `BearerX` is a foreign scheme.
  const credentials = new RegExp(`^${any} +(${TOKEN})$`, 'i')
  const scheme = new RegExp(`^${any}(?![\\w!#$%&'*+.^\`|~-])`, 'i')
  // Behind something else: several headers, joined, or several credentials in one.
  const second = new RegExp(`,[ \\t]*${any}(?:[ \\t]|$)`, 'i')
  const find = (request: RequestView): Finding => {
    const value = request.header(name)
    if (value === null || value === '') return null
    if (named.length > 0) {
      const token = credentials.exec(value)?.[1]
      if (token !== undefined) return token
      if (scheme.test(value) || second.test(value)) return malformed(`the header ${name} holds not exactly one token`)
    }
    if (!isBareAccepted) return null
    return BARE.test(value) ? value : malformed(`the header ${name} holds not exactly one token`)
  }
  return { location: 'header', find }
}

const cookieFinder = ({ name }: CookieTarget): Finder => ({
  location: 'cookie',
  find: (request) => {
    const [value, ...others] = cookieValues(request.header('cookie'), name)
    // One of them was set by somebody else, or on a domain that is no longer ours: which, nobody can tell.
    if (others.length > 0) return malformed('there are two cookies of one name')
    if (value === undefined || value === '') return null
    return BARE.test(value) ? value : malformed('the cookie holds no token')
  },
})

const queryFinder = (name: string, prefix: string): Finder => ({
  location: 'query',
  find: (request) => {
    const [value, ...others] = request.query(name)
    if (others.length > 0) return malformed('the query holds two tokens')
    if (value === undefined || value === '') return null
    const token = value.slice(prefix.length)
    return value.startsWith(prefix) && BARE.test(token) ? token : malformed('the query holds no token as expected')
  },
})

const bodyFinder = (location: 'json' | 'form', name: string): Finder => ({
  location,
  find: (request) =>
    whenReady(request.body(), (body) => {
      if (body?.kind !== location || !Object.hasOwn(body.members, name)) return null
      const value = body.members[name]
      return typeof value === 'string' && BARE.test(value) ? value : malformed('the body holds no token as expected')
    }),
})

/** What the application's own function found; from JavaScript anything may come. */
const readCustom = (value: unknown): Finding => {
  if (value === null || value === undefined || value === '') return null
  return typeof value === 'string' && BARE.test(value) ? value : malformed('locations.find returned no token')
}

const customFinder = (find: TokenFinder): Finder => ({
  location: 'custom',
  find: (request) =>
    whenReady(
      askHook('locations.find', () => find(request)),
      readCustom,
    ),
})

/** A finder for each place. */
export type Finders = ReadonlyMap<Location, Finder>

/** What finds tokens of one kind. */
export const createFinders = (
  { header, query, body, find }: ResolvedLocations,
  cookie: CookieTarget,
  kind: TokenKind,
): Finders => {
  const finders = [
    headerFinder(header),
    cookieFinder(cookie),
    queryFinder(query.names[kind], query.prefix),
    bodyFinder('json', body.names[kind]),
    bodyFinder('form', body.names[kind]),
    ...(find === null ? [] : [customFinder(find)]),
  ]
  return new Map(finders.map((finder) => [finder.location, finder]))
}

/** A token and where it was found. */
export interface Found {
  readonly token: string
  readonly location: Location
}

const choose = (
  finders: readonly Finder[],
  findings: readonly Finding[],
  several: ResolvedLocations['several'],
): Found | null => {
  let chosen: Found | null = null
  for (const [index, finding] of findings.entries()) {
    const location = finders[index]?.location
    if (finding === null || location === undefined) continue
    if (finding instanceof AuthError) throw finding
    if (chosen !== null) throw malformed(`there are tokens in two places: ${chosen.location} and ${location}`)
    chosen = { token: finding, location }
    if (several === 'first') return chosen
  }
  return chosen
}

/** A finder that throws is one whose promise fails: others may be under way, and nobody would wait for them. */
const look = (finder: Finder, request: RequestView): MaybePromise<Finding> => {
  try {
    return finder.find(request)
  } catch (failure) {
    return Promise.reject(failure)
  }
}

/**
 * The one token of a request, or null where there is none. A place that holds something malformed is never passed over
 * for a later one.
 *
 * @throws AuthError `malformed_credentials` for something that is no single token, or two tokens where that is refused
 */
export const findToken = (
  request: RequestView,
  finders: readonly Finder[],
  several: ResolvedLocations['several'],
): MaybePromise<Found | null> => {
  const findings = finders.map((finder) => look(finder, request))
  const settled = findings.filter((finding): finding is Finding => !isPromiseLike(finding))
  if (settled.length === findings.length) return choose(finders, settled, several)
  // Some are promises, for a body had to be read; the others stand already.
  const all = findings.map((finding) => Promise.resolve(finding))
  return Promise.all(all).then((found) => choose(finders, found, several))
}
