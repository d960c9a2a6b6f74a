import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { TokenPage, TokenRecord, TokenRegister } from '../../src/ports/token-register.ts'
import { memoryTokenRegister } from '../../src/stores/memory/token-register.ts'
import { tokenRegisterConformance } from '../../src/testing/token-register-conformance.ts'
import { brokenPromises } from './broken-store.ts'
import type { Spoiler } from './broken-store.ts'

const broken = (spoil: Spoiler): Promise<string[]> => brokenPromises(tokenRegisterConformance, spoil)

/** Replaces what `spoil` names of a register that is right. */
const brokenRegister = (spoil: (tokens: TokenRegister) => Partial<TokenRegister>): Promise<string[]> =>
  broken(({ tokens }) => ({ tokens: { ...tokens, ...spoil(tokens) } }))

const WHILE_RECORDED = 'list goes on where it was while others are recorded: nothing twice, nothing missed'
const WHILE_EXPIRING = 'list goes on where it was while records expire, also the one at which a page has ended'
const NO_NEXT = 'list has no next page after the last record, and shows nothing where nothing is asked for'
const UNTIL_EXPIRY =
  'a record is told of until 300 s after its token has expired, on the store’s clock, and not a moment longer'
const FOR_A_YEAR = 'a record of a token that never expires is told of until 365 days and 300 s after its issue'
const AT_ONCE = 'record shows all tokens of a call at once, or none yet'
const ONE_STAYS = 'record lets exactly one of twenty of one token at once stay'

test('finds nothing wrong with a register that keeps its promises', async () => {
  expect(await broken(() => ({}))).toEqual([])
})

test('finds a record that shows a part of its call to those who look', async () => {
  const found = await brokenRegister((tokens) => ({
    record: async (records) => {
      for (const record of records) {
        await tokens.record([record])
        await nextTurn()
      }
    },
  }))
  expect(found).toEqual([AT_ONCE])
})

/** A register over a plain list, with the mistakes that such ones have. */
const listRegister =
  (slips: { readonly replaces: boolean; readonly pause?: () => Promise<void> }): Spoiler =>
  ({ tokens }) => {
    let rows: TokenRecord[] = []
    return {
      tokens: {
        ...tokens,
        record: async (records) => {
          const known = new Set(rows.map(({ tokenId }) => tokenId))
          // Awaiting nothing is a pause too.
          if (slips.pause !== undefined) await slips.pause()
          const ids = new Set(records.map(({ tokenId }) => tokenId))
          if (slips.replaces) rows = rows.filter(({ tokenId }) => !ids.has(tokenId))
          rows.push(...records.filter(({ tokenId }) => slips.replaces || !known.has(tokenId)))
        },
        find: (tokenId) => rows.find((row) => row.tokenId === tokenId) ?? null,
        list: ({ subject }): TokenPage => {
          const records = rows.filter((row) => subject === null || row.subject === subject).toReversed()
          return { records, next: null }
        },
      },
    }
  }

test('finds a record that reads first and writes later', async () => {
  expect(await broken(listRegister({ replaces: false, pause: () => nextTurn() }))).toContain(ONE_STAYS)
  expect(await broken(listRegister({ replaces: false }))).not.toContain(ONE_STAYS)
})

test('finds a record that takes the place of the one before it', async () => {
  const found = await broken(listRegister({ replaces: true }))
  expect(found).toContain('record leaves a record as it is and where it is, and takes the others of the call')
  expect(found).toContain('record takes the first of two of one token in one call')
})

test('finds a call that is dropped for one token that is there already', async () => {
  const found = await brokenRegister((tokens) => ({
    record: async (records) => {
      const known = await Promise.all(records.map(async ({ tokenId }) => tokens.find(tokenId)))
      if (known.every((record) => record === null)) await tokens.record(records)
    },
  }))
  expect(found).toContain('record leaves a record as it is and where it is, and takes the others of the call')
})

/** A register whose clock is so many milliseconds ahead of the store's. */
const shifted =
  (error: number): Spoiler =>
  (_store, { now }) => ({ tokens: memoryTokenRegister({ now: () => now() + error }) })

test('finds a time that is 1 ms too short or too long, by its boundaries', async () => {
  expect(await broken(shifted(1))).toEqual([UNTIL_EXPIRY, FOR_A_YEAR])
  expect(await broken(shifted(-1))).toEqual([UNTIL_EXPIRY, FOR_A_YEAR])
})

/** A register of which one member never takes a record for expired. */
const eternal =
  (member: 'find' | 'list'): Spoiler =>
  ({ tokens }) => {
    const all = memoryTokenRegister({ now: () => 0 })
    const record: TokenRegister['record'] = async (records) => {
      await tokens.record(records)
      await all.record(records)
    }
    return { tokens: { ...tokens, [member]: all[member], record } }
  }

test('finds records that outlive their time where they are looked up, or where they are listed', async () => {
  expect(await broken(eternal('find'))).toEqual(expect.arrayContaining([UNTIL_EXPIRY, FOR_A_YEAR]))
  expect(await broken(eternal('list'))).toEqual(expect.arrayContaining([UNTIL_EXPIRY, FOR_A_YEAR, WHILE_EXPIRING]))
})

test('finds another order', async () => {
  const found = await brokenRegister((tokens) => ({
    list: async ({ subject, after, limit }) => {
      const { records } = await tokens.list({ subject, after: null, limit: 1_000 })
      const start = after === null ? 0 : Number(after)
      const next = start + limit < records.length && limit > 0 ? String(start + limit) : null
      return { records: records.toReversed().slice(start, start + limit), next }
    },
  }))
  expect(found.join()).toMatch(/list returns every record of a subject/)
  expect(found.join()).toMatch(/list of all returns everybody’s records/)
})

/** Pages cut out of the whole list, from where `startOf` finds the cursor in it. */
const cutting = (
  startOf: (records: readonly TokenRecord[], after: string) => number,
  cursorOf: (records: readonly TokenRecord[], end: number) => string,
): Promise<string[]> =>
  brokenRegister((tokens) => ({
    list: async ({ subject, after, limit }) => {
      if (limit < 1) return { records: [], next: null }
      const { records } = await tokens.list({ subject, after: null, limit: 1_000 })
      const start = after === null ? 0 : startOf(records, after)
      const end = start + limit
      return { records: records.slice(start, end), next: end < records.length ? cursorOf(records, end) : null }
    },
  }))

test('finds a cursor that counts from the front, which moves', async () => {
  const found = await cutting(
    (_records, after) => (/^\d{1,15}$/.test(after) ? Number(after) : Number.MAX_SAFE_INTEGER),
    (_records, end) => String(end),
  )
  expect(found).toEqual([WHILE_RECORDED, WHILE_EXPIRING])
})

test('finds a cursor that is the last record shown, which may be gone', async () => {
  const found = await cutting(
    (records, after) => {
      const at = records.findIndex(({ tokenId }) => tokenId === after)
      return at < 0 ? records.length : at + 1
    },
    (records, end) => records[end - 1]?.tokenId ?? '',
  )
  expect(found).toEqual([WHILE_EXPIRING])
})

test('finds a page that is cut before the records of others are left out', async () => {
  const found = await brokenRegister((tokens) => ({
    list: async ({ subject, after, limit }) => {
      const page = await tokens.list({ subject: null, after, limit: Math.min(limit, 1_000) })
      return { ...page, records: page.records.filter((record) => subject === null || record.subject === subject) }
    },
  }))
  expect(found).toContain(
    'list returns every record of a subject once and nobody else’s, the latest first, in pages of any size (S3-8)',
  )
})

test('finds a list that promises one page too many, and one that fails at a foreign cursor', async () => {
  const endless = await brokenRegister((tokens) => ({
    list: async (query) => {
      const page = await tokens.list(query)
      return { ...page, next: page.records.length === query.limit ? (page.next ?? '0') : page.next }
    },
  }))
  expect(endless).toContain(NO_NEXT)
  const failing = await brokenRegister((tokens) => ({
    list: ({ after, ...query }) => tokens.list({ ...query, after: after === null ? null : String(BigInt(after)) }),
  }))
  expect(failing).toEqual(['list answers a cursor that it never gave out, instead of failing'])
})

test('finds subjects and identifiers that are compared carelessly', async () => {
  const subjects = await brokenRegister((tokens) => ({
    list: ({ subject, ...query }) => tokens.list({ ...query, subject: subject?.toLowerCase() ?? null }),
  }))
  expect(subjects.join()).toMatch(/list returns every record of a subject/)
  const identifiers = await brokenRegister((tokens) => ({ find: (tokenId) => tokens.find(tokenId.trim()) }))
  expect(identifiers).toEqual(['every text comes back as it was given, and is compared code point by code point'])
})

test('finds a record that is dropped when its token is revoked', async () => {
  const found = await broken(({ tokens, revocations }) => {
    const revoked = new Set<string>()
    return {
      revocations: {
        ...revocations,
        setToken: (revocation) => {
          revoked.add(revocation.tokenId)
          return revocations.setToken(revocation)
        },
      },
      tokens: { ...tokens, find: (tokenId) => (revoked.has(tokenId) ? null : tokens.find(tokenId)) },
    }
  })
  expect(found).toEqual(['a record tells nothing of revocation, and no revocation changes a record'])
})

test('finds objects that the register shares with its callers', async () => {
  const shared = 'changing an object that was given or returned does not change a record'
  const given = await brokenRegister((tokens) => {
    const records = new Map<string, TokenRecord>()
    return {
      record: async (batch) => {
        await tokens.record(batch)
        for (const record of batch) records.set(record.tokenId, records.get(record.tokenId) ?? record)
      },
      find: async (tokenId) => ((await tokens.find(tokenId)) === null ? null : (records.get(tokenId) ?? null)),
    }
  })
  expect(given).toContain(shared)
  const returned = await brokenRegister((tokens) => {
    const handed = new Map<string, TokenRecord>()
    return {
      find: async (tokenId) => {
        const record = await tokens.find(tokenId)
        if (record === null) return null
        handed.set(tokenId, handed.get(tokenId) ?? record)
        return handed.get(tokenId) ?? null
      },
    }
  })
  expect(returned).toEqual([shared])
})
