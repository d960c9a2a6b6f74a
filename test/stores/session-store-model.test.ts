import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { beginWorld, policies, sessionCommands } from '../core/session/session-commands.ts'
import { openMemory, openHastySqliteFile, START_MS } from './stores-under-test.ts'

test.each([
  ['memory', openMemory, 400],
  ['sqlite', openHastySqliteFile, 120],
] as const)(
  '%s does what the reference does, whatever happens to it (I1, I2, I4, I8, I11)',
  async (_, open, numRuns) => {
    const outcomes = new Map<string, number>()
    const property = fc.asyncProperty(policies, sessionCommands(60), async (policy, commands) => {
      const opened = open()
      try {
        const real = { opened, policy, tokens: new Map<string, string>(), outcomes }
        await fc.asyncModelRun(() => ({ model: beginWorld(START_MS), real }), commands)
      } finally {
        await opened.close()
      }
    })
    // Chance may leave out the rarest rule of all in one round.
    for (let round = 0; round < 6 && outcomes.size < 8; round++) await fc.assert(property, { numRuns })
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
  },
  120_000,
)
