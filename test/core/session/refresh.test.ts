import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { noise } from '../token/fixtures.ts'
import { claimsOf, codeOf, createBed, GRACE_MS, redeploy, START } from './issuer.ts'
import type { Bed } from './issuer.ts'

describe('a refresh', () => {
  test('gives a new pair in the same session, from its grant', async () => {
    const { auth, turn } = createBed()
    const grant = { permissions: ['orders:read'], claims: { role: 'chief' }, clientId: 'shop', accessLifetime: 300 }
    const first = await auth.issue({ subject: 'ann', ...grant })
    turn(60_000)
    const second = await auth.refresh(first.refreshToken)
    expect(second.session.id).toBe(first.session.id)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect(second.permissions).toEqual(['orders:read'])
    expect(second.expiresIn).toBe(300)
    const [before, after] = [claimsOf(first.accessToken), claimsOf(second.accessToken)]
    // A refresh is no authentication (N057).
    expect(before['auth_time']).toBe(START)
    expect(after).toEqual({ ...before, iat: START + 60, exp: START + 360, jti: after['jti'] })
    expect(after['jti']).not.toBe(before['jti'])
  })

  test('gives the same refresh token to all who ask at once, and rotates once (I3, N107, N113)', async () => {
    const { auth, events } = createBed()
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    const pairs = await Promise.all(Array.from({ length: 16 }, () => auth.refresh(refreshToken)))
    expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1)
    expect(events.filter(({ type }) => type === 'session.refreshed')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'refresh.replayed')).toHaveLength(15)
  })

  test('takes the times of the token from the clock of the store, not from its own', async () => {
    const { auth, turn, settings } = createBed()
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    turn(60_000)
    const early = redeploy({ settings }, { clock: () => START - 3600 })
    const pair = await early.refresh(refreshToken)
    expect(claimsOf(pair.accessToken)).toMatchObject({ iat: START + 60, exp: START + 960 })
    expect((await auth.verify(pair.accessToken)).subject).toBe('ann')
  })

  test('ends its access token with the session, and refuses from then on (N137)', async () => {
    const { auth, turn } = createBed({ refreshToken: { idleLifetime: '1h', absoluteLifetime: '1h' } })
    const first = await auth.issue({ subject: 'ann' })
    // The session ends at a whole second, its making fell into the midst of one.
    turn(3_599_000)
    const { accessToken, expiresIn, refreshToken } = await auth.refresh(first.refreshToken)
    expect([expiresIn, claimsOf(accessToken)['exp']]).toEqual([1, first.session.absoluteExpiresAt])
    turn(500)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_invalid')
  })

  test('is refused after the idle lifetime, which each rotation begins anew', async () => {
    const { auth, turn } = createBed({ refreshToken: { idleLifetime: '1h' } })
    let { refreshToken } = await auth.issue({ subject: 'ann' })
    for (let hour = 0; hour < 3; hour++) {
      turn(3_599_999)
      // Each follows from the one before.
      refreshToken = (await auth.refresh(refreshToken)).refreshToken
    }
    turn(3_600_000)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_invalid')
  })

  test('of a superseded token ends the whole session, of both of its holders (N110, RFC 9700 §4.14.2)', async () => {
    const { auth, turn, events } = createBed({ refreshToken: { lateReplays: 0 } })
    const first = await auth.issue({ subject: 'ann' })
    const second = await auth.refresh(first.refreshToken)
    turn(GRACE_MS + 1)
    events.length = 0
    expect(await codeOf(() => auth.refresh(first.refreshToken))).toBe('refresh_token_reused')
    expect(await codeOf(() => auth.refresh(second.refreshToken))).toBe('refresh_token_invalid')
    expect(await codeOf(() => auth.verify(second.accessToken))).toBe('token_revoked')
    const about = { subject: 'ann', sessionId: first.session.id }
    expect(events).toEqual([
      { type: 'refresh.reused', ...about, generation: 0 },
      { type: 'session.ended', ...about, reason: 'reused' },
    ])
  })

  test('of a superseded token is answered out of the budget of late replays first (N116)', async () => {
    const { auth, turn, events } = createBed()
    const first = await auth.issue({ subject: 'ann' })
    const second = await auth.refresh(first.refreshToken)
    turn(12 * 3_600_000)
    events.length = 0
    expect((await auth.refresh(first.refreshToken)).refreshToken).toBe(second.refreshToken)
    expect(events).toEqual([
      { type: 'refresh.replayed_late', subject: 'ann', sessionId: first.session.id, generation: 0 },
    ])
  })

  test('takes back from the token what a store has lost (I12)', async () => {
    const bed = createBed()
    const first = await bed.auth.issue({ subject: 'ann' })
    const { authTime, absoluteExpiresAt, createdAt, keyThumbprint, stamp, grant, ...session } = first.session
    const second = await bed.auth.refresh(first.refreshToken)
    // The store as it was before the refresh: a failover has lost the last write.
    const store = memoryStore({ now: bed.now })
    const absoluteLifetime = absoluteExpiresAt - createdAt
    const lost = { id: session.id, subject: 'ann', authTime, absoluteLifetime, stamp, grant, keyThumbprint }
    const rest = { device: null, refreshData: null, refreshKeyId: session.state.refreshKeyId }
    await store.sessions.create({ ...lost, ...rest }, { retention: 906, maxPerSubject: 50 })
    const restored = redeploy(bed, { store })
    bed.events.length = 0
    expect((await restored.refresh(second.refreshToken)).refreshToken).toBe(second.refreshToken)
    expect(bed.events).toEqual([{ type: 'refresh.recovered', subject: 'ann', sessionId: session.id, generation: 1 }])
  })

  test.each<readonly [string, (bed: Bed) => Promise<string>]>([
    ['an access token (N052)', async ({ auth }) => (await auth.issue({ subject: 'ann' })).accessToken],
    ['no token at all', async () => ''],
    [
      'a token of another issuer under the same secret',
      async (bed) => {
        const pair = await redeploy(bed, { issuer: 'https://other.example' }).issue({ subject: 'ann' })
        return pair.refreshToken
      },
    ],
    [
      'a token under another secret (N112)',
      async (bed) => {
        const pair = await redeploy(bed, { keys: { secret: noise('another') } }).issue({ subject: 'ann' })
        return pair.refreshToken
      },
    ],
  ])('is refused for %s, and changes nothing (I7)', async (_title, tokenFrom) => {
    const bed = createBed()
    const token = await tokenFrom(bed)
    const before = await bed.auth.sessions.list('ann')
    bed.events.length = 0
    expect(await codeOf(() => bed.auth.refresh(token))).toBe('refresh_token_invalid')
    expect(await bed.auth.sessions.list('ann')).toEqual(before)
    expect(bed.events).toEqual([])
  })
})

describe('a narrower scope (RFC 6749 §6, N134)', () => {
  const config = {
    permissions: { includes: { 'orders:write': ['orders:read'], chief: ['staff:*'] }, superPermission: 'admin' },
  }

  test.each<readonly [granted: string[], asked: string[]]>([
    [['a', 'b'], ['b']],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [['a'], []],
    [['orders:write'], ['orders:read']],
    [['orders:*'], ['orders:list', 'orders:read']],
    [['chief'], ['staff:hire']],
    [['admin'], ['anything']],
  ])('of %j may be %j', async (granted, asked) => {
    const { auth } = createBed(config)
    const { refreshToken } = await auth.issue({ subject: 'ann', permissions: granted })
    const { accessToken, permissions } = await auth.refresh(refreshToken, { scope: asked })
    expect(permissions).toEqual(asked)
    expect((await auth.verify(accessToken)).permissions).toEqual(asked)
  })

  test('holds for one access token: the next refresh has the whole grant again', async () => {
    const { auth } = createBed()
    const first = await auth.issue({ subject: 'ann', permissions: ['a', 'b'] })
    const second = await auth.refresh(first.refreshToken, { scope: ['a'] })
    expect((await auth.refresh(second.refreshToken)).permissions).toEqual(['a', 'b'])
  })

  test.each<readonly [granted: string[], asked: string[]]>([
    [['a'], ['b']],
    [['a'], ['a', 'b']],
    [[], ['a']],
    [['orders:read'], ['orders:write']],
    [['orders:*'], ['orders']],
    [['orders:read'], ['orders:*']],
    [['orders:*'], ['orders:read orders:x admin']],
    [['admin'], ['a"b']],
    [['admin'], ['']],
  ])('of %j may not be %j, and the refresh token is not lost by asking', async (granted, asked) => {
    const { auth } = createBed(config)
    const { refreshToken } = await auth.issue({ subject: 'ann', permissions: granted })
    expect(await codeOf(() => auth.refresh(refreshToken, { scope: asked }))).toBe('invalid_scope')
    expect((await auth.refresh(refreshToken)).permissions).toEqual(granted)
  })

  test('is measured against what the hook grants today', async () => {
    const { auth } = createBed({ hooks: { claims: () => ({ permissions: ['b'] }) } })
    const { refreshToken } = await auth.issue({ subject: 'ann', permissions: ['a'] })
    expect(await codeOf(() => auth.refresh(refreshToken, { scope: ['a'] }))).toBe('invalid_scope')
    expect((await auth.refresh(refreshToken, { scope: ['b'] })).permissions).toEqual(['b'])
  })
})

test('a refusal tells the caller the same for whatever is the reason, and the log the reason', async () => {
  const { auth } = createBed()
  const { refreshToken } = await auth.issue({ subject: 'ann' })
  await auth.signOut(refreshToken)
  const refusals = await Promise.all(
    [refreshToken, 'forged'].map((token) => auth.refresh(token).catch((error: unknown) => error)),
  )
  const [ended, forged] = refusals
  if (!(ended instanceof AuthError && forged instanceof AuthError)) throw new Error('both are refused')
  expect([ended.message, ended.code, ended.status]).toEqual([forged.message, forged.code, forged.status])
  expect([ended.detail, forged.detail]).toEqual(['the session is revoked', 'the signature does not hold'])
})
