import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import type { User, UserDirectory } from '../../src/ports/user-directory.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { createUserTable, sqliteUserDirectory } from '../../src/stores/sqlite/user-directory.ts'
import { userDirectoryConformance } from '../../src/testing/user-directory-conformance.ts'

const folder = mkdtempSync(join(tmpdir(), 'jotward-users-'))
const open: SqliteDatabase[] = []
let files = 0

const newFile = (): string => {
  files += 1
  return join(folder, `users-${files}.db`)
}

const openFile = (file: string): SqliteDatabase => {
  const database = openSqlite(file)
  database.exec('PRAGMA busy_timeout = 2000')
  database.exec('PRAGMA journal_mode = WAL')
  open.push(database)
  return database
}

const directoryOn = (file: string): UserDirectory => sqliteUserDirectory(openFile(file), { now: Date.now })

const ann = {
  email: 'Ann@example.com',
  canonicalEmail: 'ann@example.com',
  passwordHash: 'hash',
  permissions: ['orders:read'],
  profile: { name: 'Ann' },
}

/** A directory that sends each call through the next of two handles on one file. */
const alternating = (first: UserDirectory, second: UserDirectory): UserDirectory => {
  let calls = 0
  const next = (): UserDirectory => {
    calls += 1
    return calls % 2 === 0 ? first : second
  }
  return {
    create: (user) => next().create(user),
    findById: (id) => next().findById(id),
    findByEmail: (canonicalEmail) => next().findByEmail(canonicalEmail),
    list: (page) => next().list(page),
    replacePassword: (id, replacement) => next().replacePassword(id, replacement),
    update: (id, change) => next().update(id, change),
  }
}

afterEach(() => {
  for (const database of open.splice(0)) database.close()
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

userDirectoryConformance(test, 'sqlite', () => directoryOn(newFile()))

userDirectoryConformance(test, 'sqlite, two handles on one file', () => {
  const file = newFile()
  return alternating(directoryOn(file), directoryOn(file))
})

describe('sqlite', () => {
  test('dates a user by the clock of the store, in whole seconds', async () => {
    const directory = sqliteUserDirectory(openFile(newFile()), { now: () => 1_700_000_000_999 })
    expect((await directory.create(ann))?.createdAt).toBe(1_700_000_000)
  })

  test('keeps users when the file is closed and opened again', async () => {
    const file = newFile()
    const user = await directoryOn(file).create(ann)
    open.pop()?.close()
    expect(await directoryOn(file).findByEmail('ann@example.com')).toEqual(user)
  })

  test('makes its table once, and leaves one that is there', async () => {
    const database = openFile(newFile())
    createUserTable(database)
    const user = await sqliteUserDirectory(database, { now: Date.now }).create(ann)
    createUserTable(database)
    expect(await sqliteUserDirectory(database, { now: Date.now }).findByEmail('ann@example.com')).toEqual(user)
  })

  test('lets the database itself refuse a second account of one canonical address (N146)', () => {
    const database = openFile(newFile())
    sqliteUserDirectory(database, { now: Date.now })
    const insert = database.prepare(
      `INSERT INTO jotward_users VALUES (?, ?, 'a', 'ann@example.com', NULL, '[]', 1, 1, '{}', 0)`,
    )
    insert.run(1, 'usr_1')
    expect(() => insert.run(2, 'usr_2')).toThrow(/UNIQUE/)
  })

  test('gives each user an identifier of 128 random bits', async () => {
    const directory = directoryOn(newFile())
    const first = await directory.create(ann)
    const second = await directory.create({ ...ann, canonicalEmail: 'bob@example.com' })
    expect(first?.id).toMatch(/^usr_[\w-]{22}$/)
    expect(second?.id).toMatch(/^usr_[\w-]{22}$/)
    expect(second?.id).not.toBe(first?.id)
  })

  test.each([
    ['permissions that are no list', `permissions = '{}'`],
    ['permissions that are no names', `permissions = '[1]'`],
    ['a profile that is a list', `profile = '[]'`],
    ['a profile that is no JSON', `profile = 'x'`],
  ])('answers a row with %s as a failure of the store', async (_, change) => {
    const database = openFile(newFile())
    const directory = sqliteUserDirectory(database, { now: Date.now })
    // The address is free in a new file.
    const user = (await directory.create(ann)) as User
    database.exec(`UPDATE jotward_users SET ${change}`)
    expect(() => directory.findById(user.id)).toThrow(StoreError)
    expect(() => directory.list({ after: null, limit: 1 })).toThrow(StoreError)
  })

  test('answers what the client throws as a StoreError that names the operation', () => {
    const directory = directoryOn(newFile())
    open.at(-1)?.exec('DROP TABLE jotward_users')
    expect(() => directory.create(ann)).toThrow(StoreError)
    expect(() => directory.create(ann)).toThrow(/creating a user/)
    expect(() => directory.findByEmail('ann@example.com')).toThrow(/finding a user/)
    expect(() => directory.list({ after: null, limit: 1 })).toThrow(/listing users/)
    expect(() => directory.update('usr_1', { active: false })).toThrow(/updating a user/)
    expect(() => directory.replacePassword('usr_1', { expected: null, hash: 'x', changed: true })).toThrow(
      /replacing a password/,
    )
  })

  test('leaves no statement open that would keep another process from writing', async () => {
    const file = newFile()
    const [first, second] = [openFile(file), openFile(file)]
    const directory = sqliteUserDirectory(first, { now: Date.now })
    await directory.create(ann)
    await directory.findByEmail('ann@example.com')
    second.exec('PRAGMA busy_timeout = 0')
    expect(() => second.exec('BEGIN IMMEDIATE; UPDATE jotward_users SET active = 0; COMMIT')).not.toThrow()
    expect((await directory.findByEmail('ann@example.com'))?.active).toBe(false)
  })
})
