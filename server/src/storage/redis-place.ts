import type { Cluster, Redis } from 'ioredis'
import { ConfigError, StoreError } from 'jotward'
import { redisStore } from 'jotward/stores/redis'
import { compareClocks } from './clock.ts'
import { explain, reworded } from './explain.ts'
import { withPatience, within } from './patience.ts'
import type { Examination, OpenOptions, Place } from './place.ts'
import type { RedisAddress } from './store-url.ts'

export type RedisClient = Redis | Cluster

export interface RedisPlace extends Place {
  readonly client: RedisClient
}

const VARIABLE = 'REDIS_URL'
const OPENING = 'connecting to Redis'

const CONNECT_MS = 1500
/** After so long a connection that owes an answer is given up, for the network may have swallowed it. */
const SILENCE_MS = 2000
/** Until a connection, a login and the first answers stand; some servers are asked one after another. */
const OPEN_MS = 3000
/** Between two attempts to connect again; a store that is back must be heard within two seconds. */
const LONGEST_PAUSE_MS = 500

const pauseBefore = (attempt: number): number => Math.min(attempt * 50, LONGEST_PAUSE_MS)

const WORDING = [
  [/^Redis is a node of a Cluster; give .*/, 'Redis is a node of a Cluster; name several of its nodes, with commas'],
  [
    /^.*ERR This instance has cluster support disabled.*/,
    'several servers are named, and they are no Cluster; name one, or make them a Cluster',
  ],
  [/^((?:WRONGPASS|NOAUTH)[^,;]*).*/, 'Redis refuses the login ($1); give user and password in the URL'],
  [/^.*DB index is out of range.*/, 'Redis has no database of that number; see its setting databases'],
  [/^(NOPERM[^;]*).*/, 'Redis does not let this user connect ($1); grant +info and +client'],
  [/give the client its user name and password/, 'give user and password in the URL'],
  [/durability: "replicated"/, 'JOTWARD_REDIS_DURABILITY=replicated'],
  [/set replicas: (\d+)/, 'set JOTWARD_REDIS_REPLICAS=$1'],
] as const

interface Connected {
  readonly client: RedisClient
  /** The last thing that went wrong while it connected, which `connect` itself does not tell. */
  readonly lastFailure: () => string | null
}

const makeClient = async (address: RedisAddress): Promise<Connected> => {
  // Loaded where it is needed: a server on SQLite starts without.
  const ioredis = await import('ioredis')
  const { nodes, isCluster, tls, username, password, database } = address
  const login = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: password.reveal() }),
    ...(tls ? { tls: {} } : {}),
  }
  const limits = {
    connectTimeout: CONNECT_MS,
    commandTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    // What was sent on a connection that has gone is a failure, to be repeated by whoever knows what it was.
    maxRetriesPerRequest: 0,
    connectionName: 'jotward',
  }
  // Nothing is put by for a server that is away: it would be done long after its caller was told that it failed.
  const client = isCluster
    ? new ioredis.Cluster([...nodes], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: pauseBefore,
        slotsRefreshTimeout: CONNECT_MS,
        redisOptions: { ...login, ...limits },
      })
    : new ioredis.Redis({
        ...nodes[0],
        ...login,
        ...limits,
        db: database,
        lazyConnect: true,
        enableOfflineQueue: false,
        retryStrategy: pauseBefore,
      })
  let last: string | null = null
  client.on('error', (error: Error & { readonly lastNodeError?: Error }) => {
    last = error.lastNodeError?.message ?? error.message
  })
  return { client, lastFailure: () => last }
}

/** What another attempt would be told again. */
const FINAL = /WRONGPASS|NOAUTH|NOPERM|cluster support disabled|DB index is out of range/

const connect = async (address: RedisAddress): Promise<RedisClient> => {
  const { client, lastFailure } = await makeClient(address)
  try {
    await within(OPEN_MS, OPENING, client.connect())
    // The client itself goes on with database 0 where this one is refused.
    if (address.database > 0) await within(OPEN_MS, OPENING, client.select(address.database))
    return client
  } catch (failure) {
    client.disconnect()
    const refusal = failure instanceof Error && FINAL.test(failure.message) ? failure.message : null
    const reason = refusal ?? lastFailure()
    if (reason === null) throw failure
    throw FINAL.test(reason)
      ? new ConfigError([{ path: VARIABLE, problem: reason }])
      : new StoreError(OPENING, new Error(reason))
  }
}

const INFO_FACTS = ['maxmemory_policy', 'aof_enabled', 'role', 'connected_slaves'] as const

const infoOf = async (client: RedisClient): Promise<ReadonlyMap<string, string>> => {
  const text = String(await client.call('info', []).catch(() => ''))
  const lines = [...text.matchAll(/^([a-z_\d]+):(.*?)\r?$/gm)]
  return new Map(lines.map(([, name = '', value = '']) => [name, value]))
}

const examine = async (client: RedisClient): Promise<Examination> => {
  const info = await infoOf(client)
  const clocks = await compareClocks(async () => {
    const reply: unknown = await client.call('time', [])
    const [seconds, microseconds] = Array.isArray(reply) ? reply.map(Number) : []
    return (seconds ?? Number.NaN) * 1000 + (microseconds ?? Number.NaN) / 1000
  })
  const facts = INFO_FACTS.flatMap((name) => (info.has(name) ? [[name, info.get(name) ?? '']] : []))
  return {
    version: info.get('valkey_version') ?? info.get('redis_version') ?? 'not told',
    ...clocks,
    facts: Object.fromEntries(facts) as Record<string, string>,
  }
}

export interface RedisOptions extends OpenOptions {
  readonly address: RedisAddress
  /** How many replicas must have what is acknowledged; 0: none is waited for. */
  readonly replicas: number
}

/** Says each thing once, for readiness is asked for again and again. */
const sayingOnce = (say: (sentence: string) => void): ((sentence: string) => void) => {
  const said = new Set<string>()
  return (sentence) => {
    if (said.has(sentence)) return
    said.add(sentence)
    say(sentence)
  }
}

/**
 * Opens Redis, one server or a Cluster.
 *
 * @throws ConfigError that names the variable
 */
export const openRedis = async (options: RedisOptions): Promise<RedisPlace> => {
  const { address, replicas, patienceMs, onTrouble } = options
  const explained = (failure: unknown) =>
    explain(failure, {
      variable: VARIABLE,
      passwords: address.password === null ? [] : [address.password],
      remedy: `see that Redis answers at ${address.label}, or correct the URL`,
      wording: WORDING,
    })
  const warn = sayingOnce((warning) => onTrouble(reworded(warning, WORDING)))
  const durability = replicas === 0 ? {} : ({ durability: 'replicated', replicas } as const)

  const attempt = async (): Promise<RedisPlace> => {
    const client = await connect(address)
    const store = redisStore(client, { ...durability, onWarning: warn })
    try {
      await within(OPEN_MS, 'checking Redis', Promise.resolve(store.ready()))
    } catch (failure) {
      client.disconnect()
      throw failure
    }
    return {
      name: 'Redis',
      variable: VARIABLE,
      address: address.label,
      store,
      client,
      examine: () => examine(client),
      explain: explained,
      inSettings: (sentence) => reworded(sentence, WORDING),
      close: async () => {
        await store.close()
        client.disconnect()
      },
    }
  }
  return withPatience(attempt, {
    patienceMs,
    onWait: (failure) => {
      onTrouble(`waiting for Redis: ${VARIABLE}: ${explained(failure)[0]?.problem ?? ''}`)
    },
  }).catch((failure: unknown) => {
    throw new ConfigError(explained(failure))
  })
}
