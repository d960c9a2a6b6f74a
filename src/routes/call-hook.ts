import { AuthError } from '../core/errors.ts'
import type { MaybePromise } from '../core/maybe-promise.ts'
import type { RouteContext } from './route-context.ts'

/**
 * Calls what the application has given. No caller can mend what it throws, so that is told to the operator.
 *
 * @throws AuthError `hook_failed`
 */
export const callHook = async <T>({ auth }: RouteContext, at: string, hook: () => MaybePromise<T>): Promise<T> => {
  try {
    return await hook()
  } catch (error) {
    auth.emit({ type: 'failure', at, error })
    throw new AuthError('hook_failed', { cause: error })
  }
}

/** A hook of the engine's that failed while a token was looked for or read, which nobody has told the operator yet. */
export const tellFailedHook = (auth: RouteContext['auth'], failure: AuthError): void => {
  const { code, detail, details } = failure
  if (code === 'hook_failed') auth.emit({ type: 'failure', at: detail ?? 'a token', error: details.cause ?? failure })
}
