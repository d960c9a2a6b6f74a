import { describe, expect, test } from 'vitest'
import { bearer, claimsOf, createBed, PASSWORD, post } from './bed.ts'
import type { Ground, Pair } from './bed.ts'

const again = ({ access_token }: Pick<Pair, 'access_token'>, password = PASSWORD) =>
  post('/auth/reauthenticate', { password }, bearer(access_token))

const fresh = ({ access_token }: Pick<Pair, 'access_token'>) => ({ path: '/fresh', headers: bearer(access_token) })

export const reauthenticationScenarios = (ground: Ground): void => {
  describe('reauthentication', () => {
    test('opens what asks for a recent authentication, in the same session (RFC 9470)', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer(['orders:read'])
      bed.clock.now += 600
      await bed.refuses(fresh(pair), 'reauthentication_required', { challenge: ', max_age="300"' })
      const renewed = await bed.succeeds<Pair>(again(pair))
      expect(renewed).toEqual({
        access_token: renewed.access_token,
        token_type: 'Bearer',
        expires_in: 900,
        scope: 'orders:read',
      })
      expect((await bed.send(fresh(renewed))).status).toBe(200)
      const [before, after] = [claimsOf(pair.access_token), claimsOf(renewed.access_token)]
      expect(after).toMatchObject({ sid: before['sid'], sub: user.id, auth_time: Math.floor(bed.clock.now) })
      expect(await bed.countOf(user.id)).toBe(1)
      // The session has not become younger: what it refreshes to is as old as its sign-in.
      const refreshed = await bed.succeeds<Pair>(bed.refresh(pair))
      await bed.refuses(fresh(refreshed), 'reauthentication_required', { challenge: ', max_age="300"' })
    })

    test('refuses a wrong password, and leaves everything as it was', async () => {
      const bed = await createBed(ground)
      const { user, pair } = await bed.newcomer()
      for (const password of ['wrong', '', 'x'.repeat(5000)])
        await bed.refuses(again(pair, password), 'invalid_credentials')
      expect([await bed.opens(pair), await bed.countOf(user.id)]).toEqual([true, 1])
    })

    test('refuses the password of somebody else', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      const other = { email: 'bob@example.com', password: 'quite another password 4' }
      await bed.succeeds(post('/auth/signup', other), 201)
      await bed.refuses(again(pair, other.password), 'invalid_credentials')
    })

    test('refuses who has been disabled, and whose session has ended', async () => {
      const bed = await createBed(ground)
      const [disabled, gone] = [await bed.newcomer(), await bed.newcomer()]
      await bed.store.users.update(disabled.user.id, { active: false })
      await bed.refuses(again(disabled.pair), 'invalid_credentials')
      await bed.auth.signOut(gone.pair.refresh_token)
      await bed.refuses(again(gone.pair), 'token_revoked')
    })

    test('refuses an expired access token: a refresh comes first', async () => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer()
      bed.clock.now += 3600
      await bed.refuses(again(pair), 'token_expired')
      await bed.succeeds(again(await bed.succeeds<Pair>(bed.refresh(pair))))
    })
  })
}
