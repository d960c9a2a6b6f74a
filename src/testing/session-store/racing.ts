import assert from 'node:assert/strict'
import { entriesOf as logOf } from '../revocation-log/fixtures.ts'
import type { StoreProof } from '../store-under-test.ts'
import {
  aged,
  answered,
  assertDead,
  created,
  CREATION,
  crowd,
  entriesOf,
  GRACE_MS,
  isDenied,
  newSession,
  outcomeOf,
  POLICY,
  present,
  standing,
} from './fixtures.ts'

/** What comes of operations that overlap. A store that reads first and writes later fails these and none else. */

const count = (outcomes: readonly string[], outcome: string): number =>
  outcomes.filter((each) => each === outcome).length

export const ROTATION_RACES: readonly StoreProof[] = [
  {
    title:
      'rotate lets exactly one of twenty presentations of a token rotate, and gives all the same session (I3, N107)',
    prove: async (opened) => {
      const session = await created(opened)
      const rotations = await crowd(() => present(opened, session, 0))
      const outcomes = rotations.map(({ outcome }) => outcome)
      assert.equal(count(outcomes, 'rotated'), 1)
      assert.equal(count(outcomes, 'replayed'), 19)
      const after = await standing(opened, session)
      assert.equal(after.state.generation, 1)
      for (const rotation of rotations) assert.deepStrictEqual(answered(rotation, rotation.outcome).session, after)
    },
  },
  {
    title: 'rotate makes one incident of twenty late presentations at once (I3)',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      const rotations = await crowd(() => present(opened, session, 2))
      const outcomes = rotations.map(({ outcome }) => outcome)
      assert.equal(count(outcomes, 'replayed_late'), 1)
      assert.equal(count(outcomes, 'replayed'), 19)
      assert.equal((await standing(opened, session)).state.lateReplays, 1)
    },
  },
  {
    title: 'rotate without a grace lets one of twenty presentations win and ends the session (I4)',
    prove: async (opened) => {
      const session = await created(opened)
      const strict = { ...POLICY, graceMs: 0, lateReplays: 0 }
      const outcomes = await crowd(() => outcomeOf(opened, session, 0, strict))
      assert.equal(count(outcomes, 'rotated'), 1)
      assert.equal(count(outcomes, 'reused'), 1)
      assert.equal(count(outcomes, 'revoked'), 18)
      await assertDead(opened, session)
      assert.equal((await entriesOf(opened, session)).length, 1)
    },
  },
  {
    title: 'end in the midst of presentations stands: none of them brings the session back (I6)',
    prove: async (opened) => {
      const session = await created(opened)
      const { id, subject } = session
      await crowd((index) => {
        if (index === 10) return opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION)
        return present(opened, session, 0)
      })
      await assertDead(opened, session)
      assert.equal(await isDenied(opened, session), true)
    },
  },
  {
    title: 'a reuse in the midst of presentations stands: none of them brings the session back (I4)',
    prove: async (opened) => {
      const session = await aged(opened, GRACE_MS + 1)
      await crowd((index) => present(opened, session, index === 10 ? 0 : 3))
      await assertDead(opened, session)
      assert.equal((await entriesOf(opened, session)).length, 1)
    },
  },
  {
    title: 'suspend in the midst of presentations stands (I6)',
    prove: async (opened) => {
      const session = await created(opened)
      const { id, subject } = session
      await crowd((index) => {
        if (index === 10) return opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
        return present(opened, session, 0)
      })
      await assertDead(opened, session)
    },
  },
]

export const OTHER_RACES: readonly StoreProof[] = [
  {
    title: 'create lets exactly one of twenty with one identifier win',
    prove: async ({ store }) => {
      const { id } = newSession()
      const creations = await crowd((index) => store.sessions.create(newSession({ id, device: `${index}` }), CREATION))
      const won = creations.filter(({ outcome }) => outcome === 'created')
      assert.equal(won.length, 1)
      assert.equal(
        count(
          creations.map(({ outcome }) => outcome),
          'exists',
        ),
        19,
      )
      const [creation] = won
      assert.ok(creation !== undefined && 'session' in creation)
      assert.deepStrictEqual(await store.sessions.list('ann'), [creation.session])
    },
  },
  {
    title: 'create keeps within the cap where twenty are made at once, and enters every eviction once (N136)',
    prove: async (opened) => {
      const cap = { ...CREATION, maxPerSubject: 3 }
      const creations = await crowd(() => opened.store.sessions.create(newSession(), cap))
      const evicted = creations.flatMap((creation) => ('evicted' in creation ? creation.evicted : []))
      assert.equal(new Set(evicted).size, 17)
      assert.equal(evicted.length, 17)
      assert.equal((await opened.store.sessions.list('ann')).length, 3)
      assert.equal((await logOf(opened)).length, 17)
    },
  },
  {
    title: 'create at the same time as a sign-out everywhere makes nothing that lives on under the old stamp (I13)',
    prove: async (opened) => {
      const { sessions, revocations } = opened.store
      const stamp = await revocations.epochs('ann')
      const wanted = Array.from({ length: 20 }, () => newSession({ stamp }))
      await crowd((index) => {
        const session = wanted[index]
        return index === 10 || session === undefined ? revocations.bump('ann') : sessions.create(session, CREATION)
      })
      assert.deepStrictEqual(await sessions.list('ann'), [])
    },
  },
  {
    title: 'end is the doing of exactly one of twenty at once, and enters the session once',
    prove: async (opened) => {
      const session = await created(opened)
      const { id, subject } = session
      const ended = await crowd(() => opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION))
      assert.equal(ended.filter((ending) => ending === 'ended').length, 1)
      assert.equal((await entriesOf(opened, session)).length, 1)
    },
  },
]
