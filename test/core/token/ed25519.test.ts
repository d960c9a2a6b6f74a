import { expect, test } from 'vitest'
import { ed25519Problem } from '../../../src/core/token/ed25519.ts'
import { importJwk } from '../../../src/core/token/jwk.ts'
import { verifySignature } from '../../../src/core/token/signature.ts'
import { describeVectors, readVectors } from '../../vectors.ts'

const P = 2n ** 255n - 19n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

const reversed = (hex: string): Uint8Array => Buffer.from(hex, 'hex').toReversed()

const bytesOf = (y: bigint, sign = 0n): Uint8Array => reversed((y | (sign << 255n)).toString(16).padStart(64, '0'))

const mod = (value: bigint): bigint => ((value % P) + P) % P

// Doubling a point of order 8 gives y = 0, so x² = -y²; on the curve that is dy⁴ + 2y² - 1 = 0.
const isOfOrder8 = (y: bigint): boolean => mod(D * y ** 4n + 2n * y ** 2n - 1n) === 0n

const CCTV_LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]

test.each(CCTV_LOW_ORDER)('refuses the encoding of low order %s (N029)', (hex) => {
  expect(ed25519Problem(Buffer.from(hex, 'hex'))).not.toBeNull()
})

test('refuses the points of order 8, found by the equation of the curve (N029)', () => {
  const found = CCTV_LOW_ORDER.map((hex) => BigInt(`0x${Buffer.from(reversed(hex)).toString('hex')}`))
    .map((encoded) => BigInt.asUintN(255, encoded))
    .filter(isOfOrder8)
  expect(new Set(found).size).toBe(2)
  for (const y of found) expect(ed25519Problem(bytesOf(y, 1n))).toContain('low order')
})

test('refuses every y that is not below the prime (RFC 8032 §5.1.3, N029)', () => {
  for (let y = P; y < 2n ** 255n; y++) {
    expect(ed25519Problem(bytesOf(y))).toContain('canonical')
    expect(ed25519Problem(bytesOf(y, 1n))).toContain('canonical')
  }
})

test('refuses keys of another length', () => {
  expect(ed25519Problem(Buffer.alloc(31, 7))).not.toBeNull()
  expect(ed25519Problem(Buffer.alloc(33, 7))).not.toBeNull()
})

test('accepts the key of RFC 8037 appendix A.2', () => {
  expect(ed25519Problem(Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url'))).toBeNull()
})

const importRaw = (hex: string) =>
  importJwk({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') })

describeVectors('CCTV ed25519', () => {
  const vectors = readVectors('ed25519/cctv_ed25519vectors.json') as {
    key: string
    sig: string
    msg: string
    flags: string[] | null
  }[]

  test('no signature holds under a key of low order or in non-canonical form', () => {
    const outcomes = vectors.map(({ key, sig, msg, flags }) => {
      const result = importRaw(key)
      const bad = /low_order_A|non_canonical_A/.test((flags ?? []).join(' '))
      if ('problems' in result) return bad ? 'refused' : 'wrongly refused'
      if (bad) return 'wrongly imported'
      return verifySignature(msg, Buffer.from(sig, 'hex'), result.key) ? 'holds' : 'does not hold'
    })
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length
    expect(vectors).toHaveLength(914)
    expect(count('wrongly refused') + count('wrongly imported')).toBe(0)
    expect(count('refused')).toBeGreaterThan(500)
    // OpenSSL alone takes 208; 122 of them under keys of low order.
    expect(count('holds')).toBe(208 - 122)
  })
})

describeVectors('ed25519-speccheck', () => {
  const cases = readVectors('ed25519/speccheck_cases.json') as { message: string; pub_key: string; signature: string }[]

  test('keys of low order and non-canonical keys are refused; the rest is as OpenSSL has it', () => {
    const outcomes = cases.map(({ message, pub_key, signature }) => {
      const result = importRaw(pub_key)
      if ('problems' in result) return 'refused'
      return verifySignature(Buffer.from(message, 'hex'), Buffer.from(signature, 'hex'), result.key)
    })
    expect(outcomes).toHaveLength(12)
    // 0, 1: low order. 2 to 5: mixed order, where only the equation without cofactor may hold. 6, 7: S beyond L.
    // 8, 9: non-canonical R. 10, 11: non-canonical key.
    expect(outcomes).toEqual([
      'refused',
      'refused',
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
      'refused',
      'refused',
    ])
  })
})
