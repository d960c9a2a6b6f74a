import assert from 'node:assert/strict'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { Spending } from '../../ports/single-use.ts'
import { crowd } from '../session-store/fixtures.ts'
import type { StoreProof, StoreUnderTest } from '../store-under-test.ts'

const RETENTION = 60

/** Of one place with `ann`: SHA-256 of both begins with the same 16 bits, so that a sharded store keeps them together. */
const NEIGHBOUR = 'ann 36735'

const newUse = (given: Partial<Spending> = {}): Spending => {
  const subject = given.subject ?? 'ann'
  // A sharded store finds the place of an identifier from its beginning.
  return { id: newIdentifier(subject), subject, retention: RETENTION, ...given }
}

const spend = async ({ store }: StoreUnderTest, use: Spending): Promise<boolean> => store.singleUse.spend(use)

const wins = (outcomes: readonly boolean[]): number => outcomes.filter((outcome) => outcome).length

export const SPENDING: readonly StoreProof[] = [
  {
    title: 'spend is true for the first and false for all others',
    prove: async (opened) => {
      const use = newUse()
      assert.equal(await spend(opened, use), true)
      assert.equal(await spend(opened, use), false)
      assert.equal(await spend(opened, { ...use }), false)
      assert.equal(await spend(opened, newUse()), true)
    },
  },
  {
    title: 'spend is once whoever an identifier is of',
    prove: async (opened) => {
      const id = newIdentifier('ann')
      assert.equal(newIdentifier(NEIGHBOUR).slice(0, 2), id.slice(0, 2), 'both should be of one place')
      assert.equal(await spend(opened, newUse({ id })), true)
      assert.equal(await spend(opened, newUse({ id, subject: NEIGHBOUR })), false)
    },
  },
  {
    title: 'spend compares identifiers code point by code point',
    prove: async (opened) => {
      const place = newIdentifier('ann')
      const names = ['', 'a', 'A', 'a ', ' a', 'é', 'e\u0301', 'ß', 'ss', '%', '*', "'; --", '𝒜', '\u2028', '1', '1.0']
      for (const name of names) {
        // One after another: each must be free though all before it are spent.
        assert.equal(await spend(opened, newUse({ id: `${place}${name}` })), true, JSON.stringify(name))
      }
      for (const name of names) assert.equal(await spend(opened, newUse({ id: `${place}${name}` })), false)
    },
  },
]

export const LAPSING: readonly StoreProof[] = [
  {
    title: 'an identifier stays spent until its retention has passed on the store’s clock, and can be spent anew then',
    prove: async (opened) => {
      const use = newUse()
      assert.equal(await spend(opened, use), true)
      await opened.turn(RETENTION * 1000 - 1)
      assert.equal(await spend(opened, use), false)
      await opened.turn(1)
      assert.equal(await spend(opened, use), true)
      assert.equal(await spend(opened, use), false)
      await opened.turn(RETENTION * 1000 - 1)
      assert.equal(await spend(opened, use), false)
    },
  },
  {
    title: 'a refusal changes nothing: it makes the retention neither longer nor shorter',
    prove: async (opened) => {
      const use = newUse()
      await spend(opened, use)
      assert.equal(await spend(opened, { ...use, retention: 1 }), false)
      await opened.turn(RETENTION * 1000 - 1)
      assert.equal(await spend(opened, { ...use, retention: 10 * RETENTION }), false)
      await opened.turn(1)
      assert.equal(await spend(opened, use), true)
    },
  },
  {
    title: 'an identifier stays spent where the store’s clock goes back',
    prove: async (opened) => {
      const use = newUse()
      await spend(opened, use)
      await opened.turn(-2 * RETENTION * 1000)
      assert.equal(await spend(opened, use), false)
    },
  },
  {
    title: 'an identifier is kept for its whole retention, however many are spent and lapse meanwhile',
    prove: async (opened) => {
      const long = newUse({ retention: 365 * 86_400 })
      assert.equal(await spend(opened, long), true)
      await crowd(() => spend(opened, newUse()))
      await opened.turn(RETENTION * 1000)
      await crowd(() => spend(opened, newUse()))
      assert.equal(await spend(opened, long), false)
    },
  },
]

export const SPENDING_RACES: readonly StoreProof[] = [
  {
    title: 'spend is true for exactly one of twenty at once',
    prove: async (opened) => {
      const use = newUse()
      assert.equal(wins(await crowd(() => spend(opened, use))), 1)
      assert.equal(await spend(opened, use), false)
    },
  },
  {
    title: 'spend is true for exactly one of twenty at once, where the retention of an earlier one has just passed',
    prove: async (opened) => {
      const use = newUse()
      await spend(opened, use)
      await opened.turn(RETENTION * 1000)
      assert.equal(wins(await crowd(() => spend(opened, use))), 1)
    },
  },
  {
    title: 'spend is true for all of twenty at once with an identifier each',
    prove: async (opened) => {
      assert.equal(wins(await crowd(() => spend(opened, newUse()))), 20)
    },
  },
]
