import { describe, expect, test } from 'vitest'
import type { Guarding } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError, StoreError } from '../../../src/core/errors.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { RevocationLog } from '../../../src/ports/revocation-log.ts'
import { view } from '../request/view.ts'
import { claimsOf, codeOf, createBed, redeploy, START } from './issuer.ts'

const NAME = '__Host-jotward-access'

const valueOf = (cookies: readonly string[]): string => {
  const own = cookies.find((cookie) => cookie.startsWith(`${NAME}=`)) ?? ''
  return /^[^=]*=([^;]*)/.exec(own)?.[1] ?? ''
}

/** Signed in, with an access cookie of 900 s that may be renewed in its last 300. */
const begin = async (config: Partial<AuthConfig> = {}) => {
  const bed = createBed({ delivery: 'cookie', cookies: { renewWithin: '5m' }, ...config })
  const pair = await bed.auth.issue({ subject: 'ann', permissions: ['a'] })
  bed.events.length = 0
  /** The cookies that come with an accepted request. */
  const renewed = async (
    requirement: Requirement = {},
    token = pair.accessToken,
    auth: Guarding<unknown, string> = bed.auth,
  ) => {
    const verdict = await auth.guard(requirement)(view({ headers: { cookie: `${NAME}=${token}` } }))
    if ('refusal' in verdict) throw new Error(`refused: ${verdict.refusal.code}`)
    return verdict.cookies
  }
  return { ...bed, ...pair, renewed }
}

describe('an access cookie near its end (S3-15, #106)', () => {
  test('is renewed, to the second, with the CSRF value of its session', async () => {
    const { renewed, turn, auth, session, accessToken, events } = await begin()
    turn(599_500)
    expect(await renewed()).toEqual([])
    turn(1000)
    const cookies = await renewed()
    expect(cookies).toHaveLength(2)
    const token = valueOf(cookies)
    expect(claimsOf(token)).toMatchObject({
      sub: 'ann',
      sid: session.id,
      iat: START + 601,
      exp: START + 1501,
      scope: 'a',
    })
    expect(claimsOf(token)['auth_time'], 'no fresher than it was').toBe(claimsOf(accessToken)['auth_time'])
    expect(cookies[1]).toContain(`jotward-csrf=${auth.cookies.csrfToken({ sessionId: session.id, tokenId: '' })}; `)
    expect(await codeOf(() => auth.verify(token))).toBe('accepted')
    expect(events).toEqual([{ type: 'token.renewed', subject: 'ann', tokenId: claimsOf(token)['jti'] }])
  })

  test('is not where nobody asked for that', async () => {
    const { renewed, turn } = await begin({ cookies: {} })
    turn(899_000)
    expect(await renewed()).toEqual([])
  })

  test('is not where it came in a header (#106), nor where it is of no session', async () => {
    const { auth, turn, accessToken, renewed } = await begin()
    const alone = await auth.tokens.sign({ subject: 'ann' })
    turn(899_000)
    const verdict = await auth.guard()(view({ headers: { authorization: `Bearer ${accessToken}` } }))
    expect(verdict).toMatchObject({ principal: { location: 'header' }, cookies: [] })
    expect(await renewed({}, alone.accessToken)).toEqual([])
  })

  test('never outlives its session (S3-15)', async () => {
    const { auth, renewed, turn } = await begin()
    const { accessToken } = await auth.issue({ subject: 'ann', absoluteLifetime: '20m' })
    turn(899_000)
    expect(claimsOf(valueOf(await renewed({}, accessToken)))['exp']).toBe(START + 1200)
  })
})

describe('an access cookie is not renewed (S3-15, #107)', () => {
  test('after its session was signed out, though a copy of the log lags', async () => {
    const { auth, renewed, turn, accessToken, settings } = await begin()
    const { revocations } = settings.store
    const behind = { ...revocations, isRevoked: () => false }
    const lagging = redeploy({ settings }, { store: { ...settings.store, revocations: behind } })
    turn(899_000)
    expect(await renewed({}, accessToken, lagging)).toHaveLength(2)
    await auth.signOut(accessToken)
    expect(await renewed({}, accessToken, lagging)).toEqual([])
  })

  test('after it was revoked by itself, though a copy of the log lags', async () => {
    const { auth, renewed, turn, accessToken, settings } = await begin()
    const principal = await auth.verify(accessToken)
    const behind = { ...settings.store.revocations, isRevoked: () => false }
    const lagging = redeploy({ settings }, { store: { ...settings.store, revocations: behind } })
    await auth.revoke.token(principal)
    turn(899_000)
    expect(await renewed({}, accessToken, lagging)).toEqual([])
  })

  test('where nobody asks whether it is revoked, for the new one would be nobody’s to revoke', async () => {
    const answers = { isRevoked: false }
    const { auth, renewed, turn, accessToken } = await begin({ hooks: { isRevoked: () => answers.isRevoked } })
    const principal = await auth.verify(accessToken)
    answers.isRevoked = true
    turn(899_000)
    expect(await renewed({ revocation: 'skip' }, accessToken)).toEqual([])
    await auth.revoke.token(principal)
    expect(await renewed({ revocation: 'skip' }, accessToken)).toEqual([])
  })

  test('where its store cannot tell, and the request goes on all the same', async () => {
    const { turn, renewed, accessToken, settings, events } = await begin()
    const failure = new StoreError('asking', new Error('connection refused'))
    const answers: readonly RevocationLog['isRevokedAtSource'][] = [
      () => {
        throw failure
      },
      async () => Promise.reject(failure),
      // What types forbid a store may answer all the same.
      (() => undefined) as unknown as RevocationLog['isRevokedAtSource'],
    ]
    turn(899_000)
    for (const isRevokedAtSource of answers) {
      const revocations = { ...settings.store.revocations, isRevokedAtSource }
      const auth = redeploy({ settings }, { store: { ...settings.store, revocations } })
      expect(await renewed({}, accessToken, auth)).toEqual([])
    }
    const told = { type: 'failure', at: 'renewing a cookie', error: failure }
    expect(events).toEqual([told, told])
  })

  test('where a hook fails, which is told, or refuses, which is not', async () => {
    let thrown: Error | null = null
    const claims = () => {
      if (thrown !== null) throw thrown
      return {}
    }
    const { renewed, turn, events } = await begin({ hooks: { claims } })
    turn(899_000)
    thrown = new AuthError('access_denied')
    expect(await renewed()).toEqual([])
    expect(events).toEqual([])
    thrown = new Error('no answer')
    expect(await renewed()).toEqual([])
    expect(events[0]).toMatchObject({ type: 'failure', at: 'hooks.claims' })
  })

  test('with a refusal', async () => {
    const { auth, turn, accessToken } = await begin()
    turn(899_000)
    const request = view({ headers: { cookie: `${NAME}=${accessToken}` } })
    expect(await auth.guard({ permissions: ['b'] })(request)).toMatchObject({ refusal: { cookies: [] } })
    expect(await auth.guard({ check: () => false })(request)).toMatchObject({ refusal: { cookies: [] } })
    turn(10_000)
    expect(await auth.guard()(request)).toMatchObject({ refusal: { code: 'token_expired', cookies: [] } })
    expect(await auth.guard({ optional: 'lenient' })(request)).toEqual({ principal: null, cookies: [] })
  })
})
