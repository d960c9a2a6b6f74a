import type { ConfigProblem, Store } from 'jotward'

/** What a place says of itself when it is asked by `jotward doctor`. */
export interface Examination {
  readonly version: string
  /** Round trip of one small call, in milliseconds: the median of some. */
  readonly latencyMs: number
  /** How far its clock is ahead of this machine's, in milliseconds; null where both are one clock. */
  readonly clockAheadMs: number | null
  /** Settings that promises rest on, by name. */
  readonly facts: Readonly<Record<string, string | number>>
}

/** A place of storage that is open. */
export interface Place {
  readonly name: 'SQLite' | 'PostgreSQL' | 'Redis'
  /** The setting that names it. */
  readonly variable: string
  /** Where it is, without what is secret. */
  readonly address: string
  readonly store: Store
  /** Rejects where it does not answer. */
  examine(): Promise<Examination>
  /** A failure of the store or its client as sentences for whoever has set the variable. */
  readonly explain: (failure: unknown) => readonly ConfigProblem[]
  /** A sentence of the library in the words of the settings. */
  readonly inSettings: (sentence: string) => string
  /** Ends the store and its connections. */
  close(): Promise<void>
}

export interface OpenOptions {
  /** Refuses a place in which no server has kept anything yet, instead of preparing it. */
  readonly mustExist: boolean
  /** For how long a place that does not answer is tried again, in milliseconds: containers start in any order. */
  readonly patienceMs: number
  /** Is told of what an operator should know and nobody needs to act on at once. */
  readonly onTrouble: (sentence: string) => void
}
