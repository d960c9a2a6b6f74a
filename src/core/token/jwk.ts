import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { algorithmRow, algorithmsFor, isAlgorithm, isHmacAlgorithm } from './algorithms.ts'
import type { Algorithm } from './algorithms.ts'
import { decodeBase64url } from './base64url.ts'
import { ed25519Problem } from './ed25519.ts'
import { isJsonObject } from './json.ts'
import type { JsonObject } from './json.ts'
import { isKeyId, isSigningKey } from './keys.ts'
import type { KeyResult, SigningKey, VerificationKey } from './keys.ts'
import { rsaProblems } from './rsa.ts'
import { secretKey, secretProblems } from './secret.ts'
import { createSignature, verifySignature } from './signature.ts'
import { jwkThumbprint } from './thumbprint.ts'
import { weaknessOfSecret } from './weak-secret.ts'

export interface JwkOptions {
  /** For RSA and oct keys that name no `alg` themselves; what a key names always wins. Never taken from a token. */
  readonly algorithm?: Algorithm
}

const PUBLIC_MEMBERS = ['n', 'e', 'x', 'y'] as const
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

/** Whether a JWK holds anything that must not be published (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
export const holdsPrivateMembers = (jwk: JsonObject): boolean => PRIVATE_MEMBERS.some((name) => jwk[name] !== undefined)

const isFor = (jwk: JsonObject, operation: 'sign' | 'verify'): boolean =>
  jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes(operation))

/** Why a JWK is not for signatures as we know them, or null. In a set such keys are left alone (RFC 7517 §5). */
export const unsupportedJwk = (jwk: JsonObject): string | null => {
  const usable = algorithmsFor(jwk.kty, jwk.crv)
  if (usable.length === 0) return 'has a "kty" or "crv" that no algorithm here uses'
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'has a "use" other than "sig"'
  if (!isFor(jwk, 'verify') && !isFor(jwk, 'sign')) return 'has "key_ops" that allow neither signing nor verifying'
  if (jwk.alg !== undefined && !isAlgorithm(jwk.alg)) return 'has an "alg" that is not a signature algorithm here'
  return null
}

/** Binds a key to one algorithm: the one it names, else the only one of its kind, else the one it was imported for. */
const bindAlgorithm = (jwk: JsonObject, { algorithm }: JwkOptions): Algorithm | null => {
  const usable = algorithmsFor(jwk.kty, jwk.crv)
  const named = jwk.alg ?? (usable.length === 1 ? usable[0] : algorithm)
  return usable.find((name) => name === named) ?? null
}

/** Node decodes base64url loosely, so each member is checked first; a coordinate is as long as its field (RFC 7518 §6.2.1.2). */
const isWellFormed = (jwk: JsonObject, algorithm: Algorithm): boolean => {
  const row = algorithmRow(algorithm)
  const coordinateBytes = row.kty === 'RSA' ? null : (row.signatureBytes ?? 0) / 2
  return [...PUBLIC_MEMBERS, ...PRIVATE_MEMBERS].every((name) => {
    const value = jwk[name]
    if (value === undefined) return true
    const bytes = typeof value === 'string' ? decodeBase64url(value) : null
    if (bytes === null || bytes.length === 0) return false
    return coordinateBytes === null || (name !== 'x' && name !== 'y') || bytes.length === coordinateBytes
  })
}

const pick = (jwk: JsonObject, names: readonly string[]): JsonWebKey =>
  Object.fromEntries(
    ['kty', 'crv', ...names].filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]]),
  )

/** Runs an import of node:crypto, whose own words may quote the key: they go no further. */
const orNull = (create: () => KeyObject): KeyObject | null => {
  try {
    return create()
  } catch {
    return null
  }
}

/** Whether both halves of a key pair belong together: node:crypto does not compare them. */
const isPair = (key: SigningKey): boolean => {
  const probe = 'jotward key pair'
  return verifySignature(probe, createSignature(probe, key), key)
}

const publicKeyProblems = (keyObject: KeyObject): string[] => {
  if (keyObject.asymmetricKeyType === 'rsa') return rsaProblems(keyObject)
  if (keyObject.asymmetricKeyType !== 'ed25519') return []
  const problem = ed25519Problem(decodeBase64url(keyObject.export({ format: 'jwk' }).x ?? '') ?? new Uint8Array())
  return problem === null ? [] : [problem]
}

const importPublic = (jwk: JsonObject, algorithm: Algorithm): KeyResult<VerificationKey> => {
  const keyObject = orNull(() => createPublicKey({ key: pick(jwk, PUBLIC_MEMBERS), format: 'jwk' }))
  if (keyObject === null) return { problems: [`is not a valid ${algorithmRow(algorithm).kty} public key`] }
  const problems = publicKeyProblems(keyObject)
  if (problems.length > 0) return { problems }
  return { key: { kid: isKeyId(jwk.kid) ? jwk.kid : jwkThumbprint(keyObject), algorithm, keyObject } }
}

const importPair = (jwk: JsonObject, algorithm: Algorithm): KeyResult<SigningKey> => {
  const half = importPublic(jwk, algorithm)
  if ('problems' in half) return half
  const members = [...PUBLIC_MEMBERS, ...PRIVATE_MEMBERS]
  const privateKeyObject = orNull(() => createPrivateKey({ key: pick(jwk, members), format: 'jwk' }))
  if (privateKeyObject === null) return { problems: [`is not a valid ${algorithmRow(algorithm).kty} private key`] }
  const key = { ...half.key, privateKeyObject }
  return isPair(key) ? { key } : { problems: ['has a private half that does not belong to its public half'] }
}

const importOct = (jwk: JsonObject, algorithm: Algorithm): KeyResult<VerificationKey> => {
  const secret = typeof jwk.k === 'string' ? decodeBase64url(jwk.k) : null
  if (secret === null || !isHmacAlgorithm(algorithm)) return { problems: ['has no "k" in base64url'] }
  const problems = secretProblems(secret, algorithm)
  if (problems.length > 0) return { problems }
  const key = secretKey(secret, algorithm, isKeyId(jwk.kid) ? jwk.kid : undefined)
  return { key: isFor(jwk, 'sign') ? key : { kid: key.kid, algorithm, keyObject: key.keyObject } }
}

const notFor = (operation: 'sign' | 'verify'): { problems: readonly string[] } => ({
  problems: [`has "key_ops" without "${operation}"`],
})

/**
 * Imports a JSON Web Key (RFC 7517): a signing key where it holds the private half or a secret, else a key that only
 * verifies.
 *
 * Refuses RSA under 2048 or over 8192 bits, flawed exponents and moduli, points off their curve or of low order, short
 * secrets, halves that do not belong together, and keys that are not for signatures.
 */
export const importJwk = (jwk: unknown, options: JwkOptions = {}): KeyResult<VerificationKey> => {
  if (!isJsonObject(jwk)) return { problems: ['is not a JWK (RFC 7517 §4): an object with "kty"'] }
  const unsupported = unsupportedJwk(jwk)
  if (unsupported !== null) return { problems: [unsupported] }
  if (jwk.kid !== undefined && !isKeyId(jwk.kid)) {
    return { problems: ['has a "kid" that is not 1 to 256 printable ASCII characters'] }
  }
  const algorithm = bindAlgorithm(jwk, options)
  if (algorithm === null) {
    const usable = algorithmsFor(jwk.kty, jwk.crv).join(', ')
    return { problems: [`has no "alg" that fits it; name one of ${usable} in the key, or at its import`] }
  }
  if (!isWellFormed(jwk, algorithm)) return { problems: ['has members that are not base64url of the right length'] }
  if (jwk.kty === 'oct') return importOct(jwk, algorithm)
  if (!holdsPrivateMembers(jwk)) return isFor(jwk, 'verify') ? importPublic(jwk, algorithm) : notFor('verify')
  return isFor(jwk, 'sign') ? importPair(jwk, algorithm) : notFor('sign')
}

/** Imports a JSON Web Key that has to sign: a public key is refused here, not at the first sign-in. */
export const importSigningJwk = (jwk: unknown, options: JwkOptions = {}): KeyResult<SigningKey> => {
  const result = importJwk(jwk, options)
  if ('problems' in result) return result
  const { key } = result
  if (!isSigningKey(key)) return { problems: ['cannot sign: it is a public key, or its "key_ops" forbid it'] }
  // A secret that only verifies is somebody else's choice; one that signs is ours.
  const weakness = key.keyObject.type === 'secret' ? weaknessOfSecret(key.keyObject.export()) : null
  return weakness === null
    ? { key }
    : { problems: [`${weakness}; \`jotward keys generate --alg HS256\` makes a good one`] }
}
