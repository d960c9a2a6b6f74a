import type { SingleUse } from '../../ports/single-use.ts'

interface Options {
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

const PRUNE_EVERY = 1024

/** Keeps what is spent in this process. */
export const memorySingleUse = ({ now }: Options): SingleUse => {
  /** Until when each identifier stays spent, in milliseconds. */
  const spent = new Map<string, number>()
  let spendings = 0

  const prune = (nowMs: number): void => {
    for (const [id, untilMs] of spent) if (untilMs <= nowMs) spent.delete(id)
  }

  return {
    spend: ({ id, retention }) => {
      const nowMs = now()
      const untilMs = spent.get(id)
      // So put that a time which is no number keeps it spent.
      if (untilMs !== undefined && !(untilMs <= nowMs)) return false
      spent.set(id, nowMs + retention * 1000)
      spendings += 1
      if (spendings % PRUNE_EVERY === 0) prune(nowMs)
      return true
    },
  }
}
