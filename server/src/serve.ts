import type { AddressInfo } from 'node:net'
import { createPasswordCheck } from 'jotward'
import type { Auth } from 'jotward'
import { authRoutes } from 'jotward/routes'
import { addFirstAdministrator } from './accounts.ts'
import type { Credentials } from './accounts.ts'
import { createApp } from './app.ts'
import { argon2Hasher } from './argon2-hasher.ts'
import { buildAuth } from './build-auth.ts'
import { dataFiles } from './data-folder.ts'
import { listen } from './http-server.ts'
import type { FetchHandler } from './http-server.ts'
import { logEvents } from './event-log.ts'
import { readIdentity, rememberIdentity, warnOfLeftDatabase, warnOfMissingDatabase } from './identity.ts'
import type { Identity } from './identity.ts'
import { localUrl } from './issuer.ts'
import type { Logger } from './log.ts'
import type { Settings } from './settings.ts'
import { signInLimits } from './sign-in-limits.ts'
import { withPatience } from './storage/patience.ts'
import { openStorage } from './storage/server-storage.ts'
import type { ServerStorage } from './storage/server-storage.ts'
import { readinessOf, servingStore } from './storage/serving-store.ts'
import { checkSessionsPlace, claimSessionsPlace } from './storage/sessions-place.ts'

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

/** For how long a database that does not answer yet is waited for: containers start in any order. */
const PATIENCE_MS = 6000

/** Wires everything behind the port that the server listens on. */
const buildService = async (
  settings: Settings,
  { address, log, storage }: { readonly address: AddressInfo; readonly log: Logger; readonly storage: ServerStorage },
): Promise<Service> => {
  const { home, records } = storage
  await checkSessionsPlace(storage)
  const place = { records, database: home.address, isShared: home.name !== 'SQLite' }
  const draft = await readIdentity(settings, place, localUrl(address))
  const store = servingStore(storage, settings, log)
  const build = (identity: Identity): Auth => buildAuth(settings, { ...identity, store, onEvent: logEvents(log) })
  // Made before it is known whether another server was faster: what the settings say wrong must be found before.
  const drafted = build(draft)
  await withPatience(() => drafted.ready(), {
    patienceMs: PATIENCE_MS,
    onWait: (error) => log.warn({ err: error }, 'waiting for the store'),
  })
  // What does not start must not be remembered.
  const limits = signInLimits(storage, settings, log)
  await limits.ready()
  const identity = await rememberIdentity(draft, place, settings)
  await claimSessionsPlace(storage)
  const auth = identity.issuer === draft.issuer ? drafted : build(identity)
  const hasher = argon2Hasher()
  const handler = authRoutes(auth, {
    basePath: '/auth',
    throttle: limits.throttle,
    passwordGrant: settings.passwordGrant,
    passwords: { hasher, minLength: settings.passwordMinLength },
    signup: { open: settings.signup === 'open' },
  })
  const checkReady = readinessOf(() => auth.ready(), settings)
  const { issuer } = identity
  const app = createApp({ handler, checkReady, log, issuer })
  // Last, because nobody will ever see the password again: nothing may fail between its making and its showing.
  const accounts = { users: home.store.users, passwords: createPasswordCheck(hasher) }
  const firstAdministrator = await addFirstAdministrator(accounts, settings.adminEmail)
  return {
    fetch: async (request, environment) => app.fetch(request, environment),
    issuer,
    firstAdministrator,
    warnings: [...storage.warnings, ...identity.warnings],
    close: async () => {
      limits.close()
      await auth.close()
      await storage.close()
    },
  }
}

/** Opens what the server keeps, and closes it again where the server cannot be built on it. */
const openService = async (settings: Settings, address: AddressInfo, log: Logger): Promise<Service> => {
  const files = dataFiles(settings.dataFolder)
  const missing = settings.databaseUrl === null ? warnOfMissingDatabase(files) : warnOfLeftDatabase(files)
  const storage = await openStorage(settings, {
    mustExist: false,
    patienceMs: PATIENCE_MS,
    onTrouble: (sentence) => log.warn(sentence),
  })
  try {
    const service = await buildService(settings, { address, log, storage })
    return { ...service, warnings: [...missing, ...service.warnings] }
  } catch (error) {
    await storage.close()
    throw error
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
