import assert from 'node:assert/strict'
import type { SessionState } from '../../core/session/session.ts'
import type { Rotation } from '../../ports/session-store.ts'
import type { StoreProof } from '../store-under-test.ts'
import { aged, answered, assertDead, changes, GRACE_MS, POLICY, present, standing, STRICT } from './fixtures.ts'

/** The rules of rotation 4 to 9 and their boundaries, one presentation each; the numbers are those of `decideRotation`. */

interface Case {
  readonly title: string
  /** How long ago the grace of the session's generation 3 opened. */
  readonly ageMs: number
  readonly presented: number
  readonly outcome: Rotation['outcome']
  readonly policy?: typeof POLICY
  /** What is written, from the time of the operation and the idle expiry that a new generation gets. */
  readonly writes: (nowMs: number, idleExpiresAtMs: number) => Partial<SessionState>
}

const nothing = () => ({})

const generation = (next: number) => (nowMs: number, idleExpiresAtMs: number) => ({
  ...(next === 3 ? {} : { generation: next }),
  rotatedAtMs: nowMs,
  graceFromMs: nowMs,
  idleExpiresAtMs,
})

const lateReplay = (nowMs: number) => ({ lateReplays: 1, graceFromMs: nowMs })

const end = (nowMs: number) => ({ endedAtMs: nowMs, endReason: 'reused' as const })

const budget = (lateReplays: number) => ({ ...POLICY, lateReplays })

const CASES: readonly Case[] = [
  {
    title: 'rule 4: a token ahead of its session, whose rotation the store has lost, is taken back without a rotation',
    ageMs: GRACE_MS + 1,
    presented: 4,
    outcome: 'recovered',
    writes: generation(4),
  },
  {
    title: 'rule 4: so is one ahead by several lost rotations, within the grace too',
    ageMs: 1,
    presented: 9,
    outcome: 'recovered',
    writes: generation(9),
  },
  {
    title: 'rule 5: the current token rotates 1 ms after the grace',
    ageMs: GRACE_MS + 1,
    presented: 3,
    outcome: 'rotated',
    writes: generation(4),
  },
  {
    title: 'rule 5: the current token rotates where the clock went back by more than the grace',
    ageMs: -GRACE_MS - 1,
    presented: 3,
    outcome: 'rotated',
    writes: generation(4),
  },
  {
    title: 'rule 5: without a grace the current token rotates even in the millisecond of the last rotation',
    ageMs: 0,
    presented: 3,
    outcome: 'rotated',
    policy: STRICT,
    writes: generation(4),
  },
  {
    title: 'rule 6: the current token gets itself again to the last millisecond of the grace, and nothing is written',
    ageMs: GRACE_MS,
    presented: 3,
    outcome: 'replayed',
    writes: nothing,
  },
  {
    title: 'rule 6: so it does where the clock went back by no more than the grace',
    ageMs: -GRACE_MS,
    presented: 3,
    outcome: 'replayed',
    writes: nothing,
  },
  {
    title: 'rule 7: the token before gets its successor to the last millisecond of the grace, and nothing is written',
    ageMs: GRACE_MS,
    presented: 2,
    outcome: 'replayed',
    policy: budget(0),
    writes: nothing,
  },
  {
    title: 'rule 7: so it does where the clock went back by no more than the grace',
    ageMs: -GRACE_MS,
    presented: 2,
    outcome: 'replayed',
    policy: budget(0),
    writes: nothing,
  },
  {
    title: 'rule 8: the token before gets its successor 1 ms after the grace, out of the budget, and opens a grace',
    ageMs: GRACE_MS + 1,
    presented: 2,
    outcome: 'replayed_late',
    writes: lateReplay,
  },
  {
    title: 'rule 8: so it does where the clock went back by more than the grace',
    ageMs: -GRACE_MS - 1,
    presented: 2,
    outcome: 'replayed_late',
    writes: lateReplay,
  },
  {
    title: 'rule 8: the token two before gets the current one within the grace, out of the budget, and moves no grace',
    ageMs: GRACE_MS,
    presented: 1,
    outcome: 'replayed_late',
    writes: () => ({ lateReplays: 1 }),
  },
  {
    title: 'rule 9: without a budget the token before ends the session 1 ms after the grace (N111)',
    ageMs: GRACE_MS + 1,
    presented: 2,
    outcome: 'reused',
    policy: budget(0),
    writes: end,
  },
  {
    title: 'rule 9: without a budget the token two before ends the session within the grace (N110)',
    ageMs: 0,
    presented: 1,
    outcome: 'reused',
    policy: budget(0),
    writes: end,
  },
  {
    title: 'rule 9: the token two before ends the session 1 ms after the grace, whatever the budget',
    ageMs: GRACE_MS + 1,
    presented: 1,
    outcome: 'reused',
    policy: budget(2),
    writes: end,
  },
  {
    title: 'rule 9: the token three before ends the session within the grace, whatever the budget (N110)',
    ageMs: 0,
    presented: 0,
    outcome: 'reused',
    policy: budget(2),
    writes: end,
  },
  {
    title: 'rule 9: without a grace the token before ends the session even in the millisecond of the rotation',
    ageMs: 0,
    presented: 2,
    outcome: 'reused',
    policy: STRICT,
    writes: end,
  },
]

export const RULES: readonly StoreProof[] = CASES.map(({ title, ageMs, presented, outcome, policy, writes }) => ({
  title: `rotate, ${title}`,
  prove: async (opened) => {
    const before = await aged(opened, ageMs)
    const { session, nowMs } = answered(await present(opened, before, presented, policy), outcome)
    assert.equal(nowMs, (before.state.graceFromMs ?? 0) + ageMs)
    // The session of the answer is the one that has been written, and nothing but its state may have changed.
    const expected = { ...before.state, ...writes(nowMs, nowMs + before.grant.idleLifetime * 1000) }
    assert.deepStrictEqual(session, { ...before, state: expected })
    assert.deepStrictEqual(changes(before.state, session.state), changes(before.state, expected))
    if (outcome === 'reused') await assertDead(opened, before)
    else assert.deepStrictEqual(await standing(opened, before), session)
  },
}))
