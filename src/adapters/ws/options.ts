import { readDuration } from '../../core/duration.ts'
import type { Duration, DurationRange } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import type { ConfigProblem } from '../../core/errors.ts'
import { resolveCsrf } from '../../core/request/csrf.ts'
import type { CsrfRules } from '../../core/request/csrf.ts'
import { LOCATIONS } from '../../core/request/locations.ts'
import type { Location } from '../../core/request/locations.ts'
import { unknownKeys } from '../../core/unknown-keys.ts'

/** Ways of a credential that only a WebSocket has. */
const WAYS = ['subprotocol', 'ticket', 'message'] as const

type Way = (typeof WAYS)[number]

export interface WsOptions {
  /** Other origins whose pages may connect, like `https://app.example.com`. Default: none but the host's own. */
  readonly origins?: readonly string[]
  /**
   * Where a credential may stand, and nowhere else. Default: where the configuration's `locations` say, in a subprotocol,
   * and in a ticket. `message` also lets clients renew an open connection.
   */
  readonly accept?: readonly (Location | Way)[]
  /** How long a connection may stay without its first message, where `accept` names `message`. 1 to 60 s; default `'5s'`. */
  readonly authenticateWithin?: Duration
  /** How often each open connection is asked for among what is revoked. 1 to 60 s; default `'1s'`. */
  readonly checkEvery?: Duration
  /** How long a connection stays open while the store cannot tell whether it is revoked. 1 s to 5 min; default `'30s'`. */
  readonly patience?: Duration
}

export interface ResolvedWsOptions {
  readonly origins: CsrfRules
  /** Null: as the configuration says. */
  readonly places: readonly Location[] | null
  readonly ways: ReadonlySet<Way>
  readonly authenticateWithinMs: number
  readonly everyMs: number
  readonly patienceMs: number
}

const SETTINGS = ['origins', 'accept', 'authenticateWithin', 'checkEvery', 'patience'] as const

const isAmong = <T>(values: readonly T[], value: unknown): value is T => values.some((known) => known === value)

const acceptProblems = (accept: unknown): readonly ConfigProblem[] => {
  const known = [...LOCATIONS, ...WAYS]
  const names = Array.isArray(accept) ? new Set<unknown>(accept) : new Set()
  const isGood = names.size > 0 && Array.isArray(accept) && names.size === accept.length
  if (isGood && [...names].every((name) => isAmong(known, name))) return []
  return [{ path: 'accept', problem: `must name at least one of ${known.join(', ')}, each once at most` }]
}

const readOrigins = (origins: readonly string[], problems: ConfigProblem[]): CsrfRules | null => {
  if (!Array.isArray(origins)) {
    problems.push({ path: 'origins', problem: 'must be a list of origins like "https://app.example.com"' })
    return null
  }
  const { csrf, problems: found } = resolveCsrf({ origins })
  problems.push(...found.map(({ problem }) => ({ path: 'origins', problem })))
  return csrf
}

/** @throws ConfigError with every problem at once */
export const resolveWsOptions = (options: WsOptions): ResolvedWsOptions => {
  const problems: ConfigProblem[] = unknownKeys('', options, SETTINGS)
  const milliseconds = (path: string, value: unknown, range: DurationRange): number => {
    const seconds = readDuration(path, value, range)
    if (typeof seconds === 'number') return seconds * 1000
    problems.push(seconds)
    return Number.NaN
  }
  const { accept } = options
  if (accept !== undefined) problems.push(...acceptProblems(accept))
  const origins = readOrigins(options.origins ?? [], problems)
  const resolved = {
    places: accept === undefined ? null : LOCATIONS.filter((location) => accept.includes(location)),
    ways: new Set<Way>(accept === undefined ? ['subprotocol', 'ticket'] : WAYS.filter((way) => accept.includes(way))),
    authenticateWithinMs: milliseconds('authenticateWithin', options.authenticateWithin ?? 5, { min: 1, max: 60 }),
    everyMs: milliseconds('checkEvery', options.checkEvery ?? 1, { min: 1, max: 60 }),
    patienceMs: milliseconds('patience', options.patience ?? 30, { min: 1, max: 300 }),
  }
  if (problems.length > 0 || origins === null) throw new ConfigError(problems)
  return { origins, ...resolved }
}
