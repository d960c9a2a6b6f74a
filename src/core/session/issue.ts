import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { newIdentifier } from '../token/identifier.ts'
import { readIssueOptions } from './issue-options.ts'
import type { IssueOptions } from './issue-options.ts'
import type { Stamp } from './session.ts'
import { checkSubject } from './subject.ts'
import { mintPair } from './tokens.ts'
import type { TokenPair } from './tokens.ts'

export type { IssueOptions }

const create = (engine: Engine<unknown>, subject: string, options: IssueOptions, stamp: Stamp) => {
  const { grant, absoluteLifetime, authTime, device, refreshData } = readIssueOptions(engine, options)
  return engine.store.sessions.create(
    {
      id: newIdentifier(subject),
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
  check: () => MaybePromise<IssueOptions>,
): Promise<TokenPair> => {
  checkSubject(subject)
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
