import assert from 'node:assert/strict'
import { EPOCH_RETENTION } from '../../core/session/lifecycle.ts'
import { created, crowd, outcomeOf } from '../session-store/fixtures.ts'
import type { StoreProof } from '../store-under-test.ts'
import { DAY_MS, entriesOf, isRevoked, newToken } from './fixtures.ts'

export const EPOCHS: readonly StoreProof[] = [
  {
    title: 'epochs are 0 where nothing was ever raised',
    prove: async ({ store }) => {
      assert.deepStrictEqual(await store.revocations.epochs('ann'), { subject: 0, global: 0 })
    },
  },
  {
    title: 'bump raises a subject’s epoch, returns it, and leaves the others',
    prove: async ({ store: { revocations } }) => {
      const epoch = await revocations.bump('ann')
      assert.ok(epoch > 0)
      assert.deepStrictEqual(await revocations.epochs('ann'), { subject: epoch, global: 0 })
      assert.deepStrictEqual(await revocations.epochs('bob'), { subject: 0, global: 0 })
      // Keys that are joined carelessly take one of these for the epoch of everybody.
      await revocations.bump('*')
      await revocations.bump('')
      assert.deepStrictEqual(await revocations.epochs('ann'), { subject: epoch, global: 0 })
    },
  },
  {
    title: 'bump of nobody in particular raises everybody’s epoch',
    prove: async ({ store: { revocations } }) => {
      const epoch = await revocations.bump(null)
      const own = await revocations.bump('ann')
      assert.deepStrictEqual(await revocations.epochs('ann'), { subject: own, global: epoch })
      assert.deepStrictEqual(await revocations.epochs('never seen'), { subject: 0, global: epoch })
    },
  },
  {
    title: 'bump never stays behind the store’s clock, which the creation of a session tells',
    prove: async (opened) => {
      const { state } = await created(opened)
      await opened.turn(5)
      assert.ok((await opened.store.revocations.bump('ann')) >= state.rotatedAtMs + 5)
      assert.ok((await opened.store.revocations.bump(null)) >= state.rotatedAtMs + 5)
    },
  },
  {
    title: 'bump rises each time, also within one millisecond and where the clock goes back (N130)',
    prove: async (opened) => {
      const { revocations } = opened.store
      for (const subject of ['ann', null]) {
        const first = await revocations.bump(subject)
        const second = await revocations.bump(subject)
        assert.ok(second > first)
        await opened.turn(-3_600_000)
        const third = await revocations.bump(subject)
        assert.ok(third > second)
        await opened.turn(7_200_000)
        assert.ok((await revocations.bump(subject)) > third)
      }
    },
  },
  {
    title: 'bump gives twenty at once twenty epochs',
    prove: async ({ store: { revocations } }) => {
      const epochs = await crowd((index) => revocations.bump(index % 2 === 0 ? 'ann' : null))
      const own = epochs.filter((_, index) => index % 2 === 0)
      const global = epochs.filter((_, index) => index % 2 === 1)
      assert.equal(new Set(own).size, 10)
      assert.equal(new Set(global).size, 10)
      assert.deepStrictEqual(await revocations.epochs('ann'), {
        subject: Math.max(...own),
        global: Math.max(...global),
      })
    },
  },
  {
    title: 'isRevoked: a token below its subject’s epoch is dead, one of the epoch or of another subject lives (N129)',
    prove: async (opened) => {
      const { revocations } = opened.store
      const before = newToken()
      await revocations.bump('ann')
      const stamp = await revocations.epochs('ann')
      assert.equal(await isRevoked(opened, before), true)
      assert.equal(await isRevoked(opened, newToken({ stamp: { ...stamp, subject: stamp.subject - 1 } })), true)
      assert.equal(await isRevoked(opened, newToken({ stamp })), false)
      assert.equal(await isRevoked(opened, newToken({ subject: 'bob' })), false)
    },
  },
  {
    title: 'isRevoked: a token below the global epoch is dead, whoever’s it is',
    prove: async (opened) => {
      const { revocations } = opened.store
      await revocations.bump(null)
      const stamp = await revocations.epochs('bob')
      assert.equal(await isRevoked(opened, newToken()), true)
      assert.equal(await isRevoked(opened, newToken({ subject: 'bob' })), true)
      assert.equal(await isRevoked(opened, newToken({ subject: 'bob', stamp })), false)
    },
  },
  {
    title: 'an epoch ends nothing but what is below it, for longer than any session lives',
    prove: async (opened) => {
      await opened.store.revocations.bump('ann')
      await opened.turn(366 * DAY_MS)
      assert.equal(await isRevoked(opened, newToken()), true)
    },
  },
]

export const LOST_EPOCHS: readonly StoreProof[] = [
  {
    title: 'an epoch that the store has lost is taken back from a token’s stamp, and entered in the log',
    prove: async (opened) => {
      const { revocations } = opened.store
      const session = await created(opened)
      const epoch = session.state.rotatedAtMs + 1
      const ahead = newToken({ stamp: { subject: epoch, global: 0 } })
      assert.equal(await isRevoked(opened, ahead), false)
      assert.deepStrictEqual(await revocations.epochs('ann'), { subject: epoch, global: 0 })
      assert.equal(await isRevoked(opened, newToken()), true)
      assert.equal(await outcomeOf(opened, session, 0), 'revoked')
      assert.equal(await isRevoked(opened, newToken({ subject: 'bob' })), false)
      assert.equal(await isRevoked(opened, ahead), false)
      const told = (await entriesOf(opened)).map((entry) => ('epoch' in entry ? entry.epoch : null))
      assert.deepStrictEqual(told, [epoch])
      assert.ok((await revocations.bump('ann')) > epoch)
    },
  },
  {
    title: 'a lost global epoch is taken back too',
    prove: async (opened) => {
      const { revocations } = opened.store
      const { state } = await created(opened)
      const epoch = state.rotatedAtMs + 1
      assert.equal(await isRevoked(opened, newToken({ stamp: { subject: 0, global: epoch } })), false)
      assert.deepStrictEqual(await revocations.epochs('bob'), { subject: 0, global: epoch })
      assert.equal(await isRevoked(opened, newToken({ subject: 'bob' })), true)
      assert.deepStrictEqual(await entriesOf(opened), [{ kind: 'all', epoch }])
    },
  },
  {
    title: 'a subject’s epoch forgotten in its time is not taken back: sessions made since then would die of it (I5)',
    prove: async (opened) => {
      const session = await created(opened)
      const longAgo = session.state.rotatedAtMs - EPOCH_RETENTION * 1000
      assert.equal(await isRevoked(opened, newToken({ stamp: { subject: longAgo, global: 0 } })), false)
      assert.deepStrictEqual(await opened.store.revocations.epochs('ann'), { subject: 0, global: 0 })
      assert.equal(await outcomeOf(opened, session, 0), 'rotated')
    },
  },
]
