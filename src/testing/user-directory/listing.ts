import assert from 'node:assert/strict'
import type { User, UserDirectory } from '../../ports/user-directory.ts'
import { added, found, newUser, readPages } from './fixtures.ts'
import type { Proof } from './fixtures.ts'

const addInTurn = async (directory: UserDirectory, count: number): Promise<readonly User[]> => {
  const users: User[] = []
  for (let index = 0; index < count; index++) {
    // The order of making is what is proved.
    users.push(await added(directory, newUser(`user${(index * 7) % count}@example.com`)))
  }
  return users
}

export const LISTING: readonly Proof[] = [
  {
    title: 'list returns every user once, in the order of their making, whatever the size of the pages',
    prove: async (directory) => {
      const users = await addInTurn(directory, 12)
      assert.deepStrictEqual(await readPages(directory, 1), users)
      assert.deepStrictEqual(await readPages(directory, 5), users)
      assert.deepStrictEqual(await readPages(directory, 12), users)
    },
  },
  {
    title: 'list has no next page after the last user',
    prove: async (directory) => {
      assert.deepStrictEqual(await directory.list({ after: null, limit: 5 }), { users: [], next: null })
      const users = await addInTurn(directory, 4)
      assert.deepStrictEqual(await directory.list({ after: null, limit: 4 }), { users, next: null })
    },
  },
  {
    title: 'list keeps the order where a user is changed',
    prove: async (directory) => {
      const [first, second] = await addInTurn(directory, 2)
      await directory.update(found(first ?? null).id, { active: false })
      const ids = (await readPages(directory, 1)).map(({ id }) => id)
      assert.deepStrictEqual(ids, [first?.id, second?.id])
    },
  },
  {
    title: 'list answers a cursor that it never gave out, instead of failing',
    prove: async (directory) => {
      await addInTurn(directory, 2)
      const cursors = ['', '-1', '1e3', 'x', '../..', "' OR 1=1 --", '9'.repeat(400), '\u0000', '💥']
      const pages = await Promise.all(cursors.map(async (after) => directory.list({ after, limit: 5 })))
      assert.ok(pages.every(({ users }) => users.length <= 2))
    },
  },
]
