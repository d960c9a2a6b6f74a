import { StoreError } from '../../core/errors.ts'

/** Reads typed columns of a row. A store that hands back garbage is a failure of the store, not a session. */

const column = (row: unknown, name: string): unknown => {
  if (typeof row !== 'object' || row === null) throw new StoreError('reading a row', new Error('it is no object'))
  // An object's own members may be read by name; what they are is checked by the callers.
  return (row as Readonly<Record<string, unknown>>)[name]
}

const unexpected = (name: string): StoreError =>
  new StoreError('reading a row', new Error(`column ${name} is not as written`))

export const readText = (row: unknown, name: string): string => {
  const value = column(row, name)
  if (typeof value !== 'string') throw unexpected(name)
  return value
}

export const readInteger = (row: unknown, name: string): number => {
  const value = column(row, name)
  const integer = typeof value === 'bigint' ? Number(value) : value
  if (typeof integer !== 'number' || !Number.isSafeInteger(integer)) throw unexpected(name)
  return integer
}

export const readTextOrNull = (row: unknown, name: string): string | null =>
  column(row, name) === null ? null : readText(row, name)

export const readIntegerOrNull = (row: unknown, name: string): number | null =>
  column(row, name) === null ? null : readInteger(row, name)
