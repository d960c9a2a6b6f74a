import { afterAll, expect, test } from 'vitest'
import { describeCluster } from '../stores/postgres-cluster.ts'
import { FAULTS } from './faults.ts'
import { runRound } from './harness/fault.ts'
import { createServers } from './harness/servers.ts'

/** A short round of each fault; `npm run test:faults` has the long ones. */

const SECONDS = 3

/** Other tests want the machine too. */
const FEW = { count: 8, revoking: 0.06, hauntMs: 1800 }

describeCluster.concurrent('under load, with real processes and servers', () => {
  const servers = createServers()
  afterAll(() => servers.stop())

  test.each(FAULTS.map((fault) => [fault.name, fault.title, fault] as const))(
    '%s: %s',
    async (_name, _title, fault) => {
      const { breaches, tally, incidents, history, measures } = await runRound(fault, SECONDS, servers, FEW)
      expect(
        breaches.map(({ what }) => what),
        `see ${history}`,
      ).toEqual([])
      // Numbers of things hold always; times only where the machine is quiet, as in the campaign.
      expect(measures.filter(({ unit, limit, value }) => unit === '' && limit !== null && value > limit)).toEqual([])
      // What shows nothing proves nothing.
      expect(incidents).toBeGreaterThan(0)
      expect(Math.min(tally.refreshes, tally.checks, tally.revocations, tally.refusals)).toBeGreaterThan(0)
    },
    180_000,
  )
})
