import type { Auth } from '../auth.ts'
import type { ClaimsSchema } from '../core/claims-schema.ts'
import { ConfigError } from '../core/errors.ts'
import type { ConfigProblem } from '../core/errors.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import { isPermissionName } from '../core/permission/permission-rules.ts'
import type { JsonObject } from '../core/token/json.ts'
import { unknownKeys } from '../core/unknown-keys.ts'
import { DEFAULT_MIN_PASSWORD_LENGTH } from '../core/user/password-policy.ts'
import { boundedHasher } from '../passwords/bounded-hasher.ts'
import { createPasswordCheck } from '../passwords/password-check.ts'
import type { PasswordCheck } from '../passwords/password-check.ts'
import { scryptHasher } from '../passwords/scrypt.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'
import type { User, UserDirectory } from '../ports/user-directory.ts'
import { readCookieUse } from './cookie-use.ts'
import type { CookieUse } from './cookie-use.ts'
import type { Operation } from './table.ts'
import { throttleProblems } from './throttle-options.ts'
import type { ThrottleOptions } from './throttle-options.ts'

/** What the ready-made endpoints can be told. */
export interface AuthRoutesOptions {
  /** Where they live. Default `/auth`. */
  readonly basePath?: string
  /** Whether `/token` takes the password grant (RFC 6749 §4.3), which RFC 9700 §2.4 advises against. Default false. */
  readonly passwordGrant?: boolean
  readonly passwords?: {
    /** Default: scrypt, at most four at once and 64 waiting. */
    readonly hasher?: PasswordHasher
    /** Characters. Default 8. */
    readonly minLength?: number
  }
  readonly signup?: {
    /** Whether strangers may sign up. Default true. */
    readonly open?: boolean
    /** What sign-up takes besides e-mail and password; goes into the user's profile. Default: nothing. */
    readonly schema?: ClaimsSchema<JsonObject>
    /** Permissions of who signs up. Default: none. */
    readonly permissions?: readonly string[]
  }
  /**
   * Limits for whoever guesses at passwords: sign-in, the password grant, reauthentication, change of password, and
   * sign-up for addresses that have an account. Default: none.
   */
  readonly throttle?: ThrottleOptions
  /** Custom claims of a user who signs in. Default: none. */
  readonly claims?: (user: User) => MaybePromise<JsonObject>
  /**
   * A further path for an endpoint, below `basePath`, by its operation: `{ signIn: '/login' }`. Its parameters must be
   * those of the endpoint: `{ revokeToken: '/tokens/revoke/{jti}' }`. Default: none.
   */
  readonly aliases?: { readonly [operation in Operation]?: string }
}

/** Further paths by operation. */
export type Aliases = Readonly<Record<string, string | undefined>>

/** Options with their defaults, and what the handlers share. */
export interface RouteContext {
  // The endpoints need nothing of an application's own claims and permissions, so any Auth serves.
  readonly auth: Auth<unknown>
  readonly basePath: string
  readonly aliases: Aliases
  readonly passwordGrant: boolean
  readonly minPasswordLength: number
  readonly signup: {
    readonly open: boolean
    readonly schema: ClaimsSchema<JsonObject> | null
    readonly permissions: readonly string[]
  }
  readonly claims: ((user: User) => MaybePromise<JsonObject>) | null
  readonly passwords: PasswordCheck
  readonly throttle: ThrottleOptions | null
  readonly cookieUse: CookieUse
}

const SETTINGS = {
  '': ['basePath', 'passwordGrant', 'passwords', 'signup', 'throttle', 'claims', 'aliases'],
  passwords: ['hasher', 'minLength'],
  signup: ['open', 'schema', 'permissions'],
} as const

const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/

const MIN_LENGTH = { least: 8, most: 64 }

type Settings = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isHasher = (value: unknown): boolean =>
  isObject(value) && ['hash', 'verify', 'needsRehash'].every((name) => typeof value[name] === 'function')

const isSchema = (value: unknown): boolean =>
  (isObject(value) || typeof value === 'function') &&
  isObject((value as Settings)['~standard']) &&
  typeof ((value as Settings)['~standard'] as Settings)['validate'] === 'function'

/** What the types forbid arrives from JavaScript and the environment all the same: `'off'` must not switch on. */
const typeProblems = (options: Settings): readonly ConfigProblem[] => {
  const { passwords = {}, signup = {} } = options
  if (!isObject(passwords) || !isObject(signup)) {
    return [{ path: isObject(passwords) ? 'signup' : 'passwords', problem: 'must be an object' }]
  }
  const checks: readonly (readonly [
    path: string,
    value: unknown,
    holds: (value: unknown) => boolean,
    words: string,
  ])[] = [
    ['passwordGrant', options['passwordGrant'], (value) => typeof value === 'boolean', 'true or false'],
    ['aliases', options['aliases'], isObject, 'an object'],
    ['claims', options['claims'], (value) => typeof value === 'function', 'a function'],
    ['passwords.hasher', passwords['hasher'], isHasher, 'a PasswordHasher'],
    ['signup.open', signup['open'], (value) => typeof value === 'boolean', 'true or false'],
    ['signup.schema', signup['schema'], isSchema, 'a Standard Schema'],
    ['signup.permissions', signup['permissions'], Array.isArray, 'a list of permissions'],
  ]
  return checks
    .filter(([, value, holds]) => value !== undefined && !holds(value))
    .map(([path, , , words]) => ({ path, problem: `must be ${words}` }))
}

const problemsOf = (
  options: AuthRoutesOptions,
  aliasProblems: (aliases: Aliases) => readonly ConfigProblem[],
): readonly ConfigProblem[] => {
  const types = isObject(options) ? typeProblems({ ...options }) : [{ path: '', problem: 'must be an object' }]
  if (types.length > 0) return types
  const { basePath = '/auth', passwords = {}, signup = {} } = options
  const problems = [
    ...unknownKeys('', options, SETTINGS['']),
    ...unknownKeys('passwords', passwords, SETTINGS.passwords),
    ...unknownKeys('signup', signup, SETTINGS.signup),
    ...throttleProblems(options.throttle),
    ...aliasProblems(options.aliases ?? {}),
  ]
  if (!BASE_PATH.test(basePath)) problems.push({ path: 'basePath', problem: 'must be a path like "/auth"' })
  const { minLength = DEFAULT_MIN_PASSWORD_LENGTH } = passwords
  if (!Number.isInteger(minLength) || minLength < MIN_LENGTH.least || minLength > MIN_LENGTH.most) {
    const problem = `must be a whole number from ${MIN_LENGTH.least} to ${MIN_LENGTH.most} (NIST SP 800-63B-4 §3.1.1.2)`
    problems.push({ path: 'passwords.minLength', problem })
  }
  if (signup.permissions?.every(isPermissionName) === false) {
    problems.push({ path: 'signup.permissions', problem: 'must be permissions, without space, quote or backslash' })
  }
  return problems
}

/** Why no user could sign in without custom claims; a schema that throws says nothing of that. */
const misfitOf = (auth: Auth<unknown>): string | null => {
  if (auth.users === null || auth.hasClaimsHook) return null
  try {
    return auth.claimsProblem({})
  } catch {
    return null
  }
}

/**
 * Whether a browser would send the refresh cookie to the endpoints (RFC 6265bis §5.1.4). A proxy may have taken the
 * beginning of the path away.
 */
const reaches = (cookiePath: string, basePath: string): boolean =>
  `${basePath}/`.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`) ||
  cookiePath.replace(/\/$/, '').endsWith(basePath)

/** Cookies with which nobody could stay signed in. */
const cookieProblems = (
  { cookies }: Auth<unknown>,
  { refreshPath, isLookedFor }: CookieUse,
  basePath: string,
): readonly ConfigProblem[] => {
  if (cookies.delivery !== 'cookie' && isLookedFor.access !== true) return []
  const problems: ConfigProblem[] = []
  if (!reaches(refreshPath, basePath)) {
    const problem = `is not below cookies.refreshPath ("${refreshPath}"), so no refresh cookie would come; set that to "${basePath}"`
    problems.push({ path: 'basePath', problem })
  }
  if (cookies.delivery === 'cookie' && isLookedFor.refresh === false) {
    problems.push({ path: 'locations.refreshOrder', problem: 'must name "cookie" where delivery is "cookie"' })
  }
  return problems
}

const claimsProblems = (auth: Auth<unknown>, { claims }: AuthRoutesOptions): readonly ConfigProblem[] => {
  const misfit = claims ? null : misfitOf(auth)
  if (misfit === null) return []
  return [{ path: 'claims', problem: `is missing, and accessToken.claims refuses a user without claims (${misfit})` }]
}

/** @throws ConfigError with every problem at once */
export const createRouteContext = (
  auth: Auth<unknown>,
  options: AuthRoutesOptions,
  aliasProblems: (aliases: Aliases) => readonly ConfigProblem[],
): RouteContext => {
  const problems = [...problemsOf(options, aliasProblems)]
  const cookieUse = readCookieUse(auth)
  if (problems.length === 0) {
    problems.push(...claimsProblems(auth, options), ...cookieProblems(auth, cookieUse, options.basePath ?? '/auth'))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const {
    basePath = '/auth',
    aliases = {},
    passwordGrant = false,
    passwords = {},
    signup = {},
    claims = null,
  } = options
  return {
    auth,
    basePath,
    aliases,
    passwordGrant,
    minPasswordLength: passwords.minLength ?? DEFAULT_MIN_PASSWORD_LENGTH,
    signup: { open: signup.open ?? true, schema: signup.schema ?? null, permissions: signup.permissions ?? [] },
    claims,
    passwords: createPasswordCheck(passwords.hasher ?? boundedHasher(scryptHasher())),
    throttle: options.throttle ?? null,
    cookieUse,
  }
}

/** The directory, for routes that are only there where there is one. */
export const usersOf = ({ auth }: RouteContext): UserDirectory => {
  if (auth.users === null) throw new Error('A route that needs users was mounted without a directory.')
  return auth.users
}
