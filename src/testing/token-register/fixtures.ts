import assert from 'node:assert/strict'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { TokenPage, TokenRecord } from '../../ports/token-register.ts'
import { created } from '../session-store/fixtures.ts'
import type { StoreUnderTest } from '../store-under-test.ts'

/** What the proofs of the promises of `TokenRegister` share. */

/** Seconds for which an access token of these proofs lives. */
export const LIFETIME = 900

/** Makes records of tokens that are issued now, by a clock that agrees with the store's. */
export const createIssuer = async (opened: StoreUnderTest) => {
  // A session of a moment ago tells the store's time.
  const { createdAt } = await created(opened, { subject: 'clock' })
  return (given: Partial<TokenRecord> = {}): TokenRecord => {
    const subject = given.subject ?? 'ann'
    return {
      // A sharded store finds the place of a record from the identifier of its token.
      tokenId: newIdentifier(subject),
      kind: 'access',
      subject,
      sessionId: newIdentifier(subject),
      stamp: { subject: 0, global: 0 },
      issuedAt: createdAt,
      expiresAt: createdAt + LIFETIME,
      ...given,
    }
  }
}

export type Issue = Awaited<ReturnType<typeof createIssuer>>

export const record = async ({ store }: StoreUnderTest, ...records: readonly TokenRecord[]): Promise<void> =>
  store.tokens.record(records)

export const find = async ({ store }: StoreUnderTest, { tokenId }: TokenRecord): Promise<TokenRecord | null> =>
  store.tokens.find(tokenId)

/** The first page of a subject's records, or of everybody's, which must hold all of them. */
export const listed = async (
  { store }: StoreUnderTest,
  subject: string | null = 'ann',
): Promise<readonly TokenRecord[]> => {
  const { records, next } = await store.tokens.list({ subject, after: null, limit: 100 })
  assert.equal(next, null)
  return records
}

/** Records so many tokens one after another, each a moment after the one before. */
export const recordInTurn = async (
  opened: StoreUnderTest,
  records: readonly TokenRecord[],
): Promise<readonly TokenRecord[]> => {
  for (const each of records) {
    // The order of recording is what is proved.
    await record(opened, each)
    await opened.turn(1)
  }
  return records
}

/** Reads the pages from a cursor on; fails where a page is too long or too short, or the pages never end. */
export const readPages = async (
  { store }: StoreUnderTest,
  { subject = 'ann', after = null, limit }: { subject?: string | null; after?: string | null; limit: number },
): Promise<readonly TokenRecord[]> => {
  const records: TokenRecord[] = []
  let cursor = after
  for (let page = 0; page < 100; page++) {
    // Each page begins where the one before has ended.
    const shown: TokenPage = await store.tokens.list({ subject, after: cursor, limit })
    assert.ok(shown.records.length <= limit, 'a page should hold at most as many as asked')
    records.push(...shown.records)
    if (shown.next === null) return records
    assert.equal(shown.records.length, limit, 'a page that is not the last should be full')
    cursor = shown.next
  }
  return assert.fail('the last page should have no next one')
}

/** The first page, which must have a next one. */
export const firstPage = async (
  { store }: StoreUnderTest,
  limit: number,
): Promise<{ readonly records: readonly TokenRecord[]; readonly after: string }> => {
  const { records, next } = await store.tokens.list({ subject: 'ann', after: null, limit })
  assert.ok(next !== null, 'there should be a next page')
  return { records, after: next }
}
