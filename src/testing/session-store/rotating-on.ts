import assert from 'node:assert/strict'
import { entriesOf as logOf } from '../revocation-log/fixtures.ts'
import type { StoreProof } from '../store-under-test.ts'
import {
  aged,
  answered,
  assertDead,
  created,
  DAY_MS,
  entriesOf,
  GRACE_MS,
  isDenied,
  newSession,
  outcomeOf,
  POLICY,
  present,
  presented,
  RETENTION,
  rotatedTo,
  standing,
  STRICT,
} from './fixtures.ts'

const TWICE = { ...POLICY, lateReplays: 2 }

/** What several presentations come to, one after another. */
export const SEQUENCES: readonly StoreProof[] = [
  {
    title: 'rotate, rule 5: the first refresh of a session always rotates, for nothing has opened a grace yet',
    prove: async (opened) => {
      const session = await created(opened)
      const { session: rotated, nowMs } = answered(await present(opened, session, 0), 'rotated')
      assert.equal(nowMs, session.state.rotatedAtMs)
      assert.equal(rotated.state.generation, 1)
      assert.equal(rotated.state.graceFromMs, nowMs)
    },
  },
  {
    title: 'rotate, rule 5: a new generation is signed by the newest key, one taken back by the key of its token',
    prove: async (opened) => {
      const { sessions } = opened.store
      const session = await created(opened)
      const next = { keyId: 'key-1', nextKeyId: 'key-2' }
      const rotated = answered(await sessions.rotate(presented(session, 0, next), POLICY), 'rotated')
      assert.equal(rotated.session.state.refreshKeyId, 'key-2')
      const replayed = answered(await sessions.rotate(presented(session, 0, next), POLICY), 'replayed')
      assert.equal(replayed.session.state.refreshKeyId, 'key-2')
      const lost = presented(session, 2, { keyId: 'key-1', nextKeyId: 'key-3' })
      const recovered = answered(await sessions.rotate(lost, POLICY), 'recovered')
      assert.equal(recovered.session.state.refreshKeyId, 'key-1')
      assert.equal((await standing(opened, session)).state.refreshKeyId, 'key-1')
    },
  },
  {
    title: 'rotate, rules 6 to 8: never extend the idle expiry, while rule 5 does (I8, N137)',
    prove: async (opened) => {
      const before = await rotatedTo(opened, await created(opened), 2)
      await opened.turn(GRACE_MS)
      await present(opened, before, 2)
      await present(opened, before, 1)
      await opened.turn(1)
      await present(opened, before, 1)
      assert.equal((await standing(opened, before)).state.idleExpiresAtMs, before.state.idleExpiresAtMs)
      await opened.turn(GRACE_MS + 1)
      const { session, nowMs } = answered(await present(opened, before, 2), 'rotated')
      assert.equal(session.state.idleExpiresAtMs, nowMs + before.grant.idleLifetime * 1000)
    },
  },
  {
    title: 'rotate, rules 4 and 5: extend the idle expiry no further than the absolute one, which never moves (I8)',
    prove: async (opened) => {
      const session = await created(opened, { absoluteLifetime: 40 * 86_400 })
      await opened.turn(20 * DAY_MS)
      const rotated = answered(await present(opened, session, 0), 'rotated').session
      assert.equal(rotated.state.idleExpiresAtMs, session.absoluteExpiresAt * 1000)
      await opened.turn(DAY_MS)
      const recovered = answered(await present(opened, session, 5), 'recovered').session
      assert.equal(recovered.state.idleExpiresAtMs, session.absoluteExpiresAt * 1000)
      assert.equal(recovered.absoluteExpiresAt, session.absoluteExpiresAt)
    },
  },
  {
    title: 'rotate, rule 8: tabs that wake together cost one of the budget, the next incident ends the session',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      assert.equal(await outcomeOf(opened, session, 2), 'replayed_late')
      await opened.turn(GRACE_MS)
      assert.equal(await outcomeOf(opened, session, 2), 'replayed')
      assert.equal(await outcomeOf(opened, session, 3), 'replayed')
      await opened.turn(1)
      assert.equal(await outcomeOf(opened, session, 2), 'reused')
    },
  },
  {
    title: 'rotate, rule 8: a budget of two pays twice, in either way, and is one of the session’s whole life',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      assert.equal(await outcomeOf(opened, session, 2, TWICE), 'replayed_late')
      await opened.turn(GRACE_MS + 1)
      assert.equal(await outcomeOf(opened, session, 3, TWICE), 'rotated')
      assert.equal(await outcomeOf(opened, session, 2, TWICE), 'replayed_late')
      assert.equal((await standing(opened, session)).state.lateReplays, 2)
      assert.equal(await outcomeOf(opened, session, 2, TWICE), 'reused')
    },
  },
  {
    title: 'rotate, rule 4: keeps the count of late replays',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      await present(opened, session, 2)
      const { session: recovered } = answered(await present(opened, session, 5), 'recovered')
      assert.equal(recovered.state.lateReplays, 1)
      await opened.turn(GRACE_MS + 1)
      assert.equal(await outcomeOf(opened, session, 4), 'reused')
    },
  },
  {
    title: 'rotate, rule 4: a token taken back is the current one from then on (I12)',
    prove: async (opened) => {
      const session = await aged(opened, 0)
      await present(opened, session, 5)
      assert.equal(await outcomeOf(opened, session, 5), 'replayed')
      assert.equal(await outcomeOf(opened, session, 4), 'replayed')
      await opened.turn(GRACE_MS + 1)
      assert.equal(await outcomeOf(opened, session, 5), 'rotated')
    },
  },
  {
    title: 'rotate, rule 9: a reuse ends the session and enters it in the log in the same operation (I4)',
    prove: async (opened) => {
      const session = await aged(opened, 0)
      const { nowMs } = answered(await present(opened, session, 0), 'reused')
      const { id } = session
      const entry = { kind: 'session', id, revoked: true, expiresAtMs: nowMs + RETENTION * 1000 }
      assert.deepStrictEqual(await entriesOf(opened, session), [entry])
      assert.equal(await isDenied(opened, session), true)
      await assertDead(opened, session)
      assert.deepStrictEqual(await entriesOf(opened, session), [entry])
    },
  },
  {
    title: 'rotate enters nothing in the log but a reuse',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      for (const generation of [2, 3, 7]) {
        // One after another: the session goes on from each.
        await present(opened, session, generation)
      }
      assert.deepStrictEqual(await logOf(opened), [])
    },
  },
  {
    title: 'rotate without a grace is strict single use: each token rotates once, the second time it ends the session',
    prove: async (opened) => {
      const session = await created(opened)
      assert.equal(await outcomeOf(opened, session, 0, STRICT), 'rotated')
      assert.equal(await outcomeOf(opened, session, 1, STRICT), 'rotated')
      assert.equal(await outcomeOf(opened, session, 1, STRICT), 'reused')
    },
  },
  {
    title: 'rotate moves one session and no other of the subject',
    prove: async (opened) => {
      const [session, other] = [await created(opened), await created(opened, { grant: newSession().grant })]
      await rotatedTo(opened, session, 2)
      assert.deepStrictEqual(await standing(opened, other), other)
    },
  },
]
