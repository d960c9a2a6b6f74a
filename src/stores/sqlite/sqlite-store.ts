import type { StoreWithUsers } from '../../ports/store.ts'
import type { SqliteDatabase } from './database.ts'
import { createRevocationTable } from './revocation-table.ts'
import { sqliteRevocationLog } from './revocation-log.ts'
import { prepareSchema } from './schema.ts'
import { localSessionStore } from '../local-session-store.ts'
import { sqliteSessionTables } from './session-tables.ts'
import { sqliteSingleUse } from './single-use.ts'
import { sqliteTokenRegister } from './token-register.ts'
import { sqliteUserDirectory } from './user-directory.ts'

export interface SqliteStoreOptions {
  /** The store's clock, in milliseconds. Default: the system's, which all processes on one file share. */
  readonly now?: () => number
}

/**
 * Keeps everything in one SQLite file, which several processes of one machine may share: each asks the file on every
 * request, so that what one revokes the others refuse at once. Makes its tables where they are missing.
 *
 * @throws ConfigError where the file is no database, or was written by another version of Jotward
 */
export const sqliteStore = (database: SqliteDatabase, { now = Date.now }: SqliteStoreOptions = {}): StoreWithUsers => {
  const source = prepareSchema(database)
  const table = createRevocationTable(database, now)
  return {
    sessions: localSessionStore(sqliteSessionTables({ database, revocations: table, now })),
    revocations: sqliteRevocationLog({ database, table, now, source }),
    tokens: sqliteTokenRegister({ database, now }),
    singleUse: sqliteSingleUse({ database, now }),
    users: sqliteUserDirectory(database, { now }),
    ready: () => {
      table.epochs('')
    },
    // `prepareSchema` has set synchronous=FULL: a commit is on the disk before it is acknowledged.
    promises: () => ({
      crash: true,
      powerLoss: true,
      failover: null,
      remarks: ['everything is in one file on one disk; what is lost with the disk must come from a backup'],
    }),
    close: () => undefined,
  }
}
