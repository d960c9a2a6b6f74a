interface Waiting<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Puts together what is asked while an answer is awaited: for each key one batch is under way, and what comes meanwhile is
 * the next. An answer never comes from a batch that was begun before it was asked for.
 *
 * @param ask answers in the order of the items; what it rejects with all of its batch are told
 * @param most items of one batch
 */
export const inBatches = <Key, Item, Answer>(
  ask: (key: Key, items: readonly Item[]) => Promise<readonly Answer[]>,
  most: number,
): ((key: Key, item: Item) => Promise<Answer>) => {
  const lines = new Map<Key, Waiting<Item, Answer>[]>()

  const serve = async (key: Key, batch: readonly Waiting<Item, Answer>[]): Promise<void> => {
    try {
      const answers = await ask(
        key,
        batch.map(({ item }) => item),
      )
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index]
        if (answer === undefined) reject(new Error('an answer is missing'))
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  const drain = async (key: Key, line: Waiting<Item, Answer>[]): Promise<void> => {
    // One after another: that is what lets the next one grow.
    while (line.length > 0) await serve(key, line.splice(0, most))
    lines.delete(key)
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const line = lines.get(key)
      if (line !== undefined) {
        line.push({ item, resolve, reject })
        return
      }
      const begun = [{ item, resolve, reject }]
      lines.set(key, begun)
      void drain(key, begun)
    })
}
