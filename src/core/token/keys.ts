import type { KeyObject } from 'node:crypto'
import type { Algorithm } from './algorithms.ts'

/** A key that verifies signatures of one algorithm, fixed when the key was imported. */
export interface VerificationKey {
  /** Key ID: that of the JWK, else its RFC 7638 thumbprint; for a secret a value derived from it. */
  readonly kid: string
  readonly algorithm: Algorithm
  /** The public key, or the secret of an HMAC. */
  readonly keyObject: KeyObject
}

/** A key that also signs. */
export interface SigningKey extends VerificationKey {
  /** The private key; for an HMAC the same secret as `keyObject`. */
  readonly privateKeyObject: KeyObject
}

/** An imported key, or everything that is wrong with it: sentences without a subject, with the remedy, for people. */
export type KeyResult<K extends VerificationKey> = { readonly key: K } | { readonly problems: readonly string[] }

/** Whether a key can sign (a public key cannot). */
export const isSigningKey = (key: VerificationKey): key is SigningKey => 'privateKeyObject' in key

const KEY_ID = /^[\x20-\x7e]{1,256}$/

/** Whether a value can be a key ID here: 1 to 256 printable ASCII characters, so that it may be looked up and logged. */
export const isKeyId = (value: unknown): value is string => typeof value === 'string' && KEY_ID.test(value)
