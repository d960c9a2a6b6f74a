import { createHmac, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { algorithmRow } from '../../../src/core/token/algorithms.ts'
import type { Algorithm } from '../../../src/core/token/algorithms.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { importJwk } from '../../../src/core/token/jwk.ts'
import { signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { codeOf, detailOf, HEADER, hmacKey, keyOf, keySetOf, noise, seal, SECRET, signingKey } from './fixtures.ts'

const KEY = hmacKey()
const KEYS = keySetOf(KEY)
const TOKEN = signJws({ header: { typ: 'at+jwt' }, payload: { sub: 'u1', list: [1, 'a', null] }, key: KEY })
const [header = '', payload = '', signature = ''] = TOKEN.split('.')

describe('signature', () => {
  test('holds no longer when any one character changes (N036)', () => {
    const places = TOKEN.split('').flatMap((character, at) => (character === '.' ? [] : [at]))
    const replaced = (at: number): string => TOKEN.slice(0, at) + (TOKEN[at] === 'A' ? 'B' : 'A') + TOKEN.slice(at + 1)
    expect(places.length).toBeGreaterThan(100)
    expect(places.filter((at) => codeOf(() => verifyJws(replaced(at), KEYS)) !== 'token_invalid')).toEqual([])
  })

  test('of another length is refused: truncated, extended, of another hash (N036)', () => {
    const mac = Buffer.from(signature, 'base64url')
    const input = `${header}.${payload}`
    const others = [
      mac.subarray(0, 16),
      mac.subarray(0, 31),
      Buffer.concat([mac, Buffer.of(0)]),
      Buffer.concat([mac, mac]),
    ]
    others.push(
      createHmac('sha512', SECRET).update(input).digest(),
      createHmac('sha384', SECRET).update(input).digest(),
    )
    others.push(Buffer.of(0), Buffer.alloc(32), Buffer.from(mac.toString('hex')))
    for (const other of others)
      expect(codeOf(() => verifyJws(`${input}.${other.toString('base64url')}`, KEYS))).toBe('token_invalid')
  })

  test('by another secret, an empty one, or the text of ours is refused (N032)', () => {
    for (const secret of [
      noise('other'),
      Buffer.alloc(0),
      Buffer.from(SECRET.toString('base64url')),
      Buffer.from(SECRET.toString('hex')),
    ]) {
      expect(codeOf(() => verifyJws(seal(HEADER, '{}', secret), KEYS))).toBe('token_invalid')
    }
  })

  test.each<[Algorithm, Algorithm]>([
    ['RS256', 'RS512'],
    ['RS256', 'PS256'],
    ['PS384', 'RS384'],
    ['PS256', 'PS512'],
  ])('by one key but %s where %s is its algorithm is refused (N024)', (used, bound) => {
    const jwk = generateJwk('RS256')
    const token = signJws({ header: {}, payload: {}, key: signingKey({ ...jwk, alg: used }) })
    expect(codeOf(() => verifyJws(token, keySetOf(signingKey({ ...jwk, alg: used }))))).toBe('accepted')
    expect(detailOf(() => verifyJws(token, keySetOf(signingKey({ ...jwk, alg: bound }))))).toContain('algorithm')
  })

  test('by one secret but another hash is refused (N024)', () => {
    const secret = { kty: 'oct', k: noise('long', 64).toString('base64url'), kid: 'k1' }
    const token = signJws({ header: {}, payload: {}, key: signingKey({ ...secret, alg: 'HS256' }) })
    expect(detailOf(() => verifyJws(token, keySetOf(signingKey({ ...secret, alg: 'HS512' }))))).toContain('algorithm')
  })

  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'by HMAC with the public key of %s as secret is refused (CVE-2016-10555, N023)',
    (algorithm) => {
      const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = generateJwk(algorithm)
      const keySet = keySetOf(keyOf(importJwk(jwk)))
      const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
      const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
      const material = [
        pem,
        pem.trim(),
        pem.replaceAll('\n', '\r\n'),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(jwk),
        String(jwk.n ?? jwk.x),
      ]
      for (const secret of material) {
        for (const names of [{ kid: jwk.kid }, {}]) {
          const token = seal(JSON.stringify({ alg: 'HS256', ...names }), '{}', Buffer.from(secret as string))
          expect(detailOf(() => verifyJws(token, keySet))).toContain('algorithm')
        }
      }
    },
  )

  test.each(['ES256', 'ES384', 'ES512'] as const)(
    'of %s with r or s of 0, as DER, or stretched is refused (CVE-2022-21449, N027, N028)',
    (algorithm) => {
      const key = signingKey(generateJwk(algorithm))
      const token = signJws({ header: {}, payload: {}, key })
      const input = token.slice(0, token.lastIndexOf('.'))
      const good = Buffer.from(token.slice(input.length + 1), 'base64url')
      const half = good.length / 2
      expect(good).toHaveLength(Number(algorithmRow(algorithm).signatureBytes))
      const [r, s] = [good.subarray(0, half), good.subarray(half)]
      const zero = Buffer.alloc(half)
      const bad = [
        Buffer.concat([zero, zero]),
        Buffer.concat([r, zero]),
        Buffer.concat([zero, s]),
        Buffer.concat([s, r]),
        Buffer.concat([good, Buffer.of(0)]),
        Buffer.concat([Buffer.of(0), r, Buffer.of(0), s]),
        good.subarray(0, -1),
        Buffer.concat([Buffer.of(0x30, half * 2 + 4, 2, half), r, Buffer.of(2, half), s]),
      ]
      for (const other of bad)
        expect(codeOf(() => verifyJws(`${input}.${other.toString('base64url')}`, keySetOf(key)))).toBe('token_invalid')
    },
  )
})
