import type { StoreWithUsers } from 'jotward'
import { readEnvironment } from '../environment.ts'
import type { ServerRecords } from '../server-records.ts'
import { readSettings } from '../settings.ts'
import type { Settings } from '../settings.ts'
import { openStorage } from '../storage/server-storage.ts'
import { checkSessionsPlace, moveSessionsPlace } from '../storage/sessions-place.ts'

/** What a command works on: the store without the copies and deadlines of a server, and what that remembers. */
export interface CommandStore extends StoreWithUsers {
  readonly records: ServerRecords
  /** Notes that the sessions are where the settings say. */
  readonly moveSessions: () => Promise<void>
}

/** The settings that the server would have if it were started here. */
export const serverSettings = (): Settings => readSettings(readEnvironment(process.cwd(), process.env))

type Work<T> = (store: CommandStore) => Promise<T>

interface Demands {
  /** What ends sessions in a new database by mistake would end nobody's. */
  readonly mustExist: boolean
  /** Whether the sessions may be noted as being elsewhere. */
  readonly mayHaveMoved: boolean
}

const onStorage = async <T>(settings: Settings, { mustExist, mayHaveMoved }: Demands, work: Work<T>): Promise<T> => {
  // Another user of the machine must not read the password hashes.
  process.umask(0o077)
  // Somebody waits for the answer, and may call again.
  const storage = await openStorage(settings, { mustExist, patienceMs: 0, onTrouble: () => undefined })
  try {
    if (!mayHaveMoved) await checkSessionsPlace(storage)
    const moveSessions = () => moveSessionsPlace(storage)
    return await work({ ...storage.store, records: storage.records, moveSessions })
  } finally {
    await storage.close()
  }
}

/** Works on what the server keeps, made where there is nothing yet; the server may be running. */
export const withNewStore = <T>(settings: Settings, work: Work<T>): Promise<T> =>
  onStorage(settings, { mustExist: false, mayHaveMoved: false }, work)

/**
 * Works on what the server keeps, which must be there. The server may be running, and heeds what was done at once.
 *
 * @throws ConfigError where it is not there, or the sessions are elsewhere
 */
export const withStore = <T>(settings: Settings, work: Work<T>): Promise<T> =>
  onStorage(settings, { mustExist: true, mayHaveMoved: false }, work)

/** The same, wherever the sessions were. */
export const withMovedStore = <T>(settings: Settings, work: Work<T>): Promise<T> =>
  onStorage(settings, { mustExist: true, mayHaveMoved: true }, work)
