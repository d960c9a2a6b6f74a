import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AuthConfig } from '../../../src/auth-config.ts'
import type { ClaimsContext } from '../../../src/core/hooks.ts'
import type { SignOptions } from '../../../src/core/session/sign-alone.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import { bearer, outcomeOf } from '../request/view.ts'
import { noise } from '../token/fixtures.ts'
import { AUDIENCE, claimsOf, codeOf, createBed, ISSUER, problemsOf, START } from './issuer.ts'

const YEAR = 365 * 86_400

const sign = (options: Omit<SignOptions, 'subject'> = {}, config: Partial<AuthConfig> = {}) =>
  createBed(config).auth.tokens.sign({ subject: 'ann', ...options })

describe('a token signed alone (S2-3)', () => {
  test('says what every access token says, but that it is of no session and not fresh', async () => {
    const { accessToken, tokenId, sessionId, expiresIn, permissions } = await sign()
    expect([sessionId, expiresIn, permissions]).toEqual([null, 900, []])
    expect(claimsOf(accessToken)).toEqual({
      iss: ISSUER,
      sub: 'ann',
      aud: AUDIENCE,
      client_id: ISSUER,
      exp: START + 900,
      iat: START,
      jti: tokenId,
      stamp: [0, 0],
    })
    expect(decodeUnverified(accessToken).header).toMatchObject({ alg: 'HS256', typ: 'at+jwt' })
  })

  test.each<readonly [options: Omit<SignOptions, 'subject'>, claims: object]>([
    [{ permissions: ['a', 'b:*'] }, { scope: 'a b:*' }],
    [{ claims: { desk: 4 } }, { desk: 4 }],
    [{ audience: 'https://x.example' }, { aud: 'https://x.example' }],
    [{ audience: ['https://x.example', 'y'] }, { aud: ['https://x.example', 'y'] }],
    [{ clientId: 'cron' }, { client_id: 'cron' }],
    [{ lifetime: '5m' }, { exp: START + 300 }],
    [{ lifetime: 1 }, { exp: START + 1 }],
    [{ lifetime: '1h' }, { exp: START + 3600 }],
    [{ fresh: true }, { auth_time: START }],
  ])('with %j claims %j', async (options, claims) => {
    expect(claimsOf((await sign(options)).accessToken)).toMatchObject(claims)
  })

  test('has further members of the header, which the header’s own are not among', async () => {
    const { accessToken } = await sign({ headers: { trace: 'x', nested: { a: [1] } } })
    expect(decodeUnverified(accessToken).header).toMatchObject({ trace: 'x', nested: { a: [1] }, typ: 'at+jwt' })
    for (const name of ['alg', 'kid', 'typ', 'cty', 'crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip', 'enc']) {
      expect(await problemsOf(() => sign({ headers: { [name]: 'x' } }))).toEqual([
        `headers: ${name} cannot be set in the header of a token`,
      ])
    }
  })

  test('is fresh, and accepted, where it says so', async () => {
    const { auth } = createBed()
    const fresh = auth.guard({ fresh: 'login' })
    const { accessToken: stale } = await auth.tokens.sign({ subject: 'ann' })
    const { accessToken } = await auth.tokens.sign({ subject: 'ann', fresh: true })
    expect(await outcomeOf(fresh, bearer(stale))).toBe('reauthentication_required')
    expect(await outcomeOf(fresh, bearer(accessToken))).toBe('ann')
  })

  test('dies with its subject and with everything, and lives on beside both', async () => {
    const { auth } = createBed()
    const token = async () => (await auth.tokens.sign({ subject: 'ann' })).accessToken
    const [first, second] = [await token(), await token()]
    await auth.revoke.token(await auth.verify(first))
    expect(await codeOf(() => auth.verify(first))).toBe('token_revoked')
    expect(await codeOf(() => auth.verify(second))).toBe('accepted')
    await auth.revoke.subject('ann')
    expect(await codeOf(() => auth.verify(second))).toBe('token_revoked')
    const third = await token()
    expect(await codeOf(() => auth.verify(third))).toBe('accepted')
    await auth.revoke.everything()
    expect(await codeOf(() => auth.verify(third))).toBe('token_revoked')
    const fourth = await token()
    await auth.signOut(fourth)
    expect(await codeOf(() => auth.verify(fourth))).toBe('token_revoked')
  })

  test('asks the hooks, as a token alone', async () => {
    const told: ClaimsContext[] = []
    const secret = noise('the next secret')
    const config: Partial<AuthConfig> = {
      keys: { secret: noise('the secret'), nextSecrets: [secret] },
      hooks: {
        claims: (context) => {
          told.push(context)
          return { claims: { desk: 9 }, permissions: ['z'] }
        },
        headers: async () => ({ trace: 'hook', region: 'eu' }),
      },
    }
    const { accessToken, permissions } = await sign({ headers: { trace: 'own' }, permissions: ['a'] }, config)
    expect(permissions).toEqual(['z'])
    expect(claimsOf(accessToken)).toMatchObject({ desk: 9, scope: 'z' })
    expect(decodeUnverified(accessToken).header).toMatchObject({ trace: 'own', region: 'eu' })
    expect(told).toEqual([
      { reason: 'alone', subject: 'ann', sessionId: null, claims: {}, permissions: ['a'], refreshData: null },
    ])
  })

  test('fits the schema of the claims or is not made', async () => {
    const { auth } = createBed<{ desk: number }>({ accessToken: { claims: z.object({ desk: z.number() }) } })
    expect((await auth.tokens.sign({ subject: 'ann', claims: { desk: 4 } })).expiresIn).toBe(900)
    expect(await problemsOf(() => auth.tokens.sign({ subject: 'ann', claims: { desk: '4' } }))).toHaveLength(1)
    expect(await problemsOf(() => auth.tokens.sign({ subject: 'ann' }))).toHaveLength(1)
  })

  test.each<readonly [options: object, sentence: string]>([
    [{ lifetime: '5 min' }, 'lifetime: must be a duration like "15m", of at most accessToken.longestLifetime (3600 s)'],
    [{ lifetime: 0 }, 'lifetime: must be a duration'],
    [{ lifetime: 3601 }, 'lifetime: must be a duration'],
    [{ lifetime: -1 }, 'lifetime: must be a duration'],
    [{ lifetime: false }, 'lifetime: must be a duration'],
    [{ lifetime: null }, 'lifetime: is null, which needs accessToken.dangerouslyAllowNoExpiry'],
    [{ audience: [] }, 'audience: must be a string'],
    [{ audience: ['a', ''] }, 'audience: must be a string'],
    [{ clientId: 'a\nb' }, 'clientId: must be a string'],
    [{ fresh: 'yes' }, 'fresh: must be true or false'],
    [{ permissions: ['a b'] }, 'permissions: "a b" is not a permission'],
    [{ permissions: 'a' }, 'permissions: must be a list of permissions'],
    [{ claims: { sub: 'root' } }, 'claims: sub cannot be custom claims'],
    [{ claims: { exp: 1 } }, 'claims: exp cannot be custom claims'],
    [{ claims: { when: new Date(0) } }, 'claims: must be an object of JSON values'],
    [{ headers: [] }, 'headers: must be an object of JSON values'],
    [{ expires: '5m' }, 'expires: is not a setting'],
    [{ refreshData: 1 }, 'refreshData: is not a setting'],
  ])('cannot be with %j', async (options, sentence) => {
    // What the types forbid arrives from JavaScript all the same.
    const sentences = await problemsOf(() => sign(options))
    expect(sentences.join('\n')).toContain(sentence)
  })

  test.each([undefined, null, '', 'a\0b', 7, 'x'.repeat(256)])('cannot be for the subject %j', async (subject) => {
    const options = { subject } as SignOptions
    expect(await problemsOf(() => createBed().auth.tokens.sign(options))).toHaveLength(1)
  })
})

describe('a token that never expires by itself (S2-12, #45)', () => {
  const config = { accessToken: { dangerouslyAllowNoExpiry: true } }

  const begin = async (more: Partial<AuthConfig> = {}) => {
    const bed = createBed({ ...config, ...more })
    return { ...bed, ...(await bed.auth.tokens.sign({ subject: 'ann', lifetime: null })) }
  }

  test('has no exp, and is accepted for a year and no longer', async () => {
    const { auth, accessToken, expiresIn, turn } = await begin()
    expect(expiresIn).toBeNull()
    expect(claimsOf(accessToken)).not.toHaveProperty('exp')
    expect(await auth.verify(accessToken)).toMatchObject({ expiresAt: null })
    turn((YEAR - 1) * 1000)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('accepted')
    turn(1000)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_expired')
  })

  test('stays revoked for as long as it would be accepted', async () => {
    const { auth, accessToken, turn } = await begin()
    await auth.revoke.token(await auth.verify(accessToken))
    for (const days of [1, 30, 300, 33]) {
      turn(days * 86_400_000)
      // Much is written, so that what has expired is forgotten.
      for (let index = 0; index < 600; index++) await auth.revoke.token({ tokenId: `${days}-${index}`, subject: 'bob' })
      expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
    }
    const other = await begin()
    await other.auth.revoke.subject('ann')
    other.turn((YEAR - 1) * 1000)
    expect(await codeOf(() => other.auth.verify(other.accessToken))).toBe('token_revoked')
  })

  test('is registered without an end', async () => {
    const { auth, tokenId } = await begin({ trackTokens: 'all' })
    expect(await auth.tokens.get(tokenId)).toMatchObject({ expiresAt: null, sessionId: null })
  })

  test('is refused where that is not allowed (any more)', async () => {
    const { accessToken, settings } = await begin()
    const { auth } = createBed({ ...settings, accessToken: {} })
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_invalid')
  })

  test('lets no other token pass: what has an exp is held to it', async () => {
    const { auth, turn } = await begin()
    const { accessToken } = await auth.issue({ subject: 'ann' })
    turn(905_000)
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_expired')
  })

  test('is allowed by nothing but true', async () => {
    const wrong = { accessToken: { dangerouslyAllowNoExpiry: 'yes' as unknown as boolean } }
    expect(await problemsOf(() => createBed(wrong))).toEqual([
      'accessToken.dangerouslyAllowNoExpiry: must be true or false',
    ])
  })
})

describe('verifying a token alone (S3-13, #47)', () => {
  test('gives header and claims, and asks nobody about revocation', async () => {
    const { auth } = createBed()
    const { accessToken, tokenId } = await auth.tokens.sign({ subject: 'ann' })
    await auth.revoke.subject('ann')
    expect(await auth.tokens.verify(accessToken)).toMatchObject({
      header: { typ: 'at+jwt' },
      claims: { sub: 'ann', jti: tokenId },
    })
  })

  test('takes an expired one where it is told to, and lets nothing else pass', async () => {
    const { auth, turn, settings } = createBed()
    const { accessToken } = await auth.tokens.sign({ subject: 'ann' })
    const other = createBed({ ...settings, audience: 'https://x.example' })
    const { accessToken: foreign } = await other.auth.tokens.sign({ subject: 'ann' })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    turn(3_600_000)
    const outcome = (token: string) => codeOf(() => auth.tokens.verify(token, { allowExpired: true }))
    expect(await codeOf(() => auth.tokens.verify(accessToken))).toBe('token_expired')
    expect(await codeOf(() => auth.tokens.verify(accessToken, { allowExpired: false }))).toBe('token_expired')
    expect(await outcome(accessToken)).toBe('accepted')
    expect(await outcome(foreign)).toBe('token_invalid')
    expect(await outcome(refreshToken)).toBe('token_invalid')
    expect(await outcome(`${accessToken}x`)).toBe('token_invalid')
    turn(-7_200_000)
    expect(await outcome(accessToken)).toBe('token_not_yet_valid')
  })
})
