import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Sent } from '../exchange.ts'
import { bearer, claimsOf, createBed, post } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'
import { ACCESS, CSRF } from './browser.ts'
import { newBrowser } from './delivering.ts'

/** The register of tokens (S3-7, S3-8, S3-9). */

interface Listed {
  readonly jti: string
  readonly token_type: 'access' | 'refresh'
  readonly subject: string
  readonly revoked: boolean
}

interface Page {
  readonly tokens: readonly Listed[]
  readonly next: string | null
}

type Access = Pick<Pair, 'access_token'>

const at = (path: string, { access_token }: Access): Sent => ({ path, headers: bearer(access_token) })

const put = (path: string, pair: Access): Sent => ({ ...at(path, pair), method: 'PUT' })

const revoke = (jti: string, pair: Access): Sent => put(`/auth/tokens/${jti}/revoke`, pair)
const restore = (jti: string, pair: Access): Sent => put(`/auth/tokens/${jti}/restore`, pair)

const text = (value: unknown): string => z.string().parse(value)

const jtiOf = (token: string): string => text(claimsOf(token)['jti'])
const sidOf = ({ access_token }: Access): string => text(claimsOf(access_token)['sid'])

const list = async (bed: Bed, pair: Access, path = '/auth/tokens'): Promise<readonly Listed[]> =>
  (await bed.succeeds<Page>(at(path, pair))).tokens

const revokedOf = async (bed: Bed, pair: Access, jti: string): Promise<unknown> =>
  (await list(bed, pair)).find((token) => token.jti === jti)?.revoked

const QUERIES_REFUSED = ['limit=0', 'limit=201', 'limit=x', 'limit=1&limit=2', 'subject=x', `after=${'x'.repeat(256)}`]

const lists = (ground: Ground): void => {
  test('lists the tokens of the caller as they were issued, the latest first (S3-7, S3-9, #111)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    await bed.newcomer()
    const now = Math.floor(bed.clock.now)
    const shared = { subject: user.id, session_id: sidOf(pair), issued_at: now, revoked: false }
    expect(await bed.succeeds(at('/auth/tokens', pair))).toEqual({
      tokens: expect.arrayContaining([
        { ...shared, jti: jtiOf(pair.access_token), token_type: 'access', expires_at: now + 900 },
        { ...shared, jti: sidOf(pair), token_type: 'refresh', expires_at: now + 180 * 86_400 },
      ]) as unknown,
      next: null,
    })
    const next = await bed.succeeds<Pair>(bed.refresh(pair))
    const tokens = await list(bed, pair)
    expect([tokens.length, tokens[0]?.jti]).toEqual([3, jtiOf(next.access_token)])
  })

  test('lists a page at a time, each token once', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    for (let count = 0; count < 5; count++) await bed.succeeds(bed.refresh(pair))
    const seen: string[] = []
    let after: string | null = ''
    for (let page = 0; after !== null && page < 10; page++) {
      const query: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`
      const { tokens, next }: Page = await bed.succeeds<Page>(at(`/auth/tokens?limit=3${query}`, pair))
      expect(tokens.length).toBeLessThanOrEqual(3)
      seen.push(...tokens.map(({ jti }) => jti))
      after = next
    }
    expect([seen.length, new Set(seen).size]).toEqual([7, 7])
    expect(seen).toEqual((await list(bed, pair)).map(({ jti }) => jti))
  })

  test('lists those of everybody for who may administer them, and for nobody else (S3-9)', async () => {
    const bed = await createBed(ground)
    const [ann, admin] = [await bed.newcomer(), await bed.newcomer(['tokens:admin'])]
    const subjects = (await list(bed, admin.pair, '/auth/tokens/all')).map(({ subject }) => subject)
    expect(subjects.toSorted()).toEqual([ann.user.id, ann.user.id, admin.user.id, admin.user.id].toSorted())
    const challenge = ', scope="tokens:admin"'
    await bed.refuses(at('/auth/tokens/all', ann.pair), 'insufficient_permission', { challenge })
    await bed.refuses({ path: '/auth/tokens/all' }, 'missing_token')
  })

  test.each(QUERIES_REFUSED)('lists nothing for the query %j', async (query) => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['tokens:admin'])
    for (const path of ['/auth/tokens', '/auth/tokens/all']) {
      expect(await bed.refuses(at(`${path}?${query}`, pair), 'invalid_query')).toHaveLength(1)
    }
  })

  test('lists nothing behind a cursor that was never given out', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer(['tokens:admin'])
    for (const after of ['x', '-1', "' OR 1=1 --", '\u0000']) {
      for (const path of ['/auth/tokens', '/auth/tokens/all']) {
        expect([after, await list(bed, pair, `${path}?after=${encodeURIComponent(after)}`)]).toEqual([after, []])
      }
    }
  })
}

const changes = (ground: Ground): void => {
  test('revokes an access token by itself, and restores it (S3-8, S3-9, #111)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    const jti = jtiOf(pair.access_token)
    expect(await bed.succeeds(revoke(jti, other))).toMatchObject({ jti, token_type: 'access', revoked: true })
    expect([await bed.opens(pair), await bed.opens(other), await revokedOf(bed, other, jti)]).toEqual([
      false,
      true,
      true,
    ])
    await bed.refuses(at('/auth/me', pair), 'token_revoked')
    await bed.succeeds(bed.refresh(pair))
    expect(await bed.succeeds(restore(jti, other))).toMatchObject({ jti, revoked: false })
    expect([await bed.opens(pair), await revokedOf(bed, other, jti)]).toEqual([true, false])
  })

  test('revokes a refresh token with its session, and restores both (S3-8, #111)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    const jti = jtiOf(pair.refresh_token)
    expect(jti).toBe(`${sidOf(pair)}.0`)
    const token = { jti: sidOf(pair), token_type: 'refresh' }
    expect(await bed.succeeds(revoke(jti, other))).toMatchObject({ ...token, revoked: true })
    await bed.refuses(bed.refresh(pair), 'refresh_token_invalid')
    expect([await bed.opens(pair), await bed.opens(other)]).toEqual([false, true])
    expect(await bed.succeeds(restore(sidOf(pair), other))).toMatchObject({ ...token, revoked: false })
    expect(await bed.opens(pair)).toBe(true)
    await bed.succeeds(bed.refresh(pair))
  })

  test('is done again without a change', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    for (const jti of [jtiOf(pair.access_token), sidOf(pair)]) {
      for (let time = 0; time < 2; time++)
        expect(await bed.succeeds(revoke(jti, other))).toMatchObject({ revoked: true })
      for (let time = 0; time < 2; time++)
        expect(await bed.succeeds(restore(jti, other))).toMatchObject({ revoked: false })
    }
    expect(await bed.opens(pair)).toBe(true)
  })

  test('does not restore what was signed out, and says so (S3-8)', async () => {
    const bed = await createBed(ground)
    const { user, pair } = await bed.newcomer()
    const other = await bed.signIn(user)
    await bed.succeeds(post('/auth/signout', { refresh_token: pair.refresh_token }), 204)
    for (const jti of [sidOf(pair), jtiOf(pair.access_token)]) await bed.refuses(restore(jti, other), 'not_restorable')
    expect(await bed.opens(pair)).toBe(false)
    await bed.refuses(bed.refresh(pair), 'refresh_token_invalid')
  })

  test('revokes the token in use at once', async () => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    await bed.succeeds(revoke(jtiOf(pair.access_token), pair))
    await bed.refuses(restore(jtiOf(pair.access_token), pair), 'token_revoked')
  })
}

const others = (ground: Ground): void => {
  test('knows tokens of others no more than those that never were, but for who may administer them (S3-9, N152)', async () => {
    const bed = await createBed(ground)
    const [ann, bob] = [await bed.newcomer(), await bed.newcomer()]
    const admin = await bed.newcomer(['tokens:admin'])
    const foreign = [jtiOf(ann.pair.access_token), jtiOf(ann.pair.refresh_token), sidOf(ann.pair)]
    for (const jti of [...foreign, 'unknown', '__proto__', 'x'.repeat(255)]) {
      await bed.refuses(revoke(jti, bob.pair), 'not_found')
      await bed.refuses(restore(jti, bob.pair), 'not_found')
    }
    expect(await bed.opens(ann.pair)).toBe(true)
    const [jti = ''] = foreign
    await bed.succeeds(revoke(jti, admin.pair))
    expect([await bed.opens(ann.pair), await bed.opens(bob.pair)]).toEqual([false, true])
    await bed.refuses(restore(jti, bob.pair), 'not_found')
    await bed.succeeds(restore(jti, admin.pair))
    expect(await bed.opens(ann.pair)).toBe(true)
  })

  test('keeps refresh tokens alone where only those are tracked (S3-7)', async () => {
    const bed = await createBed(ground, { config: { trackTokens: 'refresh' } })
    const { pair } = await bed.newcomer()
    expect((await list(bed, pair)).map(({ token_type }) => token_type)).toEqual(['refresh'])
    await bed.refuses(revoke(jtiOf(pair.access_token), pair), 'not_found')
    await bed.succeeds(revoke(sidOf(pair), pair))
    expect(await bed.opens(pair)).toBe(false)
  })

  test('takes cookies with their value (N080), and renews none that it revokes (#107)', async () => {
    const cookies = { renewWithin: '14m' } as const
    const bed = await createBed(ground, { config: { delivery: 'cookie', cookies } })
    const { browser } = await newBrowser(bed)
    bed.clock.now += 300
    const jti = jtiOf(browser.valueOf(ACCESS))
    const sent = { method: 'PUT', path: `/auth/tokens/${jti}/revoke` }
    await browser.refuses(sent, 'csrf_failed', { csrf: null })
    await browser.refuses(sent, 'csrf_failed', { site: 'cross-site' })
    expect(jtiOf(browser.valueOf(ACCESS))).toBe(jti)
    await browser.succeeds(sent)
    expect([jtiOf(browser.valueOf(ACCESS)), await browser.isIn()]).toEqual([jti, false])
  })
}

const renewals = (ground: Ground): void => {
  const RENEWING = { config: { delivery: 'cookie', cookies: { renewWithin: '14m' } } } as const

  test('are sent with the answer of an endpoint that is guarded (S3-15)', async () => {
    const bed = await createBed(ground, RENEWING)
    const { browser } = await newBrowser(bed)
    const [jti, value] = [jtiOf(browser.valueOf(ACCESS)), browser.valueOf(CSRF)]
    bed.clock.now += 300
    await browser.succeeds({ path: '/auth/me' })
    expect([jtiOf(browser.valueOf(ACCESS)) === jti, browser.valueOf(CSRF)]).toEqual([false, value])
  })

  test('never go with a refusal, nor against what the endpoint sets itself (#107, #115)', async () => {
    const bed = await createBed(ground, RENEWING)
    const { browser } = await newBrowser(bed)
    const jti = jtiOf(browser.valueOf(ACCESS))
    bed.clock.now += 300
    await browser.refuses({ method: 'DELETE', path: '/auth/sessions/unknown' }, 'not_found')
    expect(jtiOf(browser.valueOf(ACCESS))).toBe(jti)
    const sid = text(claimsOf(browser.valueOf(ACCESS))['sid'])
    await browser.succeeds({ method: 'DELETE', path: `/auth/sessions/${sid}` }, { status: 204 })
    expect(browser.names()).toEqual([])
  })
}

export const registerScenarios = (ground: Ground): void => {
  describe('the register of tokens', () => {
    lists(ground)
    changes(ground)
    others(ground)
  })

  describe('renewed cookies', () => {
    renewals(ground)
  })
}
