import { describe, expect, test } from 'vitest'
import { claimsOf, createBed, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

const REFUSED = 'refresh_token_invalid'

const flip = (token: string): string => `${token.slice(0, -10)}${token.at(-10) === 'A' ? 'B' : 'A'}${token.slice(-9)}`

/** Refuses every token of a session, and says so for another one of the same user. */
const hasEnded = async (bed: Bed, pairs: readonly Pair[]): Promise<void> => {
  for (const pair of pairs) {
    await bed.refuses(bed.refresh(pair), REFUSED)
    expect(await bed.opens(pair)).toBe(false)
  }
}

const rotations = (ground: Ground): void => {
  test('gives a new pair in the same session, and moves no authentication time (N057)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer(['orders:read'])
    bed.clock.now += 60
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    expect(next).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'orders:read' })
    expect(next.refresh_token).not.toBe(pair.refresh_token)
    const [before, after] = [claimsOf(pair.access_token), claimsOf(next.access_token)]
    expect(after).toMatchObject({ sid: before['sid'], sub: user.id, auth_time: before['auth_time'] })
    expect(after['iat']).toBe(Math.floor(bed.clock.now))
    expect(after['jti']).not.toBe(before['jti'])
    expect([await bed.opens(pair), await bed.opens(next), await bed.countOf(user.id)]).toEqual([true, true, 1])
  })

  test('gives whoever comes again within the grace the same refresh token, byte for byte (N113 to N115)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    for (const seconds of [0, 10, 20]) {
      bed.clock.now += seconds
      expect((await bed.succeeds<Pair>(bed.refresh(pair))).refresh_token).toBe(next.refresh_token)
      expect((await bed.succeeds<Pair>(bed.refresh(next))).refresh_token).toBe(next.refresh_token)
    }
  })

  test('answers 64 requests at once with one token by one and the same refresh token (N107)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const answers = await Promise.all(Array.from({ length: 64 }, () => bed.send(bed.refresh(pair))))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 64 }, () => 200))
    const pairs = answers.map(({ text }) => JSON.parse(text) as Pair)
    expect(new Set(pairs.map(({ refresh_token }) => refresh_token)).size).toBe(1)
    expect(new Set(pairs.map(({ access_token }) => claimsOf(access_token)['jti'])).size).toBe(64)
    expect(bed.events.filter((type) => type === 'session.refreshed')).toHaveLength(1)
    expect(await bed.countOf(user.id)).toBe(1)
  })
}

const reuses = (ground: Ground): void => {
  test('ends the family when a token comes back after the grace whose child has been used (RFC 9700 §4.14.2, N110, N111)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    const second = await bed.succeeds<Pair>(bed.refresh(pair))
    bed.clock.now += 31
    const third = await bed.succeeds<Pair>(bed.refresh(second))
    bed.clock.now += 31
    await bed.refuses(bed.refresh(pair), 'refresh_token_reused')
    await hasEnded(bed, [pair, second, third])
    expect(bed.events).toContain('refresh.reused')
    expect([await bed.opens(other), await bed.countOf(user.id)]).toEqual([true, 1])
  })

  test('forgives one late comer a session, as a laptop that slept, and no second one (N116)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    bed.clock.now += 3600
    expect((await bed.succeeds<Pair>(bed.refresh(pair))).refresh_token).toBe(next.refresh_token)
    bed.clock.now += 3600
    await bed.refuses(bed.refresh(pair), 'refresh_token_reused')
    await hasEnded(bed, [pair, next])
  })

  test('is single use where there is no grace', async () => {
    const bed = await createBed(ground, { config: { refreshToken: { grace: 0 } } })
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    await bed.refuses(bed.refresh(pair), 'refresh_token_reused')
    await hasEnded(bed, [next])
  })
}

const strangers = (ground: Ground): void => {
  test('refuses an access token, and changes nothing (N052)', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    await bed.refuses(post('/auth/refresh', { refresh_token: pair.access_token }), REFUSED)
    expect(await bed.opens(pair)).toBe(true)
    await bed.succeeds(bed.refresh(pair))
  })

  test('refuses a forged token of a known session, and ends nobody’s session for it (N112)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    for (const forged of [flip(pair.refresh_token), `${pair.refresh_token}A`, 'a.b.c', 'x', ' ', '\u0000']) {
      await bed.refuses(post('/auth/refresh', { refresh_token: forged }), REFUSED)
    }
    expect([await bed.countOf(user.id), await bed.opens(pair)]).toEqual([1, true])
  })

  test('refuses a token of a session that was idle too long, and of one that has lived too long (N137)', async () => {
    const day = 86_400
    const bed = await createBed(ground, { config: { refreshToken: { idleLifetime: '2d', absoluteLifetime: '5d' } } })
    const { pair: idle } = await bed.newcomer()
    let { pair: busy } = await bed.newcomer()
    const ages: number[] = []
    for (let age = 1.5; age < 5; age += 1.5) {
      bed.clock.now += 1.5 * day
      busy = await bed.succeeds<Pair>(bed.refresh(busy))
      ages.push(age)
    }
    expect(ages).toEqual([1.5, 3, 4.5])
    await bed.refuses(bed.refresh(idle), REFUSED)
    bed.clock.now += day
    await bed.refuses(bed.refresh(busy), REFUSED)
  })
}

const gates = (ground: Ground): void => {
  test.each([
    ['has been disabled', (bed: Bed, id: string) => bed.store.users.update(id, { active: false })],
    [
      'has other credentials',
      async ({ store }: Bed, id: string) => {
        const user = await store.users.findById(id)
        await store.users.replacePassword(id, { expected: user?.passwordHash ?? null, hash: 'x', changed: true })
      },
    ],
  ])('ends the session of a user who %s meanwhile (N119)', async (_title, change) => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    await change(bed, user.id)
    await bed.refuses(bed.refresh(pair), REFUSED)
    expect([await bed.countOf(user.id), await bed.opens(pair)]).toEqual([0, false])
    await bed.store.users.update(user.id, { active: true })
    await bed.refuses(bed.refresh(pair), REFUSED)
  })

  test('answers 503 while the claims hook fails, and the retry gets the same child (N154)', async () => {
    const hook = { isFailing: false }
    const claims = () => {
      if (hook.isFailing) throw new Error('the directory is down')
      return { permissions: ['fresh:from-hook'], claims: { level: 2 } }
    }
    const bed = await createBed(ground, { claimsHook: claims })
    const { pair } = await bed.newcomer()
    hook.isFailing = true
    await bed.refuses(bed.refresh(pair), 'hook_failed')
    hook.isFailing = false
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    expect(next.scope).toBe('fresh:from-hook')
    expect(claimsOf(next.access_token)).toMatchObject({ level: 2 })
    expect((await bed.succeeds<Pair>(bed.refresh(pair))).refresh_token).toBe(next.refresh_token)
  })
}

export const refreshScenarios = (ground: Ground): void => {
  describe('refresh', () => {
    rotations(ground)
    reuses(ground)
    strangers(ground)
    gates(ground)
  })
}
