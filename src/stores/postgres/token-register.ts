import { StoreError } from '../../core/errors.ts'
import type { TokenPage, TokenRecord, TokenRegister } from '../../ports/token-register.ts'
import { readPageStart } from '../cursor.ts'
import { retainedUntil } from '../token-retention.ts'
import type { Database } from './database.ts'
import { readInteger, readIntegerOrNull, readRows, readText, readTextOrNull } from './row.ts'
import { isStorable } from './values.ts'

const rowOf = (record: TokenRecord) => ({
  token_id: record.tokenId,
  kind: record.kind,
  subject: record.subject,
  session_id: record.sessionId,
  stamp_subject: record.stamp.subject,
  stamp_global: record.stamp.global,
  issued_at: record.issuedAt,
  expires_at: record.expiresAt,
  retained_until: retainedUntil(record),
})

const readKind = (row: unknown): TokenRecord['kind'] => {
  const kind = readText(row, 'kind')
  if (kind === 'access' || kind === 'refresh') return kind
  throw new StoreError('reading an answer', new Error('kind names no kind of token'))
}

const recordOf = (row: unknown): TokenRecord => ({
  tokenId: readText(row, 'token_id'),
  kind: readKind(row),
  subject: readText(row, 'subject'),
  sessionId: readTextOrNull(row, 'session_id'),
  stamp: { subject: readInteger(row, 'stamp_subject'), global: readInteger(row, 'stamp_global') },
  issuedAt: readInteger(row, 'issued_at'),
  expiresAt: readIntegerOrNull(row, 'expires_at'),
})

const pageOf = (rows: readonly unknown[], limit: number): TokenPage => {
  const shown = rows.slice(0, limit)
  const next = rows.length > limit ? String(readInteger(shown.at(-1), 'position')) : null
  return { records: shown.map(recordOf), next }
}

/** Records in their PostgreSQL table. */
export const postgresTokenRegister = ({ call }: Database): TokenRegister => ({
  record: async (records) => {
    if (records.length === 0) return
    await call('recording tokens', 'record_tokens', [JSON.stringify(records.map(rowOf))])
  },
  find: async (tokenId) => {
    if (!isStorable(tokenId)) return null
    const row = await call('finding a token', 'find_token', [tokenId])
    return row === null ? null : recordOf(row)
  },
  list: async ({ subject, after, limit }) => {
    if (limit < 1 || (subject !== null && !isStorable(subject))) return { records: [], next: null }
    // One more than asked tells whether there is a next page.
    const rows = await call('listing tokens', 'list_tokens', [subject, readPageStart(after), limit + 1])
    return pageOf(readRows(rows), limit)
  },
})
