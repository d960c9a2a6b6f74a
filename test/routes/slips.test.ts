import { expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import { ConfigError } from '../../src/core/errors.ts'
import type { UserDirectory } from '../../src/ports/user-directory.ts'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import { authRoutes } from '../../src/routes/index.ts'
import type { AuthRoutesOptions } from '../../src/routes/index.ts'
import { memoryStore } from '../../src/stores/memory/index.ts'

/** Slips of clients and of applications that must neither open anything nor lose a sign-out. */

const PERSON = { email: 'ann@example.com', password: 'an honest passphrase' }

const begin = (change: (users: UserDirectory) => Partial<UserDirectory> = () => ({})) => {
  const store = memoryStore()
  const users = { ...store.users, ...change(store.users) }
  const keys = { secret: 'k3J9xZq8vT2mN5pR7wY1bC4dF6gH0jLs' }
  const auth = createAuth({ issuer: 'https://a.example', audience: 'api', keys, store, users })
  const open = (options: AuthRoutesOptions = {}) =>
    authRoutes(auth, { passwords: { hasher: scryptHasher({ cost: 2 ** 10 }) }, ...options })
  const handler = open()
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }
    const answer = await handler(new Request(`http://localhost/auth${path}`, init))
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, string> }
  }
  return { auth, open, post }
}

test.each(['Bearer ', 'Bearer a b', 'Bearer undefined'])(
  'a good refresh token signs out beside the header "%s"',
  async (authorization) => {
    const { auth, post } = begin()
    await post('/signup', PERSON)
    const { body } = await post('/signin', PERSON)
    const refresh_token = body['refresh_token'] ?? ''
    expect((await post('/signout', { refresh_token }, { authorization })).status).toBe(204)
    await expect(auth.refresh(refresh_token)).rejects.toMatchObject({ code: 'refresh_token_invalid' })
  },
)

test('an unknown address is asked of the directory by address alone: whatever identifiers it has, the answer is the same', async () => {
  const { post } = begin((users) => ({
    findById: (id) => {
      // Like a column of type uuid.
      if (!id.startsWith('usr_') || id.length < 20) throw new Error('invalid input syntax')
      return users.findById(id)
    },
  }))
  await post('/signup', PERSON)
  const wrong = await post('/signin', { ...PERSON, password: 'another passphrase' })
  const unknown = await post('/signin', { ...PERSON, email: 'bob@example.com' })
  const noAddress = await post('/signin', { ...PERSON, email: 'no address' })
  expect(wrong.status).toBe(401)
  expect(unknown).toEqual(wrong)
  expect(noAddress).toEqual(wrong)
})

test.each([
  { signup: { open: null } },
  { signup: { open: 'false' } },
  { signup: [] },
  { signup: false },
  { passwordGrant: 'off' },
  { passwordGrant: null },
  { claims: 'name' },
  { passwords: { hasher: {} } },
])('options %j stop the start: what the types forbid arrives from JavaScript all the same', (options) => {
  expect(() => begin().open(options as unknown as AuthRoutesOptions)).toThrow(ConfigError)
})
