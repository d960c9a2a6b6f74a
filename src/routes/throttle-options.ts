import type { ConfigProblem } from '../core/errors.ts'
import { unknownKeys } from '../core/unknown-keys.ts'
import type { Throttle } from '../ports/throttle.ts'

/** Limits for whoever guesses at passwords. */
export interface ThrottleOptions {
  /** Counts failures by account: the limit of guesses at one password, from wherever they come. */
  readonly account: Throttle
  /** Counts failures by the client's network: the limit of guesses at any passwords from one place. */
  readonly address: Throttle
  /**
   * The address of the client, or null where it is not known: then only `account` counts. A header like
   * `X-Forwarded-For` says what the caller wants it to say, but for what a proxy of your own has put there.
   */
  readonly clientOf: (request: Request) => string | null
}

const METHODS = ['consume', 'reward', 'delete'] as const

const isThrottle = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && METHODS.every((name) => typeof Reflect.get(value, name) === 'function')

/** What is wrong with the option `throttle`; what the types forbid arrives from JavaScript all the same. */
export const throttleProblems = (throttle: unknown): readonly ConfigProblem[] => {
  if (throttle === undefined) return []
  if (typeof throttle !== 'object' || throttle === null) return [{ path: 'throttle', problem: 'must be an object' }]
  const problems = unknownKeys('throttle', throttle, ['account', 'address', 'clientOf'])
  for (const name of ['account', 'address']) {
    if (isThrottle(Reflect.get(throttle, name))) continue
    const problem = 'must have consume, reward and delete, as the limiters of rate-limiter-flexible do'
    problems.push({ path: `throttle.${name}`, problem })
  }
  if (typeof Reflect.get(throttle, 'clientOf') !== 'function') {
    const problem = 'must be a function from a request to its client; write () => null where none is known'
    problems.push({ path: 'throttle.clientOf', problem })
  }
  return problems
}
