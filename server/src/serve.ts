import type { AddressInfo } from 'node:net'
import { createPasswordCheck } from 'jotward'
import { authRoutes } from 'jotward/routes'
import { addFirstAdministrator } from './accounts.ts'
import type { Credentials } from './accounts.ts'
import { createApp } from './app.ts'
import { argon2Hasher } from './argon2-hasher.ts'
import { buildAuth } from './build-auth.ts'
import { openDataFolder } from './data-folder.ts'
import { listen } from './http-server.ts'
import type { FetchHandler } from './http-server.ts'
import { logEvents } from './event-log.ts'
import { readIdentity, rememberIdentity, warnOfMissingDatabase } from './identity.ts'
import { localUrl } from './issuer.ts'
import type { Logger } from './log.ts'
import { openStore } from './open-store.ts'
import type { Settings } from './settings.ts'

/** Longer than any request takes, shorter than what service managers wait before they kill. */
const STOP_DEADLINE_MS = 10_000

/** A server that answers. */
export interface RunningServer {
  readonly url: string
  readonly issuer: string
  /** Only in the process that has just made the first administrator. */
  readonly firstAdministrator: Credentials | null
  /** Sentences for whoever has started it; the log has them too. */
  readonly warnings: readonly string[]
  /** Answers what is in flight, then closes everything; false where 10 s were not enough. */
  stop(): Promise<boolean>
}

interface Service {
  readonly fetch: FetchHandler
  readonly issuer: string
  readonly firstAdministrator: Credentials | null
  readonly warnings: readonly string[]
  readonly close: () => Promise<void>
}

/** Opens the data folder and wires everything behind the port that the server listens on. */
const openService = async (settings: Settings, address: AddressInfo, log: Logger): Promise<Service> => {
  const folder = openDataFolder(settings.dataFolder)
  const missing = warnOfMissingDatabase(folder)
  const store = await openStore(folder.databaseFile)
  const { records } = store
  const identity = readIdentity(settings, { folder, records, url: localUrl(address) })
  const { secret, issuer } = identity
  const auth = buildAuth(settings, { issuer, secret, store, onEvent: logEvents(log) })
  await auth.ready()
  const hasher = argon2Hasher()
  const handler = authRoutes(auth, {
    basePath: '/auth',
    passwordGrant: settings.passwordGrant,
    passwords: { hasher, minLength: settings.passwordMinLength },
    signup: { open: settings.signup === 'open' },
  })
  const app = createApp({ handler, checkReady: () => auth.ready(), log, issuer })
  rememberIdentity(records, identity)
  // Last, because nobody will ever see the password again: nothing may fail between its making and its showing.
  const accounts = { users: store.users, passwords: createPasswordCheck(hasher) }
  const firstAdministrator = await addFirstAdministrator(accounts, settings.adminEmail)
  return {
    fetch: async (request, environment) => app.fetch(request, environment),
    issuer,
    firstAdministrator,
    warnings: [...missing, ...identity.warnings],
    close: () => auth.close(),
  }
}

/**
 * Starts the server. The port comes first: where it is taken, nothing has been written, and the issuer of a first
 * start can name the port that was got.
 *
 * @throws ConfigError where a setting, the data folder or the port cannot be used
 */
export const startServer = async (settings: Settings, log: Logger): Promise<RunningServer> => {
  // A request that comes in early waits; none can come in before the next line has run.
  const server = await listen(async (request, environment) => (await service).fetch(request, environment), settings)
  const service = openService(settings, server.address, log)
  try {
    const { issuer, firstAdministrator, warnings, close } = await service
    const url = localUrl(server.address)
    for (const warning of warnings) log.warn(warning)
    log.info({ url, issuer }, 'started')
    const stop = async (): Promise<boolean> => {
      const inTime = await server.stop(STOP_DEADLINE_MS)
      await close()
      log.info({ inTime }, 'stopped')
      return inTime
    }
    return { url, issuer, firstAdministrator, warnings, stop }
  } catch (error) {
    await server.stop(0)
    throw error
  }
}
