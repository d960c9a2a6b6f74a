import { expect, test } from 'vitest'
import { ALGORITHM_NAMES, algorithmRow } from '../../../src/core/token/algorithms.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { importJwk } from '../../../src/core/token/jwk.ts'
import { isSigningKey } from '../../../src/core/token/keys.ts'
import { signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { keyOf, keySetOf, signingKey } from './fixtures.ts'

test('knows thirteen algorithms', () => {
  expect(ALGORITHM_NAMES).toEqual([
    'HS256',
    'HS384',
    'HS512',
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ])
})

test.each(ALGORITHM_NAMES)('makes a private key for %s that signs what its public half verifies', (algorithm) => {
  const jwk = generateJwk(algorithm)
  expect(jwk).toMatchObject({ kty: algorithmRow(algorithm).kty, alg: algorithm, use: 'sig' })
  const key = signingKey(jwk)
  expect(key).toMatchObject({ kid: jwk.kid, algorithm })

  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half } = jwk
  const verifying = keyOf(importJwk(half))
  expect(isSigningKey(verifying)).toBe(algorithm.startsWith('HS'))
  expect(verifying.kid).toBe(jwk.kid)
  const token = signJws({ header: { typ: 'at+jwt' }, payload: { sub: 'u1' }, key })
  expect(verifyJws(token, keySetOf(verifying))).toEqual({
    header: { alg: algorithm, kid: jwk.kid, typ: 'at+jwt' },
    claims: { sub: 'u1' },
  })
})

test('names a key without kid as it was named when made (RFC 7638 §3)', () => {
  for (const algorithm of ['HS256', 'ES256', 'EdDSA', 'RS256'] as const) {
    const { kid, ...unnamed } = generateJwk(algorithm)
    expect(signingKey(unnamed).kid).toBe(kid)
  }
})

test('never makes the same key twice, and secrets as long as the hash', () => {
  expect(generateJwk('HS512').k).not.toBe(generateJwk('HS512').k)
  expect(Buffer.from(String(generateJwk('HS384').k), 'base64url')).toHaveLength(48)
})

test('makes longer RSA keys on request', () => {
  expect(Buffer.from(String(generateJwk('RS256', { rsaBits: 3072 }).n), 'base64url')).toHaveLength(384)
})
