import { describe, expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { TokenRecord } from '../../src/ports/token-register.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { retainedUntil } from '../../src/stores/token-retention.ts'
import { tokenRegisterConformance } from '../../src/testing/token-register-conformance.ts'
import {
  openHastySqliteFile,
  openMemory,
  openSqliteFile,
  openSqlitePair,
  START_MS,
  untilTestEnds,
} from './stores-under-test.ts'

tokenRegisterConformance(test, 'memory', openMemory)
tokenRegisterConformance(test, 'sqlite', openSqliteFile)
tokenRegisterConformance(test, 'sqlite, two handles on one file', openSqlitePair)

const issuedAt = Math.floor(START_MS / 1000)

const newRecord = (given: Partial<TokenRecord> = {}): TokenRecord => ({
  tokenId: newIdentifier('ann'),
  kind: 'access',
  subject: 'ann',
  sessionId: null,
  stamp: { subject: 0, global: 0 },
  issuedAt,
  expiresAt: issuedAt + 900,
  ...given,
})

describe.each([
  ['memory', openMemory],
  ['sqlite', openHastySqliteFile],
] as const)('%s', (_, open) => {
  test('forgets what has expired, while it records others, and leaves the pages of the rest', async () => {
    const { store, ...opened } = untilTestEnds(open())
    const [old, first, second] = [newRecord(), newRecord({ expiresAt: null }), newRecord({ expiresAt: null })]
    await store.tokens.record([first, old, second])
    await opened.turn(1_200_000)
    const { next } = await store.tokens.list({ subject: 'ann', after: null, limit: 1 })
    for (let count = 0; count < 1_030; count++) {
      await store.tokens.record([newRecord({ subject: `user ${count % 7}`, expiresAt: null })])
    }
    expect((await store.tokens.list({ subject: 'ann', after: next, limit: 5 })).records).toEqual([first])
    // Only a clock that goes back can tell what is forgotten from what is past.
    await opened.turn(-1_200_000)
    expect(await store.tokens.find(old.tokenId)).toBeNull()
    expect((await store.tokens.list({ subject: 'ann', after: null, limit: 5 })).records).toEqual([second, first])
    expect(await store.tokens.find(second.tokenId)).toEqual(second)
  })

  test('shows nothing behind a cursor that it never gave out', async () => {
    const { store } = untilTestEnds(open())
    await store.tokens.record([newRecord(), newRecord()])
    for (const after of ['', ' ', 'x', '-1', '1e3', '0x9', '99.5', 'Infinity', '9'.repeat(16)]) {
      expect(await store.tokens.list({ subject: 'ann', after, limit: 5 })).toEqual({ records: [], next: null })
    }
  })

  test('takes none of a call of which one cannot be kept', async () => {
    const { store } = untilTestEnds(open())
    const good = newRecord()
    // Nothing that a store could keep: JavaScript may hand it over all the same.
    const bad = { ...newRecord(), sessionId: (() => '') as unknown as string }
    await expect((async () => store.tokens.record([good, bad]))()).rejects.toThrow(/./)
    expect(await store.tokens.find(good.tokenId)).toBeNull()
    expect((await store.tokens.list({ subject: null, after: null, limit: 5 })).records).toEqual([])
  })
})

test('tells stores of others until when a record counts, in seconds', () => {
  expect(retainedUntil({ issuedAt: 1_000, expiresAt: 1_900 })).toBe(2_200)
  expect(retainedUntil({ issuedAt: 1_000, expiresAt: null })).toBe(1_000 + 365 * 86_400 + 300)
})

test.each(['tokens', 'singleUse'])('a store without %s is no store', (name) => {
  const settings = {
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
  }
  const rest = Object.entries(memoryStore()).filter(([member]) => member !== name)
  const store = Object.fromEntries(rest) as object as Store
  expect(() => createAuth({ ...settings, store })).toThrow(/^store: is not a store/)
})
