import type { JsonWebKey } from 'node:crypto'
import type { ConfigProblem } from '../errors.ts'
import type { Algorithm } from './algorithms.ts'
import { holdsPrivateMembers, importJwk, unsupportedJwk } from './jwk.ts'
import { isJsonObject } from './json.ts'
import type { VerificationKey } from './keys.ts'
import { publicMembers } from './thumbprint.ts'

/** A JWK Set (RFC 7517 §5). */
export interface JwksDocument {
  readonly keys: readonly JsonWebKey[]
}

export interface JwksOptions {
  /** Whether the set may hold secrets and private keys. Only a local file may: a fetched set with one is published. */
  readonly allowSymmetric: boolean
  /** For RSA and oct keys that name no `alg` themselves. */
  readonly algorithm?: Algorithm
}

/** A key of a set that was left alone, with the reason for people. */
export interface SkippedKey {
  readonly index: number
  readonly reason: string
}

/** The keys of a set, or what is wrong with it; paths are relative to the set, like `keys[1]`. */
export type JwksResult =
  | { readonly keys: readonly VerificationKey[]; readonly skipped: readonly SkippedKey[] }
  | { readonly problems: readonly ConfigProblem[] }

const PRIVATE_IN_PUBLIC =
  'holds a secret or private key, which a public key set must not; replace that key: it is known'

/**
 * Imports a JWK Set. Keys for other purposes and of unknown kinds are skipped (RFC 7517 §5); a flawed key, and a secret
 * in a public set, condemn the whole set, because somebody has to look at it. So does a set without any usable key.
 */
export const importJwks = (document: unknown, { allowSymmetric, algorithm }: JwksOptions): JwksResult => {
  if (!isJsonObject(document) || !Array.isArray(document.keys)) {
    return { problems: [{ path: '', problem: 'is not a JWK Set (RFC 7517 §5): an object with an array "keys"' }] }
  }
  const keys: VerificationKey[] = []
  const skipped: SkippedKey[] = []
  const problems: ConfigProblem[] = []
  for (const [index, jwk] of document.keys.entries()) {
    const path = `keys[${index}]`
    const reason = isJsonObject(jwk) ? unsupportedJwk(jwk) : null
    if (!allowSymmetric && isJsonObject(jwk) && holdsPrivateMembers(jwk)) {
      problems.push({ path, problem: PRIVATE_IN_PUBLIC })
    } else if (reason === null) {
      const result = importJwk(jwk, algorithm === undefined ? {} : { algorithm })
      if ('key' in result) keys.push(result.key)
      else problems.push(...result.problems.map((problem) => ({ path, problem })))
    } else skipped.push({ index, reason })
  }
  if (keys.length === 0 && problems.length === 0) {
    const reasons = skipped.map(({ index, reason }) => `keys[${index}] ${reason}`).join('; ')
    problems.push({ path: 'keys', problem: `holds no usable key${reasons === '' ? '' : `: ${reasons}`}` })
  }
  return problems.length > 0 ? { problems } : { keys, skipped }
}

/** The JWK Set to publish (RFC 7517 §5): public halves only. Secrets are left out altogether. */
export const publicJwks = (keys: readonly VerificationKey[]): JwksDocument => ({
  keys: keys
    .filter(({ keyObject }) => keyObject.type === 'public')
    .map(({ kid, algorithm, keyObject }) => ({ ...publicMembers(keyObject), kid, alg: algorithm, use: 'sig' })),
})
