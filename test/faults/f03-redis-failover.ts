import { setTimeout as after } from 'node:timers/promises'
import type { Fault } from './harness/fault.ts'
import { count, span } from './harness/figures.ts'
import { underLoad, untilOver } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'
import { kill, startChain } from './redis/chain.ts'
import type { Chain } from './redis/chain.ts'
import { doneWithin, none, REVOCATIONS } from './redis/demands.ts'
import { recoveryOfEach } from './redis/held.ts'
import { openLine, PATIENT, REPLICATED } from './redis/line.ts'
import type { Line } from './redis/line.ts'

const EVERY_MS = 6000

/** Within a lease, so that refreshes go on and get lost with the primary; and beyond it. */
const DEAF_MS = [700, 1800] as const

interface Failover {
  readonly deafMs: number
  readonly deadMs: number
  /** From where the new primary had a replica until every process wrote. */
  readonly recoveryMs: number
}

const failOver = async (bed: Bed, chain: Chain, line: Line, deafForMs: number): Promise<Failover> => {
  await chain.cutOff()
  bed.incident('the replica hears no more')
  const deafMs = performance.now()
  await after(deafForMs)
  const deadMs = performance.now()
  await kill(chain.primary)
  const former = await chain.promote()
  line.lead(chain.primary)
  bed.incident('the primary is dead, its replica takes over')
  await after(300)
  await former.restart()
  await chain.rejoin(former)
  bed.incident('it has a replica again')
  return { deafMs, deadMs, recoveryMs: await recoveryOfEach(bed, performance.now()) }
}

/** The primary dies after its replica has missed something, where nothing is acknowledged that the replica lacks. */
export const redisFailover: Fault = {
  name: 'F3',
  title: 'Redis primary killed behind a cut-off replica that is promoted, durability replicated',
  permitted: 'none lost; refused writes answered 503; rotations that were lost heal',
  run: async (round) => {
    const chain = await startChain(round, 2)
    const line = await openLine(round, chain.primary, REPLICATED)
    const settings = { store: line.store, refreshToken: PATIENT }
    return underLoad('F3', round, { settings }, async (bed) => {
      const failovers: Failover[] = []
      await untilOver(bed, EVERY_MS, async (turn) => {
        failovers.push(await failOver(bed, chain, line, DEAF_MS[turn % DEAF_MS.length] ?? 0))
        await after(500)
      })
      const unheard = failovers.flatMap(({ deafMs, deadMs }) => doneWithin(bed.recorder, deafMs, deadMs))
      const isRevocation = ({ kind }: { kind: (typeof unheard)[number]['kind'] }) => REVOCATIONS.has(kind)
      const recoveries = failovers.map(({ recoveryMs }) => recoveryMs)
      return [
        none('revocations acknowledged without a replica', unheard.filter(isRevocation)),
        none(
          'sign-ins acknowledged without a replica',
          unheard.filter(({ kind }) => kind === 'signin'),
        ),
        count('refreshes that were lost, at most', unheard.filter(({ kind }) => kind === 'refresh').length),
        span('until every process writes again, max', Math.max(...recoveries), 2000),
      ]
    })
  },
}
