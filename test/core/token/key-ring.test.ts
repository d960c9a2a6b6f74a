import { describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { Session } from '../../../src/core/session/session.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { importJwks, publicJwks } from '../../../src/core/token/jwks.ts'
import { signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { resolveKeys } from '../../../src/core/token/key-ring.ts'
import type { KeyRing, KeysConfig } from '../../../src/core/token/key-ring.ts'
import { signRefreshToken, verifyRefreshToken } from '../../../src/core/token/refresh-token.ts'
import { codeOf, noise } from './fixtures.ts'

type Secrets = Parameters<typeof resolveKeys>[1]

const ring = (config: KeysConfig, refresh: Secrets = {}): KeyRing => {
  const keys = resolveKeys(config, refresh)
  if ('problems' in keys) throw new Error(JSON.stringify(keys.problems))
  return keys
}

/** What is wrong with keys, whatever their types forbid. */
const problems = (config: unknown, refresh: Secrets = {}): readonly string[] => {
  const keys = resolveKeys(config as KeysConfig, refresh)
  return 'problems' in keys ? keys.problems.map(({ path, problem }) => `${path}: ${problem}`) : []
}

const kidsOf = ({ keys }: KeyRing['verifying']): readonly string[] => keys.map(({ kid }) => kid)

const sign = (key: KeyRing['signing'], typ = 'at+jwt'): string => signJws({ header: { typ }, payload: { a: 1 }, key })

const OLD = noise('old')
const NEW = noise('new')
const [JWK_1, JWK_2, JWK_3] = [generateJwk('EdDSA'), generateJwk('ES256'), generateJwk('EdDSA')] as const
const publicHalf = ({ d: _d, ...jwk }: typeof JWK_1) => jwk

describe('a secret', () => {
  test('signs and verifies, as HS256 unless told otherwise', () => {
    const keys = ring({ secret: NEW })
    expect(keys.signing.algorithm).toBe('HS256')
    expect(verifyJws(sign(keys.signing), keys.verifying).claims).toEqual({ a: 1 })
    expect(ring({ secret: noise('long', 64), algorithm: 'HS512' }).signing.algorithm).toBe('HS512')
  })

  test('is the same key as text and as bytes, and has the same kid everywhere', () => {
    const text = noise('text').toString('base64url')
    expect(ring({ secret: text }).signing.kid).toBe(ring({ secret: Buffer.from(text) }).signing.kid)
    expect(ring({ secret: text }).refresh.signing.kid).toBe(ring({ secret: Buffer.from(text) }).refresh.signing.kid)
  })

  test('that went before still verifies and does not sign', () => {
    const before = ring({ secret: OLD })
    const after = ring({ secret: NEW, previousSecrets: [OLD] })
    expect(verifyJws(sign(before.signing), after.verifying).claims).toEqual({ a: 1 })
    expect(after.signing.kid).toBe(ring({ secret: NEW }).signing.kid)
    expect(codeOf(() => verifyJws(sign(before.signing), ring({ secret: NEW }).verifying))).toBe('token_invalid')
  })

  test('that comes next verifies already and does not sign yet', () => {
    const before = ring({ secret: OLD, nextSecrets: [NEW] })
    const after = ring({ secret: NEW, previousSecrets: [OLD] })
    expect(before.signing.kid).toBe(ring({ secret: OLD }).signing.kid)
    expect(verifyJws(sign(after.signing), before.verifying).claims).toEqual({ a: 1 })
    expect(before.refresh.signingFor(after.refresh.signing.kid).kid).toBe(after.refresh.signing.kid)
    const [own, next] = [noise('own'), noise('next own')]
    const given = ring({ secret: OLD }, { secret: own, nextSecrets: [next] })
    expect(kidsOf(given.refresh.verifying)).toEqual([own, next].map((secret) => ring({ secret }).signing.kid))
  })

  test('is published nowhere', () => {
    const secrets = { secret: NEW, previousSecrets: [OLD], nextSecrets: [noise('next')] }
    expect(publicJwks(ring(secrets).verifying.keys)).toEqual({ keys: [] })
  })
})

describe('the keys of refresh tokens', () => {
  test('are others than those of access tokens: neither kind verifies as the other (RFC 8725 §3.11, N051, N052)', () => {
    const keys = ring({ secret: NEW, previousSecrets: [OLD] })
    expect(kidsOf(keys.refresh.verifying)).toHaveLength(2)
    expect(kidsOf(keys.refresh.verifying).filter((kid) => kidsOf(keys.verifying).includes(kid))).toEqual([])
    const [access, refresh] = [sign(keys.signing, 'rt+jwt'), sign(keys.refresh.signing, 'at+jwt')]
    expect(codeOf(() => verifyJws(access, keys.refresh.verifying))).toBe('token_invalid')
    expect(codeOf(() => verifyJws(refresh, keys.verifying))).toBe('token_invalid')
    // Even where the kid is forged, the bytes of the keys differ.
    const forged = sign({ ...keys.signing, kid: keys.refresh.signing.kid }, 'rt+jwt')
    expect(codeOf(() => verifyJws(forged, keys.refresh.verifying))).toBe('token_invalid')
  })

  test('are HS256, whatever signs access tokens', () => {
    const secret = noise('long', 64)
    expect(ring({ secret, algorithm: 'HS512' }).refresh.signing.algorithm).toBe('HS256')
    expect(ring({ current: JWK_1 }, { secret: NEW }).refresh.signing.algorithm).toBe('HS256')
  })

  test('are derived from keys.secret and from each one before it', () => {
    const before = ring({ secret: OLD })
    const after = ring({ secret: NEW, previousSecrets: [OLD] })
    expect(kidsOf(after.refresh.verifying)).toEqual(
      [ring({ secret: NEW }), before].map((keys) => keys.refresh.signing.kid),
    )
    const token = signRefreshToken(
      'i',
      { id: 's', subject: 'a', state: { generation: 0 } } as Session,
      before.refresh.signing,
    )
    // `iat` is missing from this stub of a session; the signature is what is asked here.
    expect(verifyJws(token, after.refresh.verifying).claims).toMatchObject({ sid: 's' })
  })

  test('are the given ones where some are given, and then none is derived', () => {
    const own = noise('own')
    const keys = ring({ secret: NEW }, { secret: own, previousSecrets: [noise('own before')] })
    const derived = ring({ secret: NEW })
    expect(kidsOf(keys.refresh.verifying)).not.toContain(derived.refresh.signing.kid)
    expect(kidsOf(keys.refresh.verifying)).toHaveLength(2)
    expect(keys.refresh.signing.kid).toBe(ring({ current: JWK_1 }, { secret: own }).refresh.signing.kid)
    expect(keys.signing.kid).toBe(derived.signing.kid)
  })

  test('sign each generation with the key under which it was made, and fail where that is not here (I1)', () => {
    const keys = ring({ secret: NEW, previousSecrets: [OLD] })
    const { refresh } = keys
    const [current, previous] = kidsOf(refresh.verifying)
    expect(refresh.signingFor(current ?? '').kid).toBe(refresh.signing.kid)
    expect(refresh.signingFor(previous ?? '').kid).toBe(previous)
    expect(sign(refresh.signingFor(previous ?? ''))).toBe(sign(ring({ secret: OLD }).refresh.signing))
    for (const gone of ['gone', '', 'toString']) expect(() => refresh.signingFor(gone)).toThrow(StoreError)
  })

  test('never verify an access token that was given out for one', () => {
    const keys = ring({ secret: NEW })
    const token = sign(keys.signing, 'rt+jwt')
    expect(codeOf(() => verifyRefreshToken(token, { issuer: 'i', keySet: keys.refresh.verifying }))).toBe(
      'refresh_token_invalid',
    )
  })
})

describe('a key ring', () => {
  const keys = ring({ current: JWK_1, next: [publicHalf(JWK_2)], retiring: [publicHalf(JWK_3)] }, { secret: NEW })

  test('signs with the current key and verifies with every one', () => {
    expect(keys.signing.kid).toBe(JWK_1.kid)
    expect(kidsOf(keys.verifying)).toEqual([JWK_1.kid, JWK_2.kid, JWK_3.kid])
    for (const jwk of [JWK_1, JWK_2, JWK_3]) {
      const token = sign(ring({ current: jwk }, { secret: NEW }).signing)
      expect(verifyJws(token, keys.verifying).claims).toEqual({ a: 1 })
    }
  })

  test('does not verify with a key that is gone', () => {
    const token = sign(ring({ current: generateJwk('EdDSA') }, { secret: NEW }).signing)
    expect(codeOf(() => verifyJws(token, keys.verifying))).toBe('token_invalid')
  })

  test('is published whole, and without a private member', () => {
    const document = publicJwks(keys.verifying.keys)
    expect(document.keys.map(({ kid }) => kid)).toEqual([JWK_1.kid, JWK_2.kid, JWK_3.kid])
    expect(importJwks(document, { allowSymmetric: false })).toMatchObject({ skipped: [] })
    expect(JSON.stringify(document)).not.toContain(String(JWK_1.d))
  })

  test('takes private halves of other keys too, and does not publish them', () => {
    const whole = ring({ current: JWK_1, next: [JWK_2] }, { secret: NEW })
    expect(JSON.stringify(publicJwks(whole.verifying.keys))).not.toContain(String(JWK_2.d))
  })
})

describe('keys are refused', () => {
  const bad = 'short'
  const shape = 'keys: must be { secret }, or { current, next?, retiring? } with JWKs'

  test.each<readonly [string, unknown, Secrets, readonly string[]]>([
    ['none', undefined, {}, [shape]],
    ['null', null, {}, [shape]],
    ['a secret by itself', 'secret', {}, [shape]],
    ['nothing in them', {}, {}, [shape]],
    [
      'a short secret (RFC 7518 §3.2, N031)',
      { secret: bad },
      {},
      [expect.stringMatching(/^keys\.secret: has 5 bytes; HS256 needs 32/) as string],
    ],
    [
      'a secret that is missing (N032)',
      { secret: undefined },
      {},
      ['keys.secret: is not a secret; give a string or bytes'],
    ],
    [
      'a secret too short for its algorithm',
      { secret: NEW, algorithm: 'HS512' },
      {},
      [expect.stringMatching(/^keys\.secret: has 32 bytes; HS512 needs 64/) as string],
    ],
    [
      'an algorithm that is none of a secret',
      { secret: NEW, algorithm: 'none' },
      {},
      ['keys.secret: has an algorithm other than HS256, HS384 or HS512'],
    ],
    [
      'a short secret before it',
      { secret: NEW, previousSecrets: [OLD, bad] },
      {},
      [expect.stringMatching(/^keys\.previousSecrets\[1\]: has 5 bytes/) as string],
    ],
    [
      'one secret twice',
      { secret: NEW, previousSecrets: [NEW] },
      {},
      [expect.stringMatching(/^keys: holds two keys with the kid/) as string],
    ],
    [
      'a key ring without a secret for refresh tokens',
      { current: JWK_1 },
      {},
      ['refreshToken.secret: is missing; it is needed where keys holds no secret. `openssl rand -base64 48` makes one'],
    ],
    [
      'a public key to sign with',
      { current: publicHalf(JWK_1) },
      { secret: NEW },
      [expect.stringMatching(/^keys\.current: /) as string],
    ],
    [
      'what is no JWK',
      { current: JWK_1, next: [{}], retiring: ['x'] },
      { secret: NEW },
      [
        expect.stringMatching(/^keys\.next\[0\]: /) as string,
        expect.stringMatching(/^keys\.retiring\[0\]: /) as string,
      ],
    ],
    [
      'one key twice',
      { current: JWK_1, retiring: [publicHalf(JWK_1)] },
      { secret: NEW },
      [expect.stringMatching(/^keys: holds two keys with the kid/) as string],
    ],
    [
      'a short secret for refresh tokens',
      { secret: NEW },
      { secret: bad },
      [expect.stringMatching(/^refreshToken\.secret: has 5 bytes/) as string],
    ],
    [
      'a short secret to come',
      { secret: NEW, nextSecrets: [bad] },
      {},
      [expect.stringMatching(/^keys\.nextSecrets\[0\]: has 5 bytes/) as string],
    ],
    [
      'one secret for both kinds of tokens (RFC 8725 §3.11)',
      { secret: NEW },
      { secret: NEW },
      ['refreshToken.secret: is a secret of keys too; leave it out to have one derived, or give another'],
    ],
    [
      'one secret for refresh tokens twice',
      { secret: NEW },
      { secret: OLD, previousSecrets: [OLD] },
      [expect.stringMatching(/^refreshToken: holds two keys with the kid/) as string],
    ],
    [
      'an unknown name beside a secret',
      { secret: NEW, previousSecret: OLD },
      {},
      ['keys.previousSecret: is not a setting; did you mean "previousSecrets"?'],
    ],
    [
      'an unknown name in a ring',
      { current: JWK_1, retireing: [] },
      { secret: NEW },
      ['keys.retireing: is not a setting; did you mean "retiring"?'],
    ],
    [
      'a secret and a ring at once',
      { secret: NEW, current: JWK_1 },
      {},
      [expect.stringMatching(/^keys\.current: is not a setting/) as string],
    ],
  ])('%s', (_title, config, refresh, expected) => {
    expect(problems(config, refresh)).toEqual(expected)
  })

  test('everything that is wrong is told at once', () => {
    const paths = problems({ current: {}, next: [{}] }, { secret: bad, previousSecrets: [bad] }).map(
      (problem) => problem.split(':')[0],
    )
    expect(new Set(paths)).toEqual(
      new Set(['keys.current', 'keys.next[0]', 'refreshToken.secret', 'refreshToken.previousSecrets[0]']),
    )
  })

  test('no secret is repeated in what is said of it', () => {
    const canary = 'canary-7c1f'
    const said = problems({ secret: canary, previousSecrets: [canary] }, { secret: canary, previousSecrets: [canary] })
    expect(said).toHaveLength(4)
    expect(JSON.stringify(said)).not.toContain(canary)
  })
})
