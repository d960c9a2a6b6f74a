import { AuthError, ConfigError } from '../core/errors.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'

/** How many hashes may be in hand: a flood of sign-ins must not take all memory and every thread (OWASP). */
export interface HasherBounds {
  /** At work at once. Default: 4, as many as Node has threads for it. */
  readonly concurrency?: number
  /** Waiting for their turn. Default: 64. */
  readonly queue?: number
}

/** Runs at most `concurrency` works at once and lets `queue` more wait, first come, first served. */
const createGate = (concurrency: number, queue: number): (<T>(work: () => Promise<T>) => Promise<T>) => {
  const waiting: (() => void)[] = []
  let running = 0

  const enter = async (): Promise<void> => {
    if (running < concurrency) {
      running += 1
      return
    }
    if (waiting.length >= queue) {
      throw new AuthError('overloaded', { retryAfter: 1, detail: `${queue} password hashes are waiting already` })
    }
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  }

  const leave = (): void => {
    const next = waiting.shift()
    // A place is handed on, never freed and taken again: nobody who comes in between can overtake.
    if (next === undefined) running -= 1
    else next()
  }

  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}

/**
 * Bounds a slow hasher: beyond `concurrency` calls wait in order, beyond `queue` they are refused at once.
 *
 * `hash` and `verify` throw AuthError `overloaded`, to be retried after a second.
 *
 * @throws ConfigError where a bound is not a whole number, or nothing could ever run
 */
export const boundedHasher = (
  hasher: PasswordHasher,
  { concurrency = 4, queue = 64 }: HasherBounds = {},
): PasswordHasher => {
  if (!Number.isInteger(concurrency) || concurrency < 1 || !Number.isInteger(queue) || queue < 0) {
    const problem = 'concurrency must be a whole number from 1 on, queue one from 0 on; write 4 and 64'
    throw new ConfigError([{ path: 'boundedHasher', problem }])
  }
  const run = createGate(concurrency, queue)
  return {
    hash: (password) => run(() => hasher.hash(password)),
    verify: (password, hash) => run(() => hasher.verify(password, hash)),
    needsRehash: (hash) => hasher.needsRehash(hash),
  }
}
