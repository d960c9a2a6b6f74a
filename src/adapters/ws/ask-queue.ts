import type { MaybePromise } from '../../core/maybe-promise.ts'

/** Questions without an answer yet. */
const AT_ONCE = 64
/** Questions in one go; then requests have their turn. */
const SLICE = 100

/** Asks about many things, some at a time. */
export interface AskQueue<Item> {
  /** Asks about all of these that are not being asked about, unless the last ones are still waiting. */
  begin(items: Iterable<Item>): void
  /** Waits for an answer no longer, so that it takes nobody's place. */
  release(item: Item): void
}

/** `ask` must neither throw nor reject. */
export const createAskQueue = <Item>(ask: (item: Item) => MaybePromise<void>): AskQueue<Item> => {
  let waiting: Item[] = []
  const asked = new Set<Item>()
  let isScheduled = false

  const schedule = (): void => {
    if (isScheduled || waiting.length === 0 || asked.size >= AT_ONCE) return
    isScheduled = true
    setImmediate(run)
  }

  const release = (item: Item): void => {
    if (asked.delete(item)) schedule()
  }

  const run = (): void => {
    isScheduled = false
    for (let turn = 0; turn < SLICE && asked.size < AT_ONCE; turn++) {
      const item = waiting.pop()
      if (item === undefined) return
      const answer = ask(item)
      if (!(answer instanceof Promise)) continue
      asked.add(item)
      void answer.finally(() => release(item))
    }
    schedule()
  }

  return {
    begin: (items) => {
      if (waiting.length === 0) waiting = [...items].filter((item) => !asked.has(item))
      schedule()
    },
    release,
  }
}
