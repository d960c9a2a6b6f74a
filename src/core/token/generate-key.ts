import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { algorithmRow } from './algorithms.ts'
import type { Algorithm } from './algorithms.ts'
import { encodeBase64url } from './base64url.ts'
import { jwkThumbprint, secretKeyId } from './thumbprint.ts'

export interface GenerateOptions {
  /** Length of an RSA modulus in bits, default 2048. */
  readonly rsaBits?: 2048 | 3072 | 4096
}

const generatePair = (algorithm: Algorithm, rsaBits: number): { publicKey: KeyObject; privateKey: KeyObject } => {
  const { kty, crv } = algorithmRow(algorithm)
  if (kty === 'RSA') return generateKeyPairSync('rsa', { modulusLength: rsaBits, publicExponent: 65_537 })
  return kty === 'EC' ? generateKeyPairSync('ec', { namedCurve: crv ?? '' }) : generateKeyPairSync('ed25519')
}

/** Makes a new private JWK (or secret) for one algorithm, with `kid`, `alg` and `use`. RSA takes up to seconds. */
export const generateJwk = (algorithm: Algorithm, { rsaBits = 2048 }: GenerateOptions = {}): JsonWebKey => {
  const row = algorithmRow(algorithm)
  if (row.kty === 'oct') {
    const secret = randomBytes(row.signatureBytes)
    return { kty: 'oct', kid: secretKeyId(secret), alg: algorithm, use: 'sig', k: encodeBase64url(secret) }
  }
  const { publicKey, privateKey } = generatePair(algorithm, rsaBits)
  const { kty = row.kty, ...members } = privateKey.export({ format: 'jwk' })
  return { kty, kid: jwkThumbprint(publicKey), alg: algorithm, use: 'sig', ...members }
}
