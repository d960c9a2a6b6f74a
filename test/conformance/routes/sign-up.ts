import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bearer, createBed, PASSWORD, post } from './bed.ts'
import type { Bed, Ground } from './bed.ts'

const count = async ({ store }: Bed): Promise<number> =>
  (await store.users.list({ after: null, limit: 200 })).users.length

const someone = (more: object = {}) => post('/auth/signup', { email: 'ann@example.com', password: PASSWORD, ...more })

const PASSWORDS: readonly (readonly [title: string, password: string, reason: RegExp])[] = [
  ['is too short', 'short 1', /at least 8 characters/],
  ['is in everybody’s use', 'password123', /commonly used/],
  ['repeats one character', 'aaaaaaaaaaaa', /repeated/],
  ['runs along the keyboard', 'qwertyuiop', /commonly used|sequence/],
  ['is made of the address', 'ann@example.com', /made of your address/],
  ['has more than 4,096 bytes (N141)', 'ä'.repeat(2049), /at most 4096 bytes/],
]

const NO_ADDRESSES = [
  '',
  ' ',
  'ann',
  'ann@',
  '@example.com',
  'ann@@example.com',
  'ann @example.com',
  'a\u200bnn@example.com',
  'ann@127.0.0.1',
]

export const signUpScenarios = (ground: Ground): void => {
  describe('sign-up', () => {
    test('makes a user, who is told of without the password and has no session yet', async () => {
      const bed = await createBed(ground)
      const { id, ...user } = await bed.succeeds<{ id: string }>(someone(), 201)
      const created_at = Math.floor(bed.clock.now)
      expect(user).toEqual({ email: 'ann@example.com', permissions: [], active: true, profile: {}, created_at })
      expect(JSON.stringify(user)).not.toContain(PASSWORD)
      expect(await bed.countOf(id)).toBe(0)
      expect((await bed.store.users.findById(id))?.passwordHash).toMatch(/^\$scrypt\$/)
      expect(bed.events).toEqual(['user.created'])
    })

    test('keeps an address as it was written and compares it by its canonical form (N146)', async () => {
      const bed = await createBed(ground)
      const { email } = await bed.succeeds<{ email: string }>(someone({ email: ' Ann@Example.COM ' }), 201)
      expect(email).toBe('Ann@Example.COM')
      for (const again of ['ann@example.com', 'ANN@EXAMPLE.COM', 'Ann@example.com ']) {
        await bed.refuses(someone({ email: again }), 'account_exists')
      }
      expect(await count(bed)).toBe(1)
      const { access_token } = await bed.signIn({ email: 'aNN@example.com' })
      expect(await bed.opens({ access_token })).toBe(true)
    })

    test.each(PASSWORDS)('refuses a password that %s, and says why', async (_title, password, reason) => {
      const bed = await createBed(ground)
      const problems = await bed.refuses(someone({ password }), 'password_rejected')
      expect(problems).toEqual([{ path: 'password', problem: expect.stringMatching(reason) as string }])
      expect(await count(bed)).toBe(0)
    })

    test.each(NO_ADDRESSES)('refuses %j, which is no address', async (email) => {
      const bed = await createBed(ground)
      const problems = await bed.refuses(someone({ email }), 'invalid_body')
      expect(problems).toEqual([{ path: 'email', problem: 'must be an e-mail address' }])
      expect(await count(bed)).toBe(0)
    })

    test('gives nobody a member of their own choice (N151)', async () => {
      const bed = await createBed(ground)
      for (const name of ['permissions', 'role', 'id', 'active', 'profile', 'credentialVersion', 'passwordHash']) {
        const problems = await bed.refuses(someone({ [name]: ['admin'] }), 'invalid_body')
        expect(problems).toEqual([{ path: name, problem: 'is not known here' }])
      }
      expect(await count(bed)).toBe(0)
    })

    test('makes one account of two requests at once with one address', async () => {
      const bed = await createBed(ground)
      const answers = await Promise.all(Array.from({ length: 8 }, () => bed.send(someone())))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(7)
      expect(await count(bed)).toBe(1)
    })

    test('is refused where it is closed, to known and unknown addresses alike', async () => {
      const bed = await createBed(ground, { options: { signup: { open: false } } })
      await bed.refuses(someone(), 'signup_closed')
      await bed.refuses(someone({ email: 'nobody' }), 'signup_closed')
      expect(await count(bed)).toBe(0)
    })

    test('takes what the application’s schema takes, in the form that the schema gives it', async () => {
      const schema = z.strictObject({ name: z.string().trim().min(1), age: z.coerce.number().int().optional() })
      const options = { signup: { schema, permissions: ['orders:read'] } }
      const bed = await createBed(ground, { options })
      const problems = await bed.refuses(someone({ name: '' }), 'invalid_body')
      expect(problems).toHaveLength(1)
      await bed.refuses(someone({ name: 'Ann', role: 'admin' }), 'invalid_body')
      const user = await bed.succeeds(someone({ name: ' Ann ', age: '41' }), 201)
      expect(user).toMatchObject({ profile: { name: 'Ann', age: 41 }, permissions: ['orders:read'] })
      const { access_token, scope } = await bed.signIn({ email: 'ann@example.com' })
      expect(scope).toBe('orders:read')
      const me = await bed.succeeds({ path: '/auth/me', headers: bearer(access_token) })
      expect(me).toMatchObject({ user: { profile: { name: 'Ann', age: 41 } } })
    })
  })
}
