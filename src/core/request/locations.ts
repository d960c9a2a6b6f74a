import type { ConfigProblem } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { misshapenParts, unknownKeys } from '../unknown-keys.ts'
import type { RequestView } from './request-view.ts'

/** Which of the two tokens of a session. */
export type TokenKind = 'access' | 'refresh'

/**
 * Where a token may travel; `custom` is where a function of the application's own looks. `query` ends up in logs and
 * histories (RFC 6750 §5.3): off unless asked for.
 */
export const LOCATIONS = ['header', 'cookie', 'query', 'json', 'form', 'custom'] as const

export type Location = (typeof LOCATIONS)[number]

/**
 * Looks for a token where only the application knows: returns it, or null. Nothing protects what it takes from a cookie
 * against other sites; the place `cookie` is for those.
 */
export type TokenFinder = (request: RequestView) => MaybePromise<string | null>

/** Where tokens are looked for, and under which names. */
export interface LocationsConfig {
  /** Precedence, first to last. Default: the header alone, or cookie and header where `delivery` is `'cookie'`. */
  readonly order?: readonly Location[]
  /** Where refresh tokens are looked for. Default: `order`. The ready-made endpoints always take one from the body too. */
  readonly refreshOrder?: readonly Location[]
  readonly header?: {
    /** Default `authorization`. */
    readonly name?: string
    /** Accepted schemes; `''` is a bare token. Default `['Bearer']`. */
    readonly schemes?: readonly string[]
  }
  readonly query?: {
    /** Default `access_token` (RFC 6750 §2.3). */
    readonly name?: string
    /** Default `refresh_token`. */
    readonly refreshName?: string
    /** What the value must begin with, like `'Bearer '`. Default: nothing. */
    readonly prefix?: string
  }
  readonly body?: {
    /** Name of the member of a JSON body or a form. Default `access_token` (RFC 6750 §2.2). */
    readonly name?: string
    /** Default `refresh_token`. */
    readonly refreshName?: string
  }
  /** Looks in the place `custom`, which `order` must name too. */
  readonly find?: TokenFinder
  /** What to make of tokens in two places at once: refuse (default, RFC 6750 §2), or take the first of the order. */
  readonly several?: 'refuse' | 'first'
}

export interface ResolvedLocations {
  readonly order: Readonly<Record<TokenKind, readonly Location[]>>
  readonly header: { readonly name: string; readonly schemes: readonly string[] }
  readonly query: { readonly names: Readonly<Record<TokenKind, string>>; readonly prefix: string }
  readonly body: { readonly names: Readonly<Record<TokenKind, string>> }
  readonly find: TokenFinder | null
  readonly several: 'refuse' | 'first'
}

const isLocation = (value: unknown): value is Location => LOCATIONS.some((location) => location === value)

/** A list of locations, or the problem with it. */
export const locationProblems = (path: string, order: unknown): readonly ConfigProblem[] => {
  if (!Array.isArray(order) || order.length === 0) {
    return [{ path, problem: `must be a list of at least one of ${LOCATIONS.join(', ')}` }]
  }
  const unknown = order.filter((location) => !isLocation(location))
  if (unknown.length === 0 && new Set(order).size === order.length) return []
  return [{ path, problem: `must name each of ${LOCATIONS.join(', ')} once at most, and nothing else` }]
}

/** A header's name and a scheme are tokens of HTTP (RFC 9110 §5.1, §5.6.2, §11.1). */
const isToken = (name: unknown): boolean =>
  typeof name === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)

const SETTINGS = {
  locations: ['order', 'refreshOrder', 'header', 'query', 'body', 'find', 'several'],
  header: ['name', 'schemes'],
  query: ['name', 'refreshName', 'prefix'],
  body: ['name', 'refreshName'],
} as const

const headerProblems = ({ name, schemes }: ResolvedLocations['header']): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  if (!isToken(name)) problems.push({ path: 'locations.header.name', problem: 'must be the name of a header' })
  const given: unknown = schemes
  if (!Array.isArray(given) || given.length === 0 || !given.every((scheme) => scheme === '' || isToken(scheme))) {
    const problem = 'must be a list of schemes like "Bearer"; "" stands for a bare token'
    problems.push({ path: 'locations.header.schemes', problem })
  }
  return problems
}

const unknownSettings = (config: LocationsConfig): readonly ConfigProblem[] => [
  ...unknownKeys('locations', config, SETTINGS.locations),
  ...unknownKeys('locations.header', config.header ?? {}, SETTINGS.header),
  ...unknownKeys('locations.query', config.query ?? {}, SETTINGS.query),
  ...unknownKeys('locations.body', config.body ?? {}, SETTINGS.body),
]

/** What is no text becomes one that is refused: from JavaScript anything may come. */
const lowerCase = (name: unknown): string => (typeof name === 'string' ? name.toLowerCase() : '')

/** The names under which the two tokens stand in a query or a body. */
const namesOf = ({ name = 'access_token', refreshName = 'refresh_token' }: NonNullable<LocationsConfig['body']>) => ({
  access: name,
  refresh: refreshName,
})

const withDefaults = (config: LocationsConfig, usual: readonly Location[]): ResolvedLocations => {
  const { order = usual, refreshOrder = order, header = {}, query = {}, body = {} } = config
  return {
    order: { access: order, refresh: refreshOrder },
    header: { name: lowerCase(header.name ?? 'authorization'), schemes: header.schemes ?? ['Bearer'] },
    query: { names: namesOf(query), prefix: query.prefix ?? '' },
    body: { names: namesOf(body) },
    find: config.find ?? null,
    several: config.several ?? 'refuse',
  }
}

const isName = (name: unknown): boolean => typeof name === 'string' && name !== '' && name.length <= 128

const parameterProblems = ({ query, body }: ResolvedLocations): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  const names = {
    'locations.query.name': query.names.access,
    'locations.query.refreshName': query.names.refresh,
    'locations.body.name': body.names.access,
    'locations.body.refreshName': body.names.refresh,
  }
  for (const [path, name] of Object.entries(names)) {
    if (!isName(name)) problems.push({ path, problem: 'must be a name of 1 to 128 characters' })
  }
  if (typeof query.prefix !== 'string') problems.push({ path: 'locations.query.prefix', problem: 'must be a string' })
  return problems
}

/** A place without a finder would silently never hold a token. */
const finderProblems = ({ find, order }: ResolvedLocations): readonly ConfigProblem[] => {
  const path = 'locations.find'
  if (find !== null) return typeof find === 'function' ? [] : [{ path, problem: 'must be a function' }]
  const isNamed = order.access.includes('custom') || order.refresh.includes('custom')
  return isNamed ? [{ path, problem: 'is missing; locations.order names "custom"' }] : []
}

/** Reads the setting `locations`. `usual` is the order where it names none. */
export const resolveLocations = (
  config: LocationsConfig = {},
  usual: readonly Location[] = ['header'],
): { readonly locations: ResolvedLocations; readonly problems: readonly ConfigProblem[] } => {
  const misshapen = misshapenParts('locations', config, ['header', 'query', 'body'])
  if (misshapen.length > 0) return { ...resolveLocations({}, usual), problems: misshapen }
  const locations = withDefaults(config, usual)
  const orders = [
    ...locationProblems('locations.order', locations.order.access),
    ...(config.refreshOrder === undefined ? [] : locationProblems('locations.refreshOrder', config.refreshOrder)),
  ]
  const problems = [
    ...unknownSettings(config),
    ...orders,
    ...headerProblems(locations.header),
    ...parameterProblems(locations),
    ...(orders.length > 0 ? [] : finderProblems(locations)),
  ]
  if (locations.several !== 'refuse' && locations.several !== 'first') {
    problems.push({ path: 'locations.several', problem: 'must be "refuse" or "first"' })
  }
  return { locations, problems }
}
