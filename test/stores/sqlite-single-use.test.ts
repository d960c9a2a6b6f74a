import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { readInteger } from '../../src/stores/sqlite/row.ts'
import { sqliteSingleUse } from '../../src/stores/sqlite/single-use.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { openSqliteFile, START_MS, untilTestEnds } from './stores-under-test.ts'

const open = () => untilTestEnds(openSqliteFile())

/** Without waiting for the disk, for tests that write much. */
const openHastily = () => {
  const opened = open()
  opened.database.exec('PRAGMA synchronous = OFF')
  return opened
}

const newUse = (retention = 60) => ({ id: newIdentifier('ann'), subject: 'ann', retention })

const countOf = (database: SqliteDatabase): number =>
  readInteger(database.prepare('SELECT count(*) AS found FROM jotward_single_use').get(), 'found')

describe('single use in a SQLite file', () => {
  test('what is spent stays spent when the file is closed and opened again', async () => {
    const { store, file } = open()
    const use = newUse()
    expect(await store.singleUse.spend(use)).toBe(true)
    const database = openSqlite(file)
    expect(await sqliteStore(database, { now: () => START_MS }).singleUse.spend(use)).toBe(false)
    database.close()
  })

  test('a replay needs no write lock; a first use that cannot have it is neither granted nor spent', async () => {
    const { store, database, file } = open()
    const [spent, fresh] = [newUse(), newUse()]
    await store.singleUse.spend(spent)
    const other = openSqlite(file)
    other.exec('BEGIN IMMEDIATE')
    database.exec('PRAGMA busy_timeout = 0')
    expect(await store.singleUse.spend(spent)).toBe(false)
    expect(() => store.singleUse.spend(fresh)).toThrow(StoreError)
    expect(() => store.singleUse.spend(fresh)).toThrow(/spending an identifier/)
    other.exec('ROLLBACK')
    other.close()
    expect(await store.singleUse.spend(fresh)).toBe(true)
  })

  test('decides under the write lock, whatever it saw before: another may have come in between', async () => {
    const { store, database } = open()
    const use = newUse()
    const first: unknown[] = []
    const outrun: SqliteDatabase = {
      exec: (sql) => {
        // The last moment at which another process can be first.
        if (sql.startsWith('BEGIN')) first.push(store.singleUse.spend(use))
        return database.exec(sql)
      },
      prepare: (sql) => database.prepare(sql),
      close: () => undefined,
    }
    const late = sqliteSingleUse({ database: outrun, now: () => START_MS })
    expect([await late.spend(use), first]).toEqual([false, [true]])
  })

  test('counts the retention from the moment at which it has the write lock, however long it has waited', async () => {
    const { database } = open()
    let nowMs = START_MS
    const waiting: SqliteDatabase = {
      exec: (sql) => {
        const result = database.exec(sql)
        // As long as the lock of another process may last.
        if (sql.startsWith('BEGIN')) nowMs += 1_500
        return result
      },
      prepare: (sql) => database.prepare(sql),
      close: () => undefined,
    }
    const { singleUse } = sqliteStore(waiting, { now: () => nowMs })
    const use = newUse(1)
    expect(await singleUse.spend(use)).toBe(true)
    nowMs += 999
    expect(await singleUse.spend(use)).toBe(false)
  })

  test('forgets at most so many at a time, and all of them in the end', async () => {
    const { store, database, ...opened } = openHastily()
    database.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
      INSERT INTO jotward_single_use (id, expires_at_ms) SELECT 'old ' || n, ${START_MS + 1} FROM numbers`)
    await opened.turn(1)
    const counts: number[] = []
    for (let index = 0; index < 800; index++) {
      // One call each, as tickets come.
      await store.singleUse.spend(newUse())
      counts.push(countOf(database))
    }
    const losses = counts.map((count, index) => (counts[index - 1] ?? 2_500) - count)
    expect(Math.max(...losses)).toBeLessThanOrEqual(1_000)
    expect(counts.at(-1)).toBe(800)
  })

  test('answers a table that is gone as a StoreError that names the operation', () => {
    const { store, database } = open()
    database.exec('ALTER TABLE jotward_single_use RENAME TO gone')
    expect(() => store.singleUse.spend(newUse())).toThrow(StoreError)
    expect(() => store.singleUse.spend(newUse())).toThrow(/spending an identifier/)
  })

  test('a use whose retention is no number is refused, not granted for ever', () => {
    const { store } = open()
    const use = newUse(Number.NaN)
    expect(() => store.singleUse.spend(use)).toThrow(StoreError)
  })
})
