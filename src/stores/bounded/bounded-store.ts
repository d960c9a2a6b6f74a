import { ConfigError, StoreError } from '../../core/errors.ts'
import { isPromiseLike } from '../../core/maybe-promise.ts'
import type { Store } from '../../ports/store.ts'
import { createBreaker } from './breaker.ts'
import type { Breaker } from './breaker.ts'

export interface BoundsOptions {
  /** How long a call may take, in milliseconds; 10 to 60,000, default 250. A sign-out of everybody may take ten times as long. */
  readonly deadlineMs?: number
  /** Calls under way at most; those beyond fail at once. 1 to 100,000, default 1000. */
  readonly maxCalls?: number
  /** Failures in a row after which the store is left alone for a while. 1 to 1000, default 5. */
  readonly failures?: number
  /** For how long, in milliseconds; 10 to 60,000, default 500. */
  readonly pauseMs?: number
  /** Milliseconds that only run on, for tests. */
  readonly now?: () => number
}

const LIMITS = {
  deadlineMs: { min: 10, max: 60_000, usual: 250 },
  maxCalls: { min: 1, max: 100_000, usual: 1000 },
  failures: { min: 1, max: 1000, usual: 5 },
  pauseMs: { min: 10, max: 60_000, usual: 500 },
} as const

type Limit = keyof typeof LIMITS

const readLimits = (options: BoundsOptions): Record<Limit, number> => {
  const read = (name: Limit): number => options[name] ?? LIMITS[name].usual
  const limits = {
    deadlineMs: read('deadlineMs'),
    maxCalls: read('maxCalls'),
    failures: read('failures'),
    pauseMs: read('pauseMs'),
  }
  const problems = Object.entries(LIMITS).flatMap(([path, { min, max }]) => {
    // The keys of LIMITS are those of the limits.
    const value = limits[path as Limit]
    const fits = Number.isInteger(value) && value >= min && value <= max
    return fits ? [] : [{ path, problem: `must be a whole number from ${min} to ${max}` }]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return limits
}

/** What waits for an answer of the store. Whatever comes after the deadline is heard by nobody. */
const withDeadline = async (operation: string, answer: PromiseLike<unknown>, deadlineMs: number): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new StoreError(operation, new Error(`there was no answer within ${deadlineMs} ms`)))
    }, deadlineMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

type Call = (operation: string, work: () => unknown) => unknown

/** Everybody's epoch is written in every place of a store that has several. */
const EVERYWHERE = 'revocations.bump(null)'
const EVERYWHERE_FACTOR = 10

/** A refusal that is the store's answer is no failure of the store. */
const createCall = (breaker: Breaker, { deadlineMs, maxCalls }: { deadlineMs: number; maxCalls: number }): Call => {
  let underWay = 0
  const settle = (hasFailed: boolean): void => {
    underWay -= 1
    if (hasFailed) breaker.failed()
    else breaker.succeeded()
  }
  return (operation, work) => {
    if (underWay >= maxCalls) throw new StoreError(operation, new Error(`${maxCalls} calls are under way already`))
    if (!breaker.mayCall())
      throw new StoreError(operation, new Error('the store has failed repeatedly and is left alone'))
    underWay += 1
    try {
      const answer = work()
      if (isPromiseLike(answer)) {
        const limitMs = operation === EVERYWHERE ? deadlineMs * EVERYWHERE_FACTOR : deadlineMs
        return withDeadline(operation, answer, limitMs).then(
          (value) => {
            settle(false)
            return value
          },
          (error: unknown) => {
            settle(!(error instanceof ConfigError))
            throw error
          },
        )
      }
      settle(false)
      return answer
    } catch (error) {
      settle(!(error instanceof ConfigError))
      throw error
    }
  }
}

const boundedPort = <T extends object>(port: T, name: string, call: Call): T => {
  const methods = Object.entries(port).map(([method, work]: [string, unknown]) => {
    if (typeof work !== 'function') return [method, work]
    return [
      method,
      (...parameters: unknown[]) => {
        const operation = method === 'bump' && parameters[0] === null ? EVERYWHERE : `${name}.${method}`
        return call(operation, () => Reflect.apply(work, port, parameters))
      },
    ]
  })
  // Each method takes and gives what the one beneath does.
  return Object.fromEntries(methods) as T
}

/**
 * Any store, with a deadline on each call, a bound on how many are under way, and a circuit breaker: a store that is slow or
 * hangs answers 503 in time and holds up nothing that does not need it. What a deadline cuts off may have been done all the
 * same; repeating it is safe. `ready()` and `close()` take the time that they need.
 *
 * @throws ConfigError
 */
export const bounded = <S extends Store>(store: S, options: BoundsOptions = {}): S => {
  const { deadlineMs, maxCalls, failures, pauseMs } = readLimits(options)
  const breaker = createBreaker({ failures, pauseMs, now: options.now ?? (() => performance.now()) })
  const call = createCall(breaker, { deadlineMs, maxCalls })
  return {
    ...store,
    sessions: boundedPort(store.sessions, 'sessions', call),
    revocations: boundedPort(store.revocations, 'revocations', call),
    tokens: boundedPort(store.tokens, 'tokens', call),
    singleUse: boundedPort(store.singleUse, 'singleUse', call),
    users: store.users === null ? null : boundedPort(store.users, 'users', call),
  }
}
