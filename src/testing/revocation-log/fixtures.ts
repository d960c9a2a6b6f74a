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

/** Every change that the log holds, in order. */
export const entriesOf = async ({ store }: StoreUnderTest): Promise<readonly RevocationChange[]> =>
  (await store.revocations.read(null)).entries.map(changeOf)

/** A process that follows the log: what it knows, and where it stands. */
export const createFollower = ({ store }: StoreUnderTest) => {
  const known: RevocationSet = createRevocationSet()
  let cursor: string | null = null
  return {
    known,
    catchUp: async (): Promise<RevocationPage> => {
      const page: RevocationPage = await store.revocations.read(cursor)
      page.entries.forEach((entry) => known.apply(entry))
      cursor = page.cursor
      return page
    },
  }
}
