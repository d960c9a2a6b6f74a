import { randomUUID } from 'node:crypto'
import { and, eq, getTableColumns, gte, isNull, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import type { JsonObject, UserDirectory } from 'jotward'

const now = sql`(unixepoch())`

export const users = sqliteTable('users', {
  // The order of sign-up, in which users are listed.
  position: integer().primaryKey({ autoIncrement: true }),
  id: text().notNull().unique().$defaultFn(randomUUID),
  email: text().notNull(),
  canonicalEmail: text().notNull().unique(),
  passwordHash: text(),
  permissions: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
  active: integer({ mode: 'boolean' }).notNull().default(true),
  credentialVersion: integer().notNull().default(1),
  profile: text({ mode: 'json' }).$type<JsonObject>().notNull(),
  createdAt: integer().notNull().default(now),
})

const { position, canonicalEmail, ...user } = getTableColumns(users)
const first = <T>(rows: readonly T[]): T | null => rows[0] ?? null

/** The users of an application that keeps them with Drizzle. Every method is one statement, and so atomic. */
export const drizzleUserDirectory = (db: BaseSQLiteDatabase<'sync' | 'async', unknown>): UserDirectory => ({
  create: async (given) =>
    first(await db.insert(users).values(given).onConflictDoNothing({ target: canonicalEmail }).returning(user)),
  findById: async (id) => first(await db.select(user).from(users).where(eq(users.id, id))),
  findByEmail: async (address) => first(await db.select(user).from(users).where(eq(canonicalEmail, address))),
  list: async ({ after, limit }) => {
    const fromThere = gte(position, Number(after ?? 0))
    const query = db.select({ position, user }).from(users).where(fromThere).orderBy(position)
    // One more than asked for: the next page begins with it.
    const rows = await query.limit(limit + 1)
    return { users: rows.slice(0, limit).map((row) => row.user), next: rows[limit]?.position.toString() ?? null }
  },
  replacePassword: async (id, { expected, hash, changed }) => {
    const isExpected = expected === null ? isNull(users.passwordHash) : eq(users.passwordHash, expected)
    const credentialVersion = sql`${users.credentialVersion} + ${Number(changed)}`
    const update = db.update(users).set({ passwordHash: hash, credentialVersion })
    return first(await update.where(and(eq(users.id, id), isExpected)).returning(user))
  },
  // The id is set to itself, so that there is a statement where nothing is to be changed.
  update: async (id, { active, permissions, profile }) =>
    first(await db.update(users).set({ id, active, permissions, profile }).where(eq(users.id, id)).returning(user)),
})
