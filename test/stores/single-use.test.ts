import { describe, expect, test } from 'vitest'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import { singleUseConformance } from '../../src/testing/single-use-conformance.ts'
import { openHastySqliteFile, openMemory, openSqliteFile, openSqlitePair, untilTestEnds } from './stores-under-test.ts'

singleUseConformance(test, 'memory', openMemory)
singleUseConformance(test, 'sqlite', openSqliteFile)
singleUseConformance(test, 'sqlite, two handles on one file', openSqlitePair)

describe.each([
  ['memory', openMemory],
  ['sqlite', openHastySqliteFile],
] as const)('%s', (_, open) => {
  test('spends an identifier once, also where its subjects are of different places', async () => {
    const { store } = untilTestEnds(open())
    const use = { id: newIdentifier('ann'), subject: 'ann', retention: 60 }
    expect(await store.singleUse.spend(use)).toBe(true)
    expect(await store.singleUse.spend({ ...use, subject: 'bob' })).toBe(false)
  })

  test('forgets what has lapsed, while it spends others', async () => {
    const { store, ...opened } = untilTestEnds(open())
    const spend = (id: string) => store.singleUse.spend({ id, subject: 'ann', retention: 60 })
    const [old, young] = [newIdentifier('ann'), newIdentifier('ann')]
    await spend(old)
    await opened.turn(60_000)
    await spend(young)
    for (let count = 0; count < 1_030; count++) await spend(newIdentifier('ann'))
    // Only a clock that goes back can tell what is forgotten from what is past.
    await opened.turn(-60_000)
    expect(await spend(old)).toBe(true)
    expect(await spend(young)).toBe(false)
  })
})

test('in memory a retention that is no number keeps an identifier spent', async () => {
  const { store } = openMemory()
  const use = { id: newIdentifier('ann'), subject: 'ann', retention: Number.NaN }
  await store.singleUse.spend(use)
  expect(await store.singleUse.spend(use)).toBe(false)
})
