import { StoreError } from '../../core/errors.ts'

/** Reads what Redis has answered. A store that hands back garbage is a failure of the store, not a session. */

const unexpected = (what: string): StoreError =>
  new StoreError('reading a reply', new Error(`${what} is not as the scripts write it`))

/** Clients may be set to hand texts over as bytes, and small numbers as numbers. */
export const toText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw unexpected('a text')
}

export const toList = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value
  throw unexpected('a list')
}

/** A whole number that a double holds exactly. */
export const toInteger = (value: unknown): number => {
  const text = toText(value)
  const number = Number(text)
  if (text === '' || !Number.isSafeInteger(number)) throw unexpected('a number')
  return number
}

/** A number, or null where '' stands for it. */
export const toIntegerOrNull = (value: unknown): number | null => {
  const text = toText(value)
  return text === '' ? null : toInteger(text)
}

export const toObject = (value: unknown): object => {
  const parsed: unknown = JSON.parse(toText(value))
  if (typeof parsed === 'object' && parsed !== null) return parsed
  throw unexpected('an object')
}

/** A text that may be missing, as one text: '' is missing, and what is there stands behind a sign. */
export const writeOptional = (text: string | null): string => (text === null ? '' : `=${text}`)

export const readOptional = (value: unknown): string | null => {
  const text = toText(value)
  return text === '' ? null : text.slice(1)
}
