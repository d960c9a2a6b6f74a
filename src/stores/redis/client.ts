import { ConfigError } from '../../core/errors.ts'

/**
 * The clients that the store can use, each as the part of it that the store needs: nothing of a client is imported,
 * neither at run time nor for its types. The caller owns the client, connects and closes it.
 */

/** A `Redis` or `Cluster` of ioredis, 5 or later. */
export interface IoredisClient {
  readonly isCluster?: boolean
  call(command: string, args: string[]): Promise<unknown>
  pipeline(commands: string[][]): { exec(): Promise<[error: Error | null, reply: unknown][] | null> }
}

/** What node-redis 5 or later makes by `createClient` or `createClientPool`. */
export interface NodeRedisClient {
  /** A pool does not tell. */
  readonly isReady?: boolean
  sendCommand(args: string[]): Promise<unknown>
  multi(): NodeRedisBatch<[args: string[]]>
}

/** What node-redis 5 or later makes by `createCluster`. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[]
  sendCommand(firstKey: string, isReadonly: boolean, args: string[]): Promise<unknown>
  multi(routing: string): NodeRedisBatch<[firstKey: string, isReadonly: boolean, args: string[]]>
}

interface NodeRedisBatch<Command extends readonly unknown[]> {
  addCommand(...command: Command): unknown
  /** Sends what was added, without a transaction. */
  execAsPipeline(): Promise<unknown>
}

export type RedisStoreClient = IoredisClient | NodeRedisClient | NodeRedisCluster

/** A command and its arguments. */
export type RedisCommand = readonly string[]

/** How the store sends, whichever client it was given. Both methods reject with what the client rejects with. */
export interface RedisConnection {
  /** Whether it is known that one server has every key, so that commands of any can be sent together. */
  readonly isOneServer: boolean
  /** Sends one command to the node that holds `key`, wherever that has moved. */
  send(key: string, command: RedisCommand): Promise<unknown>
  /**
   * Sends commands directly after one another on one connection to that node, and resolves when all are answered without
   * an error. Where the connection is lost in between, none is sent again alone: WAIT (Redis) speaks of what its own
   * connection has written, and on a new one would confirm what it knows nothing of.
   */
  sendTogether(key: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]>
}

const ioredisConnection = (client: IoredisClient): RedisConnection => ({
  isOneServer: client.isCluster === false,
  send: (_key, [name = '', ...args]) => client.call(name, args),
  sendTogether: async (_key, commands) => {
    // Its pipelines are written at once. Of one that is answered in part when the connection goes the rest is rejected,
    // and one of which nothing is answered is sent again as a whole.
    const replies = await client.pipeline(commands.map((command) => [...command])).exec()
    if (replies === null) throw new Error('the pipeline was discarded')
    return replies.map(([error, reply]) => {
      if (error !== null) throw error
      return reply
    })
  },
})

const replyList = (replies: unknown): readonly unknown[] => {
  if (Array.isArray(replies)) return replies
  throw new Error('the pipeline has no replies')
}

const nodeRedisConnection = (client: NodeRedisClient): RedisConnection => ({
  isOneServer: true,
  send: (_key, command) => client.sendCommand([...command]),
  sendTogether: async (_key, commands) => {
    // What it sends so waits for a connection without end, and would be done long after its caller was told that it failed.
    if (client.isReady === false) throw new Error('the client is not connected')
    // Its pipelines are chains: one that has been sent in part when the connection goes is rejected as a whole.
    const batch = client.multi()
    for (const command of commands) batch.addCommand([...command])
    return replyList(await batch.execAsPipeline())
  },
})

const nodeRedisClusterConnection = (client: NodeRedisCluster): RedisConnection => ({
  isOneServer: false,
  send: (key, command) => client.sendCommand(key, false, [...command]),
  sendTogether: async (key, commands) => {
    const batch = client.multi(key)
    for (const command of commands) batch.addCommand(key, false, [...command])
    return replyList(await batch.execAsPipeline())
  },
})

const has = (client: object, method: string): boolean => typeof Reflect.get(client, method) === 'function'

const isIoredis = (client: RedisStoreClient): client is IoredisClient => has(client, 'call') && has(client, 'pipeline')

const isNodeRedis = (client: RedisStoreClient): client is NodeRedisClient | NodeRedisCluster =>
  has(client, 'sendCommand') && has(client, 'multi')

/** @throws ConfigError where the client is none that the store knows */
export const connectionOf = (client: RedisStoreClient): RedisConnection => {
  if (typeof client === 'object' && client !== null) {
    if (isIoredis(client)) return ioredisConnection(client)
    if (isNodeRedis(client)) {
      return 'masters' in client ? nodeRedisClusterConnection(client) : nodeRedisConnection(client)
    }
  }
  const problem = 'is no client of Redis; give a Redis or Cluster of ioredis, or a client or cluster of node-redis'
  throw new ConfigError([{ path: 'client', problem }])
}
