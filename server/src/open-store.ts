import { existsSync, statSync } from 'node:fs'
import { ConfigError, StoreError } from 'jotward'
import type { StoreWithUsers } from 'jotward'
import { openSqlite, sqliteStore } from 'jotward/stores/sqlite'
import type { SqliteDatabase } from 'jotward/stores/sqlite'
import { serverRecords } from './server-records.ts'
import type { ServerRecords } from './server-records.ts'

/** The database file of a server as a store, which closes the file too. */
export interface SqliteServerStore extends StoreWithUsers {
  readonly records: ServerRecords
  /** Of SQLite itself. */
  version(): string
  /** Ends the store and closes its file. */
  close(): Promise<void>
}

/** In SQLite's own words, because its codes say less than its messages; without those that only say where. */
const reasonOf = (error: unknown, file: string): string => {
  if (error instanceof ConfigError) {
    const words = error.problems.map(({ problem }) => problem).join('; ')
    // The clients differ in their words, some of which name the file once more.
    if (/unable to open/i.test(words)) return 'cannot be opened'
    return words.replace(`cannot open the SQLite file ${file}: `, '').replace('the SQLite file cannot be used: ', '')
  }
  if (error instanceof StoreError && error.cause !== undefined) return reasonOf(error.cause, file)
  return error instanceof Error ? error.message : String(error)
}

const RIGHT = 'give this user the right to read and write it and its folder'

/** What helps, by a reason in SQLite's words. Only a file that is beyond use may be moved away. */
const REMEDIES: readonly (readonly [reason: RegExp, remedy: string])[] = [
  [/disk is full|no space/i, 'free space on its disk'],
  [/locked|busy/i, 'end the program that holds it, or wait for it'],
  [/readonly|read-only|cannot be opened|permission|access/i, RIGHT],
  [/disk I\/O/i, 'see to its disk'],
  [/schema has version/i, 'serve it with the version of Jotward that wrote it'],
]

const BEYOND_USE = 'restore it from a backup, or move it away to begin anew'

/** What keeps a database from being used, in one line, with a remedy. */
export const storeProblem = (file: string, error: unknown): ConfigError => {
  if (existsSync(file) && statSync(file).isDirectory()) {
    const problem = 'is a folder, and should be the file of the database; give it another name'
    return new ConfigError([{ path: file, problem }])
  }
  const reason = reasonOf(error, file).replaceAll(/\s+/g, ' ')
  // It says itself what to install.
  if (reason.includes('no SQLite client')) return new ConfigError([{ path: '', problem: reason }])
  const remedy = REMEDIES.find(([pattern]) => pattern.test(reason))?.[1] ?? BEYOND_USE
  return new ConfigError([{ path: file, problem: `${reason}; ${remedy}` }])
}

/**
 * Refuses a file with damage anywhere before anything is written to it: found by a request, it would be too late for an
 * orderly stop. Reads the whole file, about a second for 300 MB.
 */
const checkIntegrity = (database: SqliteDatabase): void => {
  // Another server on the same file may be writing.
  database.exec('PRAGMA busy_timeout = 2000')
  // The columns of a row are ours to know: this pragma has one, of text.
  const row = database.prepare('PRAGMA quick_check(1)').get() as { readonly quick_check?: string } | undefined
  if (row?.quick_check !== 'ok') throw new Error(`the database is damaged: ${row?.quick_check ?? 'no answer'}`)
}

/** A store over a handle that is good; on one that is not the handle is closed again. */
const storeOn = async (database: SqliteDatabase): Promise<SqliteServerStore> => {
  try {
    checkIntegrity(database)
    const store = sqliteStore(database)
    await store.ready()
    return {
      ...store,
      records: serverRecords(database),
      version: () => {
        // The columns of a row are ours to know: this one is text.
        const row = database.prepare('SELECT sqlite_version() AS version').get() as { readonly version: string }
        return row.version
      },
      close: async () => {
        await store.close()
        // Into the one file, so that a copy of it is a backup; what another server still uses stays in the log.
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Opens the database file, made at the first start. One that SQLite cannot use whole is left as it is.
 *
 * @throws ConfigError where it cannot be opened, is no database, is damaged, or was written by another version
 */
export const openStore = async (file: string): Promise<SqliteServerStore> => {
  try {
    return await storeOn(openSqlite(file))
  } catch (cause) {
    throw storeProblem(file, cause)
  }
}

/**
 * Opens a database that must be there: what ends sessions in a new one by mistake would end nobody's.
 *
 * @throws ConfigError as `openStore`, and where there is no file
 */
export const openExistingStore = async (file: string): Promise<SqliteServerStore> => {
  if (existsSync(file)) return openStore(file)
  throw new ConfigError([{ path: file, problem: 'is missing; set JOTWARD_DATA to the data folder of the server' }])
}
