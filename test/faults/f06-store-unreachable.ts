import { setTimeout as after } from 'node:timers/promises'
import type { Fault, Measure } from './harness/fault.ts'
import { begunWithin, count, durationsOf, percentile, recoveryMs, span } from './harness/figures.ts'
import { LEASE_MS } from './harness/processes.ts'
import { openProxy } from './harness/proxy.ts'
import type { Proxy } from './harness/proxy.ts'
import { through } from './harness/servers.ts'
import { underLoad } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'

/** What the line does: nothing is lost, or every connection. */
const WAYS = ['hold', 'swallow'] as const

const LONGEST_MS = 60_000

/** Between two outages, so that every process has its lease again. */
const CALM_MS = 1000

/** One outage, and what was seen of it. */
const cutOff = async (bed: Bed, line: Proxy, way: (typeof WAYS)[number], lengthMs: number) => {
  bed.incident(`the line to the store: ${way}`)
  const fromMs = performance.now()
  line.set(way)
  await after(lengthMs)
  const toMs = performance.now()
  // Connections on which anything was swallowed stay dead: the processes have to find that out by themselves.
  line.set('pass')
  await after(CALM_MS)
  return { fromMs, toMs }
}

type Outage = Awaited<ReturnType<typeof cutOff>>

const measureOutage = ({ recorder }: Bed, outage: Outage): readonly Measure[] => {
  const during = begunWithin(recorder, outage)
  const blind = begunWithin(recorder, { ...outage, fromMs: outage.fromMs + LEASE_MS })
  const served = blind.filter(({ kind, outcome }) => kind === 'check' && outcome === 'ok')
  const open = during.filter(({ kind }) => kind === 'open')
  return [
    span('answers while cut off, p99', percentile(durationsOf(during), 0.99), 300),
    count('checked requests served without a lease', served.length, 0),
    count('unchecked requests not served', open.filter(({ outcome }) => outcome !== 'ok').length, 0),
    span('first write after it', recoveryMs(recorder, outage.toMs)),
  ]
}

/** Cuts the processes off from the store without a reset: packets are held back, then lost for good. */
export const storeUnreachable: Fault = {
  name: 'F6',
  title: 'store unreachable without reset (PostgreSQL)',
  permitted: 'p99 answer < 300 ms; checked routes 503 past the lease; unchecked routes serve',
  run: async (round) => {
    const database = await round.servers.postgres()
    const line = await openProxy(() => database)
    round.defer(() => line.close())
    const settings = {
      store: { kind: 'postgres', url: through(database.url, line) },
      // Longer than the outage, or one late replay for each: an honest client may come back after either.
      refreshToken: { grace: '3s', lateReplays: 10, idleLifetime: '1d', absoluteLifetime: '2d' },
    } as const
    return underLoad('F6', round, { settings }, async (bed) => {
      const measures: Measure[] = []
      for (const way of WAYS) {
        const lengthMs = Math.min(LONGEST_MS, Math.max(2 * LEASE_MS, (round.seconds * 1000) / WAYS.length - CALM_MS))
        // The second begins when the first is over.
        measures.push(...measureOutage(bed, await cutOff(bed, line, way, lengthMs)))
      }
      return measures
    })
  },
}
