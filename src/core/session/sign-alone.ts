import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { ConfigError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import type { BoundPermission } from '../permission/permission-rules.ts'
import { signAccessToken } from '../token/access-token.ts'
import { isJsonObject } from '../token/json.ts'
import type { JsonObject } from '../token/json.ts'
import { unknownKeys } from '../unknown-keys.ts'
import type { Grant } from './session.ts'
import { checkSubject, isName } from './subject.ts'
import { contentProblems } from './token-content.ts'
import { draftAccessToken } from './tokens.ts'
import type { SignedToken } from './tokens.ts'

/** What an access token without a session says; what is left out comes from the configuration. */
export interface SignOptions<P extends string = string, Input extends object = JsonObject> {
  readonly subject: string
  readonly permissions?: readonly (BoundPermission<P> | `${string}:*`)[]
  /** Custom claims, checked against the schema where there is one. */
  readonly claims?: Input
  /** Members of the token's header besides `alg`, `kid` and `typ`. */
  readonly headers?: JsonObject
  readonly audience?: string | readonly string[]
  readonly clientId?: string
  /** At most `accessToken.longestLifetime`; null for none, where `accessToken.dangerouslyAllowNoExpiry` is set. */
  readonly lifetime?: Duration | null
  /** Whether its holder has authenticated just now. Default false. */
  readonly fresh?: boolean
}

const OPTIONS = ['subject', 'permissions', 'claims', 'headers', 'audience', 'clientId', 'lifetime', 'fresh'] as const

/** Seconds, or null for a token that never expires by itself. */
const readLifetime = (
  { accessToken }: Engine<unknown>,
  lifetime: Duration | null | undefined,
  problems: ConfigProblem[],
): Seconds | null => {
  if (lifetime === undefined) return accessToken.lifetime
  if (lifetime === null) {
    if (accessToken.maxAgeWithoutExpiry === null) {
      problems.push({
        path: 'lifetime',
        problem: 'is null, which needs accessToken.dangerouslyAllowNoExpiry',
      })
    }
    return null
  }
  const seconds = parseDuration(lifetime)
  if (seconds !== null && seconds > 0 && seconds <= accessToken.longestLifetime) return seconds
  const problem = `must be a duration like "15m", of at most accessToken.longestLifetime (${accessToken.longestLifetime} s)`
  problems.push({ path: 'lifetime', problem })
  return accessToken.lifetime
}

const readGrant = (engine: Engine<unknown>, options: SignOptions<string, object>, problems: ConfigProblem[]): Grant => {
  const { permissions = [], claims = {}, headers = {}, audience, clientId } = options
  const audiences = audience === undefined ? null : typeof audience === 'string' ? [audience] : audience
  if (audiences !== null && !(Array.isArray(audiences) && audiences.length > 0 && audiences.every(isName))) {
    problems.push({
      path: 'audience',
      problem: 'must be a string of 1 to 255 characters, or a list of such',
    })
  }
  if (clientId !== undefined && !isName(clientId)) {
    problems.push({ path: 'clientId', problem: 'must be a string of 1 to 255 characters' })
  }
  if (options.fresh !== undefined && typeof options.fresh !== 'boolean') {
    problems.push({ path: 'fresh', problem: 'must be true or false' })
  }
  const { idleLifetime } = engine.refreshToken
  problems.push(...contentProblems(engine, { claims, permissions, headers }))
  // Anything else is a problem, and thrown before it is used.
  const content = { permissions, claims: isJsonObject(claims) ? claims : {}, headers }
  const common = { ...content, idleLifetime, clientId: clientId ?? null }
  return { ...common, audience: audiences, accessLifetime: null, credentialVersion: null }
}

/**
 * Signs an access token that belongs to no session: for a service, or where refresh is not wanted. It is revoked by its
 * id, its subject's epoch or everybody's.
 *
 * @throws ConfigError for options that cannot be
 * @throws AuthError `hook_failed`
 * @throws StoreError where the store cannot tell the epochs
 */
export const signAlone = async (
  engine: Engine<unknown>,
  options: SignOptions<string, object>,
): Promise<SignedToken> => {
  const given: unknown = options
  if (!isJsonObject(given)) throw new ConfigError([{ path: '', problem: 'a token needs an object of options' }])
  const { subject } = options
  checkSubject(subject)
  const problems = unknownKeys('', options, OPTIONS)
  const lifetime = readLifetime(engine, options.lifetime, problems)
  const grant = readGrant(engine, options, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const stamp = await engine.store.revocations.epochs(subject)
  const wanted = { reason: 'alone', scope: null, held: null, ceiling: null } as const
  const session = {
    id: null,
    subject,
    stamp,
    refreshData: null,
    grant: { ...grant, accessLifetime: lifetime },
  }
  const draft = await draftAccessToken(engine, session, {
    ...wanted,
    neverExpires: lifetime === null,
  })
  const issuedAt = Math.floor(engine.now())
  const content = {
    subject,
    tokenId: draft.tokenId,
    sessionId: null,
    audience: grant.audience ?? engine.audience,
    clientId: grant.clientId ?? engine.clientId,
    issuedAt,
    expiresAt: lifetime === null ? null : issuedAt + lifetime,
    authTime: options.fresh === true ? issuedAt : null,
    permissions: draft.permissions,
    stamp,
    claims: draft.claims,
  }
  const accessToken = signAccessToken(engine.issuer, content, draft.key, draft.headers)
  const { tokenId, permissions } = draft
  return { accessToken, tokenId, sessionId: null, expiresIn: lifetime, permissions }
}
