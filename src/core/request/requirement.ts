import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { ConfigError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import { locationProblems } from './locations.ts'
import type { Location } from './locations.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { didYouMean, unknownKeys } from '../unknown-keys.ts'

/** What a route asks of its caller. */
export interface Requirement<P extends string = string> {
  /**
   * Lets a request without a token through; one with a bad token is refused all the same, unless `'lenient'` lets it
   * pass as anonymous. Default false.
   */
  readonly optional?: boolean | 'lenient'
  /**
   * How recent the authentication must be: within the access token's lifetime (`true`), within a span, or the token
   * must have been minted by the authentication itself (`'login'`).
   */
  readonly fresh?: boolean | 'login' | Duration
  /** All of these are needed. */
  readonly permissions?: readonly P[]
  /** One of these is needed. */
  readonly anyOf?: readonly P[]
  /** Where this route looks for the token, instead of where the configuration says. */
  readonly locations?: readonly Location[]
}

/** A requirement with its defaults applied and its units normalised. */
export interface ResolvedRequirement {
  readonly optional: boolean
  readonly lenient: boolean
  /** The window in seconds, `'login'`, or null where age does not matter. */
  readonly fresh: Seconds | 'login' | null
  readonly permissions: readonly string[]
  readonly anyOf: readonly string[]
  /** Null: as the configuration says. */
  readonly locations: readonly Location[] | null
}

const SETTINGS = ['optional', 'fresh', 'permissions', 'anyOf', 'locations'] as const

const readFresh = (
  fresh: unknown,
  accessLifetime: Seconds,
  problems: ConfigProblem[],
): ResolvedRequirement['fresh'] => {
  if (fresh === undefined || fresh === false) return null
  if (fresh === true) return accessLifetime
  if (fresh === 'login') return 'login'
  const seconds = parseDuration(fresh)
  if (seconds === null) problems.push({ path: 'fresh', problem: 'must be true, "login" or a duration like "5m"' })
  return seconds
}

const readNames = (
  path: string,
  names: unknown,
  known: ReadonlySet<string> | null,
  problems: ConfigProblem[],
): readonly string[] => {
  if (names === undefined) return []
  if (!Array.isArray(names) || names.length === 0 || !names.every(isPermissionName)) {
    problems.push({ path, problem: 'must be a list of at least one permission' })
    return []
  }
  for (const name of names) {
    if (known === null || known.has(name)) continue
    const meant = didYouMean(name, [...known])
    const remedy = meant === null ? 'declare it there' : `did you mean "${meant}"?`
    problems.push({ path, problem: `"${name}" is not among permissions.names; ${remedy}` })
  }
  return [...names]
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** @throws ConfigError for what a route cannot ask, when the guard is made and not at the first request */
export const resolveRequirement = (
  requirement: Requirement,
  { accessToken, permissionNames }: Pick<Engine<unknown>, 'accessToken' | 'permissionNames'>,
): ResolvedRequirement => {
  const given: unknown = requirement
  if (typeof given !== 'object' || given === null || !isPlain(given)) {
    throw new ConfigError([{ path: '', problem: 'a requirement is an object like { permissions: ["orders:read"] }' }])
  }
  const problems = unknownKeys('', requirement, SETTINGS)
  for (const [path, value] of Object.entries(requirement)) {
    // A misspelt constant would open the route.
    if (value === undefined) problems.push({ path, problem: 'is undefined; leave it out, or say what is required' })
  }
  const { optional = false } = requirement
  if (typeof optional !== 'boolean' && optional !== 'lenient') {
    problems.push({ path: 'optional', problem: 'must be true, false or "lenient"' })
  }
  const { locations = null } = requirement
  if (locations !== null) problems.push(...locationProblems('locations', locations))
  const resolved = {
    optional: optional !== false,
    lenient: optional === 'lenient',
    fresh: readFresh(requirement.fresh, accessToken.lifetime, problems),
    permissions: readNames('permissions', requirement.permissions, permissionNames, problems),
    anyOf: readNames('anyOf', requirement.anyOf, permissionNames, problems),
    locations,
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return resolved
}
