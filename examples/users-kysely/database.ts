import { Kysely, SqliteDialect, sql } from 'kysely'
import type { Generated } from 'kysely'
import Sqlite from 'libsql'

/** Where booleans are 0 or 1, lists and objects JSON: SQLite knows neither. */
export interface UserTable {
  /** The order of sign-up, in which users are listed. */
  position: Generated<number>
  id: string
  email: string
  canonicalEmail: string
  passwordHash: string | null
  permissions: string
  active: Generated<number>
  credentialVersion: Generated<number>
  profile: string
  createdAt: Generated<number>
}

export interface Database {
  users: UserTable
}

/** Opens a Kysely database on libsql, which has the interface of better-sqlite3. */
export const openDatabase = async (file: string): Promise<Kysely<Database>> => {
  const database = new Sqlite(file)
  // How long a writer waits for another process, in milliseconds.
  database.pragma('busy_timeout = 2000')
  const db = new Kysely<Database>({ dialect: new SqliteDialect({ database }) })
  // An app with migrations has this in one of them.
  await db.schema
    .createTable('users')
    .ifNotExists()
    .addColumn('position', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('canonicalEmail', 'text', (column) => column.notNull().unique())
    .addColumn('passwordHash', 'text')
    .addColumn('permissions', 'text', (column) => column.notNull())
    .addColumn('active', 'integer', (column) => column.notNull().defaultTo(1))
    .addColumn('credentialVersion', 'integer', (column) => column.notNull().defaultTo(1))
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('createdAt', 'integer', (column) => column.notNull().defaultTo(sql`(unixepoch())`))
    .execute()
  return db
}
