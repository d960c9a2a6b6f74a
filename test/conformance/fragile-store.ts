import { openSqlite } from '../../src/stores/sqlite/database.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

/**
 * A SQLite store whose client fails on demand, as clients do when the disk is full or the file has gone. Closing the
 * handle would not do: libsql keeps statements alive that were prepared before.
 */
export const fragileStore = (now: () => number) => {
  const inner = openSqlite(':memory:')
  let isBroken = false
  const unlessBroken = <T>(work: () => T): T => {
    if (isBroken) throw new Error('disk I/O error')
    return work()
  }
  const database: SqliteDatabase = {
    exec: (sql) => unlessBroken(() => inner.exec(sql)),
    prepare: (sql) => {
      const statement = inner.prepare(sql)
      return {
        run: (...parameters) => unlessBroken(() => statement.run(...parameters)),
        get: (...parameters) => unlessBroken(() => statement.get(...parameters)),
        all: (...parameters) => unlessBroken(() => statement.all(...parameters)),
      }
    },
    close: () => inner.close(),
  }
  return {
    store: sqliteStore(database, { now }),
    break: (): void => {
      isBroken = true
    },
    mend: (): void => {
      isBroken = false
    },
    close: (): unknown => inner.close(),
  }
}
