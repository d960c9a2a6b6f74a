import { ConfigError, createAuth } from 'jotward'
import type { Auth, EventSink, StoreWithUsers } from 'jotward'
import { SUPER_PERMISSION } from './accounts.ts'
import type { Secret } from './secret.ts'
import { inVariables } from './setting-problems.ts'
import type { Settings } from './settings.ts'
import { readSigningKeys } from './signing-keys.ts'
import { refreshSecret } from './signing-secret.ts'

/** What settings alone do not say. */
export interface AuthParts {
  readonly issuer: string
  readonly secret: Secret
  readonly store: StoreWithUsers
  readonly onEvent: EventSink
}

/**
 * The engine under the server's settings.
 *
 * @throws ConfigError that names the variables
 */
export const buildAuth = (settings: Settings, { issuer, secret, store, onEvent }: AuthParts): Auth => {
  try {
    return createAuth({
      issuer,
      audience: settings.audience ?? issuer,
      keys: settings.signingKey === null ? { secret: secret.reveal() } : readSigningKeys(settings.signingKey),
      store,
      users: store.users,
      // The longest that the setting takes: another start with a shorter lifetime must not forget revocations too soon.
      accessToken: { lifetime: settings.accessLifetime, longestLifetime: '1d' },
      refreshToken: {
        // Beside a key pair refresh tokens still need a secret; beside a secret the engine derives this one by itself.
        ...(settings.signingKey === null ? {} : { secret: refreshSecret(secret) }),
        grace: settings.rotationGrace,
        lateReplays: settings.lateReplays,
        idleLifetime: settings.refreshIdle,
        absoluteLifetime: settings.refreshAbsolute,
      },
      permissions: { superPermission: SUPER_PERMISSION },
      hooks: { onEvent },
    })
  } catch (error) {
    throw error instanceof ConfigError ? inVariables(error, secret.source) : error
  }
}
