import { hasReplica, startRedis, waitUntil } from '../../stores/redis-server.ts'
import type { RedisServer } from '../../stores/redis-server.ts'
import type { Round } from '../harness/fault.ts'

/** Servers of Redis that follow one another, and what is done to them where one takes over. */
export interface Chain {
  /** Changes with each promotion. */
  readonly primary: RedisServer
  /** The first that follows it, and the only one that may take over. */
  readonly replica: RedisServer
  /** The replica hears no more. What it was sent before it has. */
  cutOff(): Promise<void>
  /**
   * Makes the replica the primary, with what it has. Returns the one before it, which knows nothing of that: dead, or
   * alive and sure to be the primary still.
   */
  promote(): Promise<RedisServer>
  /** Takes a former primary in again, at the end; it forgets what only it has. Resolves once all follow. */
  rejoin(former: RedisServer): Promise<void>
}

const follow = async (server: RedisServer, leader: RedisServer): Promise<void> => {
  await server.command('replicaof', leader.host, String(leader.port))
}

const isLinked = async (server: RedisServer): Promise<boolean> =>
  String(await server.command('info', 'replication')).includes('master_link_status:up')

/** A port that nobody listens on: to follow it is as good as a broken line. */
const NOWHERE = '1'

/** Starts so many servers, each with an append-only file; each but the first follows the one before it. */
export const startChain = async (round: Round, count: number): Promise<Chain> => {
  let servers = await Promise.all(Array.from({ length: count }, () => startRedis()))
  const started = servers
  round.defer(() => Promise.all(started.map((server) => server.stop())))

  const at = (place: number): RedisServer => {
    const server = servers[place]
    if (server === undefined) throw new Error('a chain of servers is longer than that')
    return server
  }
  const settle = async (): Promise<void> => {
    for (const [place, server] of servers.entries()) {
      // One behind the other: each has only what the one before it has.
      if (place > 0) await waitUntil('replication', () => isLinked(server))
    }
    if (servers.length > 1) await waitUntil('acknowledgements', () => hasReplica(at(0)))
  }

  for (const [place, server] of servers.entries()) if (place > 0) await follow(server, at(place - 1))
  await settle()
  return {
    get primary() {
      return at(0)
    },
    get replica() {
      return at(1)
    },
    cutOff: async () => {
      await at(1).command('replicaof', at(1).host, NOWHERE)
    },
    promote: async () => {
      const former = at(0)
      await at(1).command('replicaof', 'no', 'one')
      servers = servers.slice(1)
      return former
    },
    rejoin: async (former) => {
      await follow(former, at(servers.length - 1))
      servers = [...servers, former]
      await settle()
    },
  }
}

/** By SIGKILL, and waits for the end. */
export const kill = async (server: RedisServer): Promise<void> => {
  server.signal('SIGKILL')
  await server.ended()
}
