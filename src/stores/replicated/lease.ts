/** The clocks of a process, in milliseconds: one that only runs on, and one that tells the time and may be set. */
export interface ProcessClocks {
  readonly monotonic: () => number
  readonly wall: () => number
}

/** For how long what a process knows may count without news. */
export interface Lease {
  /** Begins anew, from a moment that `now` has given before the news was asked for. */
  renew(from: Moment): void
  now(): Moment
  /** Counts as lapsed for one lease from now, whatever is heard. */
  suspend(): void
  isLive(): boolean
}

export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** How far back a clock that is being corrected may step without the process having been away. */
export const STEP_BACK_MS = 1000

/**
 * A lease by the monotonic clock, worked out at each question and never by a timer's flag: a process that was stopped finds
 * it lapsed. Where the wall clock has moved by more than the lease, or back, the process was somewhere that its monotonic
 * clock knows nothing of, and the lease has lapsed too.
 */
export const createLease = (lengthMs: number, { monotonic, wall }: ProcessClocks): Lease => {
  let begun: Moment | null = null
  let suspendedUntil = Number.NEGATIVE_INFINITY
  const now = (): Moment => ({ monotonic: monotonic(), wall: wall() })
  return {
    now,
    renew: (from) => {
      // Answers may overtake one another.
      if (begun === null || from.monotonic > begun.monotonic) begun = from
    },
    suspend: () => {
      suspendedUntil = monotonic() + lengthMs
    },
    isLive: () => {
      const at = monotonic()
      if (begun === null || at < suspendedUntil) return false
      const passed = at - begun.monotonic
      const told = wall() - begun.wall
      return passed >= 0 && passed < lengthMs && told > -STEP_BACK_MS && told < lengthMs
    },
  }
}
