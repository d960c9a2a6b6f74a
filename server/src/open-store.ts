import { ConfigError } from 'jotward'
import type { StoreWithUsers } from 'jotward'
import { openSqlite, sqliteStore } from 'jotward/stores/sqlite'
import type { SqliteDatabase } from 'jotward/stores/sqlite'

/** The store of a server, which closes its database too. */
export interface ServerStore extends StoreWithUsers {
  /** Ends the store and closes its file. */
  close(): Promise<void>
}

/** In one line, and in SQLite's own words: its codes say less than its messages. */
const reasonOf = (error: unknown): string => {
  if (error instanceof ConfigError) return error.problems.map(({ problem }) => problem).join('; ')
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ')
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
const storeOn = async (database: SqliteDatabase): Promise<ServerStore> => {
  try {
    checkIntegrity(database)
    const store = sqliteStore(database)
    await store.ready()
    return {
      ...store,
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
export const openStore = async (file: string): Promise<ServerStore> => {
  try {
    return await storeOn(openSqlite(file))
  } catch (cause) {
    const remedy = 'restore it from a backup, give this user the right to write it, or move it away to begin anew'
    throw new ConfigError([{ path: file, problem: `${reasonOf(cause)}; ${remedy}` }])
  }
}
