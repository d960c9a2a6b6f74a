import type { RedisServer } from '../../stores/redis-server.ts'
import type { Round } from '../harness/fault.ts'
import type { StoreSettings } from '../harness/processes.ts'
import { openProxy } from '../harness/proxy.ts'

/** An address behind which servers of Redis change, as a name or a virtual address does at a failover. */
export interface Line {
  /** What processes are told. */
  readonly store: StoreSettings
  /** Leads to another server; what was connected is broken off. */
  lead(server: RedisServer): void
}

export const openLine = async (round: Round, first: RedisServer, options: object = {}): Promise<Line> => {
  let target = first
  const proxy = await openProxy(() => target)
  round.defer(() => proxy.close())
  const { host, port } = proxy
  return {
    store: { kind: 'redis', host, port, options },
    lead: (server) => {
      target = server
      proxy.cut()
    },
  }
}

/** How the store waits for a replica; less than the deadline of `bounded`, so that its own words are heard. */
export const REPLICATED = { durability: 'replicated', replicationTimeoutMs: 100 } as const

/**
 * One late replay is used up by each outage that is longer than the grace, or that a busy machine makes so: an honest
 * client may live through many here.
 */
export const PATIENT = { grace: '3s', lateReplays: 10, idleLifetime: '1d', absoluteLifetime: '2d' } as const
