import { expect } from 'vitest'
import { z } from 'zod'
import { createAuth } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import { decodeUnverified } from '../../src/core/token/jws.ts'
import { generateJwk } from '../../src/core/token/generate-key.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { AUDIENCE, claimsOf, codeOf, createBed, GRACE_MS, ISSUER, redeploy, START } from '../core/session/issuer.ts'
import { noise } from '../core/token/fixtures.ts'
import { ask, bearer } from './ask.ts'
import type { Effects } from './ask.ts'

const HOUR_MS = 3_600_000
const [JWK, OTHER_JWK] = [generateJwk('EdDSA'), generateJwk('EdDSA')] as const
const OWN = noise('a secret for refresh tokens')

const headerOf = (token: string) => decodeUnverified(token).header

/** What a request without a token is answered with, which tells the realm. */
const challengeOf = async (change: Partial<AuthConfig>) => {
  const verdict = await ask(createBed(change).auth)
  return 'headers' in verdict ? verdict.headers['www-authenticate'] : null
}

/** The kinds of token that are in the register after a sign-in. */
const kindsUnder = async (trackTokens: 'refresh' | 'all') => {
  const { auth } = createBed({ trackTokens })
  await auth.issue({ subject: 'ann' })
  return (await auth.tokens.list('ann')).tokens.map(({ kind }) => kind).toSorted()
}

/** Who issues, with which keys, for how long, and what permissions mean. */
export const ISSUING: Effects = {
  issuer: async () => {
    const bed = createBed({ issuer: 'https://other.example' })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect([bed.auth.issuer, claimsOf(accessToken)['iss']]).toEqual(['https://other.example', 'https://other.example'])
    expect(await codeOf(() => redeploy(bed, { issuer: ISSUER }).verify(accessToken))).toBe('token_invalid')
  },
  audience: async () => {
    const bed = createBed({ audience: ['a', 'b'] })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(claimsOf(accessToken)['aud']).toEqual(['a', 'b'])
    expect(await codeOf(() => redeploy(bed, { audience: 'b' }).verify(accessToken))).toBe('accepted')
    expect(await codeOf(() => redeploy(bed, { audience: AUDIENCE }).verify(accessToken))).toBe('token_invalid')
  },
  'keys.secret': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const other = redeploy(bed, { keys: { secret: noise('another') } })
    expect(await codeOf(() => other.verify(accessToken))).toBe('token_invalid')
  },
  'keys.previousSecrets': async () => {
    const bed = createBed({ keys: { secret: noise('before') } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const keys = { secret: noise('after'), previousSecrets: [noise('before')] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  'keys.nextSecrets': async () => {
    const bed = createBed({ keys: { secret: noise('next') } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const keys = { secret: noise('now'), nextSecrets: [noise('next')] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  'keys.algorithm': async () => {
    const { auth } = createBed({ keys: { secret: noise('long', 64), algorithm: 'HS512' } })
    expect(headerOf((await auth.issue({ subject: 'ann' })).accessToken).alg).toBe('HS512')
  },
  'keys.current': async () => {
    const { auth } = createBed({ keys: { current: JWK }, refreshToken: { secret: OWN } })
    expect(headerOf((await auth.issue({ subject: 'ann' })).accessToken)).toMatchObject({ alg: 'EdDSA', kid: JWK.kid })
    expect(auth.jwks().keys.map(({ kid }) => kid)).toEqual([JWK.kid])
  },
  'keys.next': async () => {
    const { auth } = createBed({ keys: { current: JWK, next: [OTHER_JWK] }, refreshToken: { secret: OWN } })
    expect(auth.jwks().keys.map(({ kid }) => kid)).toEqual([JWK.kid, OTHER_JWK.kid])
  },
  'keys.retiring': async () => {
    const bed = createBed({ keys: { current: OTHER_JWK }, refreshToken: { secret: OWN } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(await codeOf(() => redeploy(bed, { keys: { current: JWK } }).verify(accessToken))).toBe('token_invalid')
    const keys = { current: JWK, retiring: [OTHER_JWK] }
    expect(await codeOf(() => redeploy(bed, { keys }).verify(accessToken))).toBe('accepted')
  },
  store: async () => {
    const bed = createBed()
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const elsewhere = redeploy(bed, { store: memoryStore({ now: bed.now }) })
    expect(await codeOf(() => elsewhere.refresh(refreshToken))).toBe('refresh_token_invalid')
  },
  users: async () => {
    const bed = createBed()
    const [first, second] = [await bed.auth.issue({ subject: 'ann' }), await bed.auth.issue({ subject: 'ann' })]
    const gated = redeploy(bed, { users: bed.users })
    expect([bed.auth.users, gated.users]).toEqual([null, bed.users])
    expect(await codeOf(() => gated.refresh(first.refreshToken))).toBe('refresh_token_invalid')
    expect(await codeOf(() => bed.auth.refresh(second.refreshToken))).toBe('accepted')
  },
  clientId: async () => {
    const { auth } = createBed({ clientId: 'shop' })
    expect(claimsOf((await auth.issue({ subject: 'ann' })).accessToken)['client_id']).toBe('shop')
  },
  realm: async () => {
    expect(await challengeOf({})).toBe(`Bearer realm="${ISSUER}"`)
    expect(await challengeOf({ realm: 'the shop' })).toBe('Bearer realm="the shop"')
  },
  'accessToken.lifetime': async () => {
    const { auth, turn } = createBed({ accessToken: { lifetime: '5m' } })
    const { accessToken, expiresIn } = await auth.issue({ subject: 'ann' })
    expect([expiresIn, auth.accessLifetime]).toEqual([300, 300])
    turn(305_000)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_expired')
  },
  'accessToken.longestLifetime': async () => {
    const bed = createBed({ accessToken: { lifetime: '2h', longestLifetime: '2h' } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    expect(await codeOf(() => redeploy(bed, { accessToken: {} }).verify(accessToken))).toBe('token_invalid')
    const raised = redeploy(bed, { accessToken: { longestLifetime: '2h' } })
    expect(await codeOf(() => raised.verify(accessToken))).toBe('accepted')
  },
  'accessToken.clockTolerance': async () => {
    const bed = createBed({ accessToken: { clockTolerance: 0 } })
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    bed.turn(900_000)
    expect(await codeOf(() => bed.auth.verify(accessToken))).toBe('token_expired')
    const tolerant = redeploy(bed, { accessToken: { clockTolerance: 1 } })
    expect(await codeOf(() => tolerant.verify(accessToken))).toBe('accepted')
  },
  'accessToken.maxBytes': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const atMost = (maxBytes: number) => redeploy(bed, { accessToken: { maxBytes } })
    expect(await codeOf(() => atMost(accessToken.length).verify(accessToken))).toBe('accepted')
    expect(await codeOf(() => atMost(accessToken.length - 1).verify(accessToken))).toBe('token_invalid')
  },
  'accessToken.claims': async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann', claims: { role: 'god' } })
    const strict = { ...bed.settings, accessToken: { claims: z.object({ role: z.enum(['clerk', 'chief']) }) } }
    expect(await codeOf(() => createAuth(strict).verify(accessToken))).toBe('token_invalid')
  },
  'accessToken.dangerouslyAllowNoExpiry': async () => {
    const bed = createBed({ accessToken: { dangerouslyAllowNoExpiry: true } })
    const { accessToken, expiresIn } = await bed.auth.tokens.sign({ subject: 'ann', lifetime: null })
    expect([expiresIn, 'exp' in claimsOf(accessToken)]).toEqual([null, false])
    bed.turn(24 * HOUR_MS)
    expect(await codeOf(() => bed.auth.verify(accessToken))).toBe('accepted')
    expect(await codeOf(() => redeploy(bed, { accessToken: {} }).verify(accessToken))).toBe('token_invalid')
    await expect(createBed().auth.tokens.sign({ subject: 'ann', lifetime: null })).rejects.toThrow(
      'needs accessToken.dangerouslyAllowNoExpiry',
    )
  },
  'refreshToken.secret': async () => {
    const bed = createBed()
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const own = redeploy(bed, { refreshToken: { secret: OWN } })
    expect(await codeOf(() => own.refresh(refreshToken))).toBe('refresh_token_invalid')
    expect(headerOf((await own.issue({ subject: 'ann' })).refreshToken).kid).not.toBe(headerOf(refreshToken).kid)
  },
  'refreshToken.previousSecrets': async () => {
    const bed = createBed({ refreshToken: { secret: OWN } })
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const next = redeploy(bed, { refreshToken: { secret: noise('the next'), previousSecrets: [OWN] } })
    expect(await codeOf(() => next.refresh(refreshToken))).toBe('accepted')
  },
  'refreshToken.nextSecrets': async () => {
    const bed = createBed({ refreshToken: { secret: noise('the next') } })
    const { refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const now = redeploy(bed, { refreshToken: { secret: OWN, nextSecrets: [noise('the next')] } })
    expect(await codeOf(() => now.refresh(refreshToken))).toBe('accepted')
  },
  'refreshToken.idleLifetime': async () => {
    const { auth, turn } = createBed({ refreshToken: { idleLifetime: '1h' } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    turn(HOUR_MS)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_invalid')
  },
  'refreshToken.absoluteLifetime': async () => {
    const { auth } = createBed({ refreshToken: { absoluteLifetime: '40d' } })
    expect((await auth.issue({ subject: 'ann' })).session.absoluteExpiresAt).toBe(START + 40 * 86_400)
  },
  'refreshToken.grace': async () => {
    const { auth, turn } = createBed({ refreshToken: { grace: '1m' } })
    const first = await auth.issue({ subject: 'ann' })
    const second = await auth.refresh(first.refreshToken)
    turn(60_000)
    expect((await auth.refresh(second.refreshToken)).session.state.generation).toBe(1)
    turn(1)
    expect((await auth.refresh(second.refreshToken)).session.state.generation).toBe(2)
  },
  'refreshToken.lateReplays': async () => {
    const { auth, turn } = createBed({ refreshToken: { lateReplays: 0 } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    await auth.refresh(refreshToken)
    turn(GRACE_MS + 1)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_reused')
  },
  'refreshToken.maxSessions': async () => {
    const { auth } = createBed({ refreshToken: { maxSessions: 1 } })
    const first = await auth.issue({ subject: 'ann' })
    await auth.issue({ subject: 'ann' })
    expect(await codeOf(() => auth.verify(first.accessToken))).toBe('token_revoked')
  },
  'permissions.names': async () => {
    const permissions = { names: ['a'], includes: { b: ['a'] } }
    expect(() => createBed({ permissions })).toThrow('"b" is not among permissions.names')
  },
  'permissions.includes': async () => {
    const { auth } = createBed({ permissions: { includes: { chief: ['orders:*'] } } })
    const { accessToken } = await auth.issue({ subject: 'ann', permissions: ['chief'] })
    const principal = await auth.verify(accessToken)
    expect([principal.can('orders:read'), createBed().auth.permissions.satisfies(['chief'], 'orders:read')]).toEqual([
      true,
      false,
    ])
  },
  'permissions.superPermission': async () => {
    const { auth } = createBed({ permissions: { superPermission: 'admin' } })
    expect(auth.permissions.satisfies(['admin'], 'anything')).toBe(true)
  },
  'permissions.roles': async () => {
    const permissions = { names: ['orders:read', 'clerk'], roles: { clerk: ['orders:read'] } }
    const { auth } = createBed({ permissions })
    const { accessToken } = await auth.issue({ subject: 'ann', permissions: ['clerk'] })
    const reads = { permissions: ['orders:read'] }
    expect((await ask(auth, { headers: bearer(accessToken) }, reads)).code).toBe('accepted')
    const without = createBed()
    const other = await without.auth.issue({ subject: 'ann', permissions: ['clerk'] })
    expect((await ask(without.auth, { headers: bearer(other.accessToken) }, reads)).code).toBe(
      'insufficient_permission',
    )
  },
  trackTokens: async () => {
    expect(await kindsUnder('refresh')).toEqual(['refresh'])
    expect(await kindsUnder('all')).toEqual(['access', 'refresh'])
    await expect(createBed().auth.tokens.list('ann')).rejects.toThrow('set it to "refresh" or "all"')
  },
  clock: async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const late = redeploy(bed, { clock: () => START + HOUR_MS })
    expect(await codeOf(() => late.verify(accessToken))).toBe('token_expired')
  },
}
