import assert from 'node:assert/strict'
import { createRevocationSet } from '../../core/session/revocation-set.ts'
import type {
  RevocableToken,
  RevocationChange,
  RevocationEntry,
  RevocationSet,
} from '../../core/session/revocation-set.ts'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { RevocationPage } from '../../ports/revocation-log.ts'
import type { StoreUnderTest } from '../store-under-test.ts'

/** What the proofs of the promises of `RevocationLog` share. */

export const DAY_MS = 86_400_000

/** An access token as revocation sees it, of a session of its own. */
export const newToken = (given: Partial<RevocableToken> = {}): RevocableToken => {
  const subject = given.subject ?? 'ann'
  return {
    tokenId: newIdentifier(subject),
    sessionId: newIdentifier(subject),
    subject,
    stamp: { subject: 0, global: 0 },
    ...given,
  }
}

/** Revokes one access token, or restores it. */
export const setToken = async (
  { store }: StoreUnderTest,
  { tokenId, subject }: RevocableToken,
  { revoked = true, retention = 906 }: { readonly revoked?: boolean; readonly retention?: number } = {},
): Promise<void> => store.revocations.setToken({ tokenId, subject, revoked, retention })

export const isRevoked = async ({ store }: StoreUnderTest, token: RevocableToken): Promise<boolean> =>
  store.revocations.isRevokedAtSource(token)

/** What an entry changes; its version is the store's own affair. */
export const changeOf = (entry: RevocationEntry): RevocationChange => {
  if (entry.kind === 'subject' || entry.kind === 'all') return entry
  const { version: _version, ...change } = entry
  return change
}

/** Everything that the log has to tell from a cursor on, page after page, and where it ends. */
export const readOn = async ({ store }: StoreUnderTest, from: string | null): Promise<RevocationPage> => {
  const entries: RevocationEntry[] = []
  let cursor = from
  while (true) {
    // Each page goes on from the cursor of the one before.
    const page: RevocationPage = await store.revocations.read(cursor)
    entries.push(...page.entries)
    if (page.atEnd) return { ...page, entries }
    assert.notEqual(page.cursor, cursor, 'a page that is not the last should lead on')
    cursor = page.cursor
  }
}

/** Every change that the log holds, in order. */
export const entriesOf = async (opened: StoreUnderTest): Promise<readonly RevocationChange[]> =>
  (await readOn(opened, null)).entries.map(changeOf)

/** A process that follows the log: what it knows, and where it stands. */
export const createFollower = (opened: StoreUnderTest) => {
  const known: RevocationSet = createRevocationSet()
  let cursor: string | null = null
  return {
    known,
    catchUp: async (): Promise<RevocationPage> => {
      const page = await readOn(opened, cursor)
      page.entries.forEach((entry) => known.apply(entry))
      cursor = page.cursor
      return page
    },
  }
}
