import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { UserDirectory } from '../../src/ports/user-directory.ts'
import { memoryUserDirectory } from '../../src/stores/memory/user-directory.ts'
import { userDirectoryConformance } from '../../src/testing/user-directory-conformance.ts'

/** Titles of the promises that a directory breaks. */
const brokenPromises = async (spoil: (directory: UserDirectory) => Partial<UserDirectory>): Promise<string[]> => {
  const runs: { readonly title: string; readonly run: () => Promise<void> }[] = []
  userDirectoryConformance(
    (title, run) => runs.push({ title, run }),
    'spoilt',
    () => {
      const directory = memoryUserDirectory({ now: Date.now })
      return { ...directory, ...spoil(directory) }
    },
  )
  const outcomes = await Promise.allSettled(runs.map(async ({ run }) => run()))
  return runs.filter((_, index) => outcomes[index]?.status === 'rejected').map(({ title }) => title)
}

test('finds nothing wrong with a directory that keeps its promises', async () => {
  expect(await brokenPromises(() => ({}))).toEqual([])
})

test('finds a replacePassword that reads first and writes later', async () => {
  const broken = await brokenPromises((directory) => ({
    replacePassword: async (id, { expected, hash, changed }) => {
      const user = await directory.findById(id)
      if (user === null || user.passwordHash !== expected) return null
      await nextTurn()
      // What a store without a condition in its write would do.
      const now = await directory.findById(id)
      return directory.replacePassword(id, { expected: now?.passwordHash ?? null, hash, changed })
    },
  }))
  expect(broken).toEqual(['spoilt: replacePassword lets exactly one of twenty with one expected hash win'])
})

test('finds an update that writes back what it has read', async () => {
  const broken = await brokenPromises((directory) => ({
    update: async (id, change) => {
      const user = await directory.findById(id)
      if (user === null) return null
      await nextTurn()
      const { active, permissions, profile } = { ...user, ...change }
      return directory.update(id, { active, permissions, profile })
    },
  }))
  expect(broken).toEqual(['spoilt: update and replacePassword at once lose nothing of one another'])
})

test('finds a directory that folds case, or looks up the address as it was written', async () => {
  const broken = await brokenPromises((directory) => ({
    findByEmail: (canonicalEmail) => directory.findByEmail(canonicalEmail.toLowerCase().trim()),
  }))
  expect(broken).toHaveLength(1)
  expect(broken[0]).toMatch(/findByEmail compares code point by code point/)
})

test('finds a list that promises one page too many, and one that fails at a foreign cursor', async () => {
  const endless = await brokenPromises((directory) => ({
    list: async (page) => ({ ...(await directory.list(page)), next: 'more' }),
  }))
  expect(endless).toContain('spoilt: list has no next page after the last user')
  const failing = await brokenPromises((directory) => ({
    list: (page) => directory.list({ ...page, after: page.after === null ? null : String(BigInt(page.after)) }),
  }))
  expect(failing).toEqual(['spoilt: list answers a cursor that it never gave out, instead of failing'])
})

test('finds a profile that loses members on its way', async () => {
  const broken = await brokenPromises((directory) => ({
    create: (user) => directory.create({ ...user, profile: Object.assign({}, user.profile) }),
  }))
  expect(broken).toEqual(['spoilt: a profile is data: members named like parts of an object survive as own members'])
})

test('finds a credential version that never rises, or rises for a hash made anew', async () => {
  for (const changed of [false, true]) {
    // The two directories are proved one after the other.
    const broken = await brokenPromises((directory) => ({
      replacePassword: (id, replacement) => directory.replacePassword(id, { ...replacement, changed }),
    }))
    expect(broken.join()).toMatch(/replacePassword raises the credential version/)
  }
})
