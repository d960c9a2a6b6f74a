import { describe, expect, test } from 'vitest'
import type { Sent } from '../exchange.ts'
import { forge } from '../adapter/bed.ts'
import { bearer, createBed, post, SECRET } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'

const OUT = '/auth/signout'
const EVERYWHERE = '/auth/signout-everywhere'

const byHeader = (token: string, path = OUT): Sent => ({ method: 'POST', path, headers: bearer(token) })

const byBody = ({ refresh_token }: Pick<Pair, 'refresh_token'>, path = OUT): Sent => post(path, { refresh_token })

/** Neither token of the pair is worth anything. */
const expectEnded = async (bed: Bed, pair: Pair): Promise<void> => {
  await bed.refuses(bed.refresh(pair), 'refresh_token_invalid')
  expect(await bed.opens(pair)).toBe(false)
}

const expectAlive = async (bed: Bed, pair: Pair): Promise<void> => {
  expect(await bed.opens(pair)).toBe(true)
  await bed.succeeds(bed.refresh(pair))
}

/** What a client may have left of its session, each of which is a word for it (N120). */
const WAYS: readonly (readonly [title: string, sent: (pair: Pair, path: string) => Sent, age: number])[] = [
  ['the access token', ({ access_token }, path) => byHeader(access_token, path), 0],
  ['an access token that has expired', ({ access_token }, path) => byHeader(access_token, path), 3600],
  ['the refresh token in the body', byBody, 0],
  ['the refresh token in the body, long after', byBody, 86_400],
  ['the refresh token as bearer token', ({ refresh_token }, path) => byHeader(refresh_token, path), 0],
  [
    'both tokens',
    (pair, path) => ({
      ...byBody(pair, path),
      headers: [...(byBody(pair).headers ?? []), ...bearer(pair.access_token)],
    }),
    0,
  ],
]

const NOTHING: readonly (readonly [title: string, sent: (path: string) => Sent])[] = [
  ['no body and no header', (path) => ({ method: 'POST', path })],
  ['an empty object', (path) => post(path, {})],
  ['Basic credentials', (path) => ({ method: 'POST', path, headers: [['Authorization', 'Basic eHg=']] })],
]

const refusals = (ground: Ground, path: string): void => {
  test.each(NOTHING)('refuses %s', async (_title, sent) => {
    const bed = await createBed(ground)
    await bed.refuses(sent(path), 'missing_token')
  })

  test('refuses tokens that are none, and ends nothing', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const changed = `${pair.access_token.slice(0, -6)}AAAAAA`
    for (const token of ['x', 'a.b.c', changed, `${pair.refresh_token}A`]) {
      await bed.refuses(byHeader(token, path), 'token_invalid')
      await bed.refuses(byBody({ refresh_token: token }, path), 'token_invalid')
    }
    const malformed = { method: 'POST', path, headers: [['Authorization', 'Bearer a b']] } as const
    await bed.refuses(malformed, 'malformed_credentials')
    await expectAlive(bed, pair)
  })

  test('refuses authentic tokens of another kind or of another time, and ends nothing', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const like = (changes: Parameters<typeof forge>[1]) => forge(pair.access_token, { secret: SECRET, ...changes })
    await bed.refuses(byHeader(like({ header: { typ: 'JWT' } }), path), 'wrong_token_type')
    await bed.refuses(byHeader(like({ claims: { iss: 'https://other.example' } }), path), 'token_invalid')
    const later = Math.floor(bed.clock.now) + 60
    await bed.refuses(byHeader(like({ claims: { iat: later, exp: later + 60 } }), path), 'token_not_yet_valid')
    await expectAlive(bed, pair)
  })
}

const signOut = (ground: Ground): void => {
  test.each(WAYS)('ends the session by %s, and no other one', async (_title, sent, age) => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const [other, stranger] = [await bed.signIn(user), await bed.newcomer()]
    bed.clock.now += age
    await bed.succeeds(sent(pair, OUT), 204)
    await expectEnded(bed, pair)
    await bed.succeeds(bed.refresh(other))
    await bed.succeeds(bed.refresh(stranger.pair))
    expect(bed.events.filter((type) => type === 'session.ended')).toHaveLength(1)
  })

  test.each(WAYS)('answers 204 again when it is repeated by %s', async (_title, sent) => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    for (let time = 0; time < 3; time++) await bed.succeeds(sent(pair, OUT), 204)
    expect(bed.events.filter((type) => type === 'session.ended')).toHaveLength(1)
  })

  test('ends the sessions of both tokens where they belong to two', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    await bed.succeeds(post(OUT, { refresh_token: other.refresh_token }, bearer(pair.access_token)), 204)
    await expectEnded(bed, pair)
    await expectEnded(bed, other)
  })

  test('ends every access token of the session, those of earlier refreshes too', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    await bed.succeeds(byBody(pair), 204)
    expect([await bed.opens(pair), await bed.opens(next)]).toEqual([false, false])
  })
}

const signOutEverywhere = (ground: Ground): void => {
  test.each(WAYS)('ends every session of the user by %s, and nobody else’s', async (_title, sent, age) => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const others = [await bed.signIn(user), await bed.signIn(user)]
    const stranger = await bed.newcomer()
    bed.clock.now += age
    await bed.succeeds(sent(pair, EVERYWHERE), 204)
    for (const ended of [pair, ...others]) await expectEnded(bed, ended)
    expect(await bed.countOf(user.id)).toBe(0)
    await bed.succeeds(bed.refresh(stranger.pair))
    // At once, in the very same moment: the new session is not caught by what ended the old ones (N130).
    await expectAlive(bed, await bed.signIn(user))
  })

  test('cannot be done with a token of a session that has ended', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    await bed.succeeds(byHeader(pair.access_token), 204)
    for (const [, sent] of WAYS) await bed.refuses(sent(pair, EVERYWHERE), 'token_revoked')
    await expectAlive(bed, other)
  })
}

export const signOutScenarios = (ground: Ground): void => {
  describe('sign-out', () => {
    signOut(ground)
    refusals(ground, OUT)
  })

  describe('sign-out everywhere', () => {
    signOutEverywhere(ground)
    refusals(ground, EVERYWHERE)
  })
}
