/**
 * Counts attempts by key and refuses those beyond a limit, until a time is over; both are its own affair. Every limiter
 * of rate-limiter-flexible that counts one key at a time is one as it is.
 *
 * Keys say nothing of whom they stand for: at most 64 characters, letters, digits, `-`, `_` and one colon.
 */
export interface Throttle {
  /**
   * Counts one attempt, in one atomic operation, whatever races: of any number of them at once no more resolve than the
   * limit has left. Beyond the limit it rejects with `{ msBeforeNext }`, which is no `Error`: the milliseconds until the
   * key may be tried again, or -1 where that is never. It rejects with an `Error` where it is not known whether it counted.
   */
  consume(key: string): Promise<unknown>
  /** Takes counted attempts back: as many as `points`. */
  reward(key: string, points: number): Promise<unknown>
  /** Forgets all attempts of a key. */
  delete(key: string): Promise<unknown>
}
