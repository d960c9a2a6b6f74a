import { randomUUID } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import { connectionOf } from '../../../src/stores/redis/client.ts'
import type { RedisStoreClient } from '../../../src/stores/redis/client.ts'
import type { RedisStoreOptions } from '../../../src/stores/redis/options.ts'
import { createRedisStore } from '../../../src/stores/redis/redis-store.ts'
import { createScripts } from '../../../src/stores/redis/scripts.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { startCluster, startRedis } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { START_MS } from '../stores-under-test.ts'

/** A client of one's own, connected; `close` ends it. */
export interface OpenClient {
  readonly client: RedisStoreClient
  close(): unknown
}

const address = ({ host, port }: RedisServer) => ({ host, port })

/** What a lost connection says is told by the calls that it fails. */
const quiet = <T extends { on(event: 'error', listener: () => void): unknown }>(client: T): T => {
  client.on('error', () => undefined)
  return client
}

export const openIoredis = async (server: RedisServer, options: object = {}): Promise<OpenClient> => {
  const client = quiet(new Redis({ ...address(server), ...options }))
  return { client, close: () => client.disconnect() }
}

export const openNodeRedis = async (server: RedisServer, options: object = {}): Promise<OpenClient> => {
  const client = quiet(createClient({ socket: address(server), ...options }))
  await client.connect()
  return { client, close: () => client.destroy() }
}

export const openIoredisCluster = async (nodes: readonly RedisServer[]): Promise<OpenClient> => {
  const client = quiet(new Cluster(nodes.map(address)))
  return { client, close: () => client.disconnect() }
}

export const openNodeRedisCluster = async (nodes: readonly RedisServer[]): Promise<OpenClient> => {
  const client = quiet(createCluster({ rootNodes: nodes.map((node) => ({ socket: address(node) })) }))
  await client.connect()
  return { client, close: () => client.destroy() }
}

/** Time as a key of each bucket: what only these scripts read. */
const HAND_CLOCK = `
local now = tonumber(redis.call('GET', base .. 'clock'))
local micros = now * 1000
`

const HAND_SCRIPTS = createScripts(HAND_CLOCK)

export interface RedisUnderTest extends StoreUnderTest {
  readonly prefix: string
}

/** A new store on a server that others share, apart from theirs by its prefix, and on a clock of its own. */
export const openRedisStore = async (
  client: RedisStoreClient,
  options: RedisStoreOptions = {},
): Promise<RedisUnderTest> => {
  const prefix = `test:${randomUUID()}`
  const connection = connectionOf(client)
  const buckets = createBuckets(prefix, options.buckets ?? 16)
  let nowMs = START_MS
  const turn = async (milliseconds: number): Promise<void> => {
    nowMs += milliseconds
    const keys = buckets.all.map(({ base }) => `${base}clock`)
    await Promise.all(keys.map((key) => connection.send(key, ['set', key, String(nowMs)])))
  }
  await turn(0)
  const store = createRedisStore(client, { ...options, prefix }, HAND_SCRIPTS)
  return { store, turn, close: () => store.close(), prefix }
}

/** The same on the server's own clock, as in production. */
export const newPrefix = (): string => `test:${randomUUID()}`

/** The clients that a store must work with; servers and clients last for the file in which this is called. */
export const useClients = () => {
  const opened = new Map<string, OpenClient>()
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const [server, cluster] = await Promise.all([startRedis(), startCluster()])
    stops.push(
      () => server.stop(),
      () => cluster.stop(),
    )
    opened.set('ioredis', await openIoredis(server))
    opened.set('node-redis', await openNodeRedis(server))
    opened.set('ioredis, Cluster', await openIoredisCluster(cluster.primaries))
    opened.set('node-redis, Cluster', await openNodeRedisCluster(cluster.primaries))
  })

  afterAll(async () => {
    for (const open of opened.values()) open.close()
    await Promise.all(stops.map((stop) => stop()))
  })

  return (name: ClientName): RedisStoreClient => {
    const open = opened.get(name)
    if (open === undefined) throw new Error(`${name} is not open`)
    return open.client
  }
}

export const CLIENTS = ['ioredis', 'node-redis', 'ioredis, Cluster', 'node-redis, Cluster'] as const

export type ClientName = (typeof CLIENTS)[number]
