import type { ReadClaims } from '../claims-schema.ts'
import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { ConfigError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import type { BoundPermission } from '../permission/permission-rules.ts'
import { isJsonObject } from '../token/json.ts'
import type { JsonObject, JsonValue } from '../token/json.ts'
import { unknownKeys } from '../unknown-keys.ts'
import { MAX_SESSION_LIFETIME } from './lifecycle.ts'
import type { Grant } from './session.ts'
import { isName, UNWRITABLE } from './subject.ts'
import { contentProblems, isJson } from './token-content.ts'

/** What a new session entitles to; what is left out comes from the configuration. */
export interface IssueOptions<P extends string = string, Input extends object = JsonObject> {
  /** Wildcards too: `orders:*` grants every name below `orders:`. And what is bound to a resource: `trial:read:17`. */
  readonly permissions?: readonly (BoundPermission<P> | `${string}:*`)[]
  /** Custom claims, checked against the schema where there is one. */
  readonly claims?: Input
  /** Members for the header of its access tokens, besides `alg`, `kid` and `typ`. */
  readonly headers?: JsonObject
  /** Handed to the claims hook at each refresh, never put into a token. */
  readonly refreshData?: JsonValue
  /** Shown in lists of sessions, like "Firefox on Linux"; cut to 200 characters, and it loses control characters. */
  readonly device?: string
  /** Default: all of the configuration's. */
  readonly audience?: string | readonly string[]
  readonly clientId?: string
  /** NumericDate of the authentication where it lies in the past. Default: now. */
  readonly authTime?: Seconds
  readonly accessLifetime?: Duration
  readonly idleLifetime?: Duration
  readonly absoluteLifetime?: Duration
  /** The user's credential version that was checked; refresh is refused once the directory tells another. */
  readonly credentialVersion?: number
}

/** Options of one sign-in with the configuration's defaults applied. */
export interface ResolvedIssueOptions {
  readonly grant: Grant
  readonly absoluteLifetime: Seconds
  readonly authTime: Seconds | null
  readonly device: string | null
  readonly refreshData: JsonValue
}

const OPTIONS = [
  'permissions',
  'claims',
  'headers',
  'refreshData',
  'device',
  'audience',
  'clientId',
  'authTime',
  'accessLifetime',
  'idleLifetime',
  'absoluteLifetime',
  'credentialVersion',
] as const

const anyClaims: ReadClaims<JsonObject> = (claims) => ({ claims })

/** What a hook puts in the place of claims is judged when it has. */
const judgeOf = (engine: Engine<unknown>): Pick<Engine<unknown>, 'readClaims'> =>
  engine.hooks.claims === null ? engine : { readClaims: anyClaims }

const MAX_DEVICE = 200

const readSpan = (
  path: string,
  value: Duration | undefined,
  otherwise: Seconds,
  problems: ConfigProblem[],
): Seconds => {
  const seconds = value === undefined ? otherwise : parseDuration(value)
  if (seconds !== null && seconds > 0 && seconds <= MAX_SESSION_LIFETIME) return seconds
  problems.push({ path, problem: 'must be a duration like "15m", of at most 365 days' })
  return otherwise
}

const readLifetimes = (
  { refreshToken, accessToken }: Engine<unknown>,
  options: IssueOptions<string, object>,
  problems: ConfigProblem[],
) => {
  const read = (name: 'accessLifetime' | 'idleLifetime' | 'absoluteLifetime', otherwise: Seconds): Seconds =>
    readSpan(name, options[name], otherwise, problems)
  const accessLifetime = read('accessLifetime', accessToken.lifetime)
  const idleLifetime = read('idleLifetime', refreshToken.idleLifetime)
  // The log keeps an ended session for just so long: a token that lives longer would outlive its revocation.
  if (accessLifetime > accessToken.longestLifetime) {
    problems.push({
      path: 'accessLifetime',
      problem: 'must not exceed accessToken.longestLifetime',
    })
  }
  // A client that refreshes when its access token runs out must never find its session idle.
  const least = 2 * (refreshToken.rotation.graceMs / 1000 + accessLifetime)
  if (idleLifetime <= least) {
    problems.push({
      path: 'idleLifetime',
      problem: `must exceed 2 x (grace + access lifetime) = ${least} s`,
    })
  }
  return {
    accessLifetime: options.accessLifetime === undefined ? null : accessLifetime,
    idleLifetime,
    absoluteLifetime: read('absoluteLifetime', refreshToken.absoluteLifetime),
  }
}

/** Milliseconds for seconds is the usual slip: such a date lies far ahead, and no verifier would accept the tokens. */
const checkAuthTime = (engine: Engine<unknown>, authTime: unknown, problems: ConfigProblem[]): void => {
  const latest = engine.now() + engine.accessToken.clockTolerance
  if (Number.isSafeInteger(authTime) && Number(authTime) >= 0 && Number(authTime) <= latest) return
  problems.push({
    path: 'authTime',
    problem: 'must be whole seconds since 1970, not later than now',
  })
}

const listOf = (audience: unknown): readonly unknown[] => (Array.isArray(audience) ? audience : [audience])

/** What types forbid arrives from JavaScript all the same, and would be signed, or be lost in the store. */
const checkTypes = (options: IssueOptions<string, object>, problems: ConfigProblem[]): void => {
  const { refreshData = null, device = '', audience = 'any', clientId = 'any', credentialVersion = 0 } = options
  const audiences = listOf(audience)
  const expect = (path: string, holds: boolean, problem: string): void => {
    if (!holds) problems.push({ path, problem })
  }
  expect('refreshData', isJson(refreshData), 'must be a JSON value')
  expect('device', typeof device === 'string', 'must be a string')
  expect('clientId', isName(clientId), 'must be a string of 1 to 255 characters without control characters')
  expect(
    'audience',
    audiences.length > 0 && audiences.every(isName),
    'must be a string of 1 to 255 characters without control characters, or a list of such',
  )
  // NaN would be kept as null, which switches the check of the user's credentials off.
  expect(
    'credentialVersion',
    Number.isSafeInteger(credentialVersion) && credentialVersion >= 0,
    'must be a whole number',
  )
}

/** By code points, so that no surrogate pair is cut in two. */
const readDevice = (device: string): string =>
  Array.from(device.replaceAll(new RegExp(UNWRITABLE, 'gu'), ''))
    .slice(0, MAX_DEVICE)
    .join('')

/**
 * Applies defaults, and reports every problem of the options at once.
 *
 * @throws ConfigError: what to issue is the programmer's affair, so it never answers as a refusal
 */
export const readIssueOptions = (
  engine: Engine<unknown>,
  options: IssueOptions<string, object>,
): ResolvedIssueOptions => {
  const given: unknown = options
  if (!isJsonObject(given)) throw new ConfigError([{ path: '', problem: 'a sign-in needs an object of options' }])
  const problems: ConfigProblem[] = unknownKeys('', options, OPTIONS)
  const { permissions = [], claims = {}, headers = {}, audience = null, authTime, device } = options
  problems.push(...contentProblems(judgeOf(engine), { claims, permissions, headers }))
  checkTypes(options, problems)
  if (authTime !== undefined) checkAuthTime(engine, authTime, problems)
  const { absoluteLifetime, accessLifetime, idleLifetime } = readLifetimes(engine, options, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    absoluteLifetime,
    authTime: authTime ?? null,
    device: device === undefined ? null : readDevice(device),
    refreshData: options.refreshData ?? null,
    grant: {
      permissions,
      // Anything else is a problem, and thrown by now.
      claims: isJsonObject(claims) ? claims : {},
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      audience: typeof audience === 'string' ? [audience] : audience,
      clientId: options.clientId ?? null,
      accessLifetime,
      idleLifetime,
      credentialVersion: options.credentialVersion ?? null,
    },
  }
}
