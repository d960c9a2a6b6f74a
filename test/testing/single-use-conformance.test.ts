import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { SingleUse } from '../../src/ports/single-use.ts'
import { SPENDING_RACES } from '../../src/testing/single-use/spending.ts'
import { singleUseConformance } from '../../src/testing/single-use-conformance.ts'
import { brokenPromises } from './broken-store.ts'
import type { Spoiler } from './broken-store.ts'

const broken = (spoil: Spoiler): Promise<string[]> => brokenPromises(singleUseConformance, spoil)

/** A way of spending over a map that is right but for what `slips` change. */
const spendingWith =
  (slips: {
    /** What another process does between the look and the write. */
    readonly pause?: () => Promise<void>
    readonly keyOf?: (id: string, subject: string) => string
    /** Milliseconds that are added to each retention. */
    readonly error?: number
    /** Whether a refusal writes too. */
    readonly isSliding?: boolean
  }): Spoiler =>
  (_store, { now }) => {
    const spent = new Map<string, number>()
    const spend: SingleUse['spend'] = async ({ id, subject, retention }) => {
      const key = slips.keyOf?.(id, subject) ?? id
      const isFree = (spent.get(key) ?? 0) <= now()
      // Awaiting nothing is a pause too.
      if (slips.pause !== undefined) await slips.pause()
      if (isFree || slips.isSliding === true) spent.set(key, now() + retention * 1000 + (slips.error ?? 0))
      return isFree
    }
    return { singleUse: { spend } }
  }

const STAYS_SPENT =
  'an identifier stays spent until its retention has passed on the store’s clock, and can be spent anew then'
const REFUSAL = 'a refusal changes nothing: it makes the retention neither longer nor shorter'

test('finds nothing wrong with a store that keeps its promises', async () => {
  expect(await broken(() => ({}))).toEqual([])
  expect(await broken(spendingWith({}))).toEqual([])
})

test('finds a spending that reads first and writes later, by its races and by nothing else', async () => {
  expect(await broken(spendingWith({ pause: () => nextTurn() }))).toEqual(
    SPENDING_RACES.map(({ title }) => title).filter((title) => title.includes('exactly one')),
  )
})

test('finds identifiers that are spent once by each subject', async () => {
  expect(await broken(spendingWith({ keyOf: (id, subject) => `${subject}/${id}` }))).toEqual([
    'spend is once whoever an identifier is of',
  ])
})

test.each<readonly [string, (id: string) => string]>([
  ['letters are folded', (id) => id.toLowerCase()],
  ['spaces are cut off', (id) => id.trimEnd()],
  ['accents are composed', (id) => id.normalize('NFC')],
  ['length is cut', (id) => id.slice(0, 24)],
])('finds identifiers whose %s', async (_title, keyOf) => {
  expect(await broken(spendingWith({ keyOf }))).toContain('spend compares identifiers code point by code point')
})

test('finds a retention that is 1 ms too short or too long, by its boundaries', async () => {
  expect(await broken(spendingWith({ error: -1 }))).toEqual([STAYS_SPENT, REFUSAL])
  expect(await broken(spendingWith({ error: 1 }))).toEqual([
    STAYS_SPENT,
    REFUSAL,
    'spend is true for exactly one of twenty at once, where the retention of an earlier one has just passed',
  ])
})

test('finds a refusal that writes', async () => {
  expect(await broken(spendingWith({ isSliding: true }))).toEqual([STAYS_SPENT, REFUSAL])
})

/** Forgets everything as soon as one thing has lapsed. */
const forgetful: Spoiler = (_store, { now }) => {
  const spent = new Map<string, number>()
  return {
    singleUse: {
      spend: ({ id, retention }) => {
        if ([...spent.values()].some((untilMs) => untilMs <= now())) spent.clear()
        if (spent.has(id)) return false
        spent.set(id, now() + retention * 1000)
        return true
      },
    },
  }
}

test('finds a store that forgets everything when one thing lapses', async () => {
  expect(await broken(forgetful)).toEqual([
    'an identifier is kept for its whole retention, however many are spent and lapse meanwhile',
  ])
})

test('finds a store that spends nothing, and one that refuses everything', async () => {
  expect((await broken(() => ({ singleUse: { spend: () => true } }))).length).toBeGreaterThan(5)
  expect((await broken(() => ({ singleUse: { spend: () => false } }))).length).toBeGreaterThan(5)
})
