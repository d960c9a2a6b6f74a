import assert from 'node:assert/strict'
import type { StoreProof } from '../store-under-test.ts'
import { created, CREATION, newSession, present, rotatedTo } from './fixtures.ts'

const SHORT = { ...newSession().grant, idleLifetime: 60 }

export const FINDING: readonly StoreProof[] = [
  {
    title: 'find returns a session while it can still be refreshed, else null',
    prove: async (opened) => {
      const { sessions } = opened.store
      const idle = await created(opened, { grant: SHORT })
      const brief = await created(opened, { absoluteLifetime: 120 })
      await opened.turn(idle.state.idleExpiresAtMs - idle.state.rotatedAtMs - 1)
      assert.deepStrictEqual(await sessions.find(idle.id), idle)
      await opened.turn(1)
      assert.equal(await sessions.find(idle.id), null)
      await opened.turn(brief.absoluteExpiresAt * 1000 - idle.state.idleExpiresAtMs - 1)
      assert.deepStrictEqual(await sessions.find(brief.id), brief)
      await opened.turn(1)
      assert.equal(await sessions.find(brief.id), null)
      assert.equal(await sessions.find(newSession().id), null)
    },
  },
  {
    title: 'find returns null for what an end, a suspension or an epoch forbids to refresh',
    prove: async (opened) => {
      const { sessions, revocations } = opened.store
      const [ended, suspended, outdated] = [await created(opened), await created(opened), await created(opened)]
      await sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
      assert.equal(await sessions.find(ended.id), null)
      await sessions.suspend({ id: suspended.id, subject: 'ann', suspended: true }, CREATION)
      assert.equal(await sessions.find(suspended.id), null)
      assert.deepStrictEqual(await sessions.list('ann'), [outdated])
      await revocations.bump('ann')
      assert.equal(await sessions.find(outdated.id), null)
      assert.deepStrictEqual(await sessions.list('ann'), [])
      const other = await created(opened, { subject: 'bob' })
      await revocations.bump(null)
      assert.equal(await sessions.find(other.id), null)
    },
  },
  {
    title: 'list returns the subject’s sessions that can still be refreshed, the most recently refreshed first',
    prove: async (opened) => {
      const { sessions } = opened.store
      const first = await created(opened)
      await opened.turn(1)
      const second = await created(opened)
      await opened.turn(1)
      const third = await created(opened)
      await created(opened, { subject: 'bob' })
      await created(opened, { subject: 'an' })
      await opened.turn(1)
      await present(opened, second, 0)
      const listed = await sessions.list('ann')
      assert.deepStrictEqual(
        listed.map(({ id }) => id),
        [second.id, third.id, first.id],
      )
      assert.deepStrictEqual(await sessions.list('nobody'), [])
    },
  },
  {
    title: 'list leaves out what has expired',
    prove: async (opened) => {
      const session = await created(opened)
      await created(opened, { grant: SHORT })
      await created(opened, { absoluteLifetime: 60 })
      await opened.turn(61_000)
      assert.deepStrictEqual(await opened.store.sessions.list('ann'), [session])
    },
  },
  {
    title: 'find and list show a session as the last rotation has left it',
    prove: async (opened) => {
      const session = await rotatedTo(opened, await created(opened), 2)
      assert.equal(session.state.generation, 2)
      assert.deepStrictEqual(await opened.store.sessions.list('ann'), [session])
    },
  },
]
