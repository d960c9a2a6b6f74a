import { createHash, hkdfSync } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { encodeBase64url } from './base64url.ts'

/** The members that make a public key, in the order of RFC 7638 §3.2 (lexicographic), by key type. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/** The public members of a key as a JWK and nothing else: built from a list, so that a private one cannot slip in. */
export const publicMembers = (key: KeyObject): JsonWebKey => {
  const jwk = key.export({ format: 'jwk' })
  const names = PUBLIC_MEMBERS[jwk.kty ?? ''] ?? []
  return Object.fromEntries(names.map((name) => [name, jwk[name]]))
}

/** The thumbprint of a public key: SHA-256 over its members in canonical form, as base64url (RFC 7638 §3). */
export const jwkThumbprint = (key: KeyObject): string =>
  createHash('sha256')
    .update(JSON.stringify(publicMembers(key)))
    .digest('base64url')

/**
 * The key ID of a secret: 128 bits by HKDF-SHA256 (RFC 5869). Not its RFC 7638 thumbprint, which would publish the
 * bare hash of the secret in every token.
 */
export const secretKeyId = (secret: Uint8Array): string =>
  encodeBase64url(new Uint8Array(hkdfSync('sha256', secret, '', 'jotward kid', 16)))
