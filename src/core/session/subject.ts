import { ConfigError } from '../errors.ts'

/**
 * What no name may hold: control characters, of which some databases take NUL for the end of a text, so that `ann\0x`
 * would become `ann`; and half of a surrogate pair, which UTF-8 cannot write, so that two names would become one.
 */
export const UNWRITABLE = /[\p{Cc}\p{Cs}]/u

/** Whether a value can name somebody or something in a token: 1 to 255 characters, none of them unwritable. */
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 255 && !UNWRITABLE.test(value)

/** @throws ConfigError where a value cannot be a subject: never an answer to a caller, always a slip in the program */
export const checkSubject = (subject: unknown): void => {
  if (isName(subject)) return
  throw new ConfigError([
    { path: 'subject', problem: 'must be a string of 1 to 255 characters without control characters' },
  ])
}
