import { Redis } from 'ioredis'
import { redisStore } from '../../../src/stores/redis/index.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import type { Store } from '../../../src/ports/store.ts'
import type { RedisServer } from '../../stores/redis-server.ts'
import type { Held } from './held.ts'

/** What a guard would ask about, and that only the holder knows all of. */
const tokenOf = async (store: Store, { credentials, caller }: Held): Promise<RevocableToken> => {
  const { sessionId, tokenId } = credentials
  const session = await store.sessions.find(sessionId)
  if (session === null) throw new Error('a session is unknown that has just been made')
  return { tokenId, sessionId, subject: caller.subject, stamp: session.stamp }
}

/** Asks a server itself, past all processes. `end` must be called. */
export const askServer = ({ host, port }: RedisServer) => {
  const client = new Redis({ host, port })
  client.on('error', () => undefined)
  const store = redisStore(client)
  return {
    tokensOf: (held: readonly Held[]): Promise<readonly RevocableToken[]> =>
      Promise.all(held.map((one) => tokenOf(store, one))),
    /** Of what was revoked: how many it would accept. */
    countAccepted: async (revoked: readonly RevocableToken[]): Promise<number> => {
      const dead = await Promise.all(revoked.map(async (token) => store.revocations.isRevokedAtSource(token)))
      return dead.filter((isDead) => !isDead).length
    },
    end: (): void => client.disconnect(),
  }
}
