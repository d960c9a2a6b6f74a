import { createHmac, sign, timingSafeEqual, verify } from 'node:crypto'
import { algorithmRow } from './algorithms.ts'
import type { KeyObject } from 'node:crypto'
import type { SigningKey, VerificationKey } from './keys.ts'

const modulusBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)

const toBytes = (input: string | Uint8Array): Uint8Array => (typeof input === 'string' ? Buffer.from(input) : input)

/** The exact length of a key's signatures. */
export const signatureBytes = ({ algorithm, keyObject }: VerificationKey): number =>
  algorithmRow(algorithm).signatureBytes ?? modulusBytes(keyObject)

/** Signs bytes, or the UTF-8 of a string, with the key's own algorithm. */
export const createSignature = (input: string | Uint8Array, key: SigningKey): Buffer => {
  const row = algorithmRow(key.algorithm)
  if (row.kty === 'oct') return createHmac(row.hash, key.privateKeyObject).update(input).digest()
  return sign(row.hash, toBytes(input), { key: key.privateKeyObject, ...row.options })
}

/** Whether `signature` is the key's over `input`, by the key's own algorithm and at its exact length. */
export const verifySignature = (input: string | Uint8Array, signature: Uint8Array, key: VerificationKey): boolean => {
  const row = algorithmRow(key.algorithm)
  if (signature.length !== signatureBytes(key)) return false
  if (row.kty === 'oct') {
    const expected = createHmac(row.hash, key.keyObject).update(input).digest()
    return timingSafeEqual(expected, signature)
  }
  return verify(row.hash, toBytes(input), { key: key.keyObject, ...row.options }, signature)
}
