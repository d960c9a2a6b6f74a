import { createAuth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError, ConfigError } from '../../../src/core/errors.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import type { AuthEvent } from '../../../src/ports/event-sink.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { START_MS, standingClock } from '../../stores/stores-under-test.ts'
import { noise } from '../token/fixtures.ts'

/**
 * An issuer over a memory store, whose clock and whose store's clock turn by hand; everything that it tells; and a user
 * directory, which it asks only where it is configured.
 */

export const ISSUER = 'https://api.example.com'
export const AUDIENCE = 'https://orders.example.com'
export const SECRET = noise('session tests')

/** NumericDate of the beginning, as tokens carry it. */
export const START = Math.floor(START_MS / 1000)

export const GRACE_MS = 30_000

export const createBed = <Claims = JsonObject>({ hooks, ...config }: Partial<AuthConfig<Claims>> = {}) => {
  const clock = standingClock()
  const events: AuthEvent[] = []
  const onEvent = (event: AuthEvent): void => {
    events.push(event)
  }
  const store = memoryStore({ now: clock.now })
  const settings: AuthConfig<Claims> = {
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { secret: SECRET },
    store,
    clock: () => clock.now() / 1000,
    hooks: { onEvent, ...hooks },
    ...config,
  }
  return { auth: createAuth<Claims>(settings), ...clock, events, settings, users: store.users }
}

export type Bed = ReturnType<typeof createBed<JsonObject>>

/** Another issuer over the store and the clock of a bed: the same service after a new deployment, or another one. */
export const redeploy = (
  { settings }: { readonly settings: AuthConfig },
  changes: Partial<AuthConfig>,
): ReturnType<typeof createAuth> => createAuth({ ...settings, ...changes })

export const claimsOf = (token: string): JsonObject => decodeUnverified(token).payload

/** The code that something is refused with, or 'accepted'. Anything but an AuthError is a fault and passes through. */
export const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    if (error instanceof AuthError) return error.code
    throw error
  }
}

/** What a ConfigError says, as `path: problem`; nothing where none is thrown. */
export const problemsOf = async (work: () => unknown): Promise<readonly string[]> => {
  try {
    await work()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
    throw error
  }
}
