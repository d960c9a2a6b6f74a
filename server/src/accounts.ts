import { randomBytes } from 'node:crypto'
import { canonicalEmail } from 'jotward'
import type { User, UserDirectory } from 'jotward'

/** The one permission that includes every other. */
export const SUPER_PERMISSION = 'admin'

/** 32 signs, none of which is taken for another. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789'
const GROUP = 5
const GROUPS = 4

/** A password for people to copy: 100 random bits, in groups. */
export const randomPassword = (): string =>
  Array.from({ length: GROUPS }, () =>
    Array.from(randomBytes(GROUP), (byte) => SIGNS[byte % SIGNS.length]).join(''),
  ).join('-')

/** Somebody to be added, with a password that has passed the policy. */
export interface Account {
  readonly email: string
  readonly password: string
  readonly permissions: readonly string[]
}

/** Where accounts are kept, and how their passwords are hashed. */
export interface AccountStore {
  readonly users: UserDirectory
  readonly passwords: { hash(password: string): Promise<string> }
}

/** Adds a user, or returns null where the address is taken or is none. */
export const addAccount = async ({ users, passwords }: AccountStore, account: Account): Promise<User | null> => {
  const canonical = canonicalEmail(account.email)
  if (canonical === null) return null
  return users.create({
    email: account.email,
    canonicalEmail: canonical,
    passwordHash: await passwords.hash(account.password),
    permissions: account.permissions,
    profile: {},
  })
}

/** What somebody needs to sign in; for the terminal alone. */
export interface Credentials {
  readonly email: string
  readonly password: string
}

/**
 * Makes the first administrator where there are no users yet. Returns the credentials only to the process that made
 * the account, however many start at once: they are kept nowhere.
 */
export const addFirstAdministrator = async (store: AccountStore, email: string): Promise<Credentials | null> => {
  const { users } = await store.users.list({ after: null, limit: 1 })
  if (users.length > 0) return null
  const password = randomPassword()
  const user = await addAccount(store, { email, password, permissions: [SUPER_PERMISSION] })
  return user === null ? null : { email, password }
}
