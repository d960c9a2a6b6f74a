import type { User, UserDirectory } from '../../ports/user-directory.ts'
import { newUserId } from '../user-id.ts'
import type { Database } from './database.ts'
import { readBoolean, readInteger, readObject, readRows, readText, readTextOrNull, readTexts } from './row.ts'
import { isStorable } from './values.ts'

const userOf = (row: unknown): User => ({
  id: readText(row, 'id'),
  email: readText(row, 'email'),
  passwordHash: readTextOrNull(row, 'password_hash'),
  permissions: readTexts(row, 'permissions'),
  active: readBoolean(row, 'active'),
  credentialVersion: readInteger(row, 'credential_version'),
  profile: readObject(row, 'profile'),
  createdAt: readInteger(row, 'created_at'),
})

const oneUser = (row: unknown): User | null => (row === null ? null : userOf(row))

const jsonOf = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))

/** Users in their PostgreSQL table. */
export const postgresUserDirectory = ({ call }: Database): UserDirectory => ({
  create: async ({ email, canonicalEmail, passwordHash, permissions, profile }) => {
    const lists = [JSON.stringify(permissions), JSON.stringify(profile)]
    const parameters = [newUserId(), email, canonicalEmail, passwordHash, ...lists]
    return oneUser(await call('creating a user', 'create_user', parameters))
  },
  findById: async (id) => (isStorable(id) ? oneUser(await call('finding a user', 'find_user', [id])) : null),
  findByEmail: async (email) =>
    isStorable(email) ? oneUser(await call('finding a user', 'find_user_by_email', [email])) : null,
  list: async ({ after, limit }) => {
    // A cursor that this directory never gave out has nothing behind it.
    if (limit < 1 || (after !== null && !/^\d{1,15}$/.test(after))) return { users: [], next: null }
    // One more than asked tells whether there is a next page.
    const rows = readRows(await call('listing users', 'list_users', [Number(after ?? 0), limit + 1]))
    const shown = rows.slice(0, limit)
    const next = rows.length > limit ? String(readInteger(shown.at(-1), 'position')) : null
    return { users: shown.map(userOf), next }
  },
  replacePassword: async (id, { expected, hash, changed }) =>
    oneUser(await call('replacing a password', 'replace_password', [id, expected, hash, changed])),
  update: async (id, { active, permissions, profile }) =>
    oneUser(await call('updating a user', 'update_user', [id, active ?? null, jsonOf(permissions), jsonOf(profile)])),
})
