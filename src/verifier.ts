import { readDuration } from './core/duration.ts'
import type { Duration, Seconds } from './core/duration.ts'
import { ConfigError } from './core/errors.ts'
import type { ConfigProblem } from './core/errors.ts'
import { unknownKeys } from './core/unknown-keys.ts'
import type { ClaimRules } from './core/token/claims.ts'
import type { TokenLimits } from './core/token/jws.ts'
import type { KeySet } from './core/token/key-set.ts'
import { resolveVerifierKeys } from './core/token/verifier-keys.ts'
import type { VerifierKeys } from './core/token/verifier-keys.ts'
import { verifyToken } from './core/token/verify-token.ts'
import type { VerifiedToken } from './core/token/verify-token.ts'

/** Everything that `createVerifier` takes. */
export interface VerifierConfig {
  /** The one `iss` that tokens must have. */
  readonly issuer: string
  /** Who this service is: a token must name one of these in `aud`. */
  readonly audience: string | readonly string[]
  readonly keys: VerifierKeys
  /** `typ` of the header (RFC 9068 §2.1), default `at+jwt`. Null where this issuer's tokens carry none. */
  readonly typ?: string | null
  /** How far clocks may be apart, 0 to 300 s. Default 5 s. */
  readonly clockTolerance?: Duration
  /** The longest that `exp` may lie after `iat`. Default: no limit. */
  readonly maxLifetime?: Duration | null
  /** Longest token that is looked at, in bytes. Default 8192. */
  readonly maxTokenBytes?: number
  /** Claims that must be present. Default `iss sub aud exp iat jti`; `iss` and `aud` are checked in any case. */
  readonly required?: readonly string[]
  /** Now as NumericDate (seconds), for tests. Default: the system's clock. */
  readonly clock?: () => Seconds
}

/** Verifies tokens of one issuer. */
export interface Verifier {
  /**
   * Verifies a token: signature, type, claims. Synchronous, and nothing is remembered from one token to the next.
   *
   * @throws AuthError `token_invalid` | `wrong_token_type` | `token_expired` | `token_not_yet_valid`
   */
  verify(token: string): VerifiedToken
}

const SETTINGS = [
  'issuer',
  'audience',
  'keys',
  'typ',
  'clockTolerance',
  'maxLifetime',
  'maxTokenBytes',
  'required',
  'clock',
] as const satisfies readonly (keyof VerifierConfig)[]

const REQUIRED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'] as const

const MAX_TOLERANCE = 300
const MAX_TOKEN_BYTES = 16_777_216

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText)

/** Collects every problem of a configuration, so that one start shows all of them. */
interface Reading {
  readonly problems: ConfigProblem[]
}

/** Notes a problem where `holds` is false. */
const expect = ({ problems }: Reading, holds: boolean, problem: ConfigProblem): void => {
  if (!holds) problems.push(problem)
}

const readSeconds = ({ problems }: Reading, result: Seconds | ConfigProblem): Seconds => {
  if (typeof result === 'number') return result
  problems.push(result)
  return 0
}

const readRules = (config: VerifierConfig, reading: Reading): ClaimRules => {
  const { issuer, audience, clockTolerance = 5, maxLifetime = null, required = REQUIRED_CLAIMS } = config
  const audiences = typeof audience === 'string' ? [audience] : audience
  // Strings only: a regular expression would match more than was meant, or hang (CVE-2026-35041).
  expect(reading, isText(issuer), { path: 'issuer', problem: 'is not a non-empty string; write the exact "iss"' })
  expect(reading, isTexts(audiences) && audiences.length > 0, {
    path: 'audience',
    problem: 'is not a non-empty string or a list of them; name this service as the issuer names it in "aud"',
  })
  expect(reading, isTexts(required), { path: 'required', problem: 'is not a list of claim names' })
  const tolerance = readDuration('clockTolerance', clockTolerance, { min: 0, max: MAX_TOLERANCE })
  const lifetime =
    maxLifetime === null ? null : readDuration('maxLifetime', maxLifetime, { min: 1, max: Number.MAX_SAFE_INTEGER })
  return {
    issuer,
    audience: audiences,
    clockTolerance: readSeconds(reading, tolerance),
    maxLifetime: lifetime === null ? null : readSeconds(reading, lifetime),
    required,
  }
}

const readLimits = ({ maxTokenBytes }: VerifierConfig, reading: Reading): TokenLimits => {
  if (maxTokenBytes === undefined) return {}
  const fits = Number.isSafeInteger(maxTokenBytes) && maxTokenBytes >= 1 && maxTokenBytes <= MAX_TOKEN_BYTES
  expect(reading, fits, {
    path: 'maxTokenBytes',
    problem: `is not a whole number from 1 to ${MAX_TOKEN_BYTES}`,
  })
  return { maxBytes: maxTokenBytes }
}

const readKeySet = ({ keys }: VerifierConfig, { problems }: Reading): KeySet | null => {
  const result = resolveVerifierKeys(keys)
  if ('keySet' in result) return result.keySet
  problems.push(...result.problems)
  return null
}

const systemClock = (): Seconds => Math.floor(Date.now() / 1000)

/**
 * Makes a verifier for tokens of one issuer, over keys that stand.
 *
 * @example
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', keys: jwks })
 * const { claims } = verifier.verify(token)
 *
 * @throws ConfigError with every problem at once
 */
export const createVerifier = (config: VerifierConfig): Verifier => {
  if (typeof config !== 'object' || config === null) {
    throw new ConfigError([{ path: '', problem: 'createVerifier needs an object of settings' }])
  }
  const { typ = 'at+jwt', clock = systemClock } = config
  const reading: Reading = { problems: unknownKeys('', config, SETTINGS) }
  const rules = readRules(config, reading)
  const limits = readLimits(config, reading)
  const keySet = readKeySet(config, reading)
  expect(reading, typ === null || isText(typ), { path: 'typ', problem: 'is not a token type; write "at+jwt", or null' })
  expect(reading, typeof clock === 'function', { path: 'clock', problem: 'is not a function that returns seconds' })
  if (reading.problems.length > 0 || keySet === null) throw new ConfigError(reading.problems)
  const profile = { keySet, typ, rules, limits }
  return { verify: (token) => verifyToken(token, profile, clock()) }
}
