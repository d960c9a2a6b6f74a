import { setTimeout as delay } from 'node:timers/promises'
import { StoreError } from 'jotward'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

interface PatienceOptions {
  /** For how long a failure is followed by another attempt, in milliseconds; 0: there is one attempt. */
  readonly patienceMs: number
  /** Is told of the first failure. */
  readonly onWait: (failure: StoreError) => void
}

/** Does something again and again while a store does not answer. What somebody must change is not tried twice. */
export const withPatience = async <T>(
  attempt: () => Promise<T>,
  { patienceMs, onWait }: PatienceOptions,
): Promise<T> => {
  const end = performance.now() + patienceMs
  let pause = FIRST_PAUSE_MS
  for (let count = 1; ; count++) {
    try {
      return await attempt()
    } catch (failure) {
      if (!(failure instanceof StoreError) || performance.now() + pause > end) throw failure
      if (count === 1) onWait(failure)
      await delay(pause)
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
  }
}

/** Rejects with a StoreError where something has not come about in time; whatever comes after is heard by nobody. */
export const within = async <T>(milliseconds: number, operation: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new StoreError(operation, new Error(`there was no answer within ${milliseconds} ms`)))
    }, milliseconds)
  })
  // A failure that comes too late must not end the process.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
