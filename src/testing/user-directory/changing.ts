import assert from 'node:assert/strict'
import { HASH, added, crowd, found, newUser, readPages, stored } from './fixtures.ts'
import type { Proof } from './fixtures.ts'

export const REPLACING: readonly Proof[] = [
  {
    title: 'replacePassword replaces the expected hash and returns the user',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      const replaced = found(await directory.replacePassword(user.id, { expected: HASH, hash: 'new', changed: false }))
      assert.deepStrictEqual(replaced, { ...user, passwordHash: 'new' })
      assert.deepStrictEqual(await stored(directory, user), replaced)
    },
  },
  {
    title: 'replacePassword writes nothing and returns null where the expected hash is not in place',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      const refused = { expected: 'another', hash: 'new', changed: true }
      assert.equal(await directory.replacePassword(user.id, refused), null)
      assert.equal(await directory.replacePassword(user.id, { ...refused, expected: null }), null)
      assert.equal(await directory.replacePassword(user.id, { ...refused, expected: HASH.toUpperCase() }), null)
      assert.equal(await directory.replacePassword(`${user.id}x`, { ...refused, expected: HASH }), null)
      assert.deepStrictEqual(await stored(directory, user), user)
    },
  },
  {
    title: 'replacePassword gives a first password to a user who is expected to have none',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com', { passwordHash: null }))
      assert.equal(await directory.replacePassword(user.id, { expected: 'null', hash: 'x', changed: true }), null)
      assert.equal(await directory.replacePassword(user.id, { expected: '', hash: 'x', changed: true }), null)
      const replaced = await directory.replacePassword(user.id, { expected: null, hash: 'first', changed: true })
      assert.equal(found(replaced).passwordHash, 'first')
    },
  },
  {
    title: 'replacePassword raises the credential version for a changed password, and not for the same one hashed anew',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      const again = await directory.replacePassword(user.id, { expected: HASH, hash: 'again', changed: false })
      assert.equal(found(again).credentialVersion, user.credentialVersion)
      const changed = await directory.replacePassword(user.id, { expected: 'again', hash: 'changed', changed: true })
      assert.ok(found(changed).credentialVersion > user.credentialVersion)
      assert.deepStrictEqual(await stored(directory, user), changed)
    },
  },
  {
    title: 'replacePassword lets exactly one of twenty with one expected hash win',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      const outcomes = await crowd((index) =>
        directory.replacePassword(user.id, { expected: HASH, hash: `hash ${index}`, changed: true }),
      )
      const winners = outcomes.filter((outcome) => outcome !== null)
      assert.equal(winners.length, 1)
      assert.deepStrictEqual([await stored(directory, user)], winners)
    },
  },
]

export const UPDATING: readonly Proof[] = [
  {
    title: 'update changes what is given and leaves the rest',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      const inactive = await directory.update(user.id, { active: false })
      assert.deepStrictEqual(inactive, { ...user, active: false })
      const bare = await directory.update(user.id, { permissions: [] })
      assert.deepStrictEqual(bare, { ...user, active: false, permissions: [] })
      const empty = await directory.update(user.id, { profile: {} })
      assert.deepStrictEqual(empty, { ...user, active: false, permissions: [], profile: {} })
      const { permissions, profile } = user
      assert.deepStrictEqual(await directory.update(user.id, { active: true, permissions, profile }), user)
      assert.deepStrictEqual(await directory.update(user.id, {}), user)
      assert.deepStrictEqual(await stored(directory, user), user)
    },
  },
  {
    title: 'update returns null where there is no such user, and changes nobody',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      assert.equal(await directory.update(`${user.id}x`, { active: false }), null)
      assert.deepStrictEqual(await readPages(directory, 10), [user])
    },
  },
  {
    title: 'update and replacePassword at once lose nothing of one another',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com'))
      await Promise.all([
        directory.update(user.id, { active: false }),
        directory.replacePassword(user.id, { expected: HASH, hash: 'new', changed: false }),
        directory.update(user.id, { permissions: ['orders:write'] }),
        directory.update(user.id, { profile: { name: 'Anna' } }),
      ])
      const expected = { active: false, passwordHash: 'new', permissions: ['orders:write'], profile: { name: 'Anna' } }
      assert.deepStrictEqual(await stored(directory, user), { ...user, ...expected })
    },
  },
]
