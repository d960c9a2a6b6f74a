import { isJsonObject } from '../../core/token/json.ts'
import type { JsonObject } from '../../core/token/json.ts'
import type { User, UserDirectory, UserPage } from '../../ports/user-directory.ts'
import { newUserId } from '../user-id.ts'
import { guarded } from './database.ts'
import type { SqliteDatabase, SqliteStatement } from './database.ts'
import { readInteger, readText, readTextOrNull } from './row.ts'

/** `position` is the order of making, and what a cursor holds. */
export const USER_TABLE = `
CREATE TABLE IF NOT EXISTS jotward_users (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  canonical_email TEXT NOT NULL UNIQUE,
  password_hash TEXT,
  permissions TEXT NOT NULL,
  active INTEGER NOT NULL,
  credential_version INTEGER NOT NULL,
  profile TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
`

const CREATE = `
INSERT INTO jotward_users
  (id, email, canonical_email, password_hash, permissions, active, credential_version, profile, created_at)
VALUES (?, ?, ?, ?, ?, 1, 1, ?, ?)
ON CONFLICT (canonical_email) DO NOTHING
RETURNING *`

// IS, because an expected NULL must match where = would not.
const REPLACE_PASSWORD = `
UPDATE jotward_users SET password_hash = ?, credential_version = credential_version + ?
WHERE id = ? AND password_hash IS ?
RETURNING *`

const UPDATE = `
UPDATE jotward_users
SET active = coalesce(?, active), permissions = coalesce(?, permissions), profile = coalesce(?, profile)
WHERE id = ?
RETURNING *`

export interface SqliteUserDirectoryOptions {
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

/**
 * Makes the table of users where it is missing.
 *
 * @throws StoreError
 */
export const createUserTable = (database: SqliteDatabase): void => {
  guarded('making the table of users', () => database.exec(USER_TABLE))
}

const readPermissions = (row: unknown): readonly string[] => {
  const permissions: unknown = JSON.parse(readText(row, 'permissions'))
  if (Array.isArray(permissions) && permissions.every((name) => typeof name === 'string')) return permissions
  throw new Error('column permissions holds no list of names')
}

const readProfile = (row: unknown): JsonObject => {
  // A member called `__proto__` becomes an own property like any other: JSON.parse never sets a prototype.
  const profile: unknown = JSON.parse(readText(row, 'profile'))
  if (isJsonObject(profile)) return profile
  throw new Error('column profile holds no object')
}

const userOf = (row: unknown): User => ({
  id: readText(row, 'id'),
  email: readText(row, 'email'),
  passwordHash: readTextOrNull(row, 'password_hash'),
  permissions: readPermissions(row),
  active: readInteger(row, 'active') === 1,
  credentialVersion: readInteger(row, 'credential_version'),
  profile: readProfile(row),
  createdAt: readInteger(row, 'created_at'),
})

/** The one user of a statement that is about one, or null. `all` reads to the end, so that no statement stays open. */
const oneUser = (rows: readonly unknown[]): User | null => (rows.length === 0 ? null : userOf(rows[0]))

const EMPTY_PAGE: UserPage = { users: [], next: null }

const listUsers = (statement: SqliteStatement, { after, limit }: { after: string | null; limit: number }): UserPage => {
  // A cursor that this directory never gave out has nothing behind it.
  if (limit < 1 || (after !== null && !/^\d{1,15}$/.test(after))) return EMPTY_PAGE
  // One more than asked tells whether there is a next page.
  const rows = statement.all(after === null ? 0 : Number(after), limit + 1)
  const shown = rows.slice(0, limit)
  const next = rows.length > limit ? String(readInteger(shown.at(-1), 'position')) : null
  return { users: shown.map(userOf), next }
}

/**
 * Keeps users in the table `jotward_users`, which it makes where it is missing. Every method is one statement, and so
 * atomic among all processes on the file.
 *
 * @throws StoreError where the table cannot be made
 */
export const sqliteUserDirectory = (database: SqliteDatabase, { now }: SqliteUserDirectoryOptions): UserDirectory => {
  createUserTable(database)
  const prepare = (sql: string): SqliteStatement => guarded('preparing a statement', () => database.prepare(sql))
  const create = prepare(CREATE)
  const findById = prepare('SELECT * FROM jotward_users WHERE id = ?')
  const findByEmail = prepare('SELECT * FROM jotward_users WHERE canonical_email = ?')
  const list = prepare('SELECT * FROM jotward_users WHERE position > ? ORDER BY position LIMIT ?')
  const replacePassword = prepare(REPLACE_PASSWORD)
  const update = prepare(UPDATE)

  return {
    create: ({ email, canonicalEmail, passwordHash, permissions, profile }) =>
      guarded('creating a user', () => {
        const createdAt = Math.floor(now() / 1000)
        const lists = [JSON.stringify(permissions), JSON.stringify(profile)] as const
        return oneUser(create.all(newUserId(), email, canonicalEmail, passwordHash, ...lists, createdAt))
      }),
    findById: (id) => guarded('finding a user', () => oneUser(findById.all(id))),
    findByEmail: (canonicalEmail) => guarded('finding a user', () => oneUser(findByEmail.all(canonicalEmail))),
    list: (page) => guarded('listing users', () => listUsers(list, page)),
    replacePassword: (id, { expected, hash, changed }) =>
      guarded('replacing a password', () => oneUser(replacePassword.all(hash, changed ? 1 : 0, id, expected))),
    update: (id, { active, permissions, profile }) =>
      guarded('updating a user', () =>
        oneUser(
          update.all(
            active === undefined ? null : Number(active),
            permissions === undefined ? null : JSON.stringify(permissions),
            profile === undefined ? null : JSON.stringify(profile),
            id,
          ),
        ),
      ),
  }
}
