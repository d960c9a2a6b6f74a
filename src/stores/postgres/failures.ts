import { ConfigError, StoreError } from '../../core/errors.ts'

/** The SQLSTATE of a failure, or what the driver calls it where the server said nothing; else an empty text. */
export const codeOf = (failure: unknown): string => {
  const code = typeof failure === 'object' && failure !== null && 'code' in failure ? failure.code : ''
  return typeof code === 'string' ? code : ''
}

/** Serialization failure and deadlock: the server has undone it all, so that it may be tried again. */
export const isUndone = (failure: unknown): boolean => ['40001', '40P01'].includes(codeOf(failure))

/** Undefined table, function or schema. */
export const isMissing = (failure: unknown): boolean => ['42P01', '42883', '3F000'].includes(codeOf(failure))

/** Words for a failure. A refused connection is an error without a message of its own. */
const reasonOf = (failure: unknown): string => {
  const message = failure instanceof Error ? failure.message : String(failure)
  return message === '' ? codeOf(failure) : message
}

/** What a failure in an operation is to the caller: not known whether it was done. */
export const toStoreError = (operation: string, failure: unknown): StoreError => {
  if (failure instanceof StoreError) return failure
  if (isMissing(failure)) {
    const words = `its schema is not there, or of another version; await auth.ready() first (${reasonOf(failure)})`
    return new StoreError(operation, new Error(words, { cause: failure }))
  }
  return new StoreError(operation, new Error(reasonOf(failure), { cause: failure }))
}

export const unusable = (problem: string): ConfigError =>
  new ConfigError([{ path: 'store', problem: `the PostgreSQL database cannot be used: ${problem}` }])

/** Failures at the start that no retry helps, and their remedies. */
const REMEDIES: Readonly<Record<string, string>> = {
  '28000': 'it refuses the login; check user and pg_hba.conf',
  '28P01': 'it refuses the password',
  '3D000': 'there is no such database; create it first',
  '42501': 'the role lacks a right; see docs/postgres.sql for those that it needs',
  '42601': 'it does not take a statement; check the name of the schema',
  '42939': 'it does not take the name of the schema',
  '25006': 'it takes no writes; connect to the primary',
  '42703':
    'the schema holds something of another program, or of a version before the first release; give the store a schema of its own',
  '42P07': 'the schema holds something of another program; give the store a schema of its own',
  '42723': 'the schema holds something of another program; give the store a schema of its own',
}

/** What a failure at the start is: a `ConfigError` where somebody must change something, else a `StoreError`. */
export const toStartError = (failure: unknown): ConfigError | StoreError => {
  if (failure instanceof ConfigError) return failure
  const remedy = REMEDIES[codeOf(failure)]
  if (remedy === undefined) return toStoreError('starting', failure)
  return unusable(`${remedy} (${reasonOf(failure)})`)
}
