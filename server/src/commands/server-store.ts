import type { StoreWithUsers } from 'jotward'
import { readEnvironment } from '../environment.ts'
import type { ServerRecords } from '../server-records.ts'
import { readSettings } from '../settings.ts'
import type { Settings } from '../settings.ts'
import { openStorage } from '../storage/server-storage.ts'

/** What a command works on: the store without the copies and deadlines of a server, and what that remembers. */
export interface CommandStore extends StoreWithUsers {
  readonly records: ServerRecords
}

/** The settings that the server would have if it were started here. */
export const serverSettings = (): Settings => readSettings(readEnvironment(process.cwd(), process.env))

type Work<T> = (store: CommandStore) => Promise<T>

const onStorage = async <T>(settings: Settings, mustExist: boolean, work: Work<T>): Promise<T> => {
  // Another user of the machine must not read the password hashes.
  process.umask(0o077)
  // Somebody waits for the answer, and may call again.
  const storage = await openStorage(settings, { mustExist, patienceMs: 0, onTrouble: () => undefined })
  try {
    return await work({ ...storage.store, records: storage.records })
  } finally {
    await storage.close()
  }
}

/** Works on what the server keeps, made where there is nothing yet; the server may be running. */
export const withNewStore = <T>(settings: Settings, work: Work<T>): Promise<T> => onStorage(settings, false, work)

/**
 * Works on what the server keeps, which must be there: what ends sessions in a new database by mistake would end
 * nobody's. The server may be running, and heeds what was done at once.
 *
 * @throws ConfigError where it is not there
 */
export const withStore = <T>(settings: Settings, work: Work<T>): Promise<T> => onStorage(settings, true, work)
