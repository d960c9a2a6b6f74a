import assert from 'node:assert/strict'
import type { Session } from '../../core/session/session.ts'
import type { StoreProof, StoreUnderTest } from '../store-under-test.ts'
import {
  aged,
  created,
  CREATION,
  DAY_MS,
  entriesOf,
  newSession,
  outcomeOf,
  POLICY,
  presented,
  standing,
} from './fixtures.ts'

type Given = Parameters<typeof presented>[2]

/** Presents what must be refused, for tokens of every age, and asserts that it has changed nothing. */
const refuses = async (opened: StoreUnderTest, session: Session, given: Given, outcome: string): Promise<void> => {
  const { store } = opened
  const before = await store.sessions.find(session.id)
  for (const generation of [0, 1, 2, 3, 4]) {
    // One after another: none may have changed anything for the next.
    const rotation = await store.sessions.rotate(presented(session, generation, given), POLICY)
    assert.deepStrictEqual(rotation, { outcome })
  }
  assert.deepStrictEqual(await store.sessions.find(session.id), before)
}

export const REFUSING: readonly StoreProof[] = [
  {
    title: 'rotate, rule 1: a session that there is not is unknown',
    prove: async (opened) => {
      const session = await created(opened)
      await refuses(opened, { ...session, id: newSession().id }, {}, 'unknown')
    },
  },
  {
    title: 'rotate, rule 1: a token of another subject is unknown and changes nothing',
    prove: async (opened) => {
      const session = await aged(opened, 1)
      await refuses(opened, session, { subject: 'bob' }, 'unknown')
      assert.deepStrictEqual(await entriesOf(opened, session), [])
    },
  },
  {
    title: 'rotate, rule 1: a token whose iat is not the session’s creation is unknown and changes nothing',
    prove: async (opened) => {
      const session = await aged(opened, 1)
      await refuses(opened, session, { createdAt: session.createdAt - 1 }, 'unknown')
      await refuses(opened, session, { createdAt: session.createdAt + 1 }, 'unknown')
    },
  },
  {
    title: 'rotate, rule 1: a session idle for its whole span is unknown, not 1 ms before',
    prove: async (opened) => {
      const session = await created(opened)
      await opened.turn(30 * DAY_MS - 1)
      assert.equal(await outcomeOf(opened, session, 0), 'rotated')
      await opened.turn(30 * DAY_MS)
      assert.equal(await outcomeOf(opened, session, 0), 'unknown')
      assert.equal(await outcomeOf(opened, session, 1), 'unknown')
    },
  },
  {
    title: 'rotate, rule 1: an idle session heals by a token ahead of it, for the lost rotation had extended it (I12)',
    prove: async (opened) => {
      const session = await created(opened)
      await opened.turn(30 * DAY_MS)
      assert.equal(await outcomeOf(opened, session, 1), 'recovered')
      assert.equal(await outcomeOf(opened, session, 1), 'replayed')
    },
  },
  {
    title: 'rotate, rule 1: nothing heals a session at its absolute expiry, 1 ms before it lives',
    prove: async (opened) => {
      const session = await created(opened)
      await opened.turn(session.absoluteExpiresAt * 1000 - session.state.rotatedAtMs - 1)
      assert.equal(await outcomeOf(opened, session, 0), 'unknown')
      assert.equal(await outcomeOf(opened, session, 1), 'recovered')
      await opened.turn(1)
      await refuses(opened, session, {}, 'unknown')
    },
  },
  {
    title: 'rotate, rule 2: an ended session is revoked for every token of it (N119)',
    prove: async (opened) => {
      const session = await aged(opened, 1)
      const { id, subject } = session
      await opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION)
      await refuses(opened, session, {}, 'revoked')
      assert.equal((await entriesOf(opened, session)).length, 1)
    },
  },
  {
    title: 'rotate, rule 2: a suspended session is revoked for every token of it, and no reuse ends it meanwhile',
    prove: async (opened) => {
      const session = await aged(opened, 1)
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await refuses(opened, session, {}, 'revoked')
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      assert.deepStrictEqual(await standing(opened, session), session)
    },
  },
  {
    title:
      'rotate, rule 2: a session stamped below its subject’s epoch is revoked, one of another subject is not (N129)',
    prove: async (opened) => {
      const [session, other] = [await created(opened), await created(opened, { subject: 'bob' })]
      await opened.store.revocations.bump('ann')
      await refuses(opened, session, {}, 'revoked')
      assert.equal(await outcomeOf(opened, other, 0), 'rotated')
    },
  },
  {
    title: 'rotate, rule 2: a session stamped below the global epoch is revoked (N128)',
    prove: async (opened) => {
      const session = await created(opened)
      await opened.store.revocations.bump(null)
      await refuses(opened, session, {}, 'revoked')
    },
  },
  {
    title: 'rotate, rule 3: another key than the session’s, or none, is a key mismatch and changes nothing (I11, N106)',
    prove: async (opened) => {
      const session = await created(opened, { keyThumbprint: 'mine' })
      const mine = { keyThumbprint: 'mine' }
      await opened.store.sessions.rotate(presented(session, 0, mine), POLICY)
      await opened.turn(POLICY.graceMs + 1)
      await opened.store.sessions.rotate(presented(session, 1, mine), POLICY)
      await refuses(opened, session, { keyThumbprint: 'another' }, 'key_mismatch')
      await refuses(opened, session, { keyThumbprint: null }, 'key_mismatch')
      assert.deepStrictEqual(await entriesOf(opened, session), [])
      const { outcome } = await opened.store.sessions.rotate(presented(session, 2, mine), POLICY)
      assert.equal(outcome, 'replayed')
    },
  },
  {
    title: 'rotate, rule 3: a session that is bound to no key is refreshed with any',
    prove: async (opened) => {
      const session = await created(opened)
      const { outcome } = await opened.store.sessions.rotate(presented(session, 0, { keyThumbprint: 'any' }), POLICY)
      assert.equal(outcome, 'rotated')
    },
  },
  {
    title: 'rotate takes the rules in their order: unknown before revoked, revoked before a key mismatch',
    prove: async (opened) => {
      const session = await created(opened, { keyThumbprint: 'mine' })
      const { id, subject } = session
      await opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION)
      await refuses(opened, session, { subject: 'bob' }, 'unknown')
      await refuses(opened, session, { keyThumbprint: 'another' }, 'revoked')
    },
  },
]
