import type { ServerRecords } from '../server-records.ts'
import { dataFiles, openDataFolder } from '../data-folder.ts'
import { openExistingStore, openStore, storeProblem } from '../open-store.ts'
import type { SqliteServerStore } from '../open-store.ts'
import type { Place } from './place.ts'

export interface SqlitePlace extends Place {
  readonly store: SqliteServerStore
  readonly records: ServerRecords
}

/**
 * Opens the database in a data folder.
 *
 * @throws ConfigError
 */
export const openSqlitePlace = async (folder: string, mustExist: boolean): Promise<SqlitePlace> => {
  const file = (mustExist ? dataFiles(folder) : openDataFolder(folder)).databaseFile
  const store = await (mustExist ? openExistingStore(file) : openStore(file))
  return {
    name: 'SQLite',
    variable: 'JOTWARD_DATA',
    address: file,
    // Who ends the store does not yet end the file beneath it, as with the other places.
    store: { ...store, close: async () => undefined },
    records: store.records,
    examine: async () => {
      const begun = performance.now()
      await store.ready()
      const latencyMs = Math.round((performance.now() - begun) * 100) / 100
      return { version: store.version(), latencyMs, clockAheadMs: null, facts: {} }
    },
    explain: (failure) => storeProblem(file, failure).problems,
    inSettings: (sentence) => sentence,
    close: () => store.close(),
  }
}
