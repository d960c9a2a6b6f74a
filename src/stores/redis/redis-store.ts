import type { Store } from '../../ports/store.ts'
import { createBuckets } from './buckets.ts'
import { connectionOf } from './client.ts'
import type { RedisStoreClient } from './client.ts'
import { resolveOptions } from './options.ts'
import type { RedisStoreOptions } from './options.ts'
import { readPromises } from './promises.ts'
import { checkLayout, checkServers } from './readiness.ts'
import { redisRevocationLog } from './revocation-log.ts'
import { createRunner, storeError } from './runner.ts'
import type { Runner, ScriptCall } from './runner.ts'
import { createScripts } from './scripts.ts'
import type { Scripts } from './scripts.ts'
import { redisSessionStore } from './session-store.ts'
import { redisSingleUse } from './single-use.ts'
import { redisTokenRegister } from './token-register.ts'

/** Nothing runs before the layout has been checked, by `ready()` or else by the first that is run. */
const guardedBy = (check: () => Promise<void>, runner: Runner) => {
  let checking: Promise<void> | null = null
  let isChecked = false

  const checkOnce = async (): Promise<void> => {
    try {
      await check()
      isChecked = true
    } finally {
      checking = null
    }
  }

  const ensure = (): Promise<void> => {
    checking ??= checkOnce()
    return checking
  }

  const checked = async ({ operation }: ScriptCall): Promise<void> => {
    try {
      await ensure()
    } catch (cause) {
      throw storeError(operation, cause)
    }
  }

  const guarded: Runner = {
    run: (call, read) => (isChecked ? runner.run(call, read) : checked(call).then(() => runner.run(call, read))),
    runDurably: (call, read) =>
      isChecked ? runner.runDurably(call, read) : checked(call).then(() => runner.runDurably(call, read)),
    runConfirmed: (calls, read) =>
      isChecked ? runner.runConfirmed(calls, read) : checked(calls[0]).then(() => runner.runConfirmed(calls, read)),
    isReplicated: runner.isReplicated,
    isOneServer: runner.isOneServer,
  }
  return { guarded, ensure }
}

/** The store on scripts of one's own clock: for the tests of the stores, which turn it. */
export const createRedisStore = (
  client: RedisStoreClient,
  options: RedisStoreOptions = {},
  scripts: Scripts = createScripts(),
): Store => {
  const resolved = resolveOptions(options)
  const runner = createRunner({ connection: connectionOf(client), scripts, options: resolved })
  const buckets = createBuckets(resolved.prefix, resolved.buckets)
  const { guarded, ensure } = guardedBy(() => checkLayout({ runner, buckets }), runner)
  const parts = { runner: guarded, buckets }
  return {
    sessions: redisSessionStore(parts),
    revocations: redisRevocationLog(parts),
    tokens: redisTokenRegister(parts),
    singleUse: redisSingleUse(parts),
    users: null,
    ready: async () => {
      // Of the servers first: on one that is too old the layout could not be checked.
      await checkServers({ runner, buckets }, resolved)
      await ensure()
    },
    promises: () => readPromises({ runner, buckets }, resolved),
    close: () => undefined,
  }
}

/**
 * Keeps everything but users in Redis 7 or later, a single server or a Cluster, by ioredis or node-redis. Each operation
 * is one script in the one place of its subject, on the server's clock.
 *
 * The client is the caller's, who connects and closes it. Where `durability` is `'replicated'`, give the store one of its
 * own: it waits for the replicas.
 *
 * @throws ConfigError
 *
 * @example
 * const store = redisStore(new Redis('redis://127.0.0.1:6379'))
 * await store.ready()
 */
export const redisStore = (client: RedisStoreClient, options: RedisStoreOptions = {}): Store =>
  createRedisStore(client, options)
