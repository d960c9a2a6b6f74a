import { array, assert, boolean, constantFrom, integer, nat, oneof, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStandings } from '../../../src/core/session/standings.ts'
import type { Standing } from '../../../src/core/session/standings.ts'
import { newIdentifier } from '../../../src/core/token/identifier.ts'

const SECOND = 1000

/** Few subjects, so that many identifiers begin alike; and some that are none of ours. */
const IDS = [
  ...Array.from({ length: 60 }, (_, index) => newIdentifier(`subject ${index % 2}`)),
  'a',
  'not-one-of-ours-but-long!',
  'ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ',
  '',
]

/** What the table must agree with: a Map, as plainly as can be. */
const createModel = () => {
  const known = new Map<string, Standing>()
  return {
    apply: (id: string, standing: Standing) => {
      const before = known.get(id)
      if (before !== undefined && before.version >= standing.version) return
      known.set(id, { ...standing, expiresAtMs: Math.max(standing.expiresAtMs, before?.expiresAtMs ?? 0) })
    },
    prune: (nowMs: number) => {
      for (const [id, { expiresAtMs }] of known) if (expiresAtMs <= nowMs) known.delete(id)
    },
    isRevoked: (id: string) => known.get(id)?.revoked === true,
    size: () => known.size,
  }
}

const change = record({
  id: constantFrom(...IDS),
  revoked: boolean(),
  version: integer({ min: 1, max: 20 }),
  seconds: integer({ min: 1, max: 30 }),
})

const steps = array(oneof({ weight: 6, arbitrary: change }, record({ prune: nat({ max: 35 }) })), {
  maxLength: 300,
})

describe('the packed standings', () => {
  test('agree with a Map, whatever is applied, repeated, late or pruned', () => {
    assert(
      property(steps, (all) => {
        const [table, model] = [createStandings(), createModel()]
        for (const step of all) {
          if ('prune' in step) {
            table.prune(step.prune * SECOND)
            model.prune(step.prune * SECOND)
          } else {
            const standing = { revoked: step.revoked, version: step.version, expiresAtMs: step.seconds * SECOND }
            table.apply(step.id, standing)
            model.apply(step.id, standing)
          }
          expect(IDS.map((id) => table.isRevoked(id))).toEqual(IDS.map((id) => model.isRevoked(id)))
          expect(table.size).toBe(model.size())
        }
      }),
      { numRuns: 200 },
    )
  })

  test('hold as many of one subject as there may be, and no other', () => {
    const table = createStandings()
    const mine = Array.from({ length: 20_000 }, () => newIdentifier('ann'))
    const others = Array.from({ length: 20_000 }, () => newIdentifier('ann'))
    for (const [version, id] of mine.entries()) table.apply(id, { revoked: true, version, expiresAtMs: 60_000 })
    expect(mine.every((id) => table.isRevoked(id))).toBe(true)
    expect(others.some((id) => table.isRevoked(id))).toBe(false)
    expect(table.size).toBe(20_000)
    table.prune(60_000)
    expect([table.size, mine.some((id) => table.isRevoked(id))]).toEqual([0, false])
  })

  test('are pruned by turns where asked, all of them in the end', () => {
    const table = createStandings()
    const ids = Array.from({ length: 5_000 }, () => newIdentifier('ann'))
    for (const id of ids) table.apply(id, { revoked: true, version: 1, expiresAtMs: 1_000 })
    table.prune(1_000, 1)
    expect(table.size).toBeGreaterThan(4_000)
    expect(table.size).toBeLessThan(5_000)
    for (let turn = 0; turn < 255; turn++) table.prune(1_000, 1)
    expect(table.size).toBe(0)
  })

  test('keep a date beyond the 32 bits of their seconds for as long as those reach', () => {
    const table = createStandings()
    const id = newIdentifier('ann')
    table.apply(id, { revoked: true, version: 1, expiresAtMs: Number.MAX_SAFE_INTEGER })
    table.prune(4_000_000_000 * SECOND)
    expect(table.isRevoked(id)).toBe(true)
  })

  test('take at most 64 MB for a million live entries', { timeout: 120_000 }, () => {
    const table = createStandings()
    for (let count = 0; count < 1_000_000; count++) {
      table.apply(newIdentifier(`subject ${count % 50_000}`), { revoked: true, version: count, expiresAtMs: 60_000 })
    }
    expect(table.size).toBe(1_000_000)
    expect(table.bytes).toBeLessThan(64_000_000)
  })
})
