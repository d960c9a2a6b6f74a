import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a client asks of a process. `open` is a route that asks nothing about revocation. */
export type OperationKind =
  | 'signin'
  | 'refresh'
  | 'check'
  | 'open'
  | 'signout'
  | 'revokeToken'
  | 'revokeSession'
  | 'revokeSubject'

/**
 * How it ended: done; refused for good (4xx); answered 503; no answer at all. After the last two it is not known whether
 * it was done.
 */
export type Outcome = 'ok' | 'refused' | 'unavailable' | 'failed'

/** What an operation is about, as far as its client knows. */
export interface Target {
  readonly subject: string
  readonly sessionId: string | null
  /** Of the access token presented or revoked. */
  readonly tokenId: string | null
  /** Of the refresh token presented. */
  readonly generation: number | null
  /** When the access token presented expires, on the clock of the history; null for all else. */
  readonly expiresAtMs: number | null
}

/** One request and its answer. All times are milliseconds of the one process that records, which only run on. */
export interface Operation extends Target {
  readonly client: string
  /** The process that was asked. */
  readonly process: string
  readonly kind: OperationKind
  readonly begunMs: number
  readonly endedMs: number
  readonly outcome: Outcome
  /** Of a refusal, in the words of the library; of a failure, in those of the network. */
  readonly code: string | null
  /** What a refresh gave. */
  readonly child: Child | null
  /** Presented by one who presents the same token until it is answered, and then only the new one. */
  readonly isHonest: boolean
}

export interface Child {
  readonly generation: number
  /** Stands for the whole token. */
  readonly digest: string
}

/** Something that was done to the servers or processes, for whoever reads the history. */
export interface Incident {
  readonly atMs: number
  readonly what: string
}

/** Everything that happened in a round. */
export interface History {
  readonly operations: readonly Operation[]
  readonly incidents: readonly Incident[]
}

export interface Recorder extends History {
  record(operation: Operation): void
  note(what: string): void
}

export const createRecorder = (): Recorder => {
  const operations: Operation[] = []
  const incidents: Incident[] = []
  return {
    operations,
    incidents,
    record: (operation) => {
      operations.push(operation)
    },
    note: (what) => {
      incidents.push({ atMs: performance.now(), what })
    },
  }
}

/** Writes a history as lines of JSON, to be read by people and programs. */
export const writeHistory = (folder: string, name: string, { operations, incidents }: History): string => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.jsonl`)
  const lines = [...incidents, ...operations].map((line) => JSON.stringify(line))
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}
