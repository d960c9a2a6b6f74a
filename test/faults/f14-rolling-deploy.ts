import type { Fault } from './harness/fault.ts'
import { underLoad, untilOver } from './harness/under-load.ts'

/** What differs between two versions of an application. */
const VERSIONS = [
  { accessToken: { lifetime: '90s' }, replication: { lease: '1s', pollMs: 80 } },
  { accessToken: { lifetime: '2m' }, replication: { lease: '1s', pollMs: 50 } },
] as const

/** Ends one process after another in an orderly way and starts the next version in its place. */
export const rollingDeploy: Fault = {
  name: 'F14',
  title: 'rolling deploy: four processes restarted in turn, two versions at once (PostgreSQL)',
  permitted: 'no false logout',
  run: async (round) => {
    const { url } = await round.servers.postgres()
    const settings = { store: { kind: 'postgres', url } } as const
    return underLoad('F14', round, { settings }, async (bed) => {
      await untilOver(bed, 400, async (turn) => {
        const worker = bed.workers[turn % bed.workers.length]
        const version = VERSIONS[Math.floor(turn / bed.workers.length) % VERSIONS.length]
        if (worker === undefined || version === undefined) return
        bed.incident(`${worker.name} is replaced`)
        await worker.end('SIGTERM')
        await worker.start(version)
      })
      return []
    })
  },
}
