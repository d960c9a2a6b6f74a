import assert from 'node:assert/strict'
import type { TokenRecord } from '../../ports/token-register.ts'
import type { StoreProof } from '../store-under-test.ts'
import { createIssuer, firstPage, LIFETIME, listed, readPages, record, recordInTurn } from './fixtures.ts'
import type { Issue } from './fixtures.ts'

/** So many tokens, of two subjects in turn. */
const mixed = (issue: Issue, count: number): readonly TokenRecord[] =>
  Array.from({ length: count }, (_, index) => issue({ subject: index % 2 === 0 ? 'ann' : 'bob' }))

export const LISTING: readonly StoreProof[] = [
  {
    title:
      'list returns every record of a subject once and nobody else’s, the latest first, in pages of any size (S3-8)',
    prove: async (opened) => {
      const records = await recordInTurn(opened, mixed(await createIssuer(opened), 14))
      const latestFirst = records.filter(({ subject }) => subject === 'ann').toReversed()
      for (const limit of [1, 3, 6, 7, 8]) {
        // One after another: a failure should name its size.
        assert.deepStrictEqual(await readPages(opened, { limit }), latestFirst, `in pages of ${limit}`)
      }
      assert.deepStrictEqual(await listed(opened, 'an'), [])
      assert.deepStrictEqual(await listed(opened, 'ANN'), [])
    },
  },
  {
    title: 'list of all returns everybody’s records once, the latest first, in pages of any size (S3-8)',
    prove: async (opened) => {
      const records = await recordInTurn(opened, mixed(await createIssuer(opened), 14))
      for (const limit of [1, 5, 14]) {
        assert.deepStrictEqual(await readPages(opened, { subject: null, limit }), records.toReversed())
      }
    },
  },
  {
    title: 'list has no next page after the last record, and shows nothing where nothing is asked for',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const empty = { records: [], next: null }
      assert.deepStrictEqual(await opened.store.tokens.list({ subject: 'ann', after: null, limit: 5 }), empty)
      const records = await recordInTurn(opened, [issue(), issue(), issue(), issue()])
      const page = await opened.store.tokens.list({ subject: 'ann', after: null, limit: 4 })
      assert.deepStrictEqual(page, { records: records.toReversed(), next: null })
      assert.deepStrictEqual(await opened.store.tokens.list({ subject: 'ann', after: null, limit: 0 }), empty)
    },
  },
  {
    title: 'list goes on where it was while others are recorded: nothing twice, nothing missed',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const records = await recordInTurn(opened, [issue(), issue(), issue(), issue(), issue()])
      const { records: shown, after } = await firstPage(opened, 2)
      await recordInTurn(opened, [issue(), issue({ subject: 'bob' }), issue()])
      // One that is there already does not move to the front.
      await record(opened, ...records)
      const rest = await readPages(opened, { after, limit: 2 })
      assert.deepStrictEqual([...shown, ...rest], records.toReversed())
    },
  },
  {
    title: 'list goes on where it was while records expire, also the one at which a page has ended',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const lasting = (): TokenRecord => issue({ expiresAt: null })
      const kept = [lasting(), lasting(), lasting()] as const
      await recordInTurn(opened, [kept[0], issue(), kept[1], issue(), kept[2], issue()])
      const { records, after } = await firstPage(opened, 3)
      assert.deepStrictEqual(records[1], kept[2])
      await opened.turn((LIFETIME + 300) * 1000)
      // What is written now may make the store forget; it comes before all pages that are still to be read.
      await record(opened, lasting())
      assert.deepStrictEqual(await readPages(opened, { after, limit: 1 }), [kept[1], kept[0]])
    },
  },
  {
    title: 'list has no next page where all that is behind has expired',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const last = issue({ expiresAt: null })
      await recordInTurn(opened, [issue(), issue(), last])
      await opened.turn((LIFETIME + 300) * 1000)
      const page = await opened.store.tokens.list({ subject: 'ann', after: null, limit: 1 })
      assert.deepStrictEqual(page, { records: [last], next: null })
    },
  },
  {
    title: 'list shows nothing of a subject by the cursor of another',
    prove: async (opened) => {
      await recordInTurn(opened, mixed(await createIssuer(opened), 8))
      const { after } = await firstPage(opened, 1)
      const bobs = await readPages(opened, { subject: 'bob', after, limit: 2 })
      assert.ok(bobs.every(({ subject }) => subject === 'bob'))
    },
  },
  {
    title: 'list answers a cursor that it never gave out, instead of failing',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      await recordInTurn(opened, [issue(), issue()])
      const cursors = ['', '-1', '0', '1e3', 'x', '../..', "' OR 1=1 --", '9'.repeat(400), '\u0000', '💥']
      for (const subject of ['ann', null]) {
        const queries = cursors.map((after) => ({ subject, after, limit: 5 }))
        const pages = await Promise.all(queries.map(async (query) => opened.store.tokens.list(query)))
        assert.ok(pages.every(({ records }) => records.length <= 2))
      }
    },
  },
]
