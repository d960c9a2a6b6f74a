import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { importJwk, importSigningJwk } from '../../../src/core/token/jwk.ts'
import { isSigningKey } from '../../../src/core/token/keys.ts'
import { jwkThumbprint } from '../../../src/core/token/thumbprint.ts'
import { keyOf, noise, problemsOf } from './fixtures.ts'

const refusal = (jwk: unknown, options = {}): string => problemsOf(importJwk(jwk, options))

const without = (jwk: JsonWebKey, ...names: string[]): JsonWebKey =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

const publicHalf = (jwk: JsonWebKey): JsonWebKey => without(jwk, 'd', 'p', 'q', 'dp', 'dq', 'qi')

const RSA = generateJwk('RS256')
const EC = generateJwk('ES256')
const ED = generateJwk('EdDSA')
const OCT = generateJwk('HS256')

test.each([[null], [undefined], [[]], [''], ['{"kty":"RSA"}'], [1], [{}], [{ kty: null }], [{ kty: 'constructor' }]])(
  'refuses what is no JWK: %j (N033)',
  (jwk) => {
    expect(refusal(jwk)).not.toBe('')
  },
)

describe('the algorithm of a key', () => {
  test('is the one that it names', () => {
    expect(keyOf(importJwk({ ...publicHalf(RSA), alg: 'PS384' })).algorithm).toBe('PS384')
    expect(keyOf(importJwk({ ...publicHalf(RSA), alg: 'PS384' }, { algorithm: 'RS256' })).algorithm).toBe('PS384')
  })

  test('follows from the curve where it names none (N026)', () => {
    expect(keyOf(importJwk(without(EC, 'alg'))).algorithm).toBe('ES256')
    expect(keyOf(importJwk(without(ED, 'alg'), { algorithm: 'RS256' })).algorithm).toBe('EdDSA')
    expect(keyOf(importJwk(without(generateJwk('ES512'), 'alg'))).algorithm).toBe('ES512')
  })

  test('must be given for RSA and secrets that name none, never guessed (N026)', () => {
    expect(refusal(without(RSA, 'alg'))).toContain('RS256, RS384')
    expect(refusal(without(OCT, 'alg'))).toContain('HS256, HS384')
    expect(keyOf(importJwk(without(RSA, 'alg'), { algorithm: 'PS256' })).algorithm).toBe('PS256')
    expect(keyOf(importJwk(without(OCT, 'alg'), { algorithm: 'HS256' })).algorithm).toBe('HS256')
  })

  test.each([
    ['RSA', RSA, 'ES256'],
    ['RSA', RSA, 'HS256'],
    ['P-256', EC, 'ES384'],
    ['P-256', EC, 'ES256K'],
    ['P-256', EC, 'RS256'],
    ['Ed25519', ED, 'ES256'],
    ['oct', OCT, 'RS256'],
    ['oct', OCT, 'A256GCM'],
    ['oct', OCT, 'none'],
    ['RSA', RSA, 'RSA-OAEP'],
    ['RSA', RSA, 'rs256'],
    ['RSA', RSA, 'toString'],
    ['RSA', RSA, null],
    ['RSA', RSA, ['RS256']],
    ['oct', OCT, ''],
  ])('of type %s cannot be %s %s (N021, N022, N024, N025)', (_kind, jwk, alg) => {
    expect(refusal({ ...jwk, alg: alg as string })).not.toBe('')
  })

  test('does not fall back from an unfitting option (N023)', () => {
    expect(refusal(without(RSA, 'alg'), { algorithm: 'HS256' })).not.toBe('')
    expect(refusal(without(OCT, 'alg'), { algorithm: 'RS256' })).not.toBe('')
  })
})

describe('what a key is for', () => {
  test.each([
    [{ use: 'enc' }],
    [{ use: '' }],
    [{ use: null }],
    [{ use: ['sig'] }],
    [{ key_ops: ['encrypt'] }],
    [{ key_ops: [] }],
    [{ key_ops: 'verify' }],
    [{ key_ops: null }],
    [{ key_ops: { includes: true } }],
    [{ key_ops: ['deriveKey', 'wrapKey'] }],
  ])('refuses %j (N037)', (members) => {
    for (const jwk of [RSA, publicHalf(EC), ED, OCT])
      expect(refusal({ ...jwk, ...(members as JsonWebKey) })).not.toBe('')
  })

  test('lets a public key verify only where that is among its operations (RFC 7517 §4.3)', () => {
    expect(refusal({ ...publicHalf(EC), key_ops: ['verify'] })).toBe('')
    expect(refusal({ ...publicHalf(EC), key_ops: ['sign'] })).toContain('verify')
    expect(refusal({ ...EC, key_ops: ['sign'] })).toBe('')
    expect(refusal({ ...EC, key_ops: ['verify'] })).toContain('sign')
  })

  test('lets a secret sign only where that is among its operations', () => {
    expect(isSigningKey(keyOf(importJwk({ ...OCT, key_ops: ['sign', 'verify'] })))).toBe(true)
    expect(isSigningKey(keyOf(importJwk({ ...OCT, key_ops: ['verify'] })))).toBe(false)
  })

  test('refuses to sign with a public key at import, not at the first sign-in (CVE-2022-23539, N039)', () => {
    for (const jwk of [RSA, EC, ED]) {
      expect(keyOf(importSigningJwk(jwk)).privateKeyObject.type).toBe('private')
      expect(problemsOf(importSigningJwk(publicHalf(jwk)))).toContain('cannot sign')
      expect(isSigningKey(keyOf(importJwk(publicHalf(jwk))))).toBe(false)
    }
    expect(problemsOf(importSigningJwk({ ...OCT, key_ops: ['verify'] }))).toContain('cannot sign')
    expect(problemsOf(importSigningJwk({}))).toContain('kty')
  })
})

const rsa = (modulusLength: number, publicExponent = 65_537): JsonWebKey => ({
  ...generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' }),
  alg: 'RS256',
})

/** Any odd number will do for a modulus: only verification would notice. */
const modulus = (bits: number): string =>
  Buffer.concat([noise('n', 1), Buffer.alloc(bits / 8 - 2, 0x5d), Buffer.of(1)]).toString('base64url')

describe('RSA', () => {
  test.each([512, 1024, 2040])('refuses %i bits (RFC 7518 §3.3, N030)', (bits) => {
    expect(refusal(rsa(bits))).toContain('2048 to 8192')
  })

  test('accepts 8192 bits and refuses more, which would be slow to verify (N030)', () => {
    expect(noise('n', 1)[0]).toBeGreaterThan(127)
    expect(refusal({ kty: 'RSA', alg: 'RS256', e: 'AQAB', n: modulus(8192) })).toBe('')
    expect(refusal({ kty: 'RSA', alg: 'RS256', e: 'AQAB', n: modulus(8200) })).toContain('8200 bits')
    expect(refusal({ kty: 'RSA', alg: 'RS256', e: 'AQAB', n: modulus(65_536) })).not.toBe('')
  })

  test.each(['AQ', 'Ag', 'BA', 'AQAA', 'AA', '', Buffer.alloc(9, 0xff).toString('base64url')])(
    'refuses the public exponent %j (N030)',
    (e) => {
      expect(refusal({ ...publicHalf(RSA), e })).not.toBe('')
    },
  )

  test('accepts the public exponent 3', () => {
    expect(refusal(rsa(2048, 3))).toBe('')
  })

  test('reports every problem of a key at once', () => {
    const problems = refusal({ ...rsa(1024), e: 'AQ' })
    expect(problems).toContain('1024 bits')
    expect(problems).toContain('exponent')
  })

  test('refuses a private key without its primes, and one with more than two (RFC 7518 §6.3.2)', () => {
    expect(refusal(without(RSA, 'p', 'q', 'dp', 'dq', 'qi'))).toContain('private key')
    expect(refusal({ ...RSA, oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] })).not.toBe('')
  })
})

describe('curves', () => {
  test.each(['secp256k1', 'P-224', 'p-256', 'Ed448', 'X25519', 'Ed25519', '', 'toString', null])(
    'refuses EC with the curve %j (N025)',
    (crv) => {
      expect(refusal({ ...publicHalf(EC), crv: crv as string })).not.toBe('')
    },
  )

  test('refuses points that are not on the curve, or of another length', () => {
    const flipped = Buffer.from(String(EC.y), 'base64url')
    flipped[31]! ^= 1
    expect(refusal({ ...publicHalf(EC), y: flipped.toString('base64url') })).not.toBe('')
    expect(refusal({ ...publicHalf(EC), x: `AA${EC.x}`.slice(0, 43) })).not.toBe('')
    const padded = Buffer.concat([Buffer.of(0), Buffer.from(String(EC.x), 'base64url')])
    expect(refusal({ ...publicHalf(EC), x: padded.toString('base64url') })).toContain('length')
    expect(refusal({ ...publicHalf(ED), x: noise('x', 33).toString('base64url') })).toContain('length')
    expect(refusal(without(publicHalf(EC), 'y'))).not.toBe('')
  })

  test('refuses an Ed25519 key of low order (N029)', () => {
    expect(refusal({ ...publicHalf(ED), x: Buffer.alloc(32).toString('base64url') })).toContain('low order')
    expect(refusal({ ...publicHalf(ED), x: Buffer.alloc(32, 0xff).toString('base64url') })).toContain('canonical')
  })
})

describe('members', () => {
  const members = [
    [RSA, 'n'],
    [RSA, 'e'],
    [RSA, 'd'],
    [EC, 'x'],
    [EC, 'd'],
    [ED, 'x'],
    [ED, 'd'],
    [OCT, 'k'],
  ] as const

  const imported = (change: (text: string) => unknown): string[] =>
    members
      .filter(([jwk, name]) => refusal({ ...jwk, [name]: change(String(jwk[name])) }) === '')
      .map(([jwk, name]) => `${jwk.kty} ${name}`)

  test.each([
    ['padding', (text: string) => `${text}=`],
    ['a newline', (text: string) => `${text}\n`],
    ['a space', (text: string) => ` ${text}`],
    ['another alphabet', (text: string) => `+${text.slice(1)}`],
    ['nothing', () => ''],
    ['a number', () => 1],
    ['null', () => null],
    ['a list', (text: string) => [text]],
    ['an object', () => ({})],
  ])('refuses %s in any member (N003, N004)', (_what, change) => {
    expect(imported((text) => text)).toHaveLength(members.length)
    expect(imported(change)).toEqual([])
  })

  test.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'refuses a private half of %s that belongs to another key',
    (algorithm) => {
      expect(refusal({ ...generateJwk(algorithm), ...publicHalf(generateJwk(algorithm)) })).not.toBe('')
    },
  )

  test('refuses a private number that belongs to another key', () => {
    expect(refusal({ ...EC, d: generateJwk('ES256').d })).not.toBe('')
    expect(refusal({ ...ED, d: generateJwk('EdDSA').d })).not.toBe('')
  })

  test('never quotes a key in a problem', () => {
    expect(refusal({ ...EC, d: `${EC.d}=` })).not.toContain(String(EC.d).slice(0, 8))
    expect(refusal({ ...OCT, k: 'c2hvcnQ' })).not.toMatch(/c2hvcnQ|short"/)
  })
})

describe('secrets', () => {
  test.each([
    ['HS256', 31],
    ['HS384', 47],
    ['HS512', 63],
    ['HS256', 1],
  ])('refuses %s with %i bytes (RFC 7518 §3.2, N031)', (alg, bytes) => {
    expect(refusal({ kty: 'oct', alg, k: noise('k', bytes).toString('base64url') })).toContain('or more')
  })

  test('refuses a public key in the place of a secret (N023)', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    for (const secret of [
      publicKey.export({ format: 'pem', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'spki' }),
    ]) {
      expect(refusal({ kty: 'oct', alg: 'HS256', k: Buffer.from(secret as Buffer).toString('base64url') })).toContain(
        'not a secret',
      )
    }
  })

  test('takes the bytes of k, not its text', () => {
    const key = keyOf(importJwk({ kty: 'oct', alg: 'HS256', k: noise('k').toString('base64url') }))
    expect(key.keyObject.export()).toEqual(noise('k'))
  })
})

describe('key IDs', () => {
  test('are those of the JWK, else its thumbprint', () => {
    expect(keyOf(importJwk({ ...EC, kid: 'my key' })).kid).toBe('my key')
    const { kid, keyObject } = keyOf(importJwk(without(EC, 'kid')))
    expect(kid).toBe(jwkThumbprint(keyObject))
  })

  test.each([[''], ['k\r\n'], ['k\0'], ['ключ'], ['k'.repeat(257)], [1], [null], [['k']], [{ $ne: '' }]])(
    'refuse %j (N040)',
    (kid) => {
      expect(refusal({ ...EC, kid })).toContain('kid')
    },
  )
})

test('takes inherited and undefined members for absent', () => {
  expect(
    refusal({
      ...publicHalf(EC),
      d: undefined,
      alg: undefined,
      use: undefined,
      key_ops: undefined,
      kid: undefined,
    }),
  ).toBe('')
})

test('does not look at certificates and URLs in a key (N045)', () => {
  expect(refusal({ ...publicHalf(EC), x5u: 'https://evil.example/', x5c: ['AAAA'], jku: 'file:///etc/passwd' })).toBe(
    '',
  )
})

test('imports what node:crypto exports', () => {
  const exported = createPrivateKey({ key: EC, format: 'jwk' }).export({ format: 'jwk' })
  expect(refusal(exported)).toBe('')
})
