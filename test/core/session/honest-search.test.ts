import { describe, expect, test } from 'vitest'
import { decideRotation } from '../../../src/core/session/rotation.ts'
import { firstWorld, keyOf, nextWorlds } from './honest-world.ts'
import type { World, WorldConfig } from './honest-world.ts'

const MACHINE = { graceMs: 30_000, lateReplays: 1 }
const GENEROUS = { graceMs: 30_000, lateReplays: 2 }
const UNFORGIVING = { graceMs: 30_000, lateReplays: 0 }
const STRICT = { graceMs: 0, lateReplays: 0 }

/** Visits every world; how many there are, and whether an honest user was logged out in one. */
const search = (config: WorldConfig): { readonly worlds: number; readonly loggedOut: boolean } => {
  const first = firstWorld(config)
  const seen = new Set([keyOf(first)])
  const open: World[] = [first]
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    for (const next of nextWorlds(world, config)) {
      if (next === 'refused') return { worlds: seen.size, loggedOut: true }
      if (next === null) continue
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      open.push(next)
    }
  }
  return { worlds: seen.size, loggedOut: false }
}

const config = (given: Partial<WorldConfig>): WorldConfig => ({
  tabs: 2,
  storage: 'shared',
  losses: 0,
  rollbacks: 0,
  generations: 3,
  policy: MACHINE,
  budget: given.policy === undefined ? 1 : Math.max(1, given.policy.lateReplays),
  decide: decideRotation,
  ...given,
})

const SEPARATE = { tabs: 3, storage: 'separate' } as const

/** Rule 4 with a rotation on top: the nearby variant that looks more natural. */
const rotatingInRule4: typeof decideRotation = (snapshot, presented, policy) => {
  const decision = decideRotation(snapshot, presented, policy)
  if (decision.outcome !== 'recovered' || decision.next === null) return decision
  return { ...decision, next: { ...decision.next, generation: decision.next.generation + 1 } }
}

/** Rule 8 without the grace that it opens. */
const lateWithoutGrace: typeof decideRotation = (snapshot, presented, policy) => {
  const decision = decideRotation(snapshot, presented, policy)
  if (decision.outcome !== 'replayed_late' || decision.next === null) return decision
  return { ...decision, next: { ...decision.next, graceFromMs: snapshot.session.state.graceFromMs } }
}

describe('no honest user is logged out in any world there is (I5, N113 to N116)', () => {
  test.each<[string, Partial<WorldConfig>]>([
    ['four tabs with one storage, a lost answer', { tabs: 4, losses: 1 }],
    ['three tabs with one storage, two lost answers, lost rotations (I12)', { tabs: 3, losses: 2, rollbacks: 1 }],
    ['three tabs with a storage each, a lost answer, lost rotations (I12)', { ...SEPARATE, losses: 1, rollbacks: 1 }],
    ['two tabs with one storage, lost answers, rotations lost twice (I12)', { losses: 2, rollbacks: 2 }],
    ['three tabs with one storage, a budget of two', { tabs: 3, losses: 1, rollbacks: 1, policy: GENEROUS }],
    ['three tabs with one storage, no budget and no late presentation', { tabs: 3, policy: UNFORGIVING, budget: 0 }],
  ])('%s', (_, given) => {
    const { worlds, loggedOut } = search(config(given))
    expect(loggedOut).toBe(false)
    expect(worlds).toBeGreaterThan(500)
  })
})

describe('the search finds false logouts where there are some', () => {
  test.each<[string, Partial<WorldConfig>]>([
    ['strict single use, by two tabs alone', { policy: STRICT }],
    ['strict single use, by one tab and a lost answer', { tabs: 1, losses: 1, policy: STRICT }],
    ['no late replays, by a laptop closed in mid-refresh', { losses: 1, policy: UNFORGIVING }],
    ['a rotation in rule 4, by two tabs and a lost write', { rollbacks: 1, decide: rotatingInRule4 }],
    ['late replays that open no grace, by two tabs that wake together', { losses: 2, decide: lateWithoutGrace }],
  ])('%s', (_, given) => {
    expect(search(config(given)).loggedOut).toBe(true)
  })
})
