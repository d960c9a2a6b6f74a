import { Redis } from 'ioredis'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { promisesFrom } from '../../src/stores/postgres/promises.ts'
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { promisesOf } from '../../src/stores/redis/promises.ts'
import { redisStore } from '../../src/stores/redis/redis-store.ts'
import { describePostgres, useDatabase } from './postgres-server.ts'
import { describeRedis, startRedis, startReplicated } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'
import { openSqliteFile, untilTestEnds } from './stores-under-test.ts'

/** What of that which was acknowledged outlives what, as each storage tells of itself. */

describe('a store of one machine', () => {
  test('in memory keeps nothing, in a file everything but the disk', async () => {
    expect(await memoryStore().promises()).toMatchObject({ crash: false, powerLoss: false, failover: null })
    const { store } = untilTestEnds(openSqliteFile())
    expect(await store.promises()).toMatchObject({ crash: true, powerLoss: true, failover: null })
  })
})

describe('PostgreSQL', () => {
  const good = { synchronousCommit: 'on', fullPageWrites: 'on', fsync: 'on', synchronousStandbys: '', standbys: 0 }

  test.each([
    [{}, { crash: true, powerLoss: true, failover: null }, /synchronous_commit is on/],
    [{ synchronousCommit: 'off' }, { crash: false, powerLoss: false }, /brings back what was revoked/],
    [{ fsync: 'off' }, { crash: true, powerLoss: false }, /may lose everything/],
    [{ fullPageWrites: 'off' }, { crash: true, powerLoss: false }, /full_page_writes/],
    [{ standbys: 2 }, { failover: false }, /2 standbys follow and none is waited for/],
    [{ standbys: 1, synchronousStandbys: 'b' }, { failover: true }, /every standby that could be promoted/],
    [{ standbys: 0, synchronousStandbys: 'b' }, { failover: true }, /synchronous_standby_names is b/],
    [{ standbys: 1, synchronousStandbys: 'b', synchronousCommit: 'local' }, { failover: false }, /none is waited for/],
  ])('with %o promises %o', (change, promises, remark) => {
    const told = promisesFrom({ ...good, ...change })
    expect(told).toMatchObject(promises)
    expect(told.remarks.join('\n')).toMatch(remark)
  })
})

describePostgres('PostgreSQL, asked', () => {
  const { url } = useDatabase()

  test('tells of the server as it is at this moment', async () => {
    const client = new Client({ connectionString: url })
    await client.connect()
    // One connection is enough of a pool for it.
    const store = postgresStore(client)
    expect(await store.promises()).toMatchObject({ crash: true, powerLoss: true, failover: null })
    await client.query('SET synchronous_commit = off')
    expect(await store.promises()).toMatchObject({ crash: false, powerLoss: false })
    await client.end()
    await expect(Promise.resolve(store.promises())).rejects.toBeInstanceOf(StoreError)
  })
})

describe('Redis', () => {
  const good = { aof_enabled: '1', maxmemory_policy: 'noeviction', connected_slaves: '0' }

  test.each([
    [{}, 0, { crash: true, powerLoss: false, failover: null }, /appendfsync/],
    [{ aof_enabled: '0' }, 0, { crash: false }, /appendonly yes/],
    [{ maxmemory_policy: 'allkeys-lru' }, 0, { crash: false }, /noeviction/],
    [{ connected_slaves: '2' }, 0, { failover: false }, /2 replicas follow and none is waited for/],
    [{ connected_slaves: '2' }, 1, { failover: false }, /1 of 2 replicas are waited for; set replicas: 2/],
    [{ connected_slaves: '2' }, 2, { failover: true }, /waited for by 2/],
    [{ connected_slaves: '0' }, 1, { failover: true }, /waited for by 1/],
  ])('with %o and %i replicas waited for promises %o', (change, replicas, promises, remark) => {
    const told = promisesOf(new Map(Object.entries({ ...good, ...change })), { replicas })
    expect(told).toMatchObject(promises)
    expect(told.remarks.join('\n')).toMatch(remark)
  })

  test('what a server does not tell it does not promise', () => {
    expect(promisesOf(new Map(), { replicas: 0 })).toMatchObject({ crash: false, powerLoss: false })
  })
})

const clientOf = ({ host, port }: RedisServer): Redis => {
  const client = new Redis({ host, port, maxRetriesPerRequest: 0 })
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  return client
}

describeRedis('Redis, asked', () => {
  test('tells of a single server, and of one that has gone nothing', async () => {
    const server = await startRedis()
    const store = redisStore(clientOf(server))
    expect(await store.promises()).toMatchObject({ crash: true, failover: null })
    await server.stop()
    await expect(Promise.resolve(store.promises())).rejects.toBeInstanceOf(StoreError)
  })

  test('tells of replicas, waited for or not', async () => {
    const { primary, replica } = await startReplicated()
    onTestFinished(async () => {
      await Promise.all([primary.stop(), replica.stop()])
    })
    const client = clientOf(primary)
    expect(await redisStore(client).promises()).toMatchObject({ failover: false })
    expect(await redisStore(client, { durability: 'replicated' }).promises()).toMatchObject({ failover: true })
  })
})
