import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { newIdentifier } from '../token/identifier.ts'
import { readIssueOptions } from './issue-options.ts'
import type { IssueOptions, ResolvedIssueOptions } from './issue-options.ts'
import type { SessionReference } from '../../ports/session-store.ts'
import type { Stamp } from './session.ts'
import { checkSubject } from './subject.ts'
import { draftAccessToken, mintPair } from './tokens.ts'
import type { TokenPair } from './tokens.ts'
import { recordRefreshTokens } from './tracking.ts'

const create = (
  engine: Engine<unknown>,
  { id, subject }: SessionReference,
  { grant, absoluteLifetime, authTime, device, refreshData }: ResolvedIssueOptions,
  stamp: Stamp,
) =>
  engine.store.sessions.create(
    {
      id,
      subject,
      authTime,
      absoluteLifetime,
      stamp,
      grant,
      keyThumbprint: null,
      device,
      refreshData,
      refreshKeyId: engine.keys.refresh.signing.kid,
    },
    { ...engine.revocation, maxPerSubject: engine.refreshToken.maxSessions },
  )

/** One attempt; null where a sign-out everywhere came in between. */
const attempt = async (
  engine: Engine<unknown>,
  subject: string,
  check: () => MaybePromise<IssueOptions<string, object>>,
): Promise<TokenPair | null> => {
  const stamp = await engine.store.revocations.epochs(subject)
  const options = readIssueOptions(engine, await check())
  const id = newIdentifier(subject)
  const { grant, refreshData } = options
  // Before the session is made: whatever fails after that has ended somebody's oldest session for nothing.
  const wanted = { reason: 'signin', scope: null, held: null, ceiling: null } as const
  const content = await draftAccessToken(engine, { id, subject, grant, refreshData, stamp }, wanted)
  await recordRefreshTokens(engine, { id, subject, stamp }, options.absoluteLifetime)
  const creation = await create(engine, { id, subject }, options, stamp)
  if (creation.outcome !== 'created') return null
  const { session, nowMs, evicted } = creation
  engine.emit({ type: 'session.created', subject, sessionId: id })
  for (const sessionId of evicted) engine.emit({ type: 'session.ended', subject, sessionId, reason: 'evicted' })
  return mintPair(engine, session, content, { issuedAt: Math.floor(nowMs / 1000) })
}

/** How often the credentials are checked anew because the subject was signed out everywhere meanwhile. */
const ATTEMPTS = 4

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
  check: () => MaybePromise<IssueOptions<string, object>>,
): Promise<TokenPair> => {
  checkSubject(subject)
  for (let count = 0; count < ATTEMPTS; count++) {
    // Attempts follow one another on purpose: each begins with the epochs that the last one lacked.
    const pair = await attempt(engine, subject, check)
    if (pair !== null) return pair
  }
  throw new AuthError('overloaded', {
    retryAfter: 1,
    detail: 'the subject is being signed out everywhere again and again',
  })
}
