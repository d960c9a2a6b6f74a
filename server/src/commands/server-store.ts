import { openDataFolder, dataFiles } from '../data-folder.ts'
import { readEnvironment } from '../environment.ts'
import { openExistingStore, openStore } from '../open-store.ts'
import type { ServerStore } from '../open-store.ts'
import { readSettings } from '../settings.ts'
import type { Settings } from '../settings.ts'

/** The settings that the server would have if it were started here. */
export const serverSettings = (): Settings => readSettings(readEnvironment(process.cwd(), process.env))

const closing = async <T>(store: ServerStore, work: (store: ServerStore) => Promise<T>): Promise<T> => {
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Works on the server's database, made where there is none yet; the server may be running. */
export const withNewStore = async <T>(folder: string, work: (store: ServerStore) => Promise<T>): Promise<T> => {
  // Another user of the machine must not read the password hashes.
  process.umask(0o077)
  return closing(await openStore(openDataFolder(folder).databaseFile), work)
}

/**
 * Works on the server's database, which must be there; the server may be running, and heeds what was done at once.
 *
 * @throws ConfigError where it is not there
 */
export const withStore = async <T>(folder: string, work: (store: ServerStore) => Promise<T>): Promise<T> => {
  process.umask(0o077)
  return closing(await openExistingStore(dataFiles(folder).databaseFile), work)
}
