import { createHash, createHmac } from 'node:crypto'
import { AuthError } from '../../../src/core/errors.ts'
import { createKeySet } from '../../../src/core/token/key-set.ts'
import type { KeySet } from '../../../src/core/token/key-set.ts'
import { importSigningJwk } from '../../../src/core/token/jwk.ts'
import type { JwkOptions } from '../../../src/core/token/jwk.ts'
import type { KeyResult, SigningKey, VerificationKey } from '../../../src/core/token/keys.ts'
import { importSecret } from '../../../src/core/token/secret.ts'

/** Bytes without any pattern, the same at every run. */
export const noise = (name: string, length = 32): Buffer =>
  Buffer.concat([0, 1, 2, 3].map((part) => createHash('sha512').update(`${name} ${part}`).digest())).subarray(0, length)

export const SECRET = noise('secret')

/** The key of an import that is expected to succeed. */
export const keyOf = <K extends VerificationKey>(result: KeyResult<K>): K => {
  if ('problems' in result) throw new Error(result.problems.join('; '))
  return result.key
}

/** The problems of an import, joined; empty where there are none. */
export const problemsOf = (result: object): string => ('problems' in result ? JSON.stringify(result.problems) : '')

export const signingKey = (jwk: unknown, options: JwkOptions = {}): SigningKey => keyOf(importSigningJwk(jwk, options))

export const hmacKey = (kid = 'k1', secret: Uint8Array = SECRET): SigningKey => keyOf(importSecret(secret, { kid }))

export const keySetOf = (...keys: VerificationKey[]): KeySet => {
  const result = createKeySet(keys)
  if ('problems' in result) throw new Error(problemsOf(result))
  return result.keySet
}

const base64url = (data: string | Uint8Array): string => Buffer.from(data as string).toString('base64url')

/** A header with a known key, as text. */
export const HEADER = '{"alg":"HS256","kid":"k1","typ":"at+jwt"}'

/** A compact JWS of any header and payload, well-formed or not, whose HMAC-SHA256 holds under `SECRET`. */
export const seal = (
  header: string | Uint8Array,
  payload: string | Uint8Array,
  secret: Uint8Array = SECRET,
): string => {
  const input = `${base64url(header)}.${base64url(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The code that `act` is refused with, or 'accepted'. Anything but an AuthError is a fault and passes through. */
export const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'accepted'
  } catch (error) {
    if (error instanceof AuthError) return error.code
    throw error
  }
}

/** What the log would say, or 'accepted'. */
export const detailOf = (act: () => unknown): string => {
  try {
    act()
    return 'accepted'
  } catch (error) {
    if (error instanceof AuthError) return error.detail ?? ''
    throw error
  }
}
