import assert from 'node:assert/strict'
import { added, crowd, found, newUser, readPages, stored } from './fixtures.ts'
import type { Proof } from './fixtures.ts'

export const CREATING: readonly Proof[] = [
  {
    title: 'create adds a user, active, with an identifier and a credential version',
    prove: async (directory) => {
      const given = newUser('ann@example.com', { email: 'Ann@Example.com' })
      const { id, credentialVersion, createdAt, ...rest } = await added(directory, given)
      assert.ok(id.length > 0)
      assert.ok(Number.isSafeInteger(credentialVersion))
      assert.ok(Number.isSafeInteger(createdAt) && createdAt < 100_000_000_000, 'NumericDate is in seconds')
      const { email, passwordHash, permissions, profile } = given
      assert.deepStrictEqual(rest, { email, passwordHash, permissions, profile, active: true })
    },
  },
  {
    title: 'create adds a user who has no password',
    prove: async (directory) => {
      const user = await added(directory, newUser('ann@example.com', { passwordHash: null }))
      assert.equal((await stored(directory, user)).passwordHash, null)
    },
  },
  {
    title: 'create returns null where the canonical address is taken, and changes nothing',
    prove: async (directory) => {
      const first = await added(directory, newUser('ann@example.com'))
      const second = newUser('ann@example.com', {
        email: 'ANN@example.com',
        permissions: ['admin'],
        passwordHash: null,
      })
      assert.equal(await directory.create(second), null)
      assert.deepStrictEqual(await readPages(directory, 10), [first])
    },
  },
  {
    title: 'create gives a canonical address to exactly one of twenty at once',
    prove: async (directory) => {
      const outcomes = await crowd(() => directory.create(newUser('ann@example.com')))
      const winners = outcomes.filter((user) => user !== null)
      assert.equal(winners.length, 1)
      assert.deepStrictEqual(await readPages(directory, 10), winners)
    },
  },
  {
    title: 'create gives twenty at once their own identifiers',
    prove: async (directory) => {
      const users = await crowd((index) => directory.create(newUser(`ann${index}@example.com`)))
      assert.equal(new Set(users.map((user) => found(user).id)).size, users.length)
    },
  },
]

export const FINDING: readonly Proof[] = [
  {
    title: 'findById returns the user, or null where there is none',
    prove: async (directory) => {
      const [ann, bob] = [
        await added(directory, newUser('ann@example.com')),
        await added(directory, newUser('b@b.org')),
      ]
      assert.deepStrictEqual(await directory.findById(ann.id), ann)
      assert.deepStrictEqual(await directory.findById(bob.id), bob)
      assert.equal(await directory.findById(`${ann.id}x`), null)
      assert.equal(await directory.findById(''), null)
    },
  },
  {
    title: 'findByEmail returns the user of a canonical address, or null where there is none',
    prove: async (directory) => {
      const ann = await added(directory, newUser('ann@example.com', { email: 'Ann@Example.com' }))
      assert.deepStrictEqual(await directory.findByEmail('ann@example.com'), ann)
      assert.equal(await directory.findByEmail('bob@example.com'), null)
      assert.equal(await directory.findByEmail('%'), null)
      assert.equal(await directory.findByEmail(''), null)
    },
  },
  {
    title: 'findByEmail compares code point by code point: case, accents and sharp s are the caller’s to fold',
    prove: async (directory) => {
      const addresses = ['strasse@example.com', 'straße@example.com', 'rene@example.com', 'rené@example.com']
      const users = await Promise.all(addresses.map((address) => added(directory, newUser(address))))
      assert.deepStrictEqual(await Promise.all(addresses.map(async (address) => directory.findByEmail(address))), users)
      assert.equal(await directory.findByEmail('RENE@example.com'), null)
      assert.equal(await directory.findByEmail('rene@example.com '), null)
    },
  },
]
