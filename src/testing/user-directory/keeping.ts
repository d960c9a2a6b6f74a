import assert from 'node:assert/strict'
import type { JsonObject, JsonValue } from '../../core/token/json.ts'
import { added, found, newUser, stored } from './fixtures.ts'
import type { Proof } from './fixtures.ts'

/** Texts that break what is joined, encoded, cut or compared carelessly. */
const HOSTILE_TEXTS = ["Robert'); DROP TABLE users;--", '"\\\u0000\n\u2028', 'é ≠ e\u0301', '𝒜🏳️‍🌈', 'שלום', ' ', '']

export const KEEPING: readonly Proof[] = [
  {
    title: 'a profile is data: members named like parts of an object survive as own members',
    prove: async (directory) => {
      const text =
        '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1,"deep":{"__proto__":[]}}'
      // JSON.parse is declared to return any; the text is an object.
      const profile = JSON.parse(text) as JsonObject
      const user = await stored(directory, await added(directory, newUser('ann@example.com', { profile })))
      assert.equal(JSON.stringify(user.profile), text)
      assert.ok(Object.hasOwn(user.profile, '__proto__'))
      assert.equal(Reflect.get(user.profile, 'admin'), undefined)
      assert.equal(Reflect.get({}, 'admin'), undefined)
      const updated = found(await directory.update(user.id, { profile }))
      assert.equal(JSON.stringify(updated.profile), text)
    },
  },
  {
    title: 'every text and every kind of JSON value comes back as it was given',
    prove: async (directory) => {
      const texts = Object.fromEntries(HOSTILE_TEXTS.map((text) => [`key ${text}`, text]))
      const profile = {
        texts,
        number: -1.5,
        big: 2 ** 53 - 1,
        yes: true,
        no: false,
        none: null,
        list: [1, ['a', {}], null],
      }
      const user = await added(directory, newUser('名前@例え.jp', { profile, permissions: ['a', "b'c", '名前:*'] }))
      assert.deepStrictEqual(user.profile, profile)
      assert.deepStrictEqual(user.permissions, ['a', "b'c", '名前:*'])
      assert.deepStrictEqual(await stored(directory, user), user)
      assert.deepStrictEqual(await directory.findByEmail('名前@例え.jp'), user)
    },
  },
  {
    title: 'changing an object that was given or returned does not change the directory',
    prove: async (directory) => {
      const profile: Record<string, JsonValue> = { name: 'Ann' }
      const permissions = ['orders:read']
      const user = await added(directory, newUser('ann@example.com', { profile, permissions }))
      profile['name'] = 'Eve'
      permissions.push('admin')
      Object.assign(user.profile, { name: 'Eve' })
      Object.assign(user, { active: false })
      const kept = await stored(directory, user)
      assert.deepStrictEqual(kept.profile, { name: 'Ann' })
      assert.deepStrictEqual(kept.permissions, ['orders:read'])
      assert.equal(kept.active, true)
    },
  },
]
