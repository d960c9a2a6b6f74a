import { setTimeout as after } from 'node:timers/promises'
import { startRedis } from '../stores/redis-server.ts'
import type { Fault, Measure } from './harness/fault.ts'
import { span } from './harness/figures.ts'
import { LEASE_MS } from './harness/processes.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { kill } from './redis/chain.ts'
import { doneWithin, isWrite, none } from './redis/demands.ts'
import { recoveryOfEach } from './redis/held.ts'
import { openLine, PATIENT } from './redis/line.ts'

const KILL_EVERY_MS = 4500

/** Longer than a lease, and shorter, in turn. */
const DOWN_MS = [LEASE_MS + 600, 300] as const

const CALM_MS = 500

interface Outage {
  readonly goneMs: number
  readonly startedMs: number
  /** From its return until every process wrote. */
  readonly recoveryMs: number
}

const measures = ({ recorder }: Bed, outages: readonly Outage[]): readonly Measure[] => {
  const writes = outages.flatMap(({ goneMs, startedMs }) => doneWithin(recorder, goneMs, startedMs).filter(isWrite))
  const checks = outages.flatMap(({ goneMs, startedMs }) =>
    doneWithin(recorder, goneMs + LEASE_MS, startedMs).filter(({ kind }) => kind === 'check'),
  )
  const recoveries = outages.map(({ recoveryMs }) => recoveryMs)
  return [
    none('writes done while it was down', writes),
    none('checked requests served without a lease', checks),
    span('until every process writes again, max', Math.max(...recoveries), 2000),
  ]
}

/** Kills the server, and starts it anew on its append-only file. */
export const redisKilled: Fault = {
  name: 'F2',
  title: 'kill -9 and restart of Redis every 4.5 s (append-only file)',
  permitted: 'none lost; writes fail closed while it is down; every process writes within 2 s of its return',
  run: async (round) => {
    const server = await startRedis()
    round.defer(() => server.stop())
    const { store } = await openLine(round, server)
    const settings = { store, refreshToken: PATIENT }
    return underLoad('F2', round, { settings }, async (bed) => {
      const outages: Outage[] = []
      await untilOver(bed, KILL_EVERY_MS, async (turn) => {
        bed.incident('kill -9 Redis')
        await kill(server)
        const goneMs = performance.now()
        await after(DOWN_MS[turn % DOWN_MS.length])
        const startedMs = performance.now()
        await server.restart()
        bed.incident('Redis is back')
        outages.push({ goneMs, startedMs, recoveryMs: await recoveryOfEach(bed, performance.now()) })
        await after(CALM_MS)
      })
      return measures(bed, outages)
    })
  },
}
