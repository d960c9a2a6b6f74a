import { setTimeout as after } from 'node:timers/promises'
import type { Fault, Measure } from './harness/fault.ts'
import { count, span } from './harness/figures.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { doneWithin, isWrite, none } from './redis/demands.ts'
import { startRedisOnDisk } from './redis/full-disk.ts'
import { recoveryOfEach } from './redis/held.ts'
import { PATIENT } from './redis/line.ts'

const EVERY_MS = 5000
const FULL_MS = 1800

interface Shortage {
  readonly fullMs: number
  readonly emptyMs: number
  /** From then until every process wrote. */
  readonly recoveryMs: number
}

const measures = ({ recorder }: Bed, shortages: readonly Shortage[]): readonly Measure[] => {
  const during = shortages.flatMap(({ fullMs, emptyMs }) => doneWithin(recorder, fullMs, emptyMs))
  const open = recorder.operations.filter(({ kind, outcome }) => kind === 'open' && outcome === 'unavailable')
  const recoveries = shortages.map(({ recoveryMs }) => recoveryMs)
  return [
    none('writes acknowledged while the disk was full', during.filter(isWrite)),
    none('unchecked requests not served', open),
    count('checked requests served meanwhile, by their lease', during.filter(({ kind }) => kind === 'check').length),
    span('until every process writes again, max', Math.max(...recoveries), 2000),
  ]
}

/** The disk of the append-only file is full for a while. */
export const redisDiskFull: Fault = {
  name: 'F8 Redis',
  title: 'disk full under the append-only file of Redis',
  permitted:
    'writes answered 503, never done; guards go on for their lease, then 503; all well when there is room again',
  run: async (round) => {
    const server = await startRedisOnDisk()
    round.defer(() => server.stop())
    const { host, port } = server
    const settings = { store: { kind: 'redis', host, port }, refreshToken: PATIENT } as const
    return underLoad('F8-redis', round, { settings }, async (bed) => {
      const shortages: Shortage[] = []
      await untilOver(bed, EVERY_MS, async () => {
        await server.fill()
        bed.incident('the disk is full')
        const fullMs = performance.now()
        await after(FULL_MS)
        const emptyMs = performance.now()
        server.empty()
        bed.incident('there is room again')
        shortages.push({ fullMs, emptyMs, recoveryMs: await recoveryOfEach(bed, emptyMs) })
        await after(500)
      })
      return measures(bed, shortages)
    })
  },
}
