import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { newIdentifier } from '../token/identifier.ts'
import type { JsonObject, JsonValue } from '../token/json.ts'
import { unknownKeys } from '../unknown-keys.ts'
import { MAX_SESSION_LIFETIME } from './lifecycle.ts'
import type { Grant, Stamp } from './session.ts'
import { contentProblems } from './token-content.ts'
import { mintPair } from './tokens.ts'
import type { TokenPair } from './tokens.ts'

/** What a new session entitles to; what is left out comes from the configuration. */
export interface IssueOptions<P extends string = string> {
  readonly permissions?: readonly P[]
  /** Custom claims, checked against the schema where there is one. */
  readonly claims?: JsonObject
  /** Handed to the claims hook at each refresh, never put into a token. */
  readonly refreshData?: JsonValue
  /** Shown in lists of sessions, like "Firefox on Linux"; at most 200 characters. */
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

const OPTIONS = [
  'permissions',
  'claims',
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

/** Milliseconds for seconds is the usual slip: such a date lies far ahead, and no verifier would accept the tokens. */
const checkAuthTime = (engine: Engine<unknown>, { authTime = 0 }: IssueOptions, problems: ConfigProblem[]): void => {
  const latest = engine.now() + engine.accessToken.clockTolerance
  if (Number.isSafeInteger(authTime) && authTime >= 0 && authTime <= latest) return
  problems.push({ path: 'authTime', problem: 'must be whole seconds since 1970, not later than now' })
}

/** @throws ConfigError: what to issue is the programmer's affair, so it never answers as a refusal */
const readGrant = (engine: Engine<unknown>, options: IssueOptions): { grant: Grant; absoluteLifetime: Seconds } => {
  const problems: ConfigProblem[] = unknownKeys('', options, OPTIONS)
  const { permissions = [], claims = {}, audience = engine.audience } = options
  problems.push(...contentProblems(engine, { claims, permissions }))
  checkAuthTime(engine, options, problems)
  const { refreshToken, accessToken } = engine
  const absoluteLifetime = readSpan(
    'absoluteLifetime',
    options.absoluteLifetime,
    refreshToken.absoluteLifetime,
    problems,
  )
  const idleLifetime = readSpan('idleLifetime', options.idleLifetime, refreshToken.idleLifetime, problems)
  const accessLifetime = readSpan('accessLifetime', options.accessLifetime, accessToken.lifetime, problems)
  // The log keeps an ended session for as long as the configured lifetime: a longer one would outlive its revocation.
  if (accessLifetime > accessToken.lifetime) {
    problems.push({ path: 'accessLifetime', problem: 'must not exceed accessToken.lifetime of the configuration' })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    absoluteLifetime,
    grant: {
      permissions,
      claims,
      audience: typeof audience === 'string' ? [audience] : audience,
      clientId: options.clientId ?? engine.clientId,
      accessLifetime,
      idleLifetime,
      credentialVersion: options.credentialVersion ?? null,
    },
  }
}

const create = (engine: Engine<unknown>, subject: string, options: IssueOptions, stamp: Stamp) => {
  const { grant, absoluteLifetime } = readGrant(engine, options)
  return engine.store.sessions.create(
    {
      id: newIdentifier(subject),
      subject,
      authTime: options.authTime ?? null,
      absoluteLifetime,
      stamp,
      grant,
      keyThumbprint: null,
      device: options.device?.slice(0, MAX_DEVICE) ?? null,
      refreshData: options.refreshData ?? null,
      refreshKeyId: engine.keys.refresh.signing.kid,
    },
    { ...engine.revocation, maxPerSubject: engine.refreshToken.maxSessions },
  )
}

/** How often the credentials are checked anew because the subject was signed out everywhere meanwhile. */
const ATTEMPTS = 4

const isSubject = (subject: unknown): subject is string =>
  typeof subject === 'string' && subject !== '' && subject.length <= 255

/**
 * Makes a session for a subject whose credentials `check` has found good.
 *
 * The revocation epochs are read before the check and must stand unchanged after it: a session whose credentials were
 * checked before an acknowledged sign-out everywhere is never made, one that began after it always is. So `check` may
 * run more than once, and must read the credentials itself each time.
 *
 * @throws AuthError whatever `check` throws; `overloaded` where sign-outs everywhere keep coming; `hook_failed`
 * @throws ConfigError for options that cannot be
 */
export const issueAfter = async (
  engine: Engine<unknown>,
  subject: string,
  check: () => MaybePromise<IssueOptions>,
): Promise<TokenPair> => {
  if (!isSubject(subject))
    throw new ConfigError([{ path: 'subject', problem: 'must be a string of 1 to 255 characters' }])
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Attempts follow one another on purpose: each begins with the epochs that the last one lacked.
    const stamp = await engine.store.revocations.epochs(subject)
    const creation = await create(engine, subject, await check(), stamp)
    if (creation.outcome !== 'created') continue
    const { session, nowMs, evicted } = creation
    engine.emit({ type: 'session.created', subject, sessionId: session.id })
    for (const sessionId of evicted) engine.emit({ type: 'session.ended', subject, sessionId, reason: 'evicted' })
    return mintPair(engine, session, { reason: 'signin', issuedAt: Math.floor(nowMs / 1000), scope: null })
  }
  throw new AuthError('overloaded', {
    retryAfter: 1,
    detail: 'the subject is being signed out everywhere again and again',
  })
}
