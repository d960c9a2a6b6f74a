import { setTimeout as after } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import type { Session } from '../../../src/core/session/session.ts'
import type { Store } from '../../../src/ports/store.ts'
import { redisStore } from '../../../src/stores/redis/index.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { CREATION, newSession, POLICY, presented } from '../../../src/testing/session-store/fixtures.ts'
import { describeRedis, startRedis, startReplicated } from '../redis-server.ts'
import { newPrefix, openIoredis, openNodeRedis } from './redis-under-test.ts'

/** Servers that die under load, and what became of everything that had been acknowledged (rotation.md 6). */

const underTest = (store: Store) => ({ store, turn: () => undefined, close: () => undefined })

interface Acknowledged {
  readonly tokens: RevocableToken[]
  readonly ended: Session[]
  readonly living: Session[]
  failures: number
}

/** Signs in and out, revokes and refreshes, at so many at once, until it is stopped; notes what was acknowledged. */
const load = (store: Store, callers: number) => {
  const acknowledged: Acknowledged = { tokens: [], ended: [], living: [], failures: 0 }
  const state = { isStopped: false }

  const turn = async (index: number): Promise<void> => {
    const subject = `user ${index % 50}`
    const token = newToken({ subject })
    await setToken(underTest(store), token)
    acknowledged.tokens.push(token)
    const creation = await store.sessions.create(newSession({ subject }), { ...CREATION, maxPerSubject: 10_000 })
    if (creation.outcome !== 'created') throw new Error('it should be made')
    const { session } = creation
    await store.sessions.rotate(presented(session, 0), POLICY)
    if (index % 2 === 0) return void acknowledged.living.push(session)
    await store.sessions.end({ id: session.id, subject, reason: 'signout' }, CREATION)
    acknowledged.ended.push(session)
  }

  const caller = async (number: number): Promise<void> => {
    for (let index = number; !state.isStopped; index += callers) {
      try {
        // One after another, as the requests of one client.
        await turn(index)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        acknowledged.failures += 1
        await after(5)
      }
    }
  }

  const running = Promise.all(Array.from({ length: callers }, (_, number) => caller(number)))
  return {
    acknowledged,
    stop: async (): Promise<Acknowledged> => {
      state.isStopped = true
      await running
      return acknowledged
    },
  }
}

/** How much of what was acknowledged another look at the store contradicts. */
const contradicted = async (store: Store, { tokens, ended, living }: Acknowledged) => {
  const revoked = await Promise.all(tokens.map(async (token) => store.revocations.isRevokedAtSource(token)))
  const dead = await Promise.all(ended.map(async (session) => store.sessions.rotate(presented(session, 1), POLICY)))
  const alive = await Promise.all(living.map(async (session) => store.sessions.rotate(presented(session, 1), POLICY)))
  return {
    tokens: revoked.filter((isRevoked) => !isRevoked).length,
    ended: dead.filter(({ outcome }) => outcome !== 'revoked').length,
    // A rotation that was lost heals: what is not answered with the session is a false sign-out.
    living: alive.filter((rotation) => !('session' in rotation) || rotation.outcome === 'reused').length,
  }
}

const NOTHING = { tokens: 0, ended: 0, living: 0 }

describeRedis('under load', () => {
  test.each([
    ['ioredis', openIoredis],
    ['node-redis', openNodeRedis],
  ] as const)(
    'by %s, a server that is killed with -9 three times loses nothing, and signs nobody out (F2)',
    async (_name, open) => {
      const server = await startRedis()
      const client = await open(server, { maxRetriesPerRequest: 0 })
      onTestFinished(async () => {
        client.close()
        await server.stop()
      })
      const store = redisStore(client.client, { prefix: newPrefix() })
      await store.ready()
      const loaded = load(store, 16)
      for (let kill = 0; kill < 3; kill++) {
        await after(300)
        const before = loaded.acknowledged.tokens.length
        server.signal('SIGKILL')
        await server.ended()
        await after(100)
        await server.restart()
        await expect.poll(() => loaded.acknowledged.tokens.length, { timeout: 10_000 }).toBeGreaterThan(before + 50)
      }
      const acknowledged = await loaded.stop()
      expect(acknowledged.tokens.length).toBeGreaterThan(150)
      expect(acknowledged.failures).toBeGreaterThan(0)
      expect(await contradicted(store, acknowledged)).toEqual(NOTHING)
    },
    60_000,
  )

  /** Losses that may be acknowledged: none, or what asynchronous replication costs, which is the reason for the other. */
  test.each([
    ['replicated', 'ioredis', openIoredis, [0, 0]],
    ['replicated', 'node-redis', openNodeRedis, [0, 0]],
    ['local', 'ioredis', openIoredis, [100, Number.MAX_SAFE_INTEGER]],
  ] as const)(
    'with %s durability by %s, a primary that is cut off and dies loses what it may (F3, F4)',
    async (durability, _name, open, [least, most]) => {
      const { primary, replica } = await startReplicated()
      const client = await open(primary, { maxRetriesPerRequest: 0 })
      const prefix = newPrefix()
      const options = durability === 'local' ? {} : ({ durability, replicationTimeoutMs: 100 } as const)
      const store = redisStore(client.client, { ...options, prefix })
      await store.ready()
      const loaded = load(store, 16)
      await after(500)
      // In the midst of everything the replica hears no more; then the primary dies, and the replica takes over.
      await replica.command('replicaof', replica.host, '1')
      await after(500)
      primary.signal('SIGKILL')
      await primary.ended()
      await replica.command('replicaof', 'no', 'one')
      // First the calls under way, for a client that is closed while it looks for its server may leave them unanswered.
      const acknowledged = await loaded.stop()
      client.close()
      const later = await openIoredis(replica)
      onTestFinished(async () => {
        later.close()
        await Promise.all([primary.stop(), replica.stop()])
      })
      const lost = await contradicted(redisStore(later.client, { prefix }), acknowledged)
      expect(acknowledged.tokens.length).toBeGreaterThan(50)
      const all = lost.tokens + lost.ended + lost.living
      expect(all).toBeGreaterThanOrEqual(least)
      expect(all).toBeLessThanOrEqual(most)
    },
    60_000,
  )
})
