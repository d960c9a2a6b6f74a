import { createPublicKey } from 'node:crypto'

/** What secrets are made of where someone meant to replace them, longest first so that no word hides another. */
const WORDS = `
  authentication configuration confidential application development placeholder unguessable characters passphrase
  production signature symmetric changeme insecure password default example generic jotward jsonweb letmein
  minimum private refresh replace signing welcome access change please public qwerty random sample secret secure
  server should string strong admin bytes least super token bits demo dont here hmac long must real salt some test
  that this user very with your abc api bit app dev for jwt key not the top use web at be do in is it me my of to
`

const WORD = new RegExp(WORDS.trim().split(/\s+/).join('|'), 'g')

/** Fewest characters that must remain of a secret when well-known words and separators are taken away. */
const MIN_UNKNOWN_CHARACTERS = 16
const MIN_DISTINCT_BYTES = 6

const parsesAsPublicKey = (der: Buffer): boolean => {
  try {
    createPublicKey({ key: der, format: 'der', type: 'spki' })
    return true
  } catch {
    return false
  }
}

const isJsonObjectText = (text: string): boolean => {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * What kind of key material a secret really is, or null: PEM, an SSH or DER public key, a JWK. A public key used as a
 * secret lets everyone sign (CVE-2016-10555).
 */
export const keyMaterialInSecret = (secret: Uint8Array): string | null => {
  const bytes = Buffer.from(secret)
  const text = bytes.toString('utf8').trim()
  if (text.includes('-----BEGIN')) return 'is PEM'
  if (/^(ssh-|ecdsa-sha2-)/.test(text)) return 'is an SSH key'
  if (isJsonObjectText(text)) return 'is JSON'
  if (parsesAsPublicKey(bytes)) return 'is a public key in DER'
  // The body of a PEM file, without its first and last line.
  return parsesAsPublicKey(Buffer.from(text, 'base64')) ? 'is a public key in base64' : null
}

const isRepetition = (bytes: Uint8Array): boolean => {
  for (let unit = 1; unit * 2 <= bytes.length; unit++) {
    if (bytes.every((byte, at) => byte === bytes[at % unit])) return true
  }
  return false
}

/** Whether three of four neighbours are alike or consecutive, as in `0123456789abcdef` or 00 01 02. */
const isSequence = (bytes: Uint8Array): boolean => {
  let steps = 0
  for (let at = 1; at < bytes.length; at++) {
    if (Math.abs((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) <= 1) steps++
  }
  return steps * 4 >= (bytes.length - 1) * 3
}

const isMadeOfWords = (bytes: Uint8Array): boolean => {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase()
  if (!/^[\x20-\x7e]*$/.test(text)) return false
  // Once word by word, once run together, as in `change_me` and `bit-secret`.
  const unknown = text
    .replaceAll(WORD, '')
    .replaceAll(/[^a-z0-9]/g, '')
    .replaceAll(WORD, '')
  return unknown.length < MIN_UNKNOWN_CHARACTERS
}

/** Why a secret can be guessed, or null. It cannot tell that a secret is good, only that it is bad. */
export const weaknessOfSecret = (secret: Uint8Array): string | null => {
  if (new Set(secret).size < MIN_DISTINCT_BYTES || isRepetition(secret)) return 'repeats itself'
  if (isSequence(secret)) return 'is a sequence'
  return isMadeOfWords(secret) ? 'is made of well-known words' : null
}
