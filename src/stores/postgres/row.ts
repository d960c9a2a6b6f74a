import { StoreError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/token/json.ts'
import type { JsonObject, JsonValue } from '../../core/token/json.ts'

/** Reads typed members of an answer. A store that hands back garbage is a failure of the store, not a session. */

const unexpected = (name: string): StoreError =>
  new StoreError('reading an answer', new Error(`${name} is not as written`))

export const column = (row: unknown, name: string): unknown => {
  if (typeof row !== 'object' || row === null) throw unexpected('the row')
  // An object's own members may be read by name; what they are is checked by the callers.
  return (row as Readonly<Record<string, unknown>>)[name]
}

export const readText = (row: unknown, name: string): string => {
  const value = column(row, name)
  if (typeof value !== 'string') throw unexpected(name)
  return value
}

export const readInteger = (row: unknown, name: string): number => {
  const value = column(row, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw unexpected(name)
  return value
}

export const readBoolean = (row: unknown, name: string): boolean => {
  const value = column(row, name)
  if (typeof value !== 'boolean') throw unexpected(name)
  return value
}

export const readTextOrNull = (row: unknown, name: string): string | null =>
  column(row, name) === null ? null : readText(row, name)

export const readIntegerOrNull = (row: unknown, name: string): number | null =>
  column(row, name) === null ? null : readInteger(row, name)

export const readList = (row: unknown, name: string): readonly unknown[] => {
  const value = column(row, name)
  if (!Array.isArray(value)) throw unexpected(name)
  return value
}

/** The rows of an answer that is a list. */
export const readRows = (answer: unknown): readonly unknown[] => {
  if (!Array.isArray(answer)) throw unexpected('the answer')
  return answer
}

export const readTexts = (row: unknown, name: string): readonly string[] => {
  const texts = readList(row, name)
  if (texts.every((text) => typeof text === 'string')) return texts
  throw unexpected(name)
}

export const readObject = (row: unknown, name: string): JsonObject => {
  // What JSON.parse has made: no value of it can be anything but JSON.
  const value = column(row, name) as JsonValue
  if (!isJsonObject(value)) throw unexpected(name)
  return value
}
