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
import { keptIssuer, localUrl } from './issuer.ts'
import type { Logger } from './log.ts'
import { openStore } from './open-store.ts'
import type { Settings } from './settings.ts'
import { keptSecret } from './signing-secret.ts'

/** Longer than any request takes, shorter than what service managers wait before they kill. */
const STOP_DEADLINE_MS = 10_000

/** A server that answers. */
export interface RunningServer {
  readonly url: string
  readonly issuer: string
  /** Only in the process that has just made the first administrator. */
  readonly firstAdministrator: Credentials | null
  /** Answers what is in flight, then closes everything; false where 10 s were not enough. */
  stop(): Promise<boolean>
}

interface Service {
  readonly fetch: FetchHandler
  readonly issuer: string
  readonly firstAdministrator: Credentials | null
  readonly close: () => Promise<void>
}

/** Opens the data folder and wires everything behind the port that the server listens on. */
const openService = async (settings: Settings, address: AddressInfo, log: Logger): Promise<Service> => {
  const folder = openDataFolder(settings.dataFolder)
  const secret = settings.secret ?? keptSecret(folder.secretFile)
  const kept = keptIssuer(folder.issuerFile, settings.issuer ?? localUrl(address))
  const issuer = settings.issuer ?? kept
  const store = await openStore(folder.databaseFile)
  const auth = buildAuth(settings, { issuer, secret, store, onEvent: logEvents(log) })
  await auth.ready()
  const hasher = argon2Hasher()
  const handler = authRoutes(auth, {
    basePath: '/auth',
    passwordGrant: settings.passwordGrant,
    passwords: { hasher, minLength: settings.passwordMinLength },
    signup: { open: settings.signup === 'open' },
  })
  const app = createApp({ handler, checkReady: () => auth.ready(), log })
  // Last, because nobody will ever see the password again: nothing may fail between its making and its showing.
  const accounts = { users: store.users, passwords: createPasswordCheck(hasher) }
  const firstAdministrator = await addFirstAdministrator(accounts, settings.adminEmail)
  return { fetch: async (request) => app.fetch(request), issuer, firstAdministrator, close: () => auth.close() }
}

/**
 * Starts the server. The port comes first: where it is taken, nothing has been written, and the issuer of a first
 * start can name the port that was got.
 *
 * @throws ConfigError where a setting, the data folder or the port cannot be used
 */
export const startServer = async (settings: Settings, log: Logger): Promise<RunningServer> => {
  // A request that comes in early waits; none can come in before the next line has run.
  const server = await listen(async (request) => (await service).fetch(request), settings)
  const service = openService(settings, server.address, log)
  try {
    const { issuer, firstAdministrator, close } = await service
    const stop = async (): Promise<boolean> => {
      const inTime = await server.stop(STOP_DEADLINE_MS)
      await close()
      return inTime
    }
    return { url: localUrl(server.address), issuer, firstAdministrator, stop }
  } catch (error) {
    await server.stop(0)
    throw error
  }
}
