import { AuthError, StoreError } from '../core/errors.ts'
import type { AuthErrorCode } from '../core/errors.ts'
import { digestOf } from '../core/token/digest.ts'
import type { Throttle } from '../ports/throttle.ts'
import { callHook } from './call-hook.ts'
import { networkOf } from './client-network.ts'
import type { RouteContext } from './route-context.ts'

/** Something that may be guessed at. */
export interface Attempt {
  readonly request: Request
  /**
   * Whose secret it is: by address where anybody may try, by subject where only their own session may, so that a
   * stranger's guesses never keep somebody with a session from changing the password. Null where only the client counts.
   */
  readonly account: { readonly kind: 'email' | 'subject'; readonly name: string } | null
}

/** One count that an attempt goes into. */
interface Count {
  readonly throttle: Throttle
  readonly key: string
  /** Whether a success wipes out earlier failures. Those of a client stay: they were made at the accounts of others. */
  readonly forgives: boolean
}

/** What a failed guess is answered with. At sign-up the guess is that an address has an account. */
const FAILED_GUESSES: ReadonlySet<AuthErrorCode> = new Set(['invalid_credentials', 'account_exists'])

const isFailedGuess = (failure: unknown): boolean => failure instanceof AuthError && FAILED_GUESSES.has(failure.code)

/** Hashed, because limiters keep their keys where nobody expects addresses; by issuer, because they may be shared. */
const keyOf = ({ auth }: RouteContext, kind: string, name: string): string =>
  `${kind}:${digestOf(JSON.stringify([auth.issuer, kind, name]))}`

/** The client first: whoever is refused for that adds to nobody's account. */
const countsOf = async (context: RouteContext, { request, account }: Attempt): Promise<readonly Count[]> => {
  const { throttle } = context
  if (throttle === null) return []
  const client = await callHook(context, 'throttle.clientOf', () => throttle.clientOf(request))
  const counts: Count[] = []
  if (typeof client === 'string' && client !== '') {
    const key = keyOf(context, 'address', networkOf(client))
    counts.push({ throttle: throttle.address, key, forgives: false })
  }
  if (account !== null) {
    counts.push({ throttle: throttle.account, key: keyOf(context, account.kind, account.name), forgives: true })
  }
  return counts
}

/** How long to wait, or null where what was thrown says nothing of the kind. */
const waitIn = (thrown: unknown): number | null => {
  if (typeof thrown !== 'object' || thrown === null || thrown instanceof Error) return null
  const wait: unknown = Reflect.get(thrown, 'msBeforeNext')
  return typeof wait === 'number' ? wait : null
}

/** Whole seconds (RFC 9110 §10.2.3), never too few; nothing where no time helps. */
const retryAfter = (wait: number): { readonly retryAfter?: number } =>
  Number.isFinite(wait) && wait >= 0 ? { retryAfter: Math.max(1, Math.ceil(wait / 1000)) } : {}

const consume = async ({ throttle, key }: Count): Promise<void> => {
  try {
    await throttle.consume(key)
  } catch (thrown) {
    const wait = waitIn(thrown)
    // Not counted is not allowed: whoever can bring the limiter down must not be free to guess.
    if (wait === null) throw new StoreError('throttle.consume', thrown)
    throw new AuthError('rate_limited', { ...retryAfter(wait), detail: `too many failures of ${key}` })
  }
}

/** What has been decided stands, whether or not the limiters hear of it. */
const tell = async (
  { auth }: RouteContext,
  counts: readonly Count[],
  change: (count: Count) => Promise<unknown>,
): Promise<void> => {
  for (const result of await Promise.allSettled(counts.map(async (count) => change(count)))) {
    if (result.status === 'rejected') auth.emit({ type: 'failure', at: 'throttle', error: result.reason })
  }
}

const takeBack = ({ throttle, key }: Count): Promise<unknown> => throttle.reward(key, 1)

const forgive = (count: Count): Promise<unknown> =>
  count.forgives ? count.throttle.delete(count.key) : takeBack(count)

/**
 * Does `work`, which tells right guesses from wrong ones, within the limits that the application has given. The attempt
 * is counted before the work begins, so that of many at once no more get through than the limits allow, and is taken
 * back unless it was a failed guess. A right one forgives its account everything before it.
 *
 * @throws AuthError `rate_limited` without having begun
 */
export const withinLimits = async <T>(context: RouteContext, attempt: Attempt, work: () => Promise<T>): Promise<T> => {
  const counts = await countsOf(context, attempt)
  // One after another: what the first one refuses must not go into the second.
  for (const count of counts) await consume(count)
  let result: T
  try {
    result = await work()
  } catch (failure) {
    if (!isFailedGuess(failure)) await tell(context, counts, takeBack)
    throw failure
  }
  await tell(context, counts, forgive)
  return result
}
