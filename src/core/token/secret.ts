import { createSecretKey } from 'node:crypto'
import { algorithmRow, isHmacAlgorithm } from './algorithms.ts'
import type { HmacAlgorithm } from './algorithms.ts'
import { isKeyId } from './keys.ts'
import type { KeyResult, SigningKey } from './keys.ts'
import { secretKeyId } from './thumbprint.ts'
import { keyMaterialInSecret, weaknessOfSecret } from './weak-secret.ts'

export interface SecretOptions {
  /** Default `HS256`. */
  readonly algorithm?: HmacAlgorithm
  /** Key ID; by default derived from the secret. */
  readonly kid?: string
}

/** What makes bytes unusable as the secret of an HMAC, however they were made (RFC 7518 §3.2). */
export const secretProblems = (secret: Uint8Array, algorithm: HmacAlgorithm): string[] => {
  const { signatureBytes: shortest } = algorithmRow(algorithm)
  const problems: string[] = []
  if (secret.length < shortest) {
    problems.push(`has ${secret.length} bytes; ${algorithm} needs ${shortest} or more (RFC 7518 §3.2)`)
  }
  const material = keyMaterialInSecret(secret)
  if (material !== null) problems.push(`${material}, not a secret; import it as a key, or give random bytes`)
  return problems
}

/** Makes the key of an HMAC of bytes that have passed. */
export const secretKey = (secret: Uint8Array, algorithm: HmacAlgorithm, kid = secretKeyId(secret)): SigningKey => {
  const keyObject = createSecretKey(secret)
  return { kid, algorithm, keyObject, privateKeyObject: keyObject }
}

/**
 * Imports a shared secret. A string stands for its UTF-8 bytes.
 *
 * Refuses what is shorter than the hash, what is really a key of another kind, and what can be guessed
 * (RFC 7518 §3.2, RFC 8725 §3.5).
 */
export const importSecret = (
  secret: string | Uint8Array,
  { algorithm = 'HS256', kid }: SecretOptions = {},
): KeyResult<SigningKey> => {
  // Configuration comes from the environment often: what the types forbid arrives all the same.
  if (!isHmacAlgorithm(algorithm)) return { problems: ['has an algorithm other than HS256, HS384 or HS512'] }
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    return { problems: ['is not a secret; give a string or bytes'] }
  }
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  const problems = secretProblems(bytes, algorithm)
  if (kid !== undefined && !isKeyId(kid)) problems.push('has a kid that is not 1 to 256 printable ASCII characters')
  const weakness = problems.length === 0 ? weaknessOfSecret(bytes) : null
  if (weakness !== null) problems.push(`${weakness}; write the output of \`openssl rand -base64 48\``)
  return problems.length > 0 ? { problems } : { key: secretKey(bytes, algorithm, kid) }
}
