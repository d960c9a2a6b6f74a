import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { revocationLogConformance } from '../../src/testing/revocation-log-conformance.ts'
import { brokenPromises } from './broken-store.ts'
import type { Spoiler } from './broken-store.ts'

const broken = (spoil: Spoiler): Promise<string[]> => brokenPromises(revocationLogConformance, spoil)

test('finds nothing wrong with a log that keeps its promises', async () => {
  expect(await broken(() => ({}))).toEqual([])
})

test('finds an epoch that is read first and raised later', async () => {
  const found = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      bump: async (subject) => {
        const read = await revocations.epochs(subject ?? '')
        await nextTurn()
        await revocations.bump(subject)
        return Math.max(subject === null ? read.global : read.subject, 1_700_000_000_500) + 1
      },
    },
  }))
  expect(found).toContain('bump gives twenty at once twenty epochs')
})

test('finds an epoch that is the time of a clock', async () => {
  let clock = 0
  const found = await broken(({ revocations }, tables) => ({
    revocations: {
      ...revocations,
      bump: async (subject) => {
        await revocations.bump(subject)
        clock = tables.now()
        return clock
      },
    },
  }))
  expect(found).toContain('bump rises each time, also within one millisecond and where the clock goes back (N130)')
})

test('finds a follower’s read that skips what was written in between; a page in another order tells the same', async () => {
  const skipping = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      read: async (cursor) => {
        const page = await revocations.read(cursor)
        // Like a sequence whose lower numbers become visible after its higher ones.
        return { ...page, entries: page.entries.slice(0, -1) }
      },
    },
  }))
  expect(skipping).toContain('read misses nothing of what is written while it follows')
  const disordered = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      read: async (cursor) => {
        const page = await revocations.read(cursor)
        return { ...page, entries: page.entries.toReversed() }
      },
    },
  }))
  // Versions settle what came last, so that a store may hand entries over as they come.
  expect(disordered).toEqual([])
})

test('finds an entry that lapses too early, and one that a shorter one replaces', async () => {
  const early = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      setToken: (revocation) => revocations.setToken({ ...revocation, retention: revocation.retention - 1 }),
    },
  }))
  expect(early).toEqual(['an entry tells until when it matters, on the store’s clock'])
  const kept = new Map<string, number>()
  const replaced = await broken(({ revocations }, tables) => ({
    revocations: {
      ...revocations,
      setToken: (revocation) => {
        kept.set(revocation.tokenId, tables.now() + revocation.retention * 1000)
        return revocations.setToken(revocation)
      },
      isRevokedAtSource: async (token) =>
        (await revocations.isRevokedAtSource(token)) &&
        (kept.get(token.tokenId) ?? Number.POSITIVE_INFINITY) > tables.now(),
    },
  }))
  expect(replaced).toEqual(['a repeated revocation never shortens the first'])
})

test('finds a log that takes no lost epoch back, and one that takes back what it has forgotten', async () => {
  const lost = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      isRevokedAtSource: async (token) => {
        const { subject, global } = await revocations.epochs(token.subject)
        const stamp = { subject: Math.min(token.stamp.subject, subject), global: Math.min(token.stamp.global, global) }
        return revocations.isRevokedAtSource({ ...token, stamp })
      },
    },
  }))
  expect(lost).toEqual([
    'an epoch that the store has lost is taken back from a token’s stamp, and entered in the log',
    'a lost global epoch is taken back too',
  ])
  const forgotten = await broken(({ revocations }) => ({
    revocations: {
      ...revocations,
      isRevokedAtSource: async (token) => {
        const { subject } = await revocations.epochs(token.subject)
        if (token.stamp.subject > subject) await revocations.bump(token.subject)
        return revocations.isRevokedAtSource(token)
      },
    },
  }))
  expect(forgotten).toContain(
    'a subject’s epoch forgotten in its time is not taken back: sessions made since then would die of it (I5)',
  )
})
