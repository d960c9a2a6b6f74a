import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findBreaches, tally } from './checker.ts'
import type { Bounds } from './checker.ts'
import { startClients, USUAL_CLIENTS } from './clients.ts'
import type { ClientOptions } from './clients.ts'
import type { Findings, Measure, Round } from './fault.ts'
import { createRecorder, writeHistory } from './history.ts'
import type { Recorder } from './history.ts'
import { LEASE_MS, startWorkers, TOLERANCE_MS } from './processes.ts'
import type { Worker, WorkerSettings } from './processes.ts'

/** The common shape of a round: processes on a store, clients that use them, a fault in the midst of it, and the verdict. */

export interface LoadOptions extends ClientSideOptions {
  /** What the processes are told. */
  readonly settings: WorkerSettings
  /** Default 4. */
  readonly workers?: number
  /** Which processes the clients use; default all that are up. */
  readonly behindAddress?: (worker: Worker) => boolean
}

/** Of whatever application. */
export interface ClientSideOptions {
  readonly clients?: Partial<ClientOptions>
  readonly bounds?: Partial<Bounds>
}

/** What a fault is done to. */
export interface Bed {
  readonly workers: readonly Worker[]
  readonly recorder: Recorder
  /** `performance.now()` at which the fault shall be over. */
  readonly endMs: number
  /** Tells what is done, in the history, and counts it. */
  readonly incident: (what: string) => void
}

const BOUNDS: Bounds = { leaseMs: LEASE_MS, toleranceMs: TOLERANCE_MS }

const RESULTS = fileURLToPath(new URL('../../.results/faults', import.meta.url))

/** How long clients work undisturbed before and after. */
const CALM_MS = 500

let rounds = 0

/** The verdict on a history. It is written down where something is wrong in it, or where JOTWARD_FAULTS_KEEP is set. */
export const judge = (
  name: string,
  recorder: Recorder,
  bounds: Bounds,
  measures: readonly Measure[] = [],
): Findings => {
  const breaches = findBreaches(recorder, bounds)
  rounds += 1
  const isKept = breaches.length > 0 || process.env['JOTWARD_FAULTS_KEEP'] !== undefined
  const history = isKept ? writeHistory(RESULTS, `${name}-${process.pid}-${rounds}`, recorder) : null
  return { tally: tally(recorder), incidents: recorder.incidents.length, breaches, measures, history }
}

type Disturb = (bed: Bed) => Promise<readonly Measure[]>

/** Where a round takes place. */
export interface Place extends ClientSideOptions {
  readonly workers: readonly Worker[]
  /** What the clients can reach at this moment: processes, or one address in front of them. */
  readonly entrances: () => readonly Worker[]
}

/**
 * Lets clients work, lets `disturb` do its own until `bed.endMs`, lets everything come to rest, and judges. `disturb` must
 * leave the servers in order, and returns what it has measured.
 */
export const disturbed = async (
  name: string,
  round: Round,
  { workers, entrances, clients: asked = {}, bounds = {} }: Place,
  disturb: Disturb,
): Promise<Findings> => {
  const recorder = createRecorder()
  const clients = startClients(recorder, entrances, { ...USUAL_CLIENTS, ...round.load, ...asked })
  // Also where the fault fails by itself: clients must not go on.
  round.defer(() => clients.stop())
  await after(CALM_MS)
  const bed: Bed = {
    workers,
    recorder,
    endMs: performance.now() + round.seconds * 1000,
    incident: (what) => recorder.note(what),
  }
  const measures = await disturb(bed)
  await after(CALM_MS)
  await clients.stop()
  return judge(name, recorder, { ...BOUNDS, ...bounds }, measures)
}

/** The same with processes of `worker.mjs`, which it starts. */
export const underLoad = async (
  name: string,
  round: Round,
  { settings, workers: count = 4, behindAddress = () => true, ...options }: LoadOptions,
  disturb: Disturb,
): Promise<Findings> => {
  const workers = await startWorkers(count, settings)
  round.defer(() => Promise.all(workers.map((worker) => worker.end())))
  return disturbed(name, round, { ...options, workers, entrances: () => workers.filter(behindAddress) }, disturb)
}

/** Does something again and again until the fault shall be over. */
export const untilOver = async (
  { endMs }: Bed,
  everyMs: number,
  act: (turn: number) => Promise<void>,
): Promise<void> => {
  for (let turn = 0; performance.now() < endMs; turn++) {
    const nextMs = performance.now() + everyMs
    // Turns follow one another.
    await act(turn)
    // A timer may fire a fraction early, which would make one turn more.
    await after(Math.max(0, Math.ceil(Math.min(nextMs, endMs) - performance.now())))
  }
}
