import { EntitySchema, IsNull, MoreThanOrEqual } from 'typeorm'
import type { DataSource, FindOptionsWhere } from 'typeorm'
import type { NewUser, User, UserDirectory } from 'jotward'

// To TypeORM's types a profile is any object: they would not end at JSON, which holds itself. Rows hold users.
type UserRow = Omit<User, 'profile'> & Pick<NewUser, 'canonicalEmail'> & { position: number; profile: object }
const userOf = ({ position: _position, canonicalEmail: _address, ...user }: UserRow) => user as User

export const UserSchema = new EntitySchema<UserRow>({
  name: 'users',
  columns: {
    position: { type: 'integer', primary: true, generated: 'increment' },
    id: { type: 'text', unique: true },
    email: { type: 'text' },
    canonicalEmail: { type: 'text', unique: true },
    passwordHash: { type: 'text', nullable: true },
    permissions: { type: 'simple-json' },
    active: { type: 'boolean', default: true },
    credentialVersion: { type: 'integer', default: 1 },
    profile: { type: 'simple-json' },
    createdAt: { type: 'integer', default: () => 'unixepoch()' },
  },
})

/** The users of an application that keeps them with TypeORM. Every write is one statement, and so atomic. */
export const typeormUserDirectory = (source: DataSource): UserDirectory => {
  const users = source.getRepository(UserSchema)
  const find = async (where: FindOptionsWhere<UserRow>) => (await users.findBy(where)).map(userOf)[0] ?? null
  return {
    create: async (given) => {
      const user = { ...given, id: crypto.randomUUID() }
      await users.createQueryBuilder().insert().values(user).orIgnore().updateEntity(false).execute()
      return find({ id: user.id })
    },
    findById: (id) => find({ id }),
    findByEmail: (canonicalEmail) => find({ canonicalEmail }),
    list: async ({ after, limit }) => {
      // A foreign cursor would be NaN in the statement. One more than asked for: the next page begins with it.
      const position = MoreThanOrEqual(Number.isSafeInteger(Number(after)) ? Number(after) : 0)
      const rows = await users.find({ where: { position }, order: { position: 'ASC' }, take: limit + 1 })
      return { users: rows.slice(0, limit).map(userOf), next: rows[limit]?.position.toString() ?? null }
    },
    replacePassword: async (id, { expected, hash, changed }) => {
      const change = { passwordHash: hash, credentialVersion: () => `credentialVersion + ${Number(changed)}` }
      const { affected } = await users.update({ id, passwordHash: expected ?? IsNull() }, change)
      return affected === 1 ? find({ id, passwordHash: hash }) : null
    },
    update: (id, change) => users.update({ id }, { id, ...change }).then(() => find({ id })),
  }
}
