import assert from 'node:assert/strict'
import type { StoreProof } from '../store-under-test.ts'
import {
  assertDead,
  created,
  CREATION,
  entriesOf,
  isDenied,
  newSession,
  outcomeOf,
  RETENTION,
  rotatedTo,
  standing,
} from './fixtures.ts'

export const ENDING: readonly StoreProof[] = [
  {
    title: 'end ends a session for good and enters it in the revocation log',
    prove: async (opened) => {
      const session = await rotatedTo(opened, await created(opened), 1)
      const other = await created(opened)
      const { id, subject } = session
      assert.equal(await opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION), 'ended')
      await assertDead(opened, session)
      assert.equal(await isDenied(opened, session), true)
      // The clock has stood still since the rotation.
      const expiresAtMs = session.state.rotatedAtMs + RETENTION * 1000
      assert.deepStrictEqual(await entriesOf(opened, session), [{ kind: 'session', id, revoked: true, expiresAtMs }])
      assert.equal(await isDenied(opened, other), false)
      assert.deepStrictEqual(await opened.store.sessions.list('ann'), [other])
    },
  },
  {
    title: 'end repeated changes nothing, and says so',
    prove: async (opened) => {
      const session = await created(opened)
      const reference = { id: session.id, subject: session.subject }
      await opened.store.sessions.end({ ...reference, reason: 'signout' }, CREATION)
      const before = await entriesOf(opened, session)
      await opened.turn(1)
      assert.equal(await opened.store.sessions.end({ ...reference, reason: 'revoked' }, CREATION), 'already')
      assert.deepStrictEqual(await entriesOf(opened, session), before)
      await assertDead(opened, session)
    },
  },
  {
    title: 'end and suspend touch no session of another subject',
    prove: async (opened) => {
      const session = await created(opened)
      const reference = { id: session.id, subject: 'bob' }
      assert.equal(await opened.store.sessions.end({ ...reference, reason: 'signout' }, CREATION), 'foreign')
      await opened.store.sessions.suspend({ ...reference, suspended: true }, CREATION)
      assert.deepStrictEqual(await standing(opened, session), session)
      assert.equal(await isDenied(opened, session), false)
      assert.deepStrictEqual(await entriesOf(opened, session), [])
    },
  },
  {
    title: 'end of a session that the store has lost still enters it in the log, for its access tokens are at large',
    prove: async (opened) => {
      const { id, subject, stamp } = newSession()
      const reference = { id, subject, reason: 'signout' } as const
      assert.equal(await opened.store.sessions.end(reference, CREATION), 'ended')
      const token = { tokenId: 'token', sessionId: id, subject, stamp }
      assert.equal(await opened.store.revocations.isRevokedAtSource(token), true)
      assert.equal(await opened.store.sessions.end(reference, CREATION), 'already')
    },
  },
]

export const SUSPENDING: readonly StoreProof[] = [
  {
    title: 'suspend suspends a session and enters it in the log; its refresh tokens are refused meanwhile',
    prove: async (opened) => {
      const session = await rotatedTo(opened, await created(opened), 1)
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await assertDead(opened, session)
      assert.equal(await isDenied(opened, session), true)
      const expiresAtMs = session.state.rotatedAtMs + RETENTION * 1000
      assert.deepStrictEqual(await entriesOf(opened, session), [{ kind: 'session', id, revoked: true, expiresAtMs }])
    },
  },
  {
    title: 'suspend takes a suspension back, enters that too, and leaves the session as it was before',
    prove: async (opened) => {
      const session = await rotatedTo(opened, await created(opened), 1)
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await opened.turn(1)
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      assert.deepStrictEqual(await standing(opened, session), session)
      assert.equal(await isDenied(opened, session), false)
      const entries = await entriesOf(opened, session)
      assert.deepStrictEqual(
        entries.map((entry) => 'revoked' in entry && entry.revoked),
        [true, false],
      )
      assert.equal(await outcomeOf(opened, session, 1), 'replayed')
    },
  },
  {
    title: 'suspend may be repeated, and taken back where nothing was suspended',
    prove: async (opened) => {
      const session = await created(opened)
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      assert.deepStrictEqual(await standing(opened, session), session)
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      assert.equal(await outcomeOf(opened, session, 0), 'revoked')
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      assert.deepStrictEqual(await standing(opened, session), session)
    },
  },
  {
    title: 'suspend never brings an ended session back, whether it was suspended before or is afterwards',
    prove: async (opened) => {
      const session = await created(opened)
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await opened.store.sessions.end({ id, subject, reason: 'revoked' }, CREATION)
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      await assertDead(opened, session)
      assert.equal(await isDenied(opened, session), true)
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      await assertDead(opened, session)
      assert.equal(await isDenied(opened, session), true)
    },
  },
  {
    title: 'a suspension taken back says nothing of a session that the store has lost: it may have ended',
    prove: async (opened) => {
      const { id, subject } = newSession()
      const { sessions, revocations } = opened.store
      await sessions.end({ id, subject, reason: 'revoked' }, CREATION)
      await sessions.suspend({ id, subject, suspended: false }, CREATION)
      const token = { tokenId: 'token', sessionId: id, subject, stamp: { subject: 0, global: 0 } }
      assert.equal(await revocations.isRevokedAtSource(token), true)
    },
  },
  {
    title: 'a suspended session goes on expiring',
    prove: async (opened) => {
      const session = await created(opened, { grant: { ...newSession().grant, idleLifetime: 60 } })
      const { id, subject } = session
      await opened.store.sessions.suspend({ id, subject, suspended: true }, CREATION)
      await opened.turn(60_000)
      await opened.store.sessions.suspend({ id, subject, suspended: false }, CREATION)
      assert.equal(await opened.store.sessions.find(id), null)
      assert.equal(await outcomeOf(opened, session, 0), 'unknown')
    },
  },
]
