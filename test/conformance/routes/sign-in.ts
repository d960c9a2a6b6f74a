import { describe, expect, test } from 'vitest'
import { scryptHasher } from '../../../src/passwords/scrypt.ts'
import type { Answer } from '../exchange.ts'
import { bearer, claimsOf, createBed, ISSUER, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

const HEADERS = ['content-type', 'cache-control', 'www-authenticate', 'retry-after', 'set-cookie', 'content-length']

/** Everything that a caller can see of an answer. */
const visible = ({ status, header, text }: Answer) => ({ status, text, headers: HEADERS.map((name) => header(name)) })

const signIn = (bed: Bed, email: string, password: string): Promise<Answer> =>
  bed.send(post('/auth/signin', { email, password }))

export const signInScenarios = (ground: Ground): void => {
  describe('sign-in', () => {
    test('gives a pair whose access token opens what is guarded, and whose refresh token does not', async () => {
      const bed = await createBed(ground)
      const user = await bed.signUp()
      const pair = await bed.succeeds<Pair>(post('/auth/signin', { email: user.email, password: PASSWORD }))
      expect(pair).toEqual({
        access_token: expect.any(String) as string,
        token_type: 'Bearer',
        expires_in: 900,
        refresh_token: expect.any(String) as string,
      })
      const now = Math.floor(bed.clock.now)
      const identity = { iss: ISSUER, sub: user.id, aud: ISSUER, iat: now, exp: now + 900, auth_time: now }
      expect(claimsOf(pair.access_token)).toMatchObject(identity)
      expect(await bed.opens(pair)).toBe(true)
      expect(await bed.opens({ access_token: pair.refresh_token })).toBe(false)
      expect(await bed.countOf(user.id)).toBe(1)
      expect(bed.events.slice(1)).toEqual(['session.created', 'signin.succeeded'])
    })

    test('answers alike to unknown addresses, wrong passwords, disabled users and users without a password (N140)', async () => {
      const bed = await createBed(ground)
      const [known, disabled] = [await bed.signUp(), await bed.signUp()]
      await bed.store.users.update(disabled.id, { active: false })
      const bare = { email: 'bare@example.com', canonicalEmail: 'bare@example.com' }
      await bed.store.users.create({ ...bare, passwordHash: null, permissions: [], profile: {} })
      const answers = [
        await signIn(bed, known.email, `${PASSWORD}!`),
        await signIn(bed, known.email, ''),
        await signIn(bed, known.email, 'x'.repeat(5000)),
        await signIn(bed, 'nobody@example.com', PASSWORD),
        await signIn(bed, 'no address at all', PASSWORD),
        await signIn(bed, disabled.email, PASSWORD),
        await signIn(bed, disabled.email, `${PASSWORD}!`),
        await signIn(bed, bare.email, PASSWORD),
        await signIn(bed, bare.email, ''),
      ].map(visible)
      for (const answer of answers) expect(answer).toEqual(answers[0])
      await bed.refuses(post('/auth/signin', { email: known.email, password: 'wrong' }), 'invalid_credentials')
      for (const { id } of [known, disabled]) expect(await bed.countOf(id)).toBe(0)
    })

    test('takes a password in either form of its letters (NFC, NFD)', async () => {
      const bed = await createBed(ground)
      const [email, password] = ['rene@example.com', 'Café Zürich Überraschung']
      await bed.succeeds(post('/auth/signup', { email, password: password.normalize('NFD') }), 201)
      expect(await bed.opens(await bed.signIn({ email }, password.normalize('NFC')))).toBe(true)
    })

    test('grants the user’s permissions of the moment, and tells them as scope', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer(['orders:read', 'orders:write'])
      expect(pair.scope).toBe('orders:read orders:write')
      await bed.store.users.update(user.id, { permissions: [] })
      expect((await bed.signIn(user)).scope).toBeUndefined()
    })

    test('carries the custom claims that the application gives', async () => {
      const bed = await createBed(ground, {
        options: { claims: ({ email }) => Promise.resolve({ nick: email[0] ?? '' }) },
      })
      const { pair } = await bed.newcomer()
      const me = await bed.succeeds({ path: '/auth/me', headers: bearer(pair.access_token) })
      expect(me).toMatchObject({ principal: { claims: { nick: 'p' } } })
    })

    test('remembers the device by its user agent, cut to a length that can be shown', async () => {
      const bed = await createBed(ground)
      const user = await bed.signUp()
      const agent = [['User-Agent', `Ü/1.0 ${'x'.repeat(300)}`]] as const
      await bed.succeeds(post('/auth/signin', { email: user.email, password: PASSWORD }, agent))
      const [session] = await bed.auth.sessions.list(user.id)
      expect(session?.device).toHaveLength(200)
    })

    test('makes a weak hash anew while the password is at hand, and only then', async () => {
      const hasher = scryptHasher({ cost: 2 ** 11, parallelization: 1 })
      const bed = await createBed(ground, { options: { passwords: { hasher } } })
      const passwordHash = await scryptHasher({ cost: 2 ** 10, parallelization: 1 }).hash(PASSWORD)
      const email = 'old@example.com'
      const old = await bed.store.users.create({
        email,
        canonicalEmail: email,
        passwordHash,
        permissions: [],
        profile: {},
      })
      const hashOf = async () => (await bed.store.users.findById(old?.id ?? ''))?.passwordHash
      await bed.refuses(post('/auth/signin', { email, password: 'wrong' }), 'invalid_credentials')
      expect(await hashOf()).toBe(passwordHash)
      const pair = await bed.signIn({ email })
      const renewed = await hashOf()
      expect(renewed).toMatch(/^\$scrypt\$ln=11/)
      // The same password hashed anew ends no session.
      await bed.succeeds(bed.refresh(pair))
      await bed.signIn({ email })
      expect(await hashOf()).toBe(renewed)
    })
  })
}
