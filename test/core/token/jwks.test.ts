import { describe, expect, test } from 'vitest'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { importJwks, publicJwks } from '../../../src/core/token/jwks.ts'
import type { JwksOptions } from '../../../src/core/token/jwks.ts'
import { hmacKey, problemsOf, signingKey } from './fixtures.ts'

const LOCAL: JwksOptions = { allowSymmetric: true }
const FETCHED: JwksOptions = { allowSymmetric: false }

const EC = generateJwk('ES256')
const ED = generateJwk('EdDSA')
const RSA = generateJwk('RS256')
const OCT = generateJwk('HS256')

const published = publicJwks([EC, ED, RSA].map((jwk) => signingKey(jwk)))

const idsOf = (document: unknown, options: JwksOptions): readonly string[] => {
  const result = importJwks(document, options)
  if ('problems' in result) throw new Error(problemsOf(result))
  return result.keys.map(({ kid }) => kid)
}

test.each([[null], [[]], ['{"keys":[]}'], [{}], [{ keys: {} }], [{ keys: null }], [{ keys: 'x' }], [EC]])(
  'refuses what is no JWK Set: %j',
  (document) => {
    expect(problemsOf(importJwks(document, LOCAL))).toContain('JWK Set')
  },
)

test('imports the keys of a published set in its order', () => {
  expect(idsOf(published, FETCHED)).toEqual([EC.kid, ED.kid, RSA.kid])
  expect(idsOf({ ...published, issuer: 'unknown members are left alone' }, FETCHED)).toHaveLength(3)
})

describe('a set from elsewhere', () => {
  test.each([
    ['a secret', OCT],
    ['a private EC key', EC],
    ['a private RSA key', RSA],
    ['a private key for encryption', { ...EC, use: 'enc' }],
    ['a secret for encryption', { kty: 'oct', alg: 'A256KW', k: 'AAAA' }],
    ['primes without d', { ...published.keys[2], p: 'AQ' }],
  ])('is refused where it publishes %s (N037)', (_what, jwk) => {
    const problems = problemsOf(importJwks({ keys: [...published.keys, jwk] }, FETCHED))
    expect(problems).toContain('keys[3]')
    expect(problems).toContain('must not')
  })
})

describe("a set of one's own", () => {
  test('may hold secrets and private keys beside public ones', () => {
    expect(idsOf({ keys: [OCT, EC, published.keys[1]] }, LOCAL)).toEqual([OCT.kid, EC.kid, ED.kid])
  })

  test('takes the given algorithm for keys that name none, and no other', () => {
    const { alg: _alg, ...unnamed } = published.keys[2]!
    expect(problemsOf(importJwks({ keys: [unnamed] }, FETCHED))).toContain('no \\"alg\\"')
    const result = importJwks({ keys: [unnamed, published.keys[0]] }, { ...FETCHED, algorithm: 'PS256' })
    expect('keys' in result && result.keys.map(({ algorithm }) => algorithm)).toEqual(['PS256', 'ES256'])
  })
})

test.each([
  ['a key for encryption', { ...published.keys[0], use: 'enc' }],
  ['a key that may only wrap', { ...published.keys[0], key_ops: ['wrapKey'] }],
  ['an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }],
  ['an unknown curve', { kty: 'EC', crv: 'secp256k1', x: 'AAAA', y: 'AAAA' }],
  ['an unknown algorithm', { ...published.keys[2], alg: 'RSA-OAEP-256' }],
  ['a key agreement key', { kty: 'OKP', crv: 'X25519', x: 'AAAA' }],
])('skips %s and says why (RFC 7517 §5)', (_what, jwk) => {
  const result = importJwks({ keys: [jwk, published.keys[1]] }, FETCHED)
  expect(result).toMatchObject({ keys: [{ kid: ED.kid }], skipped: [{ index: 0 }] })
  expect('skipped' in result && result.skipped[0]?.reason).toMatch(/^has /)
})

test('is refused where no key is left, with the reasons', () => {
  expect(problemsOf(importJwks({ keys: [] }, FETCHED))).toContain('no usable key')
  expect(problemsOf(importJwks({ keys: [{ ...published.keys[0], use: 'enc' }] }, FETCHED))).toContain(
    'keys[0] has a \\"use\\"',
  )
})

test('names every flawed key at once, by its place', () => {
  const flawed = {
    keys: [published.keys[0], 'x', { ...published.keys[2], e: 'AQ' }, { ...published.keys[1], kid: '' }],
  }
  const problems = problemsOf(importJwks(flawed, FETCHED))
  for (const place of ['keys[1]', 'keys[2]', 'keys[3]']) expect(problems).toContain(place)
  expect(problems).not.toContain('keys[0]')
})

test('publishes public halves only, and secrets not at all (N037)', () => {
  const document = publicJwks([hmacKey(), signingKey(EC), signingKey(RSA), signingKey(OCT)])
  expect(document.keys.map(({ kid }) => kid)).toEqual([EC.kid, RSA.kid])
  expect(Object.keys(document.keys[0]!)).toEqual(['crv', 'kty', 'x', 'y', 'kid', 'alg', 'use'])
  expect(Object.keys(document.keys[1]!)).toEqual(['e', 'kty', 'n', 'kid', 'alg', 'use'])
  expect(JSON.stringify(document)).not.toMatch(/"(d|p|q|dp|dq|qi|k|oth)":/)
  expect(publicJwks([hmacKey()])).toEqual({ keys: [] })
})
