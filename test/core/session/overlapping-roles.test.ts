import { describe, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { noise } from '../token/fixtures.ts'

const issuer = 'https://api.example.com'

/** An issuer with a directory, and somebody in it. */
const begin = async (permissions: readonly string[]) => {
  const store = memoryStore()
  const auth = createAuth({
    issuer,
    audience: issuer,
    keys: { secret: noise('roles') },
    store,
    users: store.users,
    permissions: {
      roles: { viewer: ['post:read', 'post:list'], editor: ['post:read', 'post:write'], chief: ['post:*'] },
    },
  })
  const canonicalEmail = 'ann@example.com'
  const user = await store.users.create({
    email: canonicalEmail,
    canonicalEmail,
    passwordHash: null,
    permissions,
    profile: {},
  })
  if (user === null) throw new Error('the address is free')
  const { refreshToken } = await auth.issue({ user })
  /** What the session holds after the directory has changed the user. */
  const after = async (next: readonly string[]) => {
    await store.users.update(user.id, { permissions: next })
    return (await auth.refresh(refreshToken)).permissions
  }
  return { auth, after }
}

describe('a session whose user got another role meanwhile', () => {
  test('keeps what both roles hold, and gains nothing (S0-13)', async () => {
    const { after } = await begin(['viewer'])
    expect(await after(['editor'])).toEqual(['post:read'])
  })

  test('keeps the smaller of two where one holds the other', async () => {
    const { after } = await begin(['chief'])
    expect((await after(['viewer'])).includes('viewer')).toBe(false)
    const other = await begin(['viewer'])
    expect((await other.after(['chief'])).toSorted()).toEqual(['post:list', 'post:read'])
  })

  test('keeps nothing where they have nothing in common', async () => {
    const { after } = await begin(['viewer'])
    expect(await after(['orders:read'])).toEqual([])
  })
})

test('a user that a directory did not find is a ConfigError, and so is nothing at all', async () => {
  const { auth } = await begin(['viewer'])
  await expect(auth.issue({ user: null as never })).rejects.toThrow('user: is no user')
  await expect(auth.issue(undefined as never)).rejects.toThrow('a sign-in needs an object of options')
})
