import { eq } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { BaseSQLiteDatabase, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import Sqlite from 'libsql'
import { expectTypeOf, onTestFinished, test } from 'vitest'
import { openDatabase, USERS } from '../../examples/users-drizzle/database.ts'
import { drizzleUserDirectory, users } from '../../examples/users-drizzle/user-directory.ts'
import { userDirectoryConformance } from '../../src/testing/index.ts'
import { usersExample } from './users-suite.ts'

usersExample({
  folder: 'users-drizzle',
  open: (file) => {
    const db = openDatabase(file)
    return {
      directory: drizzleUserDirectory(db),
      disable: (email) => db.update(users).set({ active: false }).where(eq(users.canonicalEmail, email)),
      close: () => db.close(),
    }
  },
  main: () => import('../../examples/users-drizzle/main.ts'),
})

// What `drizzle-orm/better-sqlite3` is made of, but for better-sqlite3 itself, which its entry imports.
userDirectoryConformance(test, 'users-drizzle, the synchronous driver', () => {
  const client = new Sqlite(':memory:')
  client.exec(USERS)
  onTestFinished(() => void client.close())
  const dialect = new SQLiteSyncDialect()
  const session = new BetterSQLiteSession<Record<string, never>, Record<string, never>>(client, dialect, undefined)
  return drizzleUserDirectory(new BaseSQLiteDatabase('sync', dialect, session, undefined))
})

test('takes a database of drizzle-orm/better-sqlite3', () => {
  expectTypeOf<BetterSQLite3Database>().toExtend<Parameters<typeof drizzleUserDirectory>[0]>()
})
