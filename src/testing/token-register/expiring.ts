import assert from 'node:assert/strict'
import type { TokenRecord } from '../../ports/token-register.ts'
import { created, crowd } from '../session-store/fixtures.ts'
import type { StoreProof, StoreUnderTest } from '../store-under-test.ts'
import { createIssuer, find, LIFETIME, listed, record } from './fixtures.ts'

/** The clock that issued a token may be another than the store's, so a record outlives its token by so many seconds. */
const CLOCK_DISTANCE = 300
const YEAR = 365 * 86_400

/** Asserts that a record is told of up to the last millisecond before a NumericDate of the store's, and then no more. */
const assertGoneAt = async (opened: StoreUnderTest, kept: TokenRecord, moment: number): Promise<void> => {
  const { state } = await created(opened, { subject: 'clock' })
  await opened.turn(moment * 1000 - state.rotatedAtMs - 1)
  assert.deepStrictEqual(await find(opened, kept), kept)
  assert.deepStrictEqual(await listed(opened), [kept])
  assert.deepStrictEqual(await listed(opened, null), [kept])
  await opened.turn(1)
  assert.equal(await find(opened, kept), null)
  assert.deepStrictEqual(await listed(opened), [])
  assert.deepStrictEqual(await listed(opened, null), [])
}

export const EXPIRING: readonly StoreProof[] = [
  {
    title: 'a record is told of until 300 s after its token has expired, on the store’s clock, and not a moment longer',
    prove: async (opened) => {
      const token = (await createIssuer(opened))()
      await record(opened, token)
      await assertGoneAt(opened, token, token.issuedAt + LIFETIME + CLOCK_DISTANCE)
    },
  },
  {
    title: 'a record of a token that never expires is told of until 365 days and 300 s after its issue',
    prove: async (opened) => {
      const token = (await createIssuer(opened))({ expiresAt: null })
      await record(opened, token)
      await assertGoneAt(opened, token, token.issuedAt + YEAR + CLOCK_DISTANCE)
    },
  },
  {
    title: 'a token that has expired for long is never told of, and keeps none of its call away',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const { issuedAt } = issue()
      const [old, young] = [issue({ expiresAt: issuedAt - CLOCK_DISTANCE }), issue()]
      await record(opened, old, young)
      assert.equal(await find(opened, old), null)
      assert.deepStrictEqual(await listed(opened), [young])
    },
  },
  {
    title: 'a record that is gone counts as none: its token can be recorded anew, as the latest',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const [token, other] = [issue(), issue({ expiresAt: null })]
      await record(opened, token, other)
      await opened.turn((LIFETIME + CLOCK_DISTANCE) * 1000)
      const again = (await createIssuer(opened))({ tokenId: token.tokenId })
      await record(opened, again)
      assert.deepStrictEqual(await find(opened, again), again)
      assert.deepStrictEqual(await listed(opened), [again, other])
      assert.deepStrictEqual(await listed(opened, null), [again, other])
      // Not even a clock that goes back brings the old one to light.
      await opened.turn((-LIFETIME - CLOCK_DISTANCE) * 1000)
      assert.deepStrictEqual(await listed(opened), [again, other])
    },
  },
  {
    title: 'a record is kept for its whole time, however much is recorded and expires meanwhile',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const long = issue({ kind: 'refresh', expiresAt: issue().issuedAt + YEAR })
      await record(opened, long)
      await crowd(async () => record(opened, issue()))
      await opened.turn((LIFETIME + CLOCK_DISTANCE) * 1000)
      const young = await createIssuer(opened)
      await crowd(async () => record(opened, young()))
      assert.deepStrictEqual(await find(opened, long), long)
      assert.equal((await listed(opened)).length, 21)
    },
  },
]
