import { setTimeout as after } from 'node:timers/promises'
import type { Fault } from './harness/fault.ts'
import { underLoad } from './harness/under-load.ts'

/**
 * Three of ten answers of the log get lost, others come with entries that were read before, out of order. What no reader
 * can find out is not tried: an answer that says it is whole and is not.
 */
export const disturbedLog: Fault = {
  name: 'F12',
  title: 'answers of the log lost, repeated and out of order (PostgreSQL)',
  permitted: 'a revocation is known everywhere within one lease, else 503',
  run: async (round) => {
    const { url } = await round.servers.postgres()
    const settings = { store: { kind: 'postgres', url }, reads: { lost: 0.3, repeated: 0.4 } } as const
    return underLoad('F12', round, { settings, clients: { revoking: 0.1 } }, async (bed) => {
      bed.incident('the log is disturbed from the beginning on')
      await after(Math.max(0, bed.endMs - performance.now()))
      return []
    })
  },
}
