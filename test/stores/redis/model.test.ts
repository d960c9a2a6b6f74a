import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beginWorld, policies, sessionCommands } from '../../core/session/session-commands.ts'
import { describeRedis } from '../redis-server.ts'
import { sessionInvariants } from '../session-invariants.ts'
import { START_MS } from '../stores-under-test.ts'
import { openRedisStore, useClients } from './redis-under-test.ts'

describeRedis('Redis', () => {
  const clientOf = useClients()

  describe.each([
    ['ioredis', { modelRuns: 150, numRuns: 30 }],
    ['node-redis, Cluster', { modelRuns: 80, numRuns: 15 }],
  ] as const)('%s', (name, { modelRuns, numRuns }) => {
    const open = () => openRedisStore(clientOf(name))

    test('does what the reference does, whatever happens to it (I1, I2, I4, I8, I11)', async () => {
      const outcomes = new Map<string, number>()
      const property = fc.asyncProperty(policies, sessionCommands(60), async (policy, commands) => {
        const real = { opened: await open(), policy, tokens: new Map<string, string>(), outcomes }
        await fc.asyncModelRun(() => ({ model: beginWorld(START_MS), real }), commands)
      })
      // Chance may leave out the rarest rule of all in one round.
      for (let round = 0; round < 6 && outcomes.size < 8; round++) await fc.assert(property, { numRuns: modelRuns })
      // The commands have been everywhere: a walk that never meets a rule proves nothing of it.
      expect([...outcomes.keys()].toSorted()).toEqual([
        'key_mismatch',
        'recovered',
        'replayed',
        'replayed_late',
        'reused',
        'revoked',
        'rotated',
        'unknown',
      ])
    }, 180_000)

    sessionInvariants({ open, numRuns })
  })
})
