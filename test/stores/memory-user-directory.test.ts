import { expect, test } from 'vitest'
import { memoryUserDirectory } from '../../src/stores/memory/user-directory.ts'
import { userDirectoryConformance } from '../../src/testing/user-directory-conformance.ts'

userDirectoryConformance(test, 'memory', () => memoryUserDirectory({ now: Date.now }))

test('dates a user by the clock of the store, in whole seconds', async () => {
  const directory = memoryUserDirectory({ now: () => 1_700_000_000_999 })
  const user = await directory.create({
    email: 'ann@example.com',
    canonicalEmail: 'ann@example.com',
    passwordHash: null,
    permissions: [],
    profile: {},
  })
  expect(user?.createdAt).toBe(1_700_000_000)
})
