import { ConfigError } from 'jotward'
import type { Store } from 'jotward'
import { openSqlite, sqliteStore } from 'jotward/stores/sqlite'
import { errorCode } from './error-code.ts'

/** The store of a server, which closes its database too. */
export interface ServerStore extends Store {
  /** Ends the store and closes its file. */
  close(): Promise<void>
}

const reasonOf = (error: unknown): string =>
  error instanceof ConfigError ? error.problems.map(({ problem }) => problem).join('; ') : errorCode(error)

/**
 * Opens the database file, made at the first start. One that SQLite cannot use is left as it is.
 *
 * @throws ConfigError where it cannot be opened, is no database, or was written by another version
 */
export const openStore = async (file: string): Promise<ServerStore> => {
  try {
    const database = openSqlite(file)
    const store = sqliteStore(database)
    await store.ready()
    return {
      ...store,
      close: async () => {
        await store.close()
        database.close()
      },
    }
  } catch (cause) {
    const remedy = 'restore it from a backup, give this user the right to write it, or move it away to begin anew'
    throw new ConfigError([{ path: file, problem: `${reasonOf(cause)}; ${remedy}` }])
  }
}
