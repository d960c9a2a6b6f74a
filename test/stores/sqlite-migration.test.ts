import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError } from '../../src/core/errors.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { readInteger, readText } from '../../src/stores/sqlite/row.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { startService } from './processes/children.ts'
import { START_MS, temporaryFolder } from './stores-under-test.ts'
import { INSERT_SESSION, REVOKED_TOKEN_ID, SESSION_ID, SOURCE, USER_ID, writeVersion1File } from './version-1-file.ts'

/** A file that version 1 wrote; it goes with the test. */
const oldFile = (): string => {
  const { folder, remove } = temporaryFolder()
  onTestFinished(remove)
  const file = join(folder, 'jotward.db')
  writeVersion1File(file)
  return file
}

const open = (file: string): SqliteDatabase => {
  const database = openSqlite(file)
  onTestFinished(() => {
    database.close()
  })
  return database
}

/** Shortly after what the file tells of. */
const now = (): number => START_MS + 1_000

const namesOf = (database: SqliteDatabase): readonly unknown[] =>
  database.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name LIKE 'jotward_%' ORDER BY name").all()

const metaOf = (database: SqliteDatabase): readonly unknown[] =>
  database
    .prepare('SELECT name, value FROM jotward_meta ORDER BY name')
    .all()
    .map((row) => [readText(row, 'name'), readText(row, 'value')])

const revoked = {
  tokenId: REVOKED_TOKEN_ID,
  sessionId: SESSION_ID,
  subject: 'ann',
  stamp: { subject: 0, global: 0 },
}

const record = {
  tokenId: newIdentifier('ann'),
  kind: 'access' as const,
  subject: 'ann',
  sessionId: SESSION_ID,
  stamp: { subject: 0, global: 0 },
  issuedAt: 1_700_000_001,
  expiresAt: 1_700_000_901,
}

test('a file of version 1 is brought to version 2: everything in it stays, and the new tables are there', async () => {
  const database = open(oldFile())
  const store = sqliteStore(database, { now })
  const session = await store.sessions.find(SESSION_ID)
  expect(session).toMatchObject({ id: SESSION_ID, subject: 'ann', device: 'Firefox on Linux' })
  expect(await store.revocations.isRevoked(revoked)).toBe(true)
  expect(await store.revocations.isRevoked({ ...revoked, tokenId: newIdentifier('ann') })).toBe(false)
  expect((await store.revocations.read(null)).source).toBe(SOURCE)
  expect(await store.users.findById(USER_ID)).toMatchObject({ email: 'Ann@example.com', passwordHash: 'hash' })
  await store.tokens.record([record])
  expect(await store.tokens.find(record.tokenId)).toEqual(record)
  const ticket = { id: newIdentifier('ann'), subject: 'ann', retention: 60 }
  expect([await store.singleUse.spend(ticket), await store.singleUse.spend(ticket)]).toEqual([true, false])
  expect(metaOf(database)).toEqual([
    ['schema', '2'],
    ['source', SOURCE],
  ])
})

test('a file that was brought to version 2 has the very tables of a new one', () => {
  const [old, young] = [open(oldFile()), openSqlite(':memory:')]
  sqliteStore(old, { now })
  sqliteStore(young, { now })
  expect(namesOf(old)).toEqual(namesOf(young))
  young.close()
})

test('opening a file of version 2 again changes nothing of it', () => {
  const file = oldFile()
  sqliteStore(open(file), { now })
  const database = open(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const before = readFileSync(file)
  sqliteStore(database, { now })
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(statSync(`${file}-wal`).size, 'it should not even cost a commit').toBe(0)
})

test('a process of version 1 that has the file open goes on while another brings it to version 2', async () => {
  const file = oldFile()
  const old = open(file)
  const insert = old.prepare(INSERT_SESSION)
  const store = sqliteStore(open(file), { now })
  const id = newIdentifier('ann')
  insert.run(id)
  expect((await store.sessions.list('ann')).map((session) => session.id).toSorted()).toEqual(
    [SESSION_ID, id].toSorted(),
  )
})

test('a file that cannot be brought to version 2 stops the start, stays one of version 1, and is brought there later', async () => {
  const file = oldFile()
  const database = open(file)
  const pages = readInteger(database.prepare('PRAGMA page_count').get(), 'page_count')
  // Room for some of the new tables, and not for all.
  database.exec(`PRAGMA max_page_count = ${pages + 3}`)
  const before = [namesOf(database), metaOf(database)]
  expect(() => sqliteStore(database, { now })).toThrow(ConfigError)
  expect(() => sqliteStore(database, { now })).toThrow(/full/)
  expect([namesOf(database), metaOf(database)]).toEqual(before)
  expect(before[1]).toContainEqual(['schema', '1'])
  database.exec('PRAGMA max_page_count = 1073741823')
  const store = sqliteStore(database, { now })
  await store.tokens.record([record])
  expect(await store.tokens.find(record.tokenId)).toEqual(record)
})

test('eight processes open one file of version 1 at once: all go on, on one file of version 2', async () => {
  const services = Array.from({ length: 8 }, startService)
  for (let round = 0; round < 4; round++) {
    const file = oldFile()
    const moment = Date.now() + 150
    const ids = await Promise.all(services.map((service) => service.ask<string>('open', { file, moment })))
    const database = open(file)
    const rows = database.prepare('SELECT id FROM jotward_sessions').all() as readonly { readonly id: string }[]
    expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids, SESSION_ID].toSorted())
    expect(metaOf(database)).toEqual([
      ['schema', '2'],
      ['source', SOURCE],
    ])
    const spent = await Promise.all(services.map((service) => service.ask<string[]>('spend', { file, ids, moment })))
    expect(spent.flat().toSorted()).toEqual(ids.toSorted())
  }
})
