import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { withCredential } from '../../../src/core/request/credential.ts'
import type { Credential } from '../../../src/core/request/credential.ts'
import type { Principal } from '../../../src/core/request/principal.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import { generateJwk } from '../../../src/index.ts'
import type { Spending } from '../../../src/ports/single-use.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { fragileStore } from '../../conformance/fragile-store.ts'
import { START_MS } from '../../stores/stores-under-test.ts'
import { noise } from '../token/fixtures.ts'
import { claimsOf, codeOf, createBed, problemsOf, redeploy } from './issuer.ts'

const signIn = async (config: Partial<AuthConfig> = {}) => {
  const bed = createBed(config)
  const pair = await bed.auth.issue({ subject: 'ann', permissions: ['orders:read'], claims: { desk: 7 } })
  const principal = await bed.auth.verify(pair.accessToken)
  return { ...bed, pair, principal, issue: () => bed.auth.tickets.issue(principal) }
}

const request = (credential: Credential | null): RequestView => {
  const view: RequestView = {
    method: 'GET',
    path: '/',
    parameter: () => null,
    header: () => null,
    query: () => [],
    body: () => null,
  }
  return credential === null ? view : withCredential(view, credential)
}

describe('a ticket', () => {
  test('is worth what its token is worth, by its principal or by the token itself', async () => {
    const { auth, pair, principal } = await signIn()
    for (const caller of [principal, pair.accessToken]) {
      const { ticket, expiresIn } = await auth.tickets.issue(caller)
      expect(expiresIn).toBe(30)
      const redeemed = await auth.tickets.redeem(ticket)
      expect(redeemed).toEqual({ ...principal, can: expect.any(Function) as unknown })
      expect([redeemed.can('orders:read'), redeemed.can('orders:write')]).toEqual([true, false])
    }
  })

  test('is redeemed once, whatever races', async () => {
    const { auth, issue } = await signIn()
    const { ticket } = await issue()
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(() => auth.tickets.redeem(ticket))))
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1)
    expect(new Set(codes)).toEqual(new Set(['accepted', 'token_invalid']))
  })

  test('stays spent for as long as any process would take it', async () => {
    const spendings: Spending[] = []
    const store = memoryStore({ now: () => START_MS })
    const spend = async (use: Spending) => {
      spendings.push(use)
      return store.singleUse.spend(use)
    }
    const { auth, issue } = await signIn({ store: { ...store, singleUse: { spend } } })
    const { ticket } = await issue()
    await auth.tickets.redeem(ticket)
    const [use] = spendings
    expect([use?.subject, use?.retention]).toEqual(['ann', 631])
    // A sharded store finds the place of an identifier from its beginning.
    expect(use?.id).toBe(`${claimsOf(ticket)['jti'] as string}.ticket`)
  })

  test('expires after 30 seconds, and never later than its token', async () => {
    const { auth, issue, turn } = await signIn({ accessToken: { clockTolerance: 0 } })
    const { ticket } = await issue()
    turn(29_000)
    const late = await issue()
    expect(await codeOf(() => auth.tickets.redeem(ticket))).toBe('accepted')
    turn(30_000)
    expect(await codeOf(() => auth.tickets.redeem(late.ticket))).toBe('token_expired')
    turn((900 - 59 - 10) * 1000)
    const last = await issue()
    expect(last.expiresIn).toBe(10)
    turn(10_000)
    expect(await codeOf(() => auth.tickets.redeem(last.ticket))).toBe('token_expired')
    expect(await codeOf(issue)).toBe('token_expired')
  })

  test.each([
    ['its token is revoked', ({ auth, principal }: Awaited<ReturnType<typeof signIn>>) => auth.revoke.token(principal)],
    ['its session ends', ({ auth, pair }: Awaited<ReturnType<typeof signIn>>) => auth.signOut(pair.accessToken)],
    ['its subject is revoked', ({ auth }: Awaited<ReturnType<typeof signIn>>) => auth.revoke.subject('ann')],
    ['everything is revoked', ({ auth }: Awaited<ReturnType<typeof signIn>>) => auth.revoke.everything()],
  ])('dies when %s, and there is no other one', async (_what, revoke) => {
    const bed = await signIn()
    const { ticket } = await bed.issue()
    await revoke(bed)
    expect(await codeOf(() => bed.auth.tickets.redeem(ticket))).toBe('token_revoked')
    expect(await codeOf(bed.issue)).toBe('token_revoked')
    expect(await codeOf(() => bed.auth.tickets.issue(bed.pair.accessToken))).toBe('token_revoked')
  })

  test('is asked about in a list of the application’s own', async () => {
    const state = { isRevoked: false }
    const { auth, issue } = await signIn({ hooks: { isRevoked: () => state.isRevoked } })
    const { ticket } = await issue()
    state.isRevoked = true
    expect(await codeOf(() => auth.tickets.redeem(ticket))).toBe('token_revoked')
    expect(await codeOf(issue)).toBe('token_revoked')
  })

  test('is no access token, and no access or refresh token is one (RFC 8725 §3.11)', async () => {
    const { auth, pair, issue } = await signIn()
    const { ticket } = await issue()
    expect(decodeUnverified(ticket).header).toMatchObject({ typ: 'ticket+jwt', alg: 'HS256' })
    expect(await codeOf(() => auth.verify(ticket))).toBe('token_invalid')
    expect(await codeOf(() => auth.refresh(ticket))).toBe('refresh_token_invalid')
    expect(await codeOf(() => auth.signOut(ticket))).toBe('token_invalid')
    for (const token of [pair.accessToken, pair.refreshToken, 'a.b.c', '']) {
      expect(await codeOf(() => auth.tickets.redeem(token))).toBe('token_invalid')
    }
    expect(await codeOf(() => auth.tickets.redeem(ticket))).toBe('accepted')
  })

  test('is of a key of its own, which goes with the secret of refresh tokens', async () => {
    const bed = createBed({ keys: { current: generateJwk('ES256') }, refreshToken: { secret: noise('one') } })
    const { accessToken, refreshToken } = await bed.auth.issue({ subject: 'ann' })
    const { ticket } = await bed.auth.tickets.issue(accessToken)
    const kids = [accessToken, refreshToken, ticket].map((token) => decodeUnverified(token).header.kid)
    expect(new Set(kids).size).toBe(3)
    const rotated = redeploy(bed, { refreshToken: { secret: noise('two'), previousSecrets: [noise('one')] } })
    expect(await codeOf(() => rotated.tickets.redeem(ticket))).toBe('accepted')
    const { ticket: another } = await bed.auth.tickets.issue(accessToken)
    const replaced = redeploy(bed, { refreshToken: { secret: noise('two') } })
    expect(await codeOf(() => replaced.tickets.redeem(another))).toBe('token_invalid')
  })

  test('is taken by no other issuer, and by no service of another audience', async () => {
    const bed = await signIn({ audience: ['https://a.example.com', 'https://b.example.com'] })
    const { ticket } = await bed.issue()
    for (const changes of [
      { issuer: 'https://other.example.com' },
      { audience: ['https://b.example.com'] },
      { audience: ['https://a.example.com', 'https://b.example.com', 'https://c.example.com'] },
    ]) {
      expect(await codeOf(() => redeploy(bed, changes).tickets.redeem(ticket))).toBe('token_invalid')
    }
    const same = redeploy(bed, { audience: ['https://b.example.com', 'https://a.example.com'] })
    expect(await codeOf(() => same.tickets.redeem(ticket))).toBe('accepted')
    const other = createBed({ issuer: 'https://other.example.com' })
    expect(await codeOf(() => other.auth.tickets.issue(bed.principal))).toBe('token_invalid')
  })

  test('carries claims through their schema, where they can be written down again', async () => {
    const plain = createBed({ accessToken: { claims: z.object({ desk: z.number() }) } })
    const one = await plain.auth.issue({ subject: 'ann', claims: { desk: 7 } })
    const { ticket } = await plain.auth.tickets.issue(await plain.auth.verify(one.accessToken))
    const redeemed = await plain.auth.tickets.redeem(ticket)
    expectTypeOf(redeemed).toEqualTypeOf<Principal<{ desk: number }>>()
    expect(redeemed.claims).toEqual({ desk: 7 })
  })

  test.each([
    ['a date', z.object({ since: z.iso.date().transform((day) => new Date(day)) }), { since: '2020-02-29' }],
    ['a map', z.object({ since: z.string() }).transform((claims) => new Map(Object.entries(claims))), { since: 'x' }],
    ['another value each time', z.object({ since: z.string().transform((text) => `${text}!`) }), { since: 'x' }],
    [
      'a date, once it is written in full,',
      z.object({ since: z.string().transform((text) => (text === 'x' ? new Date(0).toJSON() : new Date(text))) }),
      { since: 'x' },
    ],
  ])('needs the token itself where a schema makes %s of claims', async (_what, claims, given) => {
    const { auth } = createBed<unknown>({ accessToken: { claims } })
    const { accessToken } = await auth.issue({ subject: 'ann', claims: given })
    const principal = await auth.verify(accessToken)
    expect(await problemsOf(() => auth.tickets.issue(principal))).toEqual([
      'principal: has claims that accessToken.claims makes of others; give the access token instead',
    ])
    const { ticket } = await auth.tickets.issue(accessToken)
    expect((await auth.tickets.redeem(ticket)).claims).toEqual(principal.claims)
  })

  test('is for access tokens alone', async () => {
    const { auth, pair } = await signIn()
    const verdict = await auth.guard({ token: 'refresh' })({
      ...request(null),
      header: () => `Bearer ${pair.refreshToken}`,
    })
    const caller = 'principal' in verdict ? verdict.principal : null
    if (caller === null) throw new Error('there is a caller')
    expect(await codeOf(() => auth.tickets.issue(caller))).toBe('wrong_token_type')
    expect(await codeOf(() => auth.tickets.issue(pair.refreshToken))).toBe('token_invalid')
  })

  test('of a token that never expires by itself lives as long as any', async () => {
    const { auth } = createBed({ accessToken: { dangerouslyAllowNoExpiry: true } })
    const { accessToken } = await auth.tokens.sign({ subject: 'bot', lifetime: null })
    const { ticket, expiresIn } = await auth.tickets.issue(accessToken)
    expect([expiresIn, (await auth.tickets.redeem(ticket)).expiresAt]).toEqual([30, null])
  })

  test('of the longest and deepest token that guards take is taken too', async () => {
    const { auth } = createBed({ accessToken: { maxBytes: 2_000 } })
    const deep = JSON.parse(`${'['.repeat(31)}${']'.repeat(31)}`) as []
    const issue = (length: number) =>
      auth.issue({ subject: 'ann', claims: { deep, text: 'x'.repeat(length) } }).catch(() => null)
    let longest = null
    for (let length = 800; length < 1_500; length += 1) longest = (await issue(length)) ?? longest
    const accessToken = longest?.accessToken ?? ''
    expect(accessToken.length).toBeGreaterThan(1_900)
    const { ticket } = await auth.tickets.issue(accessToken)
    expect(await codeOf(() => auth.tickets.redeem(ticket))).toBe('accepted')
  })

  test('is not redeemed where the store cannot tell whether it was spent', async () => {
    const fragile = fragileStore(() => START_MS)
    const { auth, issue } = await signIn({ store: fragile.store })
    const { ticket } = await issue()
    fragile.break()
    await expect(auth.tickets.redeem(ticket)).rejects.toThrow('The store failed at')
    await expect(issue()).rejects.toThrow('The store failed at')
    fragile.mend()
    expect(await codeOf(() => auth.tickets.redeem(ticket))).toBe('accepted')
    const store = memoryStore({ now: () => START_MS })
    const odd = await signIn({ store: { ...store, singleUse: { spend: () => 'yes' as never } } })
    const { ticket: another } = await odd.issue()
    expect(await codeOf(() => odd.auth.tickets.redeem(another))).toBe('token_invalid')
  })
})

const verdictOf = async (bed: Awaited<ReturnType<typeof signIn>>, credential: Credential, requirement = {}) => {
  const verdict = await bed.auth.guard(requirement)(request(credential))
  return 'refusal' in verdict ? verdict.refusal.code : (verdict.principal?.subject ?? null)
}

describe('a guard that is handed a credential', () => {
  test('judges it as any other, and finds none where it is handed none', async () => {
    const bed = await signIn()
    const token = { kind: 'token', token: bed.pair.accessToken, others: 'refuse' } as const
    expect(await verdictOf(bed, token)).toBe('ann')
    expect(await verdictOf(bed, token, { permissions: ['orders:write'] })).toBe('insufficient_permission')
    expect(await verdictOf(bed, { kind: 'ticket', others: 'refuse', ...(await bed.issue()) })).toBe('ann')
    expect(await verdictOf(bed, { kind: 'failure', failure: new Error('gone') })).toBe('store_unavailable')
    const none = await bed.auth.guard()(request(null))
    expect('refusal' in none && none.refusal.code).toBe('missing_token')
  })

  test('is handed none by what a caller could write', async () => {
    const bed = await signIn()
    const written = JSON.parse('{"credential":{"kind":"token"},"Symbol(credential)":{"kind":"token"}}') as object
    const verdict = await bed.auth.guard()({ ...request(null), ...written })
    expect('refusal' in verdict && verdict.refusal.code).toBe('missing_token')
  })

  test('asks the revocation that the route asks', async () => {
    const asked: string[] = []
    const store = memoryStore({ now: () => START_MS })
    const isRevoked = () => {
      asked.push('usual')
      return false
    }
    const isRevokedAtSource = () => {
      asked.push('source')
      return false
    }
    const bed = await signIn({
      store: { ...store, revocations: { ...store.revocations, isRevoked, isRevokedAtSource } },
    })
    for (const revocation of ['skip', 'strict'] as const) {
      const { ticket } = await bed.issue()
      asked.length = 0
      expect(await verdictOf(bed, { kind: 'ticket', ticket, others: 'refuse' }, { revocation })).toBe('ann')
      expect(asked).toEqual(revocation === 'skip' ? [] : ['source'])
    }
  })

  test('takes no ticket where a refresh token is due', async () => {
    const bed = await signIn()
    const { ticket } = await bed.issue()
    expect(await verdictOf(bed, { kind: 'ticket', ticket, others: 'refuse' }, { token: 'refresh' })).toBe(
      'wrong_token_type',
    )
  })

  test('refuses a ticket whose token was revoked meanwhile', async () => {
    const bed = await signIn()
    const { ticket } = await bed.issue()
    await bed.auth.signOut(bed.pair.accessToken)
    expect(await verdictOf(bed, { kind: 'ticket', ticket, others: 'refuse' })).toBe('token_revoked')
  })

  test('under a lenient route lets a bad ticket pass as anonymous, and a forbidden one not', async () => {
    const bed = await signIn()
    const lenient = { optional: 'lenient' }
    expect(await verdictOf(bed, { kind: 'ticket', ticket: 'a.b.c', others: 'refuse' }, lenient)).toBeNull()
    const { ticket } = await bed.issue()
    const forbidden = { ...lenient, permissions: ['orders:write'] }
    expect(await verdictOf(bed, { kind: 'ticket', ticket, others: 'refuse' }, forbidden)).toBe(
      'insufficient_permission',
    )
  })

  test('tells a hook for refusals of the claims of its token', async () => {
    const seen: unknown[] = []
    const on = {
      insufficient_permission: ({ claims }: { readonly claims: unknown }) => {
        seen.push(claims)
        return {}
      },
    }
    const bed = await signIn({ errors: { on } })
    await verdictOf(bed, { kind: 'token', token: bed.pair.accessToken, others: 'refuse' }, { permissions: ['x'] })
    expect(seen).toMatchObject([{ sub: 'ann', desk: 7 }])
  })
})
