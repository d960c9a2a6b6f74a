import type { SingleUse } from '../../ports/single-use.ts'
import { guarded, transaction } from './database.ts'
import type { SqliteDatabase } from './database.ts'

interface Options {
  readonly database: SqliteDatabase
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

const OPERATION = 'spending an identifier'

/** Spendings between two prunings. A process that is started anew begins with one, or short lives would never prune. */
const PRUNE_EVERY = 256
/** Rows removed at most in one go, so that no caller waits long. */
const PRUNE_LIMIT = 1000

const IS_SPENT = 'SELECT 1 FROM jotward_single_use WHERE id = ? AND expires_at_ms > ?'

/** Answers with a row only where the identifier was free, or had lapsed. */
const SPEND = `
INSERT INTO jotward_single_use (id, expires_at_ms) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET expires_at_ms = excluded.expires_at_ms WHERE jotward_single_use.expires_at_ms <= ?
RETURNING id`

const PRUNE = `
DELETE FROM jotward_single_use WHERE id IN
  (SELECT id FROM jotward_single_use WHERE expires_at_ms <= ? LIMIT ${PRUNE_LIMIT})`

/** Keeps what is spent in the table `jotward_single_use`. */
export const sqliteSingleUse = ({ database, now }: Options): SingleUse => {
  const [isSpent, spend, prune] = [database.prepare(IS_SPENT), database.prepare(SPEND), database.prepare(PRUNE)]
  let spendings = 0
  return {
    spend: ({ id, retention }) => {
      // What is spent stays so: a storm of replays need not queue for the write lock.
      if (guarded(OPERATION, () => isSpent.all(id, now())).length > 0) return false
      return transaction(database, OPERATION, () => {
        // Read under the lock: a process that has waited for it must not write a retention that has begun to run out.
        const nowMs = now()
        if (spendings % PRUNE_EVERY === 0) prune.run(nowMs)
        spendings += 1
        return spend.all(id, nowMs + retention * 1000, nowMs).length > 0
      })
    },
  }
}
