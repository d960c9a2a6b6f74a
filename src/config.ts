import type { AccessTokenConfig, AuthConfig } from './auth-config.ts'
import { claimsReader, isAsynchronous } from './core/claims-schema.ts'
import type { ClaimsSchema, ReadClaims } from './core/claims-schema.ts'
import { readDuration } from './core/duration.ts'
import type { DurationRange, Seconds } from './core/duration.ts'
import { ConfigError } from './core/errors.ts'
import type { ConfigProblem } from './core/errors.ts'
import type { Engine } from './core/engine.ts'
import { hookProblems, resolveHooks } from './core/hooks.ts'
import { createPermissionRules, permissionProblems } from './core/permission/permission-rules.ts'
import type { PermissionsConfig } from './core/permission/permission-rules.ts'
import { resolveErrors } from './core/request/refusal.ts'
import { resolveTransport } from './core/request/transport.ts'
import type { TransportConfig } from './core/request/transport.ts'
import { MAX_SESSION_LIFETIME } from './core/session/lifecycle.ts'
import type { JsonObject } from './core/token/json.ts'
import { resolveKeys } from './core/token/key-ring.ts'
import type { KeyRing } from './core/token/key-ring.ts'
import { unknownKeys } from './core/unknown-keys.ts'
import type { EventSink } from './ports/event-sink.ts'

const SETTINGS = {
  '': [
    'issuer',
    'audience',
    'keys',
    'store',
    'users',
    'clientId',
    'realm',
    'accessToken',
    'refreshToken',
    'permissions',
    'locations',
    'delivery',
    'cookies',
    'csrf',
    'errors',
    'trackTokens',
    'hooks',
    'clock',
  ],
  accessToken: ['lifetime', 'longestLifetime', 'clockTolerance', 'maxBytes', 'dangerouslyAllowNoExpiry', 'claims'],
  refreshToken: [
    'secret',
    'previousSecrets',
    'nextSecrets',
    'idleLifetime',
    'absoluteLifetime',
    'grace',
    'lateReplays',
    'maxSessions',
  ],
  permissions: ['names', 'includes', 'roles', 'superPermission'],
} as const

/** What the ready-made endpoints ask for; there without being declared. */
const ROUTE_PERMISSIONS = ['users:read', 'sessions:admin', 'tokens:admin']

const DAY = 86_400
const USUAL_LONGEST = 3600
const MAX_TOLERANCE = 300

type Settings = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Settings => typeof value === 'object' && value !== null

/** A part of the settings to read on in; where it is none, that is reported already. */
const partOf = (value: unknown): Settings => (isObject(value) ? value : {})

/**
 * Collects problems while reading settings, so that all of them are reported at once. What cannot be read is NaN from
 * then on, which compares with nothing: no second problem follows from it.
 */
const createReader = () => {
  const problems: ConfigProblem[] = []
  return {
    problems,
    duration: (path: string, value: unknown, range: DurationRange): Seconds => {
      const seconds = readDuration(path, value, range)
      if (typeof seconds === 'number') return seconds
      problems.push(seconds)
      return Number.NaN
    },
    integer: (path: string, value: unknown, { min, max }: DurationRange): number => {
      if (Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value)
      problems.push({ path, problem: `must be a whole number from ${min} to ${max}` })
      return Number.NaN
    },
    text: (path: string, value: unknown): string => {
      // What stands in a challenge between quotes must not end them, and a header holds no control characters.
      if (typeof value === 'string' && /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(value)) return value
      problems.push({ path, problem: 'must be 1 to 255 printable ASCII characters without quote or backslash' })
      return ''
    },
  }
}

type Reader = ReturnType<typeof createReader>

const readAudience = (reader: Reader, audience: unknown): readonly string[] => {
  const members: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  if (members.length === 0) reader.problems.push({ path: 'audience', problem: 'is empty; name who the tokens are for' })
  return members.map((member) => reader.text('audience', member))
}

const isStore = (value: unknown): boolean =>
  isObject(value) &&
  ['sessions', 'revocations', 'tokens', 'singleUse'].every((name) => isObject(value[name])) &&
  (value['users'] === null || isObject(value['users']))

const isDirectory = (value: unknown): boolean =>
  isObject(value) && ['findById', 'findByEmail'].every((name) => typeof value[name] === 'function')

/** Whether the parts are there at all, and hold nothing unknown: what the types forbid arrives from JavaScript all the same. */
const checkParts = ({ problems }: Reader, config: Settings): void => {
  for (const [path, allowed] of Object.entries(SETTINGS)) {
    const part = path === '' ? config : config[path]
    if (part === undefined) continue
    if (isObject(part)) problems.push(...unknownKeys(path, part, allowed))
    else problems.push({ path, problem: 'must be an object' })
  }
  if (!isStore(config['store'])) {
    problems.push({ path: 'store', problem: 'is not a store; give memoryStore() or sqliteStore(database)' })
  }
  if (config['users'] !== undefined && !isDirectory(config['users'])) {
    problems.push({ path: 'users', problem: 'is not a user directory; give store.users, or leave it out' })
  }
}

/** Parts whose own readers check what they hold. */
const PARTS = ['locations', 'cookies', 'csrf', 'errors', 'hooks'] as const

const checkObjects = ({ problems }: Reader, config: Settings): void => {
  for (const path of PARTS) {
    if (config[path] !== undefined && !isObject(config[path])) problems.push({ path, problem: 'must be an object' })
  }
  if (config['clock'] !== undefined && typeof config['clock'] !== 'function') {
    problems.push({ path: 'clock', problem: 'must be a function' })
  }
  problems.push(...hookProblems(partOf(config['hooks'])))
}

/** Lists of keys; what they hold is checked where it is imported. */
const listProblems = ({ keys, refreshToken }: Settings): readonly ConfigProblem[] =>
  Object.entries({
    'keys.previousSecrets': partOf(keys)['previousSecrets'],
    'keys.nextSecrets': partOf(keys)['nextSecrets'],
    'keys.next': partOf(keys)['next'],
    'keys.retiring': partOf(keys)['retiring'],
    'refreshToken.previousSecrets': partOf(refreshToken)['previousSecrets'],
    'refreshToken.nextSecrets': partOf(refreshToken)['nextSecrets'],
  })
    .filter(([, value]) => value !== undefined && !Array.isArray(value))
    .map(([path]) => ({ path, problem: 'must be a list' }))

/** A Standard Schema is an object in some libraries and a function in others. */
const isSchema = (value: unknown): value is ClaimsSchema<unknown> =>
  (isObject(value) || typeof value === 'function') &&
  typeof partOf(Reflect.get(value, '~standard'))['validate'] === 'function'

const checkSchema = ({ problems }: Reader, schema: unknown): void => {
  const path = 'accessToken.claims'
  if (!isSchema(schema)) {
    problems.push({ path, problem: 'is not a Standard Schema; give one of zod, valibot or arktype' })
  } else if (isAsynchronous(schema)) {
    problems.push({ path, problem: 'answers with a promise; give a synchronous schema' })
  }
}

/** Revocations of such tokens are kept for a year, so that is how long they are accepted. */
const YEAR = 365 * DAY

const readNoExpiry = ({ problems }: Reader, allowed: unknown): Seconds | null => {
  if (typeof allowed === 'boolean') return allowed ? YEAR : null
  problems.push({ path: 'accessToken.dangerouslyAllowNoExpiry', problem: 'must be true or false' })
  return null
}

const readAccessToken = (reader: Reader, config: Settings) => {
  if (config['claims'] !== undefined) checkSchema(reader, config['claims'])
  const lifetime = reader.duration('accessToken.lifetime', config['lifetime'] ?? '15m', { min: 1, max: DAY })
  // What is not a lifetime has been reported already.
  const longest = config['longestLifetime'] ?? USUAL_LONGEST
  const longestLifetime = reader.duration('accessToken.longestLifetime', longest, { min: 1, max: DAY })
  if (longestLifetime < lifetime) {
    const problem = `is ${longestLifetime} s, shorter than accessToken.lifetime; set it to that or more, alike in every process`
    reader.problems.push({ path: 'accessToken.longestLifetime', problem })
  }
  const tolerances = { min: 0, max: MAX_TOLERANCE }
  return {
    lifetime,
    longestLifetime,
    maxAgeWithoutExpiry: readNoExpiry(reader, config['dangerouslyAllowNoExpiry'] ?? false),
    clockTolerance: reader.duration('accessToken.clockTolerance', config['clockTolerance'] ?? 5, tolerances),
    limits: { maxBytes: reader.integer('accessToken.maxBytes', config['maxBytes'] ?? 8192, { min: 256, max: 65_536 }) },
  }
}

const readRefreshToken = (reader: Reader, config: Settings, accessLifetime: Seconds) => {
  const lifetimes = { min: 1, max: MAX_SESSION_LIFETIME }
  const grace = reader.duration('refreshToken.grace', config['grace'] ?? 30, { min: 0, max: 300 })
  const lateReplays = reader.integer('refreshToken.lateReplays', config['lateReplays'] ?? (grace === 0 ? 0 : 1), {
    min: 0,
    max: 10,
  })
  const idleLifetime = reader.duration('refreshToken.idleLifetime', config['idleLifetime'] ?? '30d', lifetimes)
  const absoluteLifetime = reader.duration(
    'refreshToken.absoluteLifetime',
    config['absoluteLifetime'] ?? '180d',
    lifetimes,
  )
  const refuse = (setting: string, problem: string) =>
    reader.problems.push({ path: `refreshToken.${setting}`, problem })
  if (grace === 0 && lateReplays > 0) refuse('lateReplays', 'must be 0 where refreshToken.grace is 0')
  // A client that refreshes when its access token runs out must never find its session idle.
  const least = 2 * (grace + accessLifetime)
  if (idleLifetime <= least) refuse('idleLifetime', `must exceed 2 x (grace + access lifetime) = ${least} s`)
  if (absoluteLifetime < idleLifetime) refuse('absoluteLifetime', 'must not be shorter than refreshToken.idleLifetime')
  for (const name of ['previousSecrets', 'nextSecrets']) {
    if (config[name] === undefined || config['secret'] !== undefined) continue
    refuse(name, 'stand beside refreshToken.secret, which is missing; give that too')
  }
  return {
    idleLifetime,
    absoluteLifetime,
    rotation: { graceMs: grace * 1000, lateReplays },
    maxSessions: reader.integer('refreshToken.maxSessions', config['maxSessions'] ?? 50, { min: 1, max: 10_000 }),
  }
}

/** Without a schema the claims are what they are: any JSON. */
const anyClaims: ReadClaims<JsonObject> = (claims) => ({ claims })

const createEmitter =
  (sink: EventSink | undefined): EventSink =>
  (event) => {
    try {
      const told: unknown = sink?.(event)
      // A promise that nobody awaits would end the process when it rejects.
      if (told instanceof Promise) told.catch(() => undefined)
    } catch {
      // What has happened has happened; a sink that fails cannot undo it.
    }
  }

const readKeys = (
  config: Pick<AuthConfig, 'keys' | 'refreshToken'>,
): KeyRing | { readonly problems: readonly ConfigProblem[] } => {
  const problems = listProblems({ ...config })
  return problems.length > 0 ? { problems } : resolveKeys(config.keys, config.refreshToken ?? {})
}

const declaredNames = (permissions: PermissionsConfig<string> = {}): ReadonlySet<string> | null =>
  permissions.names === undefined
    ? null
    : new Set([...permissions.names, ...Object.keys(permissions.roles ?? {}), ...ROUTE_PERMISSIONS])

const readerOf = <Claims>({ claims }: AccessTokenConfig<Claims, object> = {}): ReadClaims<Claims> =>
  // Without a schema `Claims` is its default, JsonObject.
  claims === undefined ? (anyClaims as ReadClaims<Claims>) : claimsReader(claims)

const TRACKING = ['none', 'refresh', 'all'] as const

const readTracking = ({ problems }: Reader, value: unknown): (typeof TRACKING)[number] => {
  const tracking = TRACKING.find((choice) => choice === (value ?? 'none'))
  if (tracking === undefined) problems.push({ path: 'trackTokens', problem: 'must be "none", "refresh" or "all"' })
  return tracking ?? 'none'
}

/** A part that is no object is reported already, and read as if it were not there. */
const objectOr = <T extends object>(value: T | undefined): T | undefined => (isObject(value) ? value : undefined)

const readTransport = (config: TransportConfig, keys: KeyRing | null) =>
  resolveTransport(
    {
      ...(config.delivery === undefined ? {} : { delivery: config.delivery }),
      ...(isObject(config.locations) ? { locations: config.locations } : {}),
      ...(isObject(config.cookies) ? { cookies: config.cookies } : {}),
      ...(isObject(config.csrf) ? { csrf: config.csrf } : {}),
    },
    keys?.refresh ?? null,
  )

/**
 * Applies defaults, normalises units, imports keys and reports every problem at once.
 *
 * @throws ConfigError
 */
export const resolveConfig = <Claims, P extends string, R extends string>(
  config: AuthConfig<Claims, P, object, R>,
): Engine<Claims> => {
  if (!isObject(config)) throw new ConfigError([{ path: '', problem: 'createAuth needs an object of settings' }])
  const reader = createReader()
  checkParts(reader, config)
  checkObjects(reader, config)
  const issuer = reader.text('issuer', config.issuer)
  const audience = readAudience(reader, config.audience)
  const accessToken = readAccessToken(reader, partOf(config.accessToken))
  const refreshToken = readRefreshToken(reader, partOf(config.refreshToken), accessToken.lifetime)
  const keys = readKeys(config)
  if ('problems' in keys) reader.problems.push(...keys.problems)
  const { transport, problems } = readTransport(config, 'problems' in keys ? null : keys)
  const { errors, problems: errorProblems } = resolveErrors(objectOr(config.errors))
  const { renewWithin } = transport.cookies
  if (renewWithin !== null && renewWithin >= accessToken.lifetime) {
    const problem = `must be shorter than accessToken.lifetime (${accessToken.lifetime} s), or every request would renew`
    reader.problems.push({ path: 'cookies.renewWithin', problem })
  }
  reader.problems.push(...problems, ...errorProblems, ...permissionProblems(objectOr(config.permissions) ?? {}))
  const clientId = config.clientId === undefined ? issuer : reader.text('clientId', config.clientId)
  const realm = config.realm === undefined ? issuer : reader.text('realm', config.realm)
  const trackTokens = readTracking(reader, config.trackTokens)
  if (reader.problems.length > 0 || 'problems' in keys) throw new ConfigError(reader.problems)
  const emit = createEmitter(config.hooks?.onEvent)
  return {
    issuer,
    audience,
    clientId,
    realm,
    keys,
    accessToken,
    refreshToken,
    // Whatever tolerance another process on the store may have.
    revocation: { retention: accessToken.longestLifetime + MAX_TOLERANCE + 1 },
    trackTokens,
    permissions: createPermissionRules(config.permissions),
    permissionNames: declaredNames(config.permissions),
    transport,
    refusals: { realm, emit, ...errors },
    readClaims: readerOf(config.accessToken),
    hasClaimsSchema: config.accessToken?.claims !== undefined,
    store: config.store,
    users: config.users ?? null,
    hooks: resolveHooks(config.hooks),
    emit,
    now: config.clock ?? (() => Date.now() / 1000),
  }
}
