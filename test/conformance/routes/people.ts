import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bearer, claimsOf, createBed } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

const at = (path: string, { access_token }: Pick<Pair, 'access_token'>) => ({ path, headers: bearer(access_token) })

interface Page {
  readonly users: readonly { readonly id: string; readonly email: string }[]
  readonly next: string | null
}

interface Listed {
  readonly sessions: readonly { readonly id: string; readonly current: boolean; readonly device: string | null }[]
}

const sidOf = ({ access_token }: Pair): string => z.string().parse(claimsOf(access_token)['sid'])

const idsOf = async (bed: Bed, pair: Pair, query = ''): Promise<readonly string[]> => {
  const { sessions } = await bed.succeeds<Listed>(at(`/auth/sessions${query}`, pair))
  return sessions.map(({ id }) => id)
}

const LISTS_REFUSED = [
  'limit=0',
  'limit=201',
  'limit=-1',
  'limit=1.5',
  'limit=x',
  'limit=',
  'limit=1&limit=2',
  'offset=1',
  `after=${'x'.repeat(256)}`,
  '__proto__=1',
  'constructor=1',
]

const me = (ground: Ground): void => {
  test('tells the caller and the user behind it', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer(['orders:read'])
    const now = Math.floor(bed.clock.now)
    const permissions = ['orders:read']
    expect(await bed.succeeds(at('/auth/me', pair))).toEqual({
      principal: {
        subject: user.id,
        session_id: sidOf(pair),
        permissions,
        claims: {},
        auth_time: now,
        issued_at: now,
        expires_at: now + 900,
      },
      user: { id: user.id, email: user.email, permissions, active: true, profile: {}, created_at: user.createdAt },
    })
  })

  test('does not know who has been disabled', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    await bed.store.users.update(user.id, { active: false })
    await bed.refuses(at('/auth/me', pair), 'token_revoked')
  })
}

const users = (ground: Ground): void => {
  test('are listed a page at a time, each once, in the order of their making', async () => {
    const bed = await createBed(ground)
    const { pair, user: reader } = await bed.newcomer(['users:read'])
    const everybody = [reader.id]
    for (let index = 0; index < 6; index++) everybody.push((await bed.signUp()).id)
    const seen: string[] = []
    let after: string | null = ''
    for (let page = 0; after !== null && page < 10; page++) {
      const query: string = after === '' ? 'limit=3' : `limit=3&after=${encodeURIComponent(after)}`
      const { users: shown, next }: Page = await bed.succeeds<Page>(at(`/auth/users?${query}`, pair))
      expect(shown.length).toBeLessThanOrEqual(3)
      seen.push(...shown.map(({ id }) => id))
      after = next
    }
    expect(seen).toEqual(everybody)
    const whole = await bed.succeeds<Page>(at('/auth/users', pair))
    expect([whole.users.length, whole.next]).toEqual([7, null])
    expect(JSON.stringify(whole)).not.toContain('scrypt')
  })

  test('are told to nobody without the permission', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['orders:read'])
    await bed.refuses(at('/auth/users', pair), 'insufficient_permission', { challenge: ', scope="users:read"' })
    await bed.refuses({ path: '/auth/users' }, 'missing_token')
  })

  test.each(LISTS_REFUSED)('are not listed for the query %j', async (query) => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['users:read'])
    expect(await bed.refuses(at(`/auth/users?${query}`, pair), 'invalid_query')).toHaveLength(1)
  })

  test('are none behind a cursor that was never given out', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['users:read'])
    for (const after of ['x', '-1', '1e9', "' OR 1=1 --", '999999999999999999999', '\u0000']) {
      const { users: shown } = await bed.succeeds<Page>(at(`/auth/users?after=${encodeURIComponent(after)}`, pair))
      expect([after, shown]).toEqual([after, []])
    }
  })
}

const end = (pair: Pair, id: string) => ({ ...at(`/auth/sessions/${id}`, pair), method: 'DELETE' })

const sessions = (ground: Ground): void => {
  test('are listed for their owner, the most recently refreshed first, and the one in use is marked', async () => {
    const bed = await createBed(ground)
    const { user, pair: first } = await bed.newcomer()
    bed.clock.now += 60
    const second = await bed.signIn(user)
    bed.clock.now += 60
    await bed.succeeds(bed.refresh(first))
    await bed.newcomer()
    const { sessions: shown } = await bed.succeeds<Listed>(at('/auth/sessions', second))
    expect(shown.map(({ id, current }) => [id, current])).toEqual([
      [sidOf(first), false],
      [sidOf(second), true],
    ])
    const created = Math.floor(bed.clock.now) - 120
    expect(shown[0]).toMatchObject({
      created_at: created,
      refreshed_at: created + 120,
      expires_at: created + 120 + 30 * 86_400,
    })
  })

  test('of others are shown to who may administer them and to nobody else', async () => {
    const bed = await createBed(ground)
    const [ann, bob, admin] = [await bed.newcomer(), await bed.newcomer(), await bed.newcomer(['sessions:admin'])]
    const query = `?subject=${ann.user.id}`
    expect(await idsOf(bed, ann.pair, query)).toEqual([sidOf(ann.pair)])
    expect(await idsOf(bed, admin.pair, query)).toEqual([sidOf(ann.pair)])
    await bed.refuses(at(`/auth/sessions${query}`, bob.pair), 'insufficient_permission', {
      challenge: ', scope="sessions:admin"',
    })
    const unknown = '?subject=nobody'
    await bed.refuses(at(`/auth/sessions${unknown}`, bob.pair), 'insufficient_permission', {
      challenge: ', scope="sessions:admin"',
    })
    expect(await idsOf(bed, admin.pair, unknown)).toEqual([])
  })

  test.each(['subject=', 'subject=a&subject=b', `subject=${'x'.repeat(256)}`, 'limit=1'])(
    'are not listed for the query %j',
    async (query) => {
      const bed = await createBed(ground)
      const { pair } = await bed.newcomer(['sessions:admin'])
      expect(await bed.refuses(at(`/auth/sessions?${query}`, pair), 'invalid_query')).toHaveLength(1)
    },
  )

  test('are ended by their owner, one by one, once', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    await bed.succeeds(end(pair, sidOf(other)), 204)
    await bed.refuses(bed.refresh(other), 'refresh_token_invalid')
    expect([await bed.opens(other), await bed.opens(pair)]).toEqual([false, true])
    await bed.refuses(end(pair, sidOf(other)), 'not_found')
    await bed.succeeds(end(pair, sidOf(pair)), 204)
    await bed.refuses(end(pair, sidOf(pair)), 'token_revoked')
  })

  test('of others are as absent as those that never were, but for who may administer them', async () => {
    const bed = await createBed(ground)
    const [ann, bob, admin] = [await bed.newcomer(), await bed.newcomer(), await bed.newcomer(['sessions:admin'])]
    for (const id of [sidOf(ann.pair), 'unknown', '__proto__', 'x'.repeat(255)])
      await bed.refuses(end(bob.pair, id), 'not_found')
    expect(await bed.opens(ann.pair)).toBe(true)
    await bed.succeeds(end(admin.pair, sidOf(ann.pair)), 204)
    expect([await bed.opens(ann.pair), await bed.opens(bob.pair)]).toEqual([false, true])
  })
}

export const peopleScenarios = (ground: Ground): void => {
  describe('the caller', () => {
    me(ground)
  })
  describe('users', () => {
    users(ground)
  })
  describe('sessions', () => {
    sessions(ground)
  })
}
