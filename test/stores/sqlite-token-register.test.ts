import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { TokenRecord } from '../../src/ports/token-register.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { readInteger, readText } from '../../src/stores/sqlite/row.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { openSqliteFile, START_MS, untilTestEnds } from './stores-under-test.ts'

const open = () => untilTestEnds(openSqliteFile())

/** Without waiting for the disk, for tests that write much. */
const openHastily = () => {
  const opened = open()
  opened.database.exec('PRAGMA synchronous = OFF')
  return opened
}

const issuedAt = Math.floor(START_MS / 1000)

const newRecord = (given: Partial<TokenRecord> = {}): TokenRecord => ({
  tokenId: newIdentifier('ann'),
  kind: 'access',
  subject: 'ann',
  sessionId: null,
  stamp: { subject: 0, global: 0 },
  issuedAt,
  expiresAt: issuedAt + 900,
  ...given,
})

const countOf = (database: SqliteDatabase): number =>
  readInteger(database.prepare('SELECT count(*) AS found FROM jotward_tokens').get(), 'found')

describe('the register of tokens in a SQLite file', () => {
  test('takes none of a call where one of its rows cannot be written', async () => {
    const { store, database } = open()
    const good = newRecord()
    // No whole number, so that the table itself refuses the second row.
    const bad = newRecord({ expiresAt: issuedAt + 0.5 })
    expect(() => store.tokens.record([good, bad])).toThrow(StoreError)
    expect(() => store.tokens.record([good, bad])).toThrow(/recording tokens/)
    expect(countOf(database)).toBe(0)
    await store.tokens.record([good])
    expect(await store.tokens.find(good.tokenId)).toEqual(good)
  })

  test('reads by index alone, and never sorts: the records of others cost nothing', () => {
    const { database } = open()
    const prepared: string[] = []
    const noting: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => {
        prepared.push(sql)
        return database.prepare(sql)
      },
      close: () => undefined,
    }
    sqliteStore(noting, { now: () => START_MS })
    const plans = prepared
      .filter((sql) => /^\s*(?:SELECT|DELETE).*jotward_tokens/s.test(sql))
      .map((sql) =>
        database
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map((row) => readText(row, 'detail')),
      )
    expect(plans).toHaveLength(5)
    expect(plans.flat().filter((step) => step.startsWith('SCAN') || step.includes('TEMP B-TREE'))).toEqual([])
    // Down from the cursor within the subject's own rows.
    expect(plans.flat().join()).toContain('jotward_tokens_by_subject (subject=? AND rowid<?)')
  })

  test('never gives a position again, so that no page goes on with what was recorded after it', async () => {
    const { database, store } = open()
    await store.tokens.record([newRecord(), newRecord(), newRecord()])
    const { next } = await store.tokens.list({ subject: 'ann', after: null, limit: 2 })
    database.exec('DELETE FROM jotward_tokens')
    await store.tokens.record([newRecord()])
    expect((await store.tokens.list({ subject: 'ann', after: next, limit: 2 })).records).toEqual([])
  })

  test('forgets at most so many at a time, and all of them in the end', async () => {
    const { database, store, ...opened } = openHastily()
    await store.tokens.record(Array.from({ length: 2_500 }, () => newRecord()))
    await opened.turn(1_200_000)
    const later = issuedAt + 1_200
    const young = Array.from({ length: 800 }, () => newRecord({ issuedAt: later, expiresAt: later + 900 }))
    const counts: number[] = []
    for (const record of young) {
      // One call each, as sign-ins do.
      await store.tokens.record([record])
      counts.push(countOf(database))
    }
    const losses = counts.map((count, index) => (counts[index - 1] ?? 2_500) - count)
    expect(Math.max(...losses)).toBeLessThanOrEqual(1_000)
    expect(counts.at(-1)).toBe(young.length)
  })

  test('begins to forget with the first record of a process, or short lives would never forget', async () => {
    const { database, store, ...opened } = open()
    await store.tokens.record([newRecord()])
    await opened.turn(1_200_000)
    await sqliteStore(database, { now: () => START_MS + 1_200_000 }).tokens.record([newRecord({ expiresAt: null })])
    expect(countOf(database)).toBe(1)
  })

  test.each([
    ['a kind that there is not', "kind = 'id'"],
    ['a time beyond what counts exactly', 'issued_at = 9007199254740993'],
    ['a stamp beyond what counts exactly', 'stamp_global = 9007199254740993'],
  ])('answers a row with %s as a failure of the store (N127)', async (_, change) => {
    const { database, store } = open()
    const record = newRecord()
    await store.tokens.record([record])
    database.exec(`UPDATE jotward_tokens SET ${change}`)
    expect(() => store.tokens.find(record.tokenId)).toThrow(StoreError)
    expect(() => store.tokens.list({ subject: 'ann', after: null, limit: 1 })).toThrow(StoreError)
  })

  test('answers a table that is gone as a StoreError that names the operation', () => {
    const { database, store } = open()
    database.exec('ALTER TABLE jotward_tokens RENAME TO gone')
    expect(() => store.tokens.record([newRecord()])).toThrow(/recording tokens/)
    expect(() => store.tokens.find('x')).toThrow(/finding a token/)
    expect(() => store.tokens.list({ subject: null, after: null, limit: 1 })).toThrow(/listing tokens/)
    expect(() => store.tokens.list({ subject: 'ann', after: null, limit: 1 })).toThrow(StoreError)
  })
})
