import { setTimeout as after } from 'node:timers/promises'
import { startRedis } from '../stores/redis-server.ts'
import { createCaller } from './harness/caller.ts'
import type { Caller, Credentials } from './harness/caller.ts'
import type { Fault, Round } from './harness/fault.ts'
import { count, percentile, span } from './harness/figures.ts'
import { createRecorder } from './harness/history.ts'
import type { Recorder } from './harness/history.ts'
import { startWorkers, TOLERANCE_MS } from './harness/processes.ts'
import type { StoreSettings, Worker } from './harness/processes.ts'
import { judge } from './harness/under-load.ts'

const PROCESSES = 20
const ASK_EVERY_MS = 15
/** What the library does unless it is told otherwise. */
const REPLICATION = { lease: '5s', pollMs: 100 } as const
const LEASE_MS = 5000
const P99_LIMIT_MS = 250

const KINDS = ['revokeSession', 'revokeToken', 'revokeSubject', 'signout'] as const

type Place = 'PostgreSQL' | 'Redis'

const openStore = async (place: Place, round: Round): Promise<StoreSettings> => {
  if (place === 'PostgreSQL') return { kind: 'postgres', url: (await round.servers.postgres()).url, max: 4 }
  const server = await startRedis()
  round.defer(() => server.stop())
  return { kind: 'redis', host: server.host, port: server.port }
}

/** Asks one process again and again until it refuses: how long after the acknowledgement it did so. */
const refusesAfter = async (caller: Caller, worker: Worker, held: Credentials, sinceMs: number): Promise<number> => {
  for (;;) {
    // Each asks anew.
    const { code } = await caller.call('check', worker, held, { isHonest: false })
    if (code === 'token_revoked') return performance.now() - sinceMs
    if (performance.now() - sinceMs > 4 * LEASE_MS) throw new Error(`${worker.name} never refuses`)
    await after(ASK_EVERY_MS)
  }
}

/** One revocation on one process, seen from all the others. */
const revokeOnce = async (recorder: Recorder, workers: readonly Worker[], turn: number): Promise<readonly number[]> => {
  const revoking = workers[turn % workers.length]
  const kind = KINDS[turn % KINDS.length]
  if (revoking === undefined || kind === undefined) throw new Error('there is always one')
  const caller = createCaller(`c${turn}`, `user ${turn}`, recorder)
  const { credentials } = await caller.call('signin', revoking, null)
  if (credentials === null) throw new Error('the sign-in was not answered')
  const others = workers.filter((worker) => worker !== revoking)
  await Promise.all(others.map((worker) => caller.call('check', worker, credentials)))
  await caller.call(kind, revoking, credentials)
  const acknowledgedMs = performance.now()
  return Promise.all(others.map((worker) => refusesAfter(caller, worker, credentials, acknowledgedMs)))
}

/** How long after its acknowledgement a revocation is enforced by twenty processes that follow one store. */
export const revocationLatency = (place: Place): Fault => ({
  name: `latency ${place}`,
  title: `no fault: a revocation made on one of ${PROCESSES} processes, asked for on all others (${place})`,
  permitted: `enforced everywhere within ${P99_LIMIT_MS} ms (p99), polling each 100 ms`,
  run: async (round) => {
    const recorder = createRecorder()
    const workers = await startWorkers(PROCESSES, { store: await openStore(place, round), replication: REPLICATION })
    round.defer(() => Promise.all(workers.map((worker) => worker.end())))
    const latencies: number[] = []
    const endMs = performance.now() + round.seconds * 1000
    for (let turn = 0; performance.now() < endMs; turn++) {
      // One at a time, so that the asking does not disturb what is asked about.
      latencies.push(...(await revokeOnce(recorder, workers, turn)))
      await after(Math.random() * REPLICATION.pollMs)
    }
    const measures = [
      span('enforced after, p50', percentile(latencies, 0.5)),
      span('enforced after, p99', percentile(latencies, 0.99), P99_LIMIT_MS),
      span('enforced after, max', Math.max(...latencies)),
      count('samples', latencies.length),
    ]
    return judge(`latency-${place}`, recorder, { leaseMs: LEASE_MS, toleranceMs: TOLERANCE_MS }, measures)
  },
})
