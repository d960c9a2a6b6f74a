import { describe, expect, test } from 'vitest'
import { bearer, createBed, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

const NEXT = 'a hat made of old newspapers'

const change = ({ access_token }: Pick<Pair, 'access_token'>, { current = PASSWORD, next = NEXT } = {}) =>
  post('/auth/password', { current, next }, bearer(access_token))

const signsIn = async (bed: Bed, email: string, password: string): Promise<boolean> =>
  (await bed.send(post('/auth/signin', { email, password }))).status === 200

const REJECTED: readonly (readonly [next: string, reason: RegExp])[] = [
  ['short 1', /at least 8 characters/],
  ['password123', /commonly used/],
  ['aaaaaaaaaaaa', /repeated/],
  ['abababababab', /pattern repeated/],
  ['x'.repeat(4097), /at most 4096 bytes/],
]

export const passwordScenarios = (ground: Ground): void => {
  describe('a change of password', () => {
    test('ends every earlier session and begins a new one (N119)', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer(['orders:read'])
      const [other, stranger] = [await bed.signIn(user), await bed.newcomer()]
      const renewed = await bed.succeeds<Pair>(change(pair))
      expect(renewed).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'orders:read' })
      for (const ended of [pair, other]) {
        expect(await bed.opens(ended)).toBe(false)
        await bed.refuses(bed.refresh(ended), 'refresh_token_invalid')
      }
      expect([await bed.opens(renewed), await bed.countOf(user.id)]).toEqual([true, 1])
      await bed.succeeds(bed.refresh(renewed))
      await bed.succeeds(bed.refresh(stranger.pair))
      expect([await signsIn(bed, user.email, PASSWORD), await signsIn(bed, user.email, NEXT)]).toEqual([false, true])
      expect(bed.events).toEqual(expect.arrayContaining(['subject.revoked', 'password.changed']))
    })

    test('changes nothing where the current one is wrong', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      for (const current of ['wrong', '', NEXT, 'x'.repeat(5000)]) {
        await bed.refuses(change(pair, { current }), 'invalid_credentials')
      }
      expect([await bed.opens(pair), await bed.countOf(user.id), await signsIn(bed, user.email, PASSWORD)]).toEqual([
        true,
        1,
        true,
      ])
    })

    test.each(REJECTED)('to %j is refused with its reason, and changes nothing', async (next, reason) => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      const problems = await bed.refuses(change(pair, { next }), 'password_rejected')
      expect(problems).toEqual([{ path: 'next', problem: expect.stringMatching(reason) as string }])
      expect([await bed.opens(pair), await signsIn(bed, user.email, PASSWORD)]).toEqual([true, true])
    })

    test('to one’s own address is refused', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      const problems = await bed.refuses(change(pair, { next: user.email.toUpperCase() }), 'password_rejected')
      expect(problems).toMatchObject([{ problem: expect.stringMatching(/your address/) as string }])
    })

    test('asked for twice at once happens once', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      const candidates = [`${NEXT} one`, `${NEXT} two`, `${NEXT} three`]
      const answers = await Promise.all(candidates.map((next) => bed.send(change(pair, { next }))))
      const winners = candidates.filter((_next, index) => answers[index]?.status === 200)
      expect(winners).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(2)
      const works = await Promise.all(candidates.map((next) => signsIn(bed, user.email, next)))
      expect(candidates.filter((_next, index) => works[index])).toEqual(winners)
      expect(await signsIn(bed, user.email, PASSWORD)).toBe(false)
    })

    test('is refused to who has been disabled, whose token has expired, and whose session has ended', async () => {
      const bed = await createBed(ground)
      const [disabled, late, gone] = [await bed.newcomer(), await bed.newcomer(), await bed.newcomer()]
      await bed.store.users.update(disabled.user.id, { active: false })
      await bed.refuses(change(disabled.pair), 'invalid_credentials')
      await bed.auth.signOut(gone.pair.access_token)
      await bed.refuses(change(gone.pair), 'token_revoked')
      bed.clock.now += 3600
      await bed.refuses(change(late.pair), 'token_expired')
      for (const { user } of [late, gone]) expect(await signsIn(bed, user.email, PASSWORD)).toBe(true)
    })
  })
}
