import assert from 'node:assert/strict'
import { crowd } from '../session-store/fixtures.ts'
import type { StoreProof } from '../store-under-test.ts'
import { createIssuer, find, listed, record } from './fixtures.ts'

export const RECORDING: readonly StoreProof[] = [
  {
    title: 'record keeps every token of a call, and find returns each as it was given (S3-7, S3-8)',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const access = issue({ stamp: { subject: 7, global: 1_700_000_000_500 } })
      const refresh = issue({ kind: 'refresh', expiresAt: access.issuedAt + 180 * 86_400 })
      await record(opened, refresh, access)
      assert.deepStrictEqual(await find(opened, access), access)
      assert.deepStrictEqual(await find(opened, refresh), refresh)
      assert.deepStrictEqual(await listed(opened), [access, refresh])
    },
  },
  {
    title: 'record of no tokens changes nothing',
    prove: async (opened) => {
      await record(opened)
      assert.deepStrictEqual(await listed(opened, null), [])
    },
  },
  {
    title: 'record leaves a record as it is and where it is, and takes the others of the call',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const [refresh, first, second] = [issue({ kind: 'refresh' }), issue(), issue()]
      await record(opened, refresh, first)
      await record(opened, { ...refresh, kind: 'access', sessionId: null, stamp: { subject: 9, global: 9 } }, second)
      assert.deepStrictEqual(await find(opened, refresh), refresh)
      assert.deepStrictEqual(await listed(opened), [second, first, refresh])
    },
  },
  {
    title: 'record takes the first of two of one token in one call',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const [token, other] = [issue(), issue()]
      await record(opened, token, other, { ...token, sessionId: null })
      assert.deepStrictEqual(await listed(opened), [other, token])
    },
  },
]

export const RECORDING_RACES: readonly StoreProof[] = [
  {
    title: 'record lets exactly one of twenty of one token at once stay',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const { tokenId } = issue()
      const records = Array.from({ length: 20 }, () => issue({ tokenId }))
      await crowd(async (index) => record(opened, ...records.slice(index, index + 1)))
      const found = await opened.store.tokens.find(tokenId)
      assert.ok(records.some(({ sessionId }) => sessionId === found?.sessionId))
      assert.deepStrictEqual(await listed(opened), [found])
    },
  },
  {
    title: 'record loses none of twenty at once',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const calls = Array.from({ length: 20 }, () => [issue({ kind: 'refresh' }), issue()])
      await crowd(async (index) => record(opened, ...(calls[index] ?? [])))
      const ids = (await listed(opened)).map(({ tokenId }) => tokenId)
      const given = calls.flat().map(({ tokenId }) => tokenId)
      assert.deepStrictEqual(ids.toSorted(), given.toSorted())
    },
  },
  {
    title: 'record shows all tokens of a call at once, or none yet',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const call = Array.from({ length: 20 }, () => issue())
      const seen = await crowd(async (index) => {
        if (index === 5) await record(opened, ...call)
        return (await listed(opened)).length
      })
      assert.deepStrictEqual(
        seen.filter((count) => count !== 0 && count !== call.length),
        [],
      )
      assert.equal((await listed(opened)).length, call.length)
    },
  },
]
