import { ConfigError } from 'jotward'
import type { ConfigProblem } from 'jotward'
import * as read from './setting-parsers.ts'
import type { Parse } from './setting-parsers.ts'
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
  issuer: {
    variable: 'JOTWARD_ISSUER',
    fallback: null,
    words: 'Issuer of the tokens; by default the address of the first start, kept in the data folder.',
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

/** Where other storage will be named; ignoring the name would put data where nobody looks for it. */
const NOT_YET = ['DATABASE_URL', 'REDIS_URL'] as const

const rows: readonly (readonly [string, Setting])[] = Object.entries(SETTINGS)
const variables = rows.map(([, { variable }]) => variable)

const unsupportedVariables = (environment: Environment): ConfigProblem[] =>
  NOT_YET.filter((name) => (environment[name] ?? '') !== '').map((path) => ({
    path,
    problem: 'is not supported yet; unset it, and the server keeps everything in SQLite under JOTWARD_DATA',
  }))

const readText = (setting: Setting, environment: Environment): string | null =>
  environment[setting.variable] ?? setting.fallback

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
  const problems = [...unsupportedVariables(environment), ...unknownVariables(environment, variables)]
  const complete = withImplied(environment)
  const values = rows.map(([name, setting]) => {
    const text = readText(setting, complete)
    if (text === null) return [name, null]
    const parsed = text === '' ? { problem: 'is empty; give it a value, or unset it' } : setting.parse(text)
    if ('value' in parsed) return [name, parsed.value]
    problems.push({ path: setting.variable, problem: parsed.problem })
    return [name, null]
  })
  const both = [SETTINGS.secret.variable, SETTINGS.secretFile.variable].filter(
    (name) => environment[name] !== undefined,
  )
  if (both.length > 1) problems.push({ path: both.join(', '), problem: 'are both set; unset one of them' })
  if (problems.length > 0) throw new ConfigError(problems)
  // Every row has been read by its own parser, which is what the type says.
  return Object.fromEntries(values) as Settings
}
