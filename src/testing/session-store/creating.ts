import assert from 'node:assert/strict'
import type { StoreProof } from '../store-under-test.ts'
import {
  answered,
  assertDead,
  created,
  CREATION,
  entriesOf,
  isDenied,
  newSession,
  outcomeOf,
  present,
  RETENTION,
} from './fixtures.ts'

export const CREATING: readonly StoreProof[] = [
  {
    title: 'create makes a session of generation 0 on the store’s clock, all else as it was given',
    prove: async ({ store }) => {
      const wanted = newSession({ keyThumbprint: 'thumbprint' })
      const creation = await store.sessions.create(wanted, CREATION)
      assert.equal(creation.outcome, 'created')
      const { session, nowMs, evicted } = creation
      const createdAt = Math.floor(nowMs / 1000)
      const { absoluteLifetime, refreshKeyId, authTime: _, ...kept } = wanted
      const state = {
        generation: 0,
        refreshKeyId,
        rotatedAtMs: nowMs,
        graceFromMs: null,
        idleExpiresAtMs: nowMs + wanted.grant.idleLifetime * 1000,
        lateReplays: 0,
        suspendedAtMs: null,
        endedAtMs: null,
        endReason: null,
      }
      const absoluteExpiresAt = createdAt + absoluteLifetime
      assert.deepStrictEqual(session, { ...kept, createdAt, authTime: createdAt, absoluteExpiresAt, state })
      assert.deepStrictEqual(evicted, [])
      assert.deepStrictEqual(await store.sessions.find(session.id), session)
    },
  },
  {
    title: 'create keeps the time of an authentication that lies in the past',
    prove: async (opened) => {
      const { authTime } = await created(opened, { authTime: 1_000 })
      assert.equal(authTime, 1_000)
    },
  },
  {
    title: 'create lets no session idle beyond its absolute expiry',
    prove: async (opened) => {
      const { state, absoluteExpiresAt } = await created(opened, { absoluteLifetime: 7 * 86_400 })
      assert.equal(state.idleExpiresAtMs, absoluteExpiresAt * 1000)
    },
  },
  {
    title: 'create inserts only where the identifier is free, also of one that has ended',
    prove: async (opened) => {
      const { sessions } = opened.store
      const session = await created(opened)
      const again = newSession({ id: session.id, device: 'another', refreshKeyId: 'key-2' })
      assert.deepStrictEqual(await sessions.create(again, CREATION), { outcome: 'exists' })
      assert.deepStrictEqual(await sessions.find(session.id), session)
      await sessions.end({ id: session.id, subject: session.subject, reason: 'signout' }, CREATION)
      assert.deepStrictEqual(await sessions.create(again, CREATION), { outcome: 'exists' })
      await assertDead(opened, session)
    },
  },
  {
    title: 'create refuses a stamp that the subject’s epoch has outrun, and makes one under the new epoch (I13)',
    prove: async (opened) => {
      const { sessions, revocations } = opened.store
      const before = await revocations.epochs('ann')
      await revocations.bump('ann')
      const outdated = await sessions.create(newSession({ stamp: before }), CREATION)
      assert.deepStrictEqual(outdated, { outcome: 'outdated' })
      assert.deepStrictEqual(await sessions.list('ann'), [])
      const session = await created(opened, { stamp: await revocations.epochs('ann') })
      assert.equal(await outcomeOf(opened, session, 0), 'rotated')
    },
  },
  {
    title: 'create refuses a stamp that the global epoch has outrun (I13)',
    prove: async (opened) => {
      const { sessions, revocations } = opened.store
      const before = await revocations.epochs('ann')
      await revocations.bump(null)
      assert.deepStrictEqual(await sessions.create(newSession({ stamp: before }), CREATION), { outcome: 'outdated' })
      const session = await created(opened, { stamp: await revocations.epochs('ann') })
      assert.equal(await outcomeOf(opened, session, 0), 'rotated')
    },
  },
]

const CAP = { ...CREATION, maxPerSubject: 3 }

export const CAPPING: readonly StoreProof[] = [
  {
    title: 'create ends the least recently refreshed session beyond the cap, and enters it in the log (N136)',
    prove: async (opened) => {
      const first = await created(opened)
      await opened.turn(1)
      const second = await created(opened)
      await opened.turn(1)
      const third = await created(opened)
      await opened.turn(1)
      answered(await present(opened, first, 0), 'rotated')
      await opened.turn(1)
      const creation = await opened.store.sessions.create(newSession(), CAP)
      assert.equal(creation.outcome, 'created')
      assert.deepStrictEqual(creation.evicted, [second.id])
      await assertDead(opened, second)
      assert.equal(await isDenied(opened, second), true)
      const entry = { kind: 'session', id: second.id, revoked: true, expiresAtMs: creation.nowMs + RETENTION * 1000 }
      assert.deepStrictEqual(await entriesOf(opened, second), [entry])
      const living = (await opened.store.sessions.list('ann')).map(({ id }) => id)
      assert.deepStrictEqual(living, [creation.session.id, first.id, third.id])
      assert.equal(await isDenied(opened, third), false)
    },
  },
  {
    title: 'create ends as many as a lowered cap asks, and never the one that it makes',
    prove: async (opened) => {
      const sessions = [await created(opened), await created(opened), await created(opened), await created(opened)]
      const creation = await opened.store.sessions.create(newSession(), { ...CREATION, maxPerSubject: 1 })
      assert.equal(creation.outcome, 'created')
      assert.deepStrictEqual(creation.evicted.toSorted(), sessions.map(({ id }) => id).toSorted())
      assert.deepStrictEqual(await opened.store.sessions.list('ann'), [creation.session])
    },
  },
  {
    title: 'create counts living sessions of the same subject only',
    prove: async (opened) => {
      const { sessions } = opened.store
      const short = { ...newSession().grant, idleLifetime: 60 }
      const idle = await created(opened, { grant: short })
      const ended = await created(opened)
      await sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
      await opened.turn(60_000)
      await created(opened, { subject: 'bob' })
      await created(opened)
      await created(opened)
      const creation = await sessions.create(newSession(), CAP)
      assert.equal(creation.outcome, 'created')
      assert.deepStrictEqual(creation.evicted, [])
      assert.deepStrictEqual(await entriesOf(opened, idle), [])
      assert.equal((await sessions.list('bob')).length, 1)
    },
  },
  {
    title: 'create counts no session that a sign-out everywhere has ended',
    prove: async (opened) => {
      const { sessions, revocations } = opened.store
      await created(opened)
      await created(opened)
      await created(opened)
      await revocations.bump('ann')
      const creation = await sessions.create(newSession({ stamp: await revocations.epochs('ann') }), CAP)
      assert.equal(creation.outcome, 'created')
      assert.deepStrictEqual(creation.evicted, [])
    },
  },
]
