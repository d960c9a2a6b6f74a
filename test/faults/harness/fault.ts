import type { Breach, Tally } from './checker.ts'
import type { ClientOptions } from './clients.ts'
import type { Servers } from './servers.ts'

/** A figure of a round. */
export interface Measure {
  /** The same in every round of a fault: rounds are put together by it. */
  readonly name: string
  readonly value: number
  readonly unit: 'ms' | '' | 's'
  /** What it must not exceed; null where it is only told. The campaign judges by it, the short rounds do not. */
  readonly limit: number | null
}

/** What a round has shown. */
export interface Findings {
  readonly tally: Tally
  /** How often something was killed, frozen, cut off or set wrong. */
  readonly incidents: number
  readonly breaches: readonly Breach[]
  readonly measures: readonly Measure[]
  /** Where the history was written: after a breach, or where histories are kept. */
  readonly history: string | null
}

/** What a fault is given for one round. */
export interface Round {
  /** For how long the fault goes on, in seconds: 3 or so in a short round, and a minute or more in a long one. */
  readonly seconds: number
  readonly servers: Servers
  /** How the clients differ from the usual ones, where the fault itself says nothing of it. */
  readonly load: Partial<ClientOptions>
  /** Runs at the end of the round, whatever became of it; the last first. */
  readonly defer: (end: () => unknown) => void
}

/** A fault, as data: the same one runs for seconds in `npm test` and for minutes in `npm run test:faults`. */
export interface Fault {
  /** As numbered in docs/reliability.md, with a word behind it where there are several of one number. */
  readonly name: string
  readonly title: string
  /** What may happen meanwhile. */
  readonly permitted: string
  readonly run: (round: Round) => Promise<Findings>
}

/** Runs one round of a fault, and clears up after it. */
export const runRound = async (
  fault: Fault,
  seconds: number,
  servers: Servers,
  load: Round['load'] = {},
): Promise<Findings> => {
  const ends: (() => unknown)[] = []
  try {
    return await fault.run({
      seconds,
      servers,
      load,
      defer: (end) => {
        ends.push(end)
      },
    })
  } finally {
    // One after another, for what was begun later stands on what was begun before.
    for (const end of ends.toReversed()) await end()
  }
}
