import type { ConfigProblem } from '../errors.ts'
import { unknownKeys } from '../unknown-keys.ts'

/** Where a token may travel. `query` ends up in logs and histories (RFC 6750 §5.3): off unless asked for. */
export const LOCATIONS = ['header', 'query', 'json', 'form'] as const

export type Location = (typeof LOCATIONS)[number]

/** Where tokens are looked for, and under which names. */
export interface LocationsConfig {
  /** Precedence, first to last. Default: the header alone. */
  readonly order?: readonly Location[]
  readonly header?: {
    /** Default `authorization`. */
    readonly name?: string
    /** Accepted schemes; `''` is a bare token. Default `['Bearer']`. */
    readonly schemes?: readonly string[]
  }
  readonly query?: {
    /** Default `access_token` (RFC 6750 §2.3). */
    readonly name?: string
    /** What the value must begin with, like `'Bearer '`. Default: nothing. */
    readonly prefix?: string
  }
  readonly body?: {
    /** Name of the member of a JSON body or a form. Default `access_token` (RFC 6750 §2.2). */
    readonly name?: string
  }
  /** What to make of tokens in two places at once: refuse (default, RFC 6750 §2), or take the first of the order. */
  readonly several?: 'refuse' | 'first'
}

export interface ResolvedLocations {
  readonly order: readonly Location[]
  readonly header: { readonly name: string; readonly schemes: readonly string[] }
  readonly query: { readonly name: string; readonly prefix: string }
  readonly body: { readonly name: string }
  readonly several: 'refuse' | 'first'
}

export const isLocation = (value: unknown): value is Location => LOCATIONS.some((location) => location === value)

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
  locations: ['order', 'header', 'query', 'body', 'several'],
  header: ['name', 'schemes'],
  query: ['name', 'prefix'],
  body: ['name'],
} as const

const headerProblems = ({ name, schemes }: ResolvedLocations['header']): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  if (!isToken(name)) problems.push({ path: 'locations.header.name', problem: 'must be the name of a header' })
  if (schemes.length === 0 || !schemes.every((scheme) => scheme === '' || isToken(scheme))) {
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

const withDefaults = ({ order, header, query, body, several }: LocationsConfig): ResolvedLocations => ({
  order: order ?? ['header'],
  header: { name: (header?.name ?? 'authorization').toLowerCase(), schemes: header?.schemes ?? ['Bearer'] },
  query: { name: query?.name ?? 'access_token', prefix: query?.prefix ?? '' },
  body: { name: body?.name ?? 'access_token' },
  several: several ?? 'refuse',
})

/** Reads the setting `locations`. */
export const resolveLocations = (
  config: LocationsConfig = {},
): { readonly locations: ResolvedLocations; readonly problems: readonly ConfigProblem[] } => {
  const locations = withDefaults(config)
  const problems = [
    ...unknownSettings(config),
    ...locationProblems('locations.order', locations.order),
    ...headerProblems(locations.header),
  ]
  if (locations.several !== 'refuse' && locations.several !== 'first') {
    problems.push({ path: 'locations.several', problem: 'must be "refuse" or "first"' })
  }
  return { locations, problems }
}
