import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { ConfigError } from '../../../src/core/errors.ts'
import { bearer } from '../request/view.ts'
import { codeOf, createBed, problemsOf, START } from './issuer.ts'

const tracking = (trackTokens: NonNullable<AuthConfig['trackTokens']> = 'all') => {
  const bed = createBed({ trackTokens })
  const signIn = async (subject = 'ann') => {
    const pair = await bed.auth.issue({ subject })
    bed.events.length = 0
    return pair
  }
  return { ...bed, signIn }
}

type Bed = ReturnType<typeof tracking>
type Pair = Awaited<ReturnType<Bed['signIn']>>

/** What the next request with each token of a pair is told. */
const fateOf = async ({ auth }: Bed, { accessToken, refreshToken }: Pair): Promise<readonly string[]> => [
  await codeOf(() => auth.verify(accessToken)),
  await codeOf(() => auth.refresh(refreshToken)),
]

const DEAD = ['token_revoked', 'refresh_token_invalid']

describe('a registered token (S3-7, #111)', () => {
  test('is told of as it was issued, the refresh tokens of a session as one', async () => {
    const bed = tracking()
    const { tokenId, session } = await bed.signIn()
    const common = { subject: 'ann', sessionId: session.id, issuedAt: START, revoked: false }
    expect(await bed.auth.tokens.get(tokenId)).toEqual({
      ...common,
      tokenId,
      kind: 'access',
      expiresAt: START + 900,
    })
    const family = { ...common, tokenId: session.id, kind: 'refresh', expiresAt: START + 180 * 86_400 }
    expect(await bed.auth.tokens.get(session.id)).toEqual(family)
    expect(await bed.auth.tokens.get(`${session.id}.0`), 'by the jti of any of them').toEqual(family)
    expect(await bed.auth.tokens.get(`${session.id}.7`)).toEqual(family)
  })

  test('is registered at sign-in, at refresh, at a further authentication, and where it is signed alone', async () => {
    const bed = tracking()
    const { auth } = bed
    const first = await bed.signIn()
    const second = await auth.refresh(first.refreshToken)
    const third = await auth.reissue(await auth.verify(second.accessToken))
    const alone = await auth.tokens.sign({ subject: 'ann' })
    const { tokens } = await auth.tokens.list('ann')
    expect(tokens.map(({ tokenId }) => tokenId)).toEqual([
      alone.tokenId,
      third.tokenId,
      second.tokenId,
      first.session.id,
      first.tokenId,
    ])
    expect(tokens[0]).toMatchObject({ sessionId: null })
  })

  test('is that of sessions alone where only refresh tokens are tracked', async () => {
    const bed = tracking('refresh')
    const { tokenId, session, refreshToken } = await bed.signIn()
    await bed.auth.refresh(refreshToken)
    await bed.auth.tokens.sign({ subject: 'ann' })
    expect((await bed.auth.tokens.list('ann')).tokens).toMatchObject([{ tokenId: session.id, kind: 'refresh' }])
    expect(await bed.auth.tokens.get(tokenId)).toBeNull()
    expect(await codeOf(() => bed.auth.tokens.revoke(tokenId))).toBe('not_found')
  })

  test('is listed for its subject alone, or with everybody’s, page by page', async () => {
    const bed = tracking('refresh')
    const ids: string[] = []
    for (const subject of ['ann', 'bob', 'ann']) ids.unshift((await bed.signIn(subject)).session.id)
    const { tokens } = bed.auth
    expect((await tokens.list('ann')).tokens.map(({ tokenId }) => tokenId)).toEqual([ids[0], ids[2]])
    expect((await tokens.list('nobody')).tokens).toEqual([])
    const first = await tokens.listAll({ limit: 2 })
    const second = await tokens.listAll({ after: first.next, limit: 2 })
    expect([...first.tokens, ...second.tokens].map(({ tokenId }) => tokenId)).toEqual(ids)
    expect(second.next).toBeNull()
  })

  test('is forgotten once it has expired', async () => {
    const bed = tracking()
    const { tokenId } = await bed.signIn()
    bed.turn(901_000 + 300_000)
    expect(await bed.auth.tokens.get(tokenId)).toBeNull()
  })

  test.each(['get', 'list', 'revoke', 'restore'] as const)('needs tracking to %s it', async (method) => {
    const bed = tracking('none')
    const { session } = await bed.signIn()
    expect(await problemsOf(() => bed.auth.tokens[method](session.id))).toEqual([
      'trackTokens: is needed for this; set it to "refresh" or "all"',
    ])
    await expect(bed.auth.tokens.listAll()).rejects.toThrow(ConfigError)
  })

  test('is tracked in one of three ways', async () => {
    expect(await problemsOf(() => createBed({ trackTokens: 'both' as 'all' }))).toEqual([
      'trackTokens: must be "none", "refresh" or "all"',
    ])
  })
})

describe('revoking and restoring (S3-8, #111)', () => {
  test('an access token: by itself, and as often as one likes', async () => {
    const bed = tracking()
    const { auth } = bed
    const { tokens } = auth
    const pair = await bed.signIn()
    const { tokenId, accessToken } = pair
    for (let round = 0; round < 2; round++) {
      expect(await tokens.revoke(tokenId)).toMatchObject({ tokenId, revoked: true })
      expect(await tokens.revoke(tokenId)).toMatchObject({ revoked: true })
      expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
      expect(await tokens.get(tokenId)).toMatchObject({ revoked: true })
      expect(await tokens.restore(tokenId)).toMatchObject({ tokenId, revoked: false })
      expect(await codeOf(() => auth.verify(accessToken))).toBe('accepted')
    }
    await tokens.revoke(tokenId)
    const next = await auth.refresh(pair.refreshToken)
    expect(await codeOf(() => auth.verify(next.accessToken)), 'its session lives').toBe('accepted')
    expect(bed.events.map(({ type }) => type)).toContain('token.restored')
  })

  test('a refresh token: with its session, every access token of it, and all of it back', async () => {
    const bed = tracking()
    const { tokens } = bed.auth
    const pair = await bed.signIn()
    const [other, stranger] = [await bed.signIn(), await bed.signIn('bob')]
    expect(await tokens.revoke(`${pair.session.id}.0`)).toMatchObject({ tokenId: pair.session.id, revoked: true })
    expect(await fateOf(bed, pair)).toEqual(DEAD)
    expect(await bed.auth.sessions.find(pair.session.id)).toBeNull()
    expect(await tokens.get(pair.tokenId)).toMatchObject({ revoked: true })
    for (const spared of [other, stranger]) expect(await fateOf(bed, spared)).toEqual(['accepted', 'accepted'])
    expect(await tokens.restore(pair.session.id)).toMatchObject({ revoked: false })
    expect(await fateOf(bed, pair)).toEqual(['accepted', 'accepted'])
    const told = bed.events.filter(({ type }) => type.startsWith('session.') && type !== 'session.refreshed')
    const about = { subject: 'ann', sessionId: pair.session.id }
    expect(told).toEqual([
      { type: 'session.suspended', ...about },
      { type: 'session.resumed', ...about },
    ])
  })

  test('a token presented while its session was suspended is no reuse', async () => {
    const bed = tracking()
    const pair = await bed.signIn()
    await bed.auth.tokens.revoke(pair.session.id)
    for (let attempt = 0; attempt < 3; attempt++) expect(await fateOf(bed, pair)).toEqual(DEAD)
    await bed.auth.tokens.restore(pair.session.id)
    expect(await fateOf(bed, pair)).toEqual(['accepted', 'accepted'])
  })

  const ENDS: readonly (readonly [title: string, end: (bed: Bed, pair: Pair) => Promise<unknown>])[] = [
    ['a sign-out', ({ auth }, { accessToken }) => auth.signOut(accessToken)],
    ['a sign-out with the refresh token', ({ auth }, { refreshToken }) => auth.signOut(refreshToken)],
    ['a sign-out everywhere', ({ auth }, { accessToken }) => auth.signOutEverywhere(accessToken)],
    ['an epoch of everybody', ({ auth }) => auth.revoke.everything()],
    [
      'a session that was revoked',
      ({ auth }, { session }) => auth.revoke.session({ sessionId: session.id, subject: 'ann' }),
    ],
    [
      'a reuse',
      async ({ auth, turn }, { refreshToken }) => {
        const second = await auth.refresh(refreshToken)
        turn(60_000)
        await auth.refresh(second.refreshToken)
        turn(60_000)
        await codeOf(() => auth.refresh(refreshToken))
      },
    ],
  ]

  test.each(ENDS)('%s is final: neither token is restored, and nothing is told of it', async (_title, end) => {
    const bed = tracking()
    const { tokens } = bed.auth
    const pair = await bed.signIn()
    await end(bed, pair)
    bed.events.length = 0
    for (const tokenId of [pair.session.id, pair.tokenId]) {
      expect(await tokens.get(tokenId)).toMatchObject({ revoked: true })
      expect(await codeOf(() => tokens.restore(tokenId))).toBe('not_restorable')
    }
    expect(bed.events).toEqual([])
    expect(await fateOf(bed, pair)).toEqual(DEAD)
    await tokens.revoke(pair.session.id)
    expect(bed.events, 'what has ended is not suspended').toEqual([])
  })

  test.each(ENDS)('%s ends a suspended session too, which is not resumed then', async (title, end) => {
    // Neither a reuse nor a sign-out everywhere begins with a token of a suspended session.
    if (title === 'a reuse' || title === 'a sign-out everywhere') return
    const bed = tracking()
    const pair = await bed.signIn()
    await bed.auth.tokens.revoke(pair.session.id)
    await end(bed, pair)
    expect(await codeOf(() => bed.auth.tokens.restore(pair.session.id))).toBe('not_restorable')
    expect(await fateOf(bed, pair)).toEqual(DEAD)
  })

  test('a refusal to restore changes nothing: the token does not come back later, with its session', async () => {
    const bed = tracking()
    const { auth } = bed
    const { tokens } = auth
    const { tokenId, session, accessToken } = await bed.signIn()
    await tokens.revoke(tokenId)
    await tokens.revoke(session.id)
    expect(await codeOf(() => tokens.restore(tokenId))).toBe('not_restorable')
    await tokens.restore(session.id)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
    await tokens.restore(tokenId)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('accepted')
  })

  test('what is not registered is not found, whatever it is called', async () => {
    const bed = tracking()
    await bed.signIn()
    for (const tokenId of ['', 'unknown', 'unknown.0', '.0', 'a.b.c', '__proto__', "' or 1=1"]) {
      expect(await bed.auth.tokens.get(tokenId)).toBeNull()
      expect(await codeOf(() => bed.auth.tokens.revoke(tokenId))).toBe('not_found')
      expect(await codeOf(() => bed.auth.tokens.restore(tokenId))).toBe('not_found')
    }
  })

  test('a token of nobody’s session is revoked by its id, its subject or everything', async () => {
    const bed = tracking()
    const { auth } = bed
    const { tokens } = auth
    const { tokenId, accessToken } = await tokens.sign({ subject: 'ann' })
    await tokens.revoke(tokenId)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
    await tokens.restore(tokenId)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('accepted')
    await auth.revoke.subject('ann')
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
    expect(await codeOf(() => tokens.restore(tokenId))).toBe('not_restorable')
  })
})

describe('revoking a token that a guard has verified (S3-8, #110, RFC 7009 §2.1)', () => {
  test('ends its session where it is a refresh token, for nobody would ask for the one token', async () => {
    const bed = tracking('none')
    const pair = await bed.signIn()
    const verdict = await bed.auth.guard({ token: 'any' })(bearer(pair.refreshToken))
    if ('refusal' in verdict || verdict.principal === null) throw new Error('it was refused')
    await bed.auth.revoke.token(verdict.principal)
    expect(await fateOf(bed, pair)).toEqual(DEAD)
  })

  test('leaves the sessions of others alone, whatever it is called', async () => {
    const bed = tracking('none')
    const pair = await bed.signIn()
    const tokenId = `${pair.session.id}.0`
    expect(await codeOf(() => bed.auth.revoke.token({ tokenId, subject: 'bob' }))).toBe('not_found')
    expect(await fateOf(bed, pair)).toEqual(['accepted', 'accepted'])
  })
})
