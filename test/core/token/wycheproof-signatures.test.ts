import { createPublicKey } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Algorithm } from '../../../src/core/token/algorithms.ts'
import { importJwk } from '../../../src/core/token/jwk.ts'
import { createSignature, verifySignature } from '../../../src/core/token/signature.ts'
import { describeVectors, readVectors } from '../../vectors.ts'
import { problemsOf, signingKey } from './fixtures.ts'

interface Case {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly msg: string
  readonly sig: string
  readonly key: string
  readonly tag: string
}

interface Group {
  readonly publicKeyJwk?: JsonWebKey
  readonly keyJwk?: JsonWebKey
  readonly publicKeyDer: string
  readonly tests: readonly Case[]
}

const groupsOf = (file: string): readonly Group[] =>
  (readVectors(`wycheproof/${file}_test.json`) as { testGroups: Group[] }).testGroups

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** Some groups leave the JWK out; its key is in DER. */
const jwkOf = ({ publicKeyJwk, keyJwk, publicKeyDer }: Group): JsonWebKey =>
  publicKeyJwk ??
  keyJwk ??
  createPublicKey({ key: bytes(publicKeyDer), format: 'der', type: 'spki' }).export({ format: 'jwk' })

/** The cases that our verdict differs on, and how many there are of each kind. */
const judge = (file: string, algorithm: Algorithm) => {
  const judged = groupsOf(file).flatMap((group) => {
    const result = importJwk(jwkOf(group), { algorithm })
    return group.tests.map((one) => ({
      ...one,
      holds:
        'key' in result &&
        result.key.algorithm === algorithm &&
        verifySignature(bytes(one.msg), bytes(one.sig), result.key),
    }))
  })
  return {
    wronglyAccepted: judged.filter((one) => one.holds && one.result === 'invalid').map(({ tcId }) => tcId),
    wronglyRefused: judged.filter((one) => !one.holds && one.result === 'valid').map(({ tcId }) => tcId),
    acceptable: judged.filter((one) => one.holds && one.result === 'acceptable').map(({ tcId }) => tcId),
    valid: judged.filter((one) => one.result === 'valid').length,
    invalid: judged.filter((one) => one.result === 'invalid').length,
  }
}

const AGREEMENT = { wronglyAccepted: [], wronglyRefused: [], acceptable: [] }

describeVectors('Wycheproof signatures', () => {
  test.each<[string, Algorithm, number, number]>([
    ['ecdsa_secp256r1_sha256_p1363', 'ES256', 173, 89],
    ['ecdsa_secp384r1_sha384_p1363', 'ES384', 193, 87],
    ['ecdsa_secp521r1_sha512_p1363', 'ES512', 231, 87],
    ['ed25519', 'EdDSA', 88, 63],
    ['rsa_pss_2048_sha256_mgf1_32', 'PS256', 63, 45],
    ['rsa_pss_2048_sha384_mgf1_48', 'PS384', 95, 46],
    ['rsa_pss_3072_sha256_mgf1_32', 'PS256', 63, 45],
    ['rsa_pss_4096_sha256_mgf1_32', 'PS256', 63, 45],
    ['rsa_pss_4096_sha384_mgf1_48', 'PS384', 95, 46],
    ['rsa_pss_4096_sha512_mgf1_64', 'PS512', 132, 47],
    ['rsa_signature_2048_sha256', 'RS256', 9, 249],
    ['rsa_signature_2048_sha384', 'RS384', 7, 250],
    ['rsa_signature_2048_sha512', 'RS512', 8, 250],
    ['rsa_signature_3072_sha256', 'RS256', 8, 250],
    ['rsa_signature_3072_sha384', 'RS384', 7, 251],
    ['rsa_signature_3072_sha512', 'RS512', 8, 251],
    ['rsa_signature_4096_sha256', 'RS256', 7, 250],
    ['rsa_signature_4096_sha384', 'RS384', 7, 251],
    ['rsa_signature_4096_sha512', 'RS512', 7, 251],
  ])('%s: our verdict is theirs (N027 to N029, N035)', (file, algorithm, valid, invalid) => {
    expect(judge(file, algorithm)).toEqual({ ...AGREEMENT, valid, invalid })
  })

  test('no key on secp256k1 is imported (N025)', () => {
    const groups = groupsOf('ecdsa_secp256k1_sha256_p1363')
    expect(groups).toHaveLength(108)
    expect(groups.filter((group) => problemsOf(importJwk(jwkOf(group), { algorithm: 'ES256' })) === '')).toEqual([])
  })
})

describeVectors('Wycheproof HMAC', () => {
  test.each<[string, Algorithm, number]>([
    ['hmac_sha256', 'HS256', 32],
    ['hmac_sha384', 'HS384', 48],
    ['hmac_sha512', 'HS512', 64],
  ])(
    '%s: a full tag under a long enough key holds where it is valid, and no other (N031, N036)',
    (file, algorithm, length) => {
      const cases = groupsOf(file).flatMap(({ tests }) => tests)
      const judged = cases.map((one) => {
        const result = importJwk({ kty: 'oct', alg: algorithm, k: bytes(one.key).toString('base64url') })
        const usable = 'key' in result
        const full = bytes(one.tag).length === length && bytes(one.key).length >= length
        return {
          expected: full && one.result === 'valid',
          imports: usable === bytes(one.key).length >= length,
          holds: usable && verifySignature(bytes(one.msg), bytes(one.tag), result.key),
        }
      })
      expect(cases).toHaveLength(174)
      expect(judged.filter(({ expected }) => expected)).toHaveLength(30)
      expect(judged.filter(({ imports }) => !imports)).toEqual([])
      expect(judged.filter(({ expected, holds }) => expected !== holds)).toEqual([])
    },
  )

  test('we write the tags that are valid', () => {
    const cases = groupsOf('hmac_sha256').flatMap(({ tests }) => tests)
    const valid = cases.filter(({ result, key, tag }) => result === 'valid' && key.length >= 64 && tag.length === 64)
    const written = valid.map(({ msg, key }) => {
      const secret = signingKey({ kty: 'oct', alg: 'HS256', k: bytes(key).toString('base64url') })
      return createSignature(bytes(msg), secret).toString('hex')
    })
    expect(written).toHaveLength(30)
    expect(written).toEqual(valid.map(({ tag }) => tag))
  })
})
