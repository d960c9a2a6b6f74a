import type { KeyObject } from 'node:crypto'
import { decodeBase64url } from './base64url.ts'

const MIN_BITS = 2048
const MAX_BITS = 8192
const MAX_EXPONENT = 2n ** 64n

// Infineon's flawed library (ROCA, CVE-2017-15361) made primes that are powers of 65537 modulo each of these, so the
// modulus is one too. One sound modulus in 200 million looks the same.
const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

const isPowerOf65537 = (residue: number, prime: number): boolean => {
  let power = 1
  do {
    if (power === residue) return true
    power = (power * 65537) % prime
  } while (power !== 1)
  return false
}

const hasRocaFingerprint = (modulus: bigint): boolean =>
  ROCA_PRIMES.every((prime) => isPowerOf65537(Number(modulus % BigInt(prime)), prime))

/** What is wrong with an RSA public key: its size (RFC 7518 §3.3), its exponent, or a modulus known to be factorable. */
export const rsaProblems = (key: KeyObject): string[] => {
  const problems: string[] = []
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_BITS || modulusLength > MAX_BITS) {
    problems.push(`has ${modulusLength} bits; use ${MIN_BITS} to ${MAX_BITS}`)
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >= MAX_EXPONENT) {
    problems.push('has a public exponent that is even, below 3 or above 64 bits; use 65537 ("AQAB")')
  }
  const modulus = decodeBase64url(key.export({ format: 'jwk' }).n ?? '')?.toString('hex') ?? ''
  if (hasRocaFingerprint(BigInt(`0x0${modulus}`))) {
    problems.push('was made by a flawed generator (ROCA, CVE-2017-15361) and can be factored; make a new one')
  }
  return problems
}
