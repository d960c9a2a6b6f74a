import { setTimeout as after } from 'node:timers/promises'
import { createCaller } from './harness/caller.ts'
import type { Caller, Credentials } from './harness/caller.ts'
import type { Fault } from './harness/fault.ts'
import { count } from './harness/figures.ts'
import { LEASE_MS } from './harness/processes.ts'
import type { Worker } from './harness/processes.ts'
import { underLoad } from './harness/under-load.ts'
import type { Bed } from './harness/under-load.ts'

const SESSIONS = 12
const LONGEST_MS = 60_000

interface Held {
  readonly caller: Caller
  readonly credentials: Credentials
}

const signIn = async (bed: Bed, worker: Worker): Promise<readonly Held[]> => {
  const made = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => {
      const caller = createCaller(`present at the stop ${index}`, `stopped ${performance.now()} ${index}`, bed.recorder)
      const { credentials } = await caller.call('signin', worker, null)
      return credentials === null ? null : { caller, credentials }
    }),
  )
  return made.filter((held) => held !== null)
}

/**
 * Stops a process, revokes elsewhere what it knows, waits for longer than the lease, sends it requests, and lets it go on:
 * it answers them before it has heard anything.
 */
const stopAndGo = async (bed: Bed, victim: Worker, other: Worker, lengthMs: number): Promise<number> => {
  const held = await signIn(bed, other)
  await Promise.all(held.map(({ caller, credentials }) => caller.call('check', victim, credentials)))
  bed.incident(`SIGSTOP ${victim.name}`)
  victim.signal('SIGSTOP')
  await Promise.all(
    held.map(({ caller, credentials }, index) =>
      caller.call(index % 2 === 0 ? 'revokeSession' : 'revokeToken', other, credentials),
    ),
  )
  await after(Math.max(lengthMs, LEASE_MS + 200))
  const answers = held.map(({ caller, credentials }) =>
    caller.call('check', victim, credentials, { limitMs: 30_000, isHonest: false }),
  )
  // On their way into its queue.
  await after(100)
  victim.signal('SIGCONT')
  const answered = await Promise.all(answers)
  return answered.filter(({ outcome }) => outcome === 'ok').length
}

/** A process stands still for longer than its lease, and comes back under load. */
export const stoppedProcess: Fault = {
  name: 'F16',
  title: 'a process stopped for longer than its lease (SIGSTOP), then resumed under load (PostgreSQL)',
  permitted: 'no revoked token accepted: its lease has lapsed',
  run: async (round) => {
    const { url } = await round.servers.postgres()
    const settings = { store: { kind: 'postgres', url } } as const
    let stopped: Worker | null = null
    const behindAddress = (worker: Worker): boolean => worker !== stopped
    return underLoad('F16', round, { settings, behindAddress }, async (bed) => {
      const [other, ...victims] = bed.workers
      if (other === undefined) throw new Error('there are four')
      // Several short stops, and where there is time a long one.
      const lengths = [LEASE_MS, LEASE_MS, Math.min(LONGEST_MS, (round.seconds - (3 * LEASE_MS) / 1000) * 1000)]
      let accepted = 0
      for (const [turn, lengthMs] of lengths.entries()) {
        const victim = victims[turn % victims.length]
        if (victim === undefined || performance.now() > bed.endMs) break
        stopped = victim
        // One at a time: the others carry the load.
        accepted += await stopAndGo(bed, victim, other, lengthMs)
        stopped = null
      }
      return [count('revoked tokens accepted on waking', accepted, 0)]
    })
  },
}
