import { setTimeout as after } from 'node:timers/promises'
import { startPostgres } from '../stores/postgres-cluster.ts'
import type { Fault } from './harness/fault.ts'
import { recoveryMs, span } from './harness/figures.ts'
import { createDatabase } from './harness/servers.ts'
import { underLoad, untilOver } from './harness/under-load.ts'

const KILL_EVERY_MS = 4000
const DOWN_MS = 500

/** Kills the server and all its processes at once, and starts it anew on its data. */
export const postgresKilled: Fault = {
  name: 'F5',
  title: 'kill -9 and restart of PostgreSQL every 4 s',
  permitted: 'no acknowledged revocation lost; writes answered 503 while it is down',
  run: async (round) => {
    const server = await startPostgres()
    round.defer(() => server.stop())
    const { url } = await createDatabase(server)
    const settings = { store: { kind: 'postgres', url } } as const
    return underLoad('F5', round, { settings }, async (bed) => {
      const returns: number[] = []
      await untilOver(bed, KILL_EVERY_MS, async () => {
        bed.incident('kill -9 PostgreSQL')
        await server.kill()
        await after(DOWN_MS)
        await server.restart()
        returns.push(performance.now())
        await after(DOWN_MS)
      })
      const recoveries = returns.map((returnMs) => recoveryMs(bed.recorder, returnMs))
      return [span('first write after the restart, max', Math.max(...recoveries), 2000)]
    })
  },
}
