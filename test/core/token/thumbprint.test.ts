import { createPublicKey } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { jwkThumbprint, publicMembers } from '../../../src/core/token/thumbprint.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { describeVectors, readVectors } from '../../vectors.ts'

const publicKeyOf = (jwk: JsonWebKey) => createPublicKey({ key: jwk, format: 'jwk' })

test('is that of RFC 8037 appendix A.3 for its Ed25519 key', () => {
  const key = publicKeyOf({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })
  expect(jwkThumbprint(key)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('is the same for both halves, and whatever else the JWK holds', () => {
  const jwk = generateJwk('ES256')
  const bare = publicKeyOf({ kty: 'EC', crv: 'P-256', x: String(jwk.x), y: String(jwk.y) })
  expect(jwkThumbprint(publicKeyOf(jwk))).toBe(jwkThumbprint(bare))
  expect(jwk.kid).toBe(jwkThumbprint(bare))
})

test.each(['RS256', 'ES384', 'EdDSA'] as const)('public members of a key for %s are public', (algorithm) => {
  const members = publicMembers(publicKeyOf(generateJwk(algorithm)))
  expect(Object.keys(members).toSorted()).toEqual(Object.keys(members))
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(members).not.toHaveProperty(name)
})

describeVectors('RFC 7638', () => {
  const vectors = readVectors('rfc/rfc7515_7517_7638.json') as Record<string, JsonWebKey & string>

  test('is that of section 3.1 for its RSA key', () => {
    expect(jwkThumbprint(publicKeyOf(vectors['rfc7638_3.1.jwk']!))).toBe(vectors['rfc7638_3.1.thp'])
    expect(vectors['rfc7638_3.1.thp']).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })
})
