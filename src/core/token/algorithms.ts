import { constants } from 'node:crypto'

interface HmacRow {
  readonly kty: 'oct'
  readonly crv: null
  /** Name of the hash in node:crypto. */
  readonly hash: string
  /** Exact length of a signature, and the shortest secret (RFC 7518 §3.2). */
  readonly signatureBytes: number
}

interface KeyPairRow {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  /** The one curve it may be used with (RFC 7518 §3.4, RFC 8037 §3.1); null for RSA. */
  readonly crv: string | null
  /** Name of the hash in node:crypto; null where the algorithm brings its own. */
  readonly hash: string | null
  /** Exact length of a signature; null for RSA, where it is that of the modulus. */
  readonly signatureBytes: number | null
  /** Options of node:crypto's `sign` and `verify`. */
  readonly options: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'ieee-p1363'
  }
}

/** What signing and verifying with one algorithm needs; `kty` is the key type of RFC 7518 §6.1. */
export type AlgorithmRow = HmacRow | KeyPairRow

const hmac = (hash: string, signatureBytes: number): HmacRow => ({ kty: 'oct', crv: null, hash, signatureBytes })

const rsa = (hash: string): KeyPairRow => ({
  kty: 'RSA',
  crv: null,
  hash,
  signatureBytes: null,
  options: { padding: constants.RSA_PKCS1_PADDING },
})

// The salt is as long as the hash, neither shorter nor whatever the signature says (RFC 7518 §3.5).
const rsaPss = (hash: string, saltLength: number): KeyPairRow => ({
  kty: 'RSA',
  crv: null,
  hash,
  signatureBytes: null,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
})

// r and s side by side, not DER (RFC 7518 §3.4).
const ecdsa = (crv: string, hash: string, signatureBytes: number): KeyPairRow => ({
  kty: 'EC',
  crv,
  hash,
  signatureBytes,
  options: { dsaEncoding: 'ieee-p1363' },
})

const ed25519: KeyPairRow = { kty: 'OKP', crv: 'Ed25519', hash: null, signatureBytes: 64, options: {} }

/** Every algorithm there is: those of RFC 7518 §3.1 without `none`, and EdDSA with Ed25519 (RFC 8037 §3.1). */
const ALGORITHMS = {
  HS256: hmac('sha256', 32),
  HS384: hmac('sha384', 48),
  HS512: hmac('sha512', 64),
  RS256: rsa('sha256'),
  RS384: rsa('sha384'),
  RS512: rsa('sha512'),
  PS256: rsaPss('sha256', 32),
  PS384: rsaPss('sha384', 48),
  PS512: rsaPss('sha512', 64),
  ES256: ecdsa('P-256', 'sha256', 64),
  ES384: ecdsa('P-384', 'sha384', 96),
  ES512: ecdsa('P-521', 'sha512', 132),
  EdDSA: ed25519,
} satisfies Record<string, AlgorithmRow>

/** A signature algorithm by its registered name. It is a property of a key, never of a token. */
export type Algorithm = keyof typeof ALGORITHMS

/** An algorithm whose key is a shared secret. */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512'

// A Map, so that `toString` or `__proto__` is not the name of an algorithm.
const ROWS: ReadonlyMap<unknown, AlgorithmRow> = new Map(Object.entries(ALGORITHMS))

/** Whether a value, of a token's header for instance, is the exact name of an algorithm. */
export const isAlgorithm = (name: unknown): name is Algorithm => ROWS.has(name)

/** What an algorithm needs. */
export const algorithmRow = <A extends Algorithm>(algorithm: A): (typeof ALGORITHMS)[A] => ALGORITHMS[algorithm]

/** Whether a value is the exact name of an algorithm whose key is a shared secret. */
export const isHmacAlgorithm = (name: unknown): name is HmacAlgorithm => ROWS.get(name)?.kty === 'oct'

/** Names of the algorithms that a key of this type and curve can be used with, in the order of the table. */
export const algorithmsFor = (kty: unknown, crv: unknown): Algorithm[] =>
  [...ROWS]
    .filter(([, row]) => row.kty === kty && (row.crv === null || row.crv === crv))
    .map(([name]) => name)
    .filter(isAlgorithm)

/** Names of all algorithms, in the order of the table. */
export const ALGORITHM_NAMES: readonly Algorithm[] = [...ROWS.keys()].filter(isAlgorithm)
