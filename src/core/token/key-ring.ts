import { hkdfSync } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { ConfigProblem } from '../errors.ts'
import { unknownKeys } from '../unknown-keys.ts'
import type { HmacAlgorithm } from './algorithms.ts'
import { importJwk, importSigningJwk } from './jwk.ts'
import { createKeySet } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { KeyResult, SigningKey, VerificationKey } from './keys.ts'
import { importSecret, secretKey } from './secret.ts'

/** One shared secret signs and verifies: for services that trust each other wholly. */
export interface SecretKeysConfig {
  /** At least as long as the hash: 32 bytes for HS256. `openssl rand -base64 48` makes one. */
  readonly secret: string | Uint8Array
  /** Former secrets, under which tokens are still accepted. */
  readonly previousSecrets?: readonly (string | Uint8Array)[]
  /** Secrets that will sign next: accepted everywhere before any process signs with one. */
  readonly nextSecrets?: readonly (string | Uint8Array)[]
  /** Default `HS256`. */
  readonly algorithm?: HmacAlgorithm
}

/** A key ring: one key signs, others verify; all are published. A key goes from `next` to `current` to `retiring`. */
export interface KeyRingConfig {
  /** Private JWK that signs; `jotward keys generate` makes one. */
  readonly current: JsonWebKey
  /** Published before they sign, so that every verifier knows them by then. */
  readonly next?: readonly JsonWebKey[]
  /** No longer sign; stay until the last token of theirs has expired. */
  readonly retiring?: readonly JsonWebKey[]
}

export type KeysConfig = SecretKeysConfig | KeyRingConfig

/** The secrets of refresh tokens, where they are not derived. */
export interface RefreshSecrets {
  readonly secret?: string | Uint8Array
  readonly previousSecrets?: readonly (string | Uint8Array)[]
  readonly nextSecrets?: readonly (string | Uint8Array)[]
}

/** Keys of one purpose: the one that signs, and those that verify. */
export interface PurposeKeys {
  readonly signing: SigningKey
  readonly verifying: KeySet
}

/** Every key of an issuer. Access and refresh tokens never share one. */
export interface KeyRing extends PurposeKeys {
  readonly refresh: PurposeKeys & {
    /** The key that signs the refresh tokens of a generation made under `keyId`; throws StoreError where it is not here. */
    readonly signingFor: (keyId: string) => SigningKey
  }
}

type Problems = { readonly problems: readonly ConfigProblem[] }

const collect = <K extends VerificationKey>(
  results: readonly (readonly [path: string, result: KeyResult<K>])[],
): { readonly keys: readonly K[] } | Problems => {
  const keys = results.flatMap(([, result]) => ('key' in result ? [result.key] : []))
  const problems = results.flatMap(([path, result]) =>
    'problems' in result ? result.problems.map((problem) => ({ path, problem })) : [],
  )
  return problems.length > 0 ? { problems } : { keys }
}

/** Keys of one purpose, from the signing key and further ones. */
const purposeKeys = (path: string, signing: SigningKey, others: readonly VerificationKey[]): PurposeKeys | Problems => {
  const result = createKeySet([signing, ...others])
  if ('keySet' in result) return { signing, verifying: result.keySet }
  return { problems: result.problems.map(({ problem }) => ({ path, problem })) }
}

type Secrets = Omit<SecretKeysConfig, 'algorithm'>

const secretsAt = (
  path: string,
  { secret, previousSecrets = [], nextSecrets = [] }: Secrets,
  algorithm: HmacAlgorithm = 'HS256',
) => {
  const imported = (setting: string, value: string | Uint8Array) =>
    [`${path}.${setting}`, importSecret(value, { algorithm })] as const
  return collect([
    imported('secret', secret),
    ...previousSecrets.map((previous, index) => imported(`previousSecrets[${index}]`, previous)),
    ...nextSecrets.map((next, index) => imported(`nextSecrets[${index}]`, next)),
  ])
}

/** A secret of its own for refresh tokens, so that neither kind of token verifies as the other (RFC 8725 §3.11). */
const deriveRefreshKey = ({ keyObject }: VerificationKey): SigningKey => {
  const bytes = new Uint8Array(hkdfSync('sha256', keyObject.export(), '', 'jotward refresh token', 32))
  return secretKey(bytes, 'HS256')
}

const resolveSigning = (config: KeysConfig): PurposeKeys | Problems => {
  if ('secret' in config) {
    const secrets = secretsAt('keys', config, config.algorithm)
    if ('problems' in secrets) return secrets
    const [signing, ...others] = secrets.keys
    return signing === undefined ? { problems: [] } : purposeKeys('keys', signing, others)
  }
  const current = importSigningJwk(config.current)
  const others = collect([
    ...(config.next ?? []).map((jwk, index) => [`keys.next[${index}]`, importJwk(jwk)] as const),
    ...(config.retiring ?? []).map((jwk, index) => [`keys.retiring[${index}]`, importJwk(jwk)] as const),
  ])
  const problems = [
    ...('problems' in current ? current.problems.map((problem) => ({ path: 'keys.current', problem })) : []),
    ...('problems' in others ? others.problems : []),
  ]
  if ('problems' in current || 'problems' in others) return { problems }
  return purposeKeys('keys', current.key, others.keys)
}

const resolveRefresh = (
  config: KeysConfig,
  { secret, ...furtherSecrets }: RefreshSecrets,
  access: PurposeKeys | Problems,
): PurposeKeys | Problems => {
  if (secret !== undefined) {
    const secrets = secretsAt('refreshToken', { secret, ...furtherSecrets })
    if ('problems' in secrets) return secrets
    const [signing, ...further] = secrets.keys
    if (signing === undefined) return { problems: [] }
    const isShared = (key: VerificationKey): boolean =>
      !('problems' in access) && access.verifying.keys.some(({ keyObject }) => keyObject.equals(key.keyObject))
    if (!secrets.keys.some(isShared)) return purposeKeys('refreshToken', signing, further)
    const problem = 'is a secret of keys too; leave it out to have one derived, or give another'
    return { problems: [{ path: 'refreshToken.secret', problem }] }
  }
  if (!('secret' in config)) {
    const problem = 'is missing; it is needed where keys holds no secret. `openssl rand -base64 48` makes one'
    return { problems: [{ path: 'refreshToken.secret', problem }] }
  }
  if ('problems' in access) return { problems: [] }
  const [signing, ...others] = access.verifying.keys.map(deriveRefreshKey)
  return signing === undefined ? { problems: [] } : purposeKeys('refreshToken', signing, others)
}

const shapeProblems = (config: unknown): readonly ConfigProblem[] => {
  if (typeof config !== 'object' || config === null || !('secret' in config || 'current' in config)) {
    return [{ path: 'keys', problem: 'must be { secret }, or { current, next?, retiring? } with JWKs' }]
  }
  const isSecret = 'secret' in config
  return unknownKeys(
    'keys',
    config,
    isSecret ? ['secret', 'previousSecrets', 'nextSecrets', 'algorithm'] : ['current', 'next', 'retiring'],
  )
}

/** Imports every key of an issuer, or tells everything that is wrong with them. */
export const resolveKeys = (config: KeysConfig, refreshSecrets: RefreshSecrets): KeyRing | Problems => {
  const shape = shapeProblems(config)
  if (shape.length > 0) return { problems: shape }
  const access = resolveSigning(config)
  const refresh = resolveRefresh(config, refreshSecrets, access)
  if ('problems' in access || 'problems' in refresh) {
    return {
      problems: [...('problems' in access ? access.problems : []), ...('problems' in refresh ? refresh.problems : [])],
    }
  }
  const byId = new Map(refresh.verifying.keys.map((key) => [key.kid, { ...key, privateKeyObject: key.keyObject }]))
  const signingFor = (keyId: string): SigningKey => {
    const key = byId.get(keyId)
    // With another key the same generation would get two tokens. Another process has this one already.
    if (key === undefined) throw new StoreError('signing a refresh token', new Error(`there is no key ${keyId} here`))
    return key
  }
  return { ...access, refresh: { ...refresh, signingFor } }
}
