import { AuthError, boundedHasher, createPasswordCheck, scryptHasher } from 'jotward'
import type { User } from 'jotward'

/** Stands for the users of an application, wherever it keeps them. */

// At most four hashes at once: a flood of logins must not take all memory.
const passwords = createPasswordCheck(boundedHasher(scryptHasher()))

const ann: User = {
  id: 'ann',
  email: 'ann@example.com',
  passwordHash: await passwords.hash('nine legs of a table'),
  permissions: [],
  active: true,
  credentialVersion: 1,
  profile: {},
  createdAt: 0,
}
const users = new Map([[ann.id, ann]])

export const isUser = (username: string): boolean => users.has(username)

/** @throws AuthError `invalid_body` */
export const readCredentials = (body: unknown): { readonly username: string; readonly password: string } => {
  // Of what is no object this makes one, without these members.
  const { username, password } = Object(body) as Readonly<Record<string, unknown>>
  if (typeof username !== 'string' || typeof password !== 'string') throw new AuthError('invalid_body')
  return { username, password }
}

/**
 * An unknown name takes the same time, and gets the same answer, as a wrong password.
 *
 * @throws AuthError `invalid_credentials` | `overloaded`
 */
export const requirePassword = async (username: string, password: string): Promise<void> => {
  const { matches } = await passwords.check(users.get(username) ?? null, password)
  if (!matches) throw new AuthError('invalid_credentials')
}
