import type { Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { AuthError, StoreError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { RevocableToken } from '../session/revocation-set.ts'
import { askHook } from './ask-hook.ts'
import type { RevocationCheck } from './authenticate.ts'
import type { Principal } from './principal.ts'

/** What becomes of a caller who was let in and stays: over a WebSocket, a stream of events, a long poll. */
export interface Validity<Claims, P extends string> {
  /** Until guards refuse the caller's token for its age. Not above 0: they do so already. */
  secondsLeft(principal: Principal<Claims, P>): Seconds
  /**
   * Whether the caller's token is revoked by now, by the store or by `hooks.isRevoked`, at once where both answer at
   * once. A store whose own copy is too old is asked at its source.
   *
   * @throws AuthError `hook_failed`, or what the hook refuses with
   * @throws StoreError where the store cannot tell
   */
  isRevoked(principal: Principal<Claims, P>, how?: RevocationCheck): MaybePromise<boolean>
}

/** Nothing but a plain yes or no is an answer. */
const readAnswer = (answer: unknown): boolean => {
  if (typeof answer === 'boolean') return answer
  throw new StoreError('checking a token', new Error(`it cannot tell: ${String(answer)}`))
}

/** What the store says of a token. */
export const isRevokedInStore = (
  { store: { revocations } }: Pick<Engine<unknown>, 'store'>,
  token: RevocableToken,
  how: RevocationCheck,
): MaybePromise<boolean> => {
  if (how === 'skip') return false
  if (how === 'strict') return whenReady(revocations.isRevokedAtSource(token), readAnswer)
  return whenReady(revocations.isRevoked(token), (answer) =>
    answer === 'stale' ? whenReady(revocations.isRevokedAtSource(token), readAnswer) : readAnswer(answer),
  )
}

const asksHook = <Claims, P extends string>(
  { hooks }: Engine<Claims>,
  principal: Principal<Claims, P>,
): MaybePromise<boolean> =>
  whenReady(
    askHook('hooks.isRevoked', () => hooks.isRevoked?.(principal)),
    (answer) => {
      if (typeof answer === 'boolean') return answer
      const cause = new Error('it answered neither true nor false')
      throw new AuthError('hook_failed', { detail: 'hooks.isRevoked', cause })
    },
  )

/** The same, and what the application's own list says. */
export const isRevoked = <Claims, P extends string>(
  engine: Engine<Claims>,
  principal: Principal<Claims, P>,
  how: RevocationCheck,
): MaybePromise<boolean> => {
  const inStore = isRevokedInStore(engine, principal, how)
  if (engine.hooks.isRevoked === undefined || how === 'skip') return inStore
  return whenReady(inStore, (revoked) => revoked || asksHook(engine, principal))
}

export const createValidity = <Claims, P extends string>(engine: Engine<Claims>): Validity<Claims, P> => ({
  secondsLeft: ({ issuedAt, expiresAt }) => {
    const { clockTolerance, maxAgeWithoutExpiry } = engine.accessToken
    const end = expiresAt === null ? issuedAt + (maxAgeWithoutExpiry ?? 0) : expiresAt + clockTolerance
    return end - engine.now()
  },
  isRevoked: (principal, how = 'usual') => isRevoked(engine, principal, how),
})
