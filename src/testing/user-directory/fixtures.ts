import assert from 'node:assert/strict'
import type { NewUser, User, UserDirectory } from '../../ports/user-directory.ts'

/** What the proofs of the promises of `UserDirectory` share. */

/** One promise of the port, as a sentence, and its proof on a directory without users. */
export interface Proof {
  readonly title: string
  readonly prove: (directory: UserDirectory) => Promise<void>
}

export const HASH = '$scrypt$ln=15,r=8,p=3$c2FsdHNhbHRzYWx0c2FsdA$bm90IGEgaGFzaCBvZiBhbnl0aGluZw'

export const newUser = (canonicalEmail: string, given: Partial<NewUser> = {}): NewUser => ({
  email: canonicalEmail,
  canonicalEmail,
  passwordHash: HASH,
  permissions: ['orders:read'],
  profile: { name: 'Ann' },
  ...given,
})

export const found = (user: User | null): User => {
  assert.ok(user !== null, 'there should be a user')
  return user
}

export const added = async (directory: UserDirectory, user: NewUser): Promise<User> =>
  found(await directory.create(user))

export const stored = async (directory: UserDirectory, { id }: User): Promise<User> =>
  found(await directory.findById(id))

/** Calls `work` twenty times before any call has answered: enough for a race to show. */
export const crowd = <T>(work: (index: number) => T): Promise<Awaited<T>[]> =>
  Promise.all(Array.from({ length: 20 }, async (_, index) => await work(index)))

/** Reads every page; fails where a page is too long, or the pages never end. */
export const readPages = async (directory: UserDirectory, limit: number): Promise<readonly User[]> => {
  const users: User[] = []
  let after: string | null = null
  for (let page = 0; page < 100; page++) {
    // Each page begins where the one before has ended.
    const { users: shown, next }: Awaited<ReturnType<UserDirectory['list']>> = await directory.list({ after, limit })
    assert.ok(shown.length <= limit, 'a page should hold at most as many as asked')
    users.push(...shown)
    if (next === null) return users
    after = next
  }
  return assert.fail('the last page should have no next one')
}
