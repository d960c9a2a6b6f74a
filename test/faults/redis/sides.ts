import type { Round } from '../harness/fault.ts'
import type { Worker, WorkerSettings } from '../harness/processes.ts'
import type { Bed } from '../harness/under-load.ts'
import type { Chain } from './chain.ts'
import { openLine } from './line.ts'
import type { Line } from './line.ts'

/** Processes of which some follow a failover, and some know nothing of it. */
export interface Sides {
  /** Those that stay with the former primary. */
  readonly old: readonly Worker[]
  /** Those that are led to the new one. */
  readonly young: readonly Worker[]
}

/** Two ways to one primary. */
export interface Lines {
  readonly old: Line
  readonly young: Line
}

export const openLines = async (round: Round, chain: Chain, options: object = {}): Promise<Lines> => ({
  old: await openLine(round, chain.primary, options),
  young: await openLine(round, chain.primary, options),
})

/** Starts every other process anew on the line of the new side; all of them were started on that of the old one. */
export const divide = async (
  { workers }: Bed,
  { young }: Lines,
  settings: Omit<WorkerSettings, 'store'>,
): Promise<Sides> => {
  const moved = workers.filter((_, index) => index % 2 === 1)
  await Promise.all(
    moved.map(async (worker) => {
      await worker.end()
      await worker.start({ ...settings, store: young.store })
    }),
  )
  return { old: workers.filter((worker) => !moved.includes(worker)), young: moved }
}

/** The time of the round begins only where its processes stand. */
export const fromNow = (bed: Bed, { seconds }: Round): Bed => ({ ...bed, endMs: performance.now() + seconds * 1000 })
