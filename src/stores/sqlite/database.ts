import { createRequire } from 'node:module'
import { ConfigError, StoreError } from '../../core/errors.ts'

export type SqliteValue = string | number | bigint | null | Uint8Array

/** A row as SQLite hands it over: columns by name. */
export type SqliteRow = Readonly<Record<string, unknown>>

export interface SqliteStatement {
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint }
  get(...parameters: SqliteValue[]): unknown
  all(...parameters: SqliteValue[]): unknown[]
}

/**
 * The part of a SQLite client that the stores need: the shape that `node:sqlite`, better-sqlite3 and libsql share.
 * The handle should be the store's alone, because a transaction of somebody else on it would swallow the store's.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

type DatabaseClass = new (path: string) => SqliteDatabase

const CLIENTS = [
  { module: 'node:sqlite', member: 'DatabaseSync' },
  { module: 'better-sqlite3', member: null },
  { module: 'libsql', member: null },
] as const

/** The class that a client module offers, or null where this process does not have the module. */
const loadClient = ({ module, member }: (typeof CLIENTS)[number]): DatabaseClass | null => {
  const require = createRequire(import.meta.url)
  try {
    // The modules are optional, so nothing of their types is known here; all three document this shape.
    const loaded = require(module) as Record<string, DatabaseClass> & DatabaseClass
    return member === null ? loaded : (loaded[member] ?? null)
  } catch {
    return null
  }
}

/**
 * Opens a SQLite file with the first client at hand: `node:sqlite` (Node from 22.13 on), better-sqlite3, libsql.
 *
 * @throws ConfigError where there is no client, or the file cannot be opened
 */
export const openSqlite = (path: string): SqliteDatabase => {
  for (const client of CLIENTS) {
    const Database = loadClient(client)
    if (Database === null) continue
    try {
      return new Database(path)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new ConfigError([{ path: 'store', problem: `cannot open the SQLite file ${path}: ${reason}` }])
    }
  }
  const problem = 'no SQLite client found; run "npm install libsql", or use Node 22.13 or later'
  throw new ConfigError([{ path: 'store', problem }])
}

/** Runs `work`, turning what the client throws into a `StoreError` that names the operation. */
export const guarded = <T>(operation: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    throw cause instanceof StoreError ? cause : new StoreError(operation, cause)
  }
}

const rollBack = (database: SqliteDatabase): void => {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself (a full disk, say); what went wrong first is what matters.
  }
}

/** Runs `work` in one write transaction: all of it is kept, or nothing. */
export const transaction = <T>(database: SqliteDatabase, operation: string, work: () => T): T =>
  guarded(operation, () => {
    // IMMEDIATE takes the write lock before anything is read, so that no other process decides on the same row.
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (cause) {
      rollBack(database)
      throw cause
    }
  })
