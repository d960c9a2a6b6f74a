import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'

/**
 * Asks a function of the application's own. What it refuses with as an `AuthError` stands; whatever else it throws is
 * nothing that a caller could mend.
 *
 * @throws AuthError `hook_failed`
 */
export const askHook = <T>(at: string, question: () => MaybePromise<T>): MaybePromise<T> => {
  const failed = (cause: unknown): never => {
    throw cause instanceof AuthError ? cause : new AuthError('hook_failed', { cause, detail: at })
  }
  try {
    const answer = whenReady(question(), (value) => value)
    return answer instanceof Promise ? answer.catch(failed) : answer
  } catch (cause) {
    return failed(cause)
  }
}
