import { ConfigError } from 'jotward'
import type { ConfigProblem } from 'jotward'
import * as read from './setting-parsers.ts'
import type { Parse } from './setting-parsers.ts'
import { postgresAddress, redisAddress } from './storage/store-url.ts'
import { unknownVariables } from './unknown-variables.ts'

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

interface Setting {
  readonly variable: string
  /** The text that stands where the variable is not set, or null where nothing does. */
  readonly fallback: string | null
  /** For people: what it decides. */
  readonly words: string
  /** Where the library's configuration has it, so that what the library finds wrong can be told by the variable. */
  readonly path?: string
  readonly parse: Parse<unknown>
}

/** Everything that the environment decides, one row a variable: read from here, documented from here. */
export const SETTINGS = {
  port: {
    variable: 'PORT',
    fallback: '8787',
    words: 'Port to listen on; 0 takes a free one.',
    parse: read.wholeNumber(0, 65_535),
  },
  host: {
    variable: 'HOST',
    fallback: '127.0.0.1',
    words: 'Address to listen on; 0.0.0.0 is every IPv4 address of the machine.',
    parse: read.hostName,
  },
  dataFolder: {
    variable: 'JOTWARD_DATA',
    fallback: './data',
    words: 'Folder of the database, the secret and the issuer.',
    parse: read.anyText,
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    fallback: null,
    words:
      'PostgreSQL, `postgres://user:password@host:5432/database`; keeps everything instead of SQLite. Empty is unset.',
    parse: postgresAddress,
  },
  redisUrl: {
    variable: 'REDIS_URL',
    fallback: null,
    words:
      'Redis, `redis://…` or `rediss://…`, several nodes of a Cluster with commas; keeps sessions, revocations, tokens and single use, and users stay where they are. Empty is unset.',
    parse: redisAddress,
  },
  redisDurability: {
    variable: 'JOTWARD_REDIS_DURABILITY',
    fallback: 'local',
    words: 'local: Redis acknowledges when its primary has it; replicated: when its replicas have it too.',
    parse: read.oneOf(['local', 'replicated']),
  },
  redisReplicas: {
    variable: 'JOTWARD_REDIS_REPLICAS',
    fallback: '1',
    words: 'How many replicas are waited for with replicated: all that could be promoted.',
    parse: read.wholeNumber(1, 16),
  },
  poolSize: {
    variable: 'JOTWARD_POOL_SIZE',
    fallback: '10',
    words: 'Most connections of this process to PostgreSQL.',
    parse: read.wholeNumber(1, 1000),
  },
  storeDeadline: {
    variable: 'JOTWARD_STORE_DEADLINE_MS',
    fallback: '250',
    words: 'How long a call to PostgreSQL or Redis may take, in milliseconds; then the request is answered with 503.',
    parse: read.wholeNumber(10, 10_000),
  },
  lease: {
    variable: 'JOTWARD_LEASE',
    fallback: '5s',
    words: 'How long this process goes on accepting tokens without news of what PostgreSQL or Redis have revoked.',
    parse: read.durationWithin(1, 60),
  },
  issuer: {
    variable: 'JOTWARD_ISSUER',
    fallback: null,
    words: 'Issuer of the tokens; by default the address of the first start, kept in the data folder or in PostgreSQL.',
    path: 'issuer',
    parse: read.issuerUrl,
  },
  audience: {
    variable: 'JOTWARD_AUDIENCE',
    fallback: null,
    words: 'Audience of the access tokens; by default the issuer.',
    path: 'audience',
    parse: read.anyText,
  },
  secret: {
    variable: 'JOTWARD_SECRET',
    fallback: null,
    words: 'Secret that signs the tokens, 32 bytes or more; by default the one kept in the data folder.',
    path: 'keys.secret',
    parse: read.secretText,
  },
  secretFile: {
    variable: 'JOTWARD_SECRET_FILE',
    fallback: null,
    words: 'File with that secret instead, for its owner alone; one of root may be readable by its group.',
    parse: read.anyText,
  },
  signingKey: {
    variable: 'JOTWARD_SIGNING_KEY',
    fallback: null,
    words:
      'File with the private JWK, or the ring of them, that signs access tokens, to be verified by the published set; by default the secret signs.',
    path: 'keys.current',
    parse: read.anyText,
  },
  accessLifetime: {
    variable: 'JOTWARD_ACCESS_LIFETIME',
    fallback: '15m',
    words: 'Lifetime of an access token.',
    path: 'accessToken.lifetime',
    parse: read.duration,
  },
  refreshIdle: {
    variable: 'JOTWARD_REFRESH_IDLE',
    fallback: '30d',
    words: 'A session ends when it was not refreshed for so long.',
    path: 'refreshToken.idleLifetime',
    parse: read.duration,
  },
  refreshAbsolute: {
    variable: 'JOTWARD_REFRESH_ABSOLUTE',
    fallback: '180d',
    words: 'A session ends so long after its sign-in.',
    path: 'refreshToken.absoluteLifetime',
    parse: read.duration,
  },
  rotationGrace: {
    variable: 'JOTWARD_ROTATION_GRACE',
    fallback: '30s',
    words: 'How long a superseded refresh token still gets its successor; 0 is strict single use.',
    path: 'refreshToken.grace',
    parse: read.duration,
  },
  lateReplays: {
    variable: 'JOTWARD_LATE_REPLAYS',
    fallback: '1',
    words: 'How often per session a refresh token may come back after the grace; 0 where the grace is 0.',
    path: 'refreshToken.lateReplays',
    parse: read.wholeNumber(0, 10),
  },
  signup: {
    variable: 'JOTWARD_SIGNUP',
    fallback: 'open',
    words: 'open: everybody may sign up; closed: nobody may.',
    parse: read.oneOf(['open', 'closed']),
  },
  passwordGrant: {
    variable: 'JOTWARD_PASSWORD_GRANT',
    fallback: 'on',
    words: 'on: the token endpoint accepts grant_type=password (RFC 6749 §4.3); off: it does not (RFC 9700 §2.4).',
    parse: read.onOff,
  },
  passwordMinLength: {
    variable: 'JOTWARD_PASSWORD_MIN_LENGTH',
    fallback: '8',
    words: 'Fewest characters of a new password.',
    parse: read.wholeNumber(8, 64),
  },
  signInLimit: {
    variable: 'JOTWARD_SIGNIN_LIMIT',
    fallback: '10',
    words:
      'Wrong passwords at one account within 15 minutes, then 429; ten times as many from one client, at whatever accounts.',
    parse: read.wholeNumber(1, 100_000),
  },
  trustedProxies: {
    variable: 'JOTWARD_TRUSTED_PROXIES',
    fallback: '0',
    words: 'How many proxies of your own append to X-Forwarded-For; nothing else in it is believed.',
    parse: read.wholeNumber(0, 16),
  },
  logLevel: {
    variable: 'JOTWARD_LOG_LEVEL',
    fallback: 'info',
    words: 'Least important lines that the log has: debug, info, warn, error, fatal or silent.',
    parse: read.oneOf(['debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  },
  adminEmail: {
    variable: 'JOTWARD_ADMIN_EMAIL',
    fallback: 'admin@localhost',
    words: 'E-mail address of the first administrator, made where there are no users yet.',
    parse: read.emailAddress,
  },
} as const satisfies Record<string, Setting>

type Table = typeof SETTINGS
type ValueOf<S extends Setting> =
  S['parse'] extends Parse<infer T> ? (S['fallback'] extends null ? T | null : T) : never

/** The settings as the server uses them; spans are in seconds. */
export type Settings = { readonly [K in keyof Table]: ValueOf<Table[K]> }

/** Platforms set these where nothing is meant by them. */
const EMPTY_IS_UNSET: ReadonlySet<string> = new Set(['DATABASE_URL', 'REDIS_URL'])

const rows: readonly (readonly [string, Setting])[] = Object.entries(SETTINGS)
const variables = rows.map(([, { variable }]) => variable)

const readText = ({ variable, fallback }: Setting, environment: Environment): string | null => {
  const text = environment[variable]
  return text === undefined || (text === '' && EMPTY_IS_UNSET.has(variable)) ? fallback : text
}

/** Settings that only make sense, or only contradict, together. */
const misfits = (environment: Environment): ConfigProblem[] => {
  const isSet = (name: keyof typeof SETTINGS): boolean => environment[SETTINGS[name].variable] !== undefined
  const problems: ConfigProblem[] = []
  if (isSet('secret') && isSet('secretFile')) {
    problems.push({ path: 'JOTWARD_SECRET, JOTWARD_SECRET_FILE', problem: 'are both set; unset one of them' })
  }
  if (isSet('redisReplicas') && environment[SETTINGS.redisDurability.variable] !== 'replicated') {
    const problem = 'are waited for only with JOTWARD_REDIS_DURABILITY=replicated; set that too, or unset this'
    problems.push({ path: SETTINGS.redisReplicas.variable, problem })
  }
  return problems
}

/** Strict single use has no late replays, so a grace of 0 alone must be enough to ask for it. */
const withImplied = (environment: Environment): Environment => {
  const grace = read.duration(environment[SETTINGS.rotationGrace.variable] ?? '30s')
  return 'value' in grace && grace.value === 0 ? { [SETTINGS.lateReplays.variable]: '0', ...environment } : environment
}

/**
 * Reads the settings of the server from the environment.
 *
 * @throws ConfigError that names every variable with a problem, and every unknown `JOTWARD_…`
 */
export const readSettings = (environment: Environment): Settings => {
  const problems = [...unknownVariables(environment, variables), ...misfits(environment)]
  const complete = withImplied(environment)
  const values = rows.map(([name, setting]) => {
    const text = readText(setting, complete)
    if (text === null) return [name, null]
    const parsed = text === '' ? { problem: 'is empty; give it a value, or unset it' } : setting.parse(text)
    if ('value' in parsed) return [name, parsed.value]
    problems.push({ path: setting.variable, problem: parsed.problem })
    return [name, null]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  // Every row has been read by its own parser, which is what the type says.
  return Object.fromEntries(values) as Settings
}
