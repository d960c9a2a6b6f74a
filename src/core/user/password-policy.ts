import { COMMON_PASSWORDS } from './common-passwords.ts'

/**
 * Which passwords may be chosen, after NIST SP 800-63B-4 §3.1.1.2: length and a blocklist decide. There are no
 * composition rules, nothing is truncated, and every character counts as one.
 */

/** Bounds the work that one request can ask of the hash; any password of 64 characters is far below. */
export const MAX_PASSWORD_BYTES = 4096

/**
 * The default minimum, in characters: what NIST SP 800-63B-4 asks beside a second factor. Where the password is the
 * only factor it asks 15.
 */
export const DEFAULT_MIN_PASSWORD_LENGTH = 8

export interface PasswordPolicy {
  /** Characters (code points). Default: 8. */
  readonly minLength?: number
  /** What this password must not be made of: the service's name, the e-mail address (its local part counts too). */
  readonly context?: readonly string[]
}

/** What somebody gets by drawing a finger over the keys or counting; read in both directions. */
const RUNS = [
  '01234567890123456789012345678901234567890123456789',
  'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  '`1234567890-=',
  '!@#$%^&*()_+',
  'йцукенгшщзхъфывапролджэячсмитьбю',
].flatMap((run) => [run, Array.from(run).toReversed().join('')])

const REPEATED_CHARACTER = /^(.)\1*$/su
const REPEATED_UNIT = /^(.{2,4}?)\1+$/su

/** Digits, punctuation and symbols: what people hang on a word to make it pass. */
const ORNAMENT = String.raw`[\p{N}\p{P}\p{S}\p{Z}]`
const ONLY_ORNAMENT = new RegExp(`^${ORNAMENT}*$`, 'u')

/** Without the ornament at its end. From the end on: a pattern for it would try every beginning of it. */
const withoutOrnament = (text: string): string => {
  const signs = Array.from(text)
  let end = signs.length
  while (end > 0 && ONLY_ORNAMENT.test(signs[end - 1] ?? '')) end -= 1
  return signs.slice(0, end).join('')
}

/**
 * The form in which a password is hashed and verified, the same at sign-up and at every sign-in: NFKC, because one
 * keyboard writes `é` as one code point and another as two (NIST SP 800-63B-4 §3.1.1.2).
 */
export const normalizePassword = (password: string): string => password.normalize('NFKC')

/** True beyond 4,096 bytes of UTF-8, as typed or as normalised; what is too long as typed is not normalised. */
export const isPasswordTooLong = (password: string): boolean =>
  Buffer.byteLength(password) > MAX_PASSWORD_BYTES ||
  Buffer.byteLength(normalizePassword(password)) > MAX_PASSWORD_BYTES

/** Characters of a password, by the shorter of both forms: NFKC makes eighteen characters of one Arabic ligature. */
const countCharacters = (password: string): number =>
  Math.min(Array.from(password).length, Array.from(normalizePassword(password)).length)

const isCommon = (folded: string): boolean =>
  COMMON_PASSWORDS.has(folded) || COMMON_PASSWORDS.has(withoutOrnament(folded))

/** The forms of the context words that are searched for: an e-mail address counts whole and by its local part. */
const contextWords = (context: readonly string[]): readonly string[] =>
  context
    .map((word) => normalizePassword(word).trim().toLowerCase())
    .flatMap((word) => [word, word.split('@')[0] ?? ''])
    .filter((word) => word !== '')

/** True where nothing but digits and signs is left once the word is taken out. */
const isMadeOf = (folded: string, word: string): boolean =>
  folded.includes(word) && ONLY_ORNAMENT.test(folded.replaceAll(word, ''))

/**
 * Why a password may not be chosen, as public words about it that never repeat it, or null where it may.
 *
 * Refused are: fewer characters than `minLength`, more than 4,096 bytes, a commonly used password (with or without
 * digits and signs behind it), one character or one short unit repeated, a run of the alphabet or the keyboard, and a
 * context word with or without digits and signs.
 */
export const checkPassword = (
  password: string,
  { minLength = DEFAULT_MIN_PASSWORD_LENGTH, context = [] }: PasswordPolicy = {},
): string | null => {
  if (isPasswordTooLong(password)) return `must have at most ${MAX_PASSWORD_BYTES} bytes`
  // Half of a surrogate pair is no character: UTF-8 would make one and the same of all of them.
  if (/\p{Cs}/u.test(password)) return 'must be valid Unicode text'
  if (countCharacters(password) < minLength) return `must have at least ${minLength} characters`
  const folded = normalizePassword(password).toLowerCase()
  if (isCommon(folded)) return 'must not be one that is commonly used'
  if (REPEATED_CHARACTER.test(folded)) return 'must not be one character repeated'
  if (REPEATED_UNIT.test(folded)) return 'must not be one pattern repeated'
  if (RUNS.some((run) => run.includes(folded))) return 'must not be a simple sequence'
  if (contextWords(context).some((word) => isMadeOf(folded, word))) {
    return 'must not be made of your address or the name of this service'
  }
  return null
}
