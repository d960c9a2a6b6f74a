import type { ConfigProblem } from '../errors.ts'
import { unknownKeys } from '../unknown-keys.ts'
import { ALGORITHM_NAMES, isAlgorithm } from './algorithms.ts'
import type { Algorithm, HmacAlgorithm } from './algorithms.ts'
import { importJwks } from './jwks.ts'
import type { JwksDocument, JwksOptions } from './jwks.ts'
import { createKeySet } from './key-set.ts'
import type { KeySetResult } from './key-set.ts'
import { importSecret } from './secret.ts'

/** A shared secret; a string stands for its UTF-8 bytes. */
export interface SecretKeys {
  readonly secret: string | Uint8Array
  /** Default `HS256`. */
  readonly algorithm?: HmacAlgorithm
}

/** A JWK Set with what it does not say itself. */
export interface JwksKeys {
  readonly jwks: JwksDocument
  /** For RSA and oct keys that name no `alg`. */
  readonly algorithm?: Algorithm
  /** Lets the set hold secrets and private keys. Default false: only for a file of one's own. */
  readonly allowSymmetric?: boolean
}

/** Where a verifier's keys come from: a JWK Set document, the same with settings, or a secret. */
export type VerifierKeys = JwksDocument | JwksKeys | SecretKeys

const under = (path: string, problems: readonly ConfigProblem[]): ConfigProblem[] =>
  problems.map((found) => ({ path: `${path}${found.path === '' ? '' : `.${found.path}`}`, problem: found.problem }))

const fromSecret = (keys: SecretKeys): KeySetResult => {
  const unknown = unknownKeys('keys', keys, ['secret', 'algorithm'])
  const result = importSecret(keys.secret, keys.algorithm === undefined ? {} : { algorithm: keys.algorithm })
  const problems = 'problems' in result ? result.problems.map((problem) => ({ path: 'keys.secret', problem })) : []
  if ('problems' in result || unknown.length > 0) return { problems: [...unknown, ...problems] }
  return createKeySet([result.key])
}

const fromJwks = (document: unknown, options: JwksOptions, path: string): KeySetResult => {
  const result = importJwks(document, options)
  if ('problems' in result) return { problems: under(path, result.problems) }
  const set = createKeySet(result.keys)
  return 'problems' in set ? { problems: under(path, set.problems) } : set
}

const fromJwksKeys = ({ jwks, algorithm, allowSymmetric = false, ...others }: JwksKeys): KeySetResult => {
  const problems = unknownKeys('keys', others, ['jwks', 'algorithm', 'allowSymmetric'])
  if (algorithm !== undefined && !isAlgorithm(algorithm)) {
    problems.push({ path: 'keys.algorithm', problem: `is not one of ${ALGORITHM_NAMES.join(', ')}` })
  }
  if (typeof allowSymmetric !== 'boolean')
    problems.push({ path: 'keys.allowSymmetric', problem: 'is not true or false' })
  if (problems.length > 0) return { problems }
  return fromJwks(jwks, algorithm === undefined ? { allowSymmetric } : { allowSymmetric, algorithm }, 'keys.jwks')
}

/** Imports the keys of a verifier, or says what is wrong with them; paths begin with `keys`. */
export const resolveVerifierKeys = (keys: VerifierKeys): KeySetResult => {
  if (typeof keys !== 'object' || keys === null) {
    return { problems: [{ path: 'keys', problem: 'is missing; give a JWK Set document, or { secret }' }] }
  }
  if ('secret' in keys) return fromSecret(keys)
  if ('jwks' in keys) return fromJwksKeys(keys)
  return fromJwks(keys, { allowSymmetric: false }, 'keys')
}
