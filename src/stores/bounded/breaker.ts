/** Whether a store that keeps failing is asked at all. */
export interface Breaker {
  /** Whether a call may be made now; after a pause one call is let through to try. */
  mayCall(): boolean
  succeeded(): void
  failed(): void
}

export interface BreakerOptions {
  /** Failures in a row after which it opens. */
  readonly failures: number
  /** How long it stays open, in milliseconds. */
  readonly pauseMs: number
  /** Milliseconds that only run on. */
  readonly now: () => number
}

/**
 * A circuit breaker: after some failures in a row nothing is asked for a while, so that callers hear at once what they would
 * hear after the deadline, and a store that is coming back is not met by all that has piled up.
 */
export const createBreaker = ({ failures, pauseMs, now }: BreakerOptions): Breaker => {
  let failedInARow = 0
  let openUntil = Number.NEGATIVE_INFINITY
  let isTrying = false
  const isOpen = (): boolean => failedInARow >= failures
  return {
    mayCall: () => {
      if (!isOpen()) return true
      if (isTrying || now() < openUntil) return false
      isTrying = true
      return true
    },
    succeeded: () => {
      failedInARow = 0
      isTrying = false
    },
    failed: () => {
      failedInARow += 1
      isTrying = false
      if (isOpen()) openUntil = now() + pauseMs
    },
  }
}
