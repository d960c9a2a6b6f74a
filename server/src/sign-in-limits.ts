import type { AuthRoutesOptions } from 'jotward/routes'
import { clientAddress } from './client-address.ts'
import type { Logger } from './log.ts'
import { currentRequest } from './request-scope.ts'
import type { Settings } from './settings.ts'
import type { ServerStorage } from './storage/server-storage.ts'
import { createServerThrottle } from './throttle.ts'
import type { ServerThrottle, ThrottlePlace } from './throttle.ts'

/** Limits of guesses at passwords, and what ends them. */
export interface SignInLimits {
  readonly throttle: NonNullable<AuthRoutesOptions['throttle']>
  readonly ready: ServerThrottle['ready']
  readonly close: ServerThrottle['close']
}

/** Redis where there is one: counting is what it is quickest at. */
const placeOf = ({ postgres, redis }: ServerStorage['clients']): ThrottlePlace => {
  if (redis !== null) return { kind: 'redis', client: redis }
  return postgres === null ? { kind: 'memory' } : { kind: 'postgres', pool: postgres }
}

const TELL_EVERY_MS = 60_000

/** While storage is away each attempt fails: one line a minute is enough. */
const tellSometimes = (log: Logger): ((error: unknown) => void) => {
  let toldAt = Number.NEGATIVE_INFINITY
  return (err) => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return
    toldAt = performance.now()
    log.error({ err }, 'sign-in limits count in this process alone')
  }
}

/** Counts in the storage that the servers share, or in this process where they share none. */
export const signInLimits = (
  { clients }: Pick<ServerStorage, 'clients'>,
  { signInLimit, trustedProxies, storeDeadline }: Pick<Settings, 'signInLimit' | 'trustedProxies' | 'storeDeadline'>,
  log: Logger,
): SignInLimits => {
  const limits = createServerThrottle(placeOf(clients), {
    account: signInLimit,
    address: signInLimit * 10,
    deadlineMs: storeDeadline,
    onFailure: tellSometimes(log),
  })
  return {
    throttle: {
      account: limits.account,
      address: limits.address,
      clientOf: (request) =>
        clientAddress({
          peer: currentRequest()?.client ?? null,
          forwardedFor: request.headers.get('x-forwarded-for'),
          trustedProxies,
        }),
    },
    ready: () => limits.ready(),
    close: () => limits.close(),
  }
}
