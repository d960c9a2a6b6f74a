import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { ConfigError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import type { BoundPermission } from '../permission/permission-rules.ts'
import { didYouMean, unknownKeys } from '../unknown-keys.ts'
import { locationProblems } from './locations.ts'
import type { Location, TokenKind } from './locations.ts'
import type { Principal } from './principal.ts'
import type { RequestView } from './request-view.ts'

/** Permissions that a route asks for: a list, or a function that builds one from the request. */
export type Permissions<P extends string> =
  | readonly P[]
  | ((request: RequestView) => MaybePromise<readonly BoundPermission<P>[]>)

export type WhenStale = 'refuse' | 'ask' | 'serve'

/** What a route asks of its caller. */
export interface Requirement<P extends string = string, Claims = unknown> {
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
  readonly permissions?: Permissions<P>
  /** One of these is needed. */
  readonly anyOf?: Permissions<P>
  /** Where this route looks for the token, instead of where the configuration says. */
  readonly locations?: readonly Location[]
  /** Which token is accepted; `'any'` takes either. Default `'access'`. */
  readonly token?: TokenKind | 'any'
  /**
   * `'strict'` asks the store itself whether the token is revoked, never a copy that may lag; `'skip'` does not ask, and
   * lets a revoked token pass until it expires. Default: as the store does.
   */
  readonly revocation?: 'strict' | 'skip'
  /**
   * What becomes of a token that is not known to be revoked while this process's copy of what is revoked is too old to say
   * (`replicated`): `'refuse'` answers 503, `'ask'` asks the store itself, `'serve'` lets it pass. Default `'refuse'`.
   */
  readonly whenStale?: WhenStale
  /** Loads the user of the token, who must be active and under the credentials of the sign-in. Default false. */
  readonly user?: boolean
  /** A question of the route's own, asked last: false refuses with `access_denied`. What it throws is answered as 503. */
  readonly check?: (principal: Principal<Claims, P>, request: RequestView) => MaybePromise<boolean>
}

/** Permissions to ask for, known already or to be built from a request. */
export type ResolvedPermissions = readonly string[] | ((request: RequestView) => MaybePromise<readonly string[]>)

/** A requirement with its defaults applied and its units normalised. */
export interface ResolvedRequirement<P extends string, Claims> {
  readonly optional: boolean
  readonly lenient: boolean
  /** The window in seconds, `'login'`, or null where age does not matter. */
  readonly fresh: Seconds | 'login' | null
  readonly permissions: ResolvedPermissions
  readonly anyOf: ResolvedPermissions
  /** Null: as the configuration says. */
  readonly locations: readonly Location[] | null
  readonly kinds: readonly TokenKind[]
  readonly revocation: 'usual' | 'strict' | 'skip'
  readonly whenStale: WhenStale
  readonly user: boolean
  readonly check: ((principal: Principal<Claims, P>, request: RequestView) => MaybePromise<boolean>) | null
}

const SETTINGS = [
  'optional',
  'fresh',
  'permissions',
  'anyOf',
  'locations',
  'token',
  'revocation',
  'whenStale',
  'user',
  'check',
] as const

const readFresh = (fresh: unknown, accessLifetime: Seconds, problems: ConfigProblem[]): Seconds | 'login' | null => {
  if (fresh === undefined || fresh === false) return null
  if (fresh === true) return accessLifetime
  if (fresh === 'login') return 'login'
  const seconds = parseDuration(fresh)
  if (seconds === null) problems.push({ path: 'fresh', problem: 'must be true, "login" or a duration like "5m"' })
  return seconds
}

const isBuilder = (value: unknown): value is (request: RequestView) => MaybePromise<readonly string[]> =>
  typeof value === 'function'

const readNames = (
  path: string,
  names: unknown,
  known: ReadonlySet<string> | null,
  problems: ConfigProblem[],
): ResolvedPermissions => {
  if (names === undefined) return []
  if (isBuilder(names)) return names
  if (!Array.isArray(names) || names.length === 0 || !names.every(isPermissionName)) {
    problems.push({
      path,
      problem: 'must be a list of at least one permission, or a function that returns one',
    })
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

const KINDS: Readonly<Record<string, readonly TokenKind[]>> = {
  access: ['access'],
  refresh: ['refresh'],
  any: ['access', 'refresh'],
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

type Limits = Pick<Engine<unknown>, 'accessToken' | 'permissionNames' | 'users' | 'transport'>

const staleProblems = ({ whenStale, revocation, token }: Requirement): readonly ConfigProblem[] => {
  if (whenStale === undefined) return []
  if (!['refuse', 'ask', 'serve'].includes(whenStale)) {
    return [{ path: 'whenStale', problem: 'must be "refuse", "ask" or "serve"' }]
  }
  if (revocation === undefined && token !== 'refresh') return []
  const problem =
    'is about access tokens that are looked for in a copy; leave it out beside revocation or token: "refresh"'
  return [{ path: 'whenStale', problem }]
}

/** Settings that are one of a few values, or contradict one another. */
const choiceProblems = (requirement: Requirement, { users, transport }: Limits): readonly ConfigProblem[] => {
  const {
    optional = false,
    token = 'access',
    revocation = 'usual',
    user = false,
    check,
    locations,
    fresh,
  } = requirement
  const places = [
    ...(locations ?? []),
    ...(requirement.locations === undefined ? transport.locations.order.access : []),
  ]
  const rules: readonly (readonly [path: string, holds: boolean, problem: string])[] = [
    ['optional', typeof optional === 'boolean' || optional === 'lenient', 'must be true, false or "lenient"'],
    ['token', Object.hasOwn(KINDS, token), 'must be "access", "refresh" or "any"'],
    ['revocation', ['usual', 'strict', 'skip'].includes(revocation), 'must be "strict" or "skip", or be left out'],
    [
      'revocation',
      revocation !== 'skip' || token !== 'refresh',
      '"skip" is about access tokens; a refresh token is looked up in the store anyway',
    ],
    ['user', typeof user === 'boolean', 'must be true or false'],
    ['user', !user || users !== null, 'needs users in the configuration'],
    ['check', check === undefined || typeof check === 'function', 'must be a function'],
    [
      'fresh',
      token === 'access' || fresh === undefined || fresh === false,
      'is about access tokens; a refresh token tells nothing of when its holder was last seen',
    ],
    [
      'locations',
      !places.includes('custom') || transport.locations.find !== null,
      'names "custom", but the configuration has no locations.find',
    ],
  ]
  const problems = rules.filter(([, holds]) => !holds).map(([path, , problem]) => ({ path, problem }))
  return [...problems, ...staleProblems(requirement)]
}

/** What is asked of others than the token. */
const readQuestions = <P extends string, Claims>({
  revocation,
  whenStale = 'refuse',
  user = false,
  check,
}: Requirement<P, Claims>) => ({ revocation: revocation ?? ('usual' as const), whenStale, user, check: check ?? null })

/** @throws ConfigError for what a route cannot ask, when the guard is made and not at the first request */
export const resolveRequirement = <P extends string, Claims>(
  requirement: Requirement<P, Claims>,
  limits: Limits,
): ResolvedRequirement<P, Claims> => {
  const given: unknown = requirement
  if (typeof given !== 'object' || given === null || !isPlain(given)) {
    throw new ConfigError([{ path: '', problem: 'a requirement is an object like { permissions: ["orders:read"] }' }])
  }
  const problems = unknownKeys('', requirement, SETTINGS)
  for (const [path, value] of Object.entries(requirement)) {
    // A misspelt constant would open the route.
    if (value === undefined) problems.push({ path, problem: 'is undefined; leave it out, or say what is required' })
  }
  const { optional = false, locations = null, token = 'access' } = requirement
  if (locations !== null) problems.push(...locationProblems('locations', locations))
  // The names and claims of a route do not matter to what is checked here.
  if (problems.length === 0) problems.push(...choiceProblems(requirement as Requirement, limits))
  const resolved = {
    optional: optional !== false,
    lenient: optional === 'lenient',
    fresh: readFresh(requirement.fresh, limits.accessToken.lifetime, problems),
    permissions: readNames('permissions', requirement.permissions, limits.permissionNames, problems),
    anyOf: readNames('anyOf', requirement.anyOf, limits.permissionNames, problems),
    locations,
    kinds: KINDS[token] ?? [],
    ...readQuestions(requirement),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return resolved
}
