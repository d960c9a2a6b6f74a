import type { Kysely, Selectable } from 'kysely'
import type { JsonObject, User, UserDirectory } from 'jotward'
import type { Database, UserTable } from './database.ts'

const userOf = ({ position: _position, canonicalEmail: _address, ...row }: Selectable<UserTable>): User => ({
  ...row,
  active: row.active === 1,
  // Both columns hold what `create` and `update` were given.
  permissions: JSON.parse(row.permissions) as readonly string[],
  profile: JSON.parse(row.profile) as JsonObject,
})

const first = ([row]: readonly Selectable<UserTable>[]): User | null => (row === undefined ? null : userOf(row))

/** The users of an application that keeps them with Kysely. Every method is one statement, and so atomic. */
export const kyselyUserDirectory = (db: Kysely<Database>): UserDirectory => {
  const users = db.selectFrom('users').selectAll()
  const change = (id: string) => db.updateTable('users').where('id', '=', id).returningAll()
  return {
    create: async (given) => {
      const json = { permissions: JSON.stringify(given.permissions), profile: JSON.stringify(given.profile) }
      const insert = db.insertInto('users').values({ ...given, ...json, id: crypto.randomUUID() })
      const added = insert.onConflict((on) => on.column('canonicalEmail').doNothing()).returningAll()
      return first(await added.execute())
    },
    findById: async (id) => first(await users.where('id', '=', id).execute()),
    findByEmail: async (address) => first(await users.where('canonicalEmail', '=', address).execute()),
    list: async ({ after, limit }) => {
      // One more than asked for: the next page begins with it.
      const page = users.where('position', '>=', Number(after ?? 0)).limit(limit + 1)
      const rows = await page.orderBy('position').execute()
      return { users: rows.slice(0, limit).map(userOf), next: rows[limit]?.position.toString() ?? null }
    },
    replacePassword: async (id, { expected, hash, changed }) => {
      const replace = change(id).set('passwordHash', hash).where('passwordHash', 'is', expected)
      const raise = replace.set('credentialVersion', (row) => row('credentialVersion', '+', Number(changed)))
      return first(await raise.execute())
    },
    update: async (id, { active, permissions, profile }) => {
      // Kysely leaves out what is undefined. The id is set to itself, so that something is set in any case.
      const json = { permissions: JSON.stringify(permissions), profile: JSON.stringify(profile) }
      const flag = active === undefined ? undefined : Number(active)
      return first(
        await change(id)
          .set({ id, active: flag, ...json })
          .execute(),
      )
    },
  }
}
