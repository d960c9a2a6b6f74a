import type { TokenPage, TokenQuery, TokenRecord, TokenRegister } from '../../ports/token-register.ts'
import { readPageStart } from '../cursor.ts'
import { retainedUntil } from '../token-retention.ts'
import { guarded, transaction } from './database.ts'
import type { SqliteDatabase, SqliteValue } from './database.ts'
import { readInteger, readIntegerOrNull, readText, readTextOrNull } from './row.ts'

interface Options {
  readonly database: SqliteDatabase
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

/** Records between two prunings. A process that is started anew begins with one, or short lives would never prune. */
const PRUNE_EVERY = 256
/** Rows removed at most in one go, so that no caller waits long. */
const PRUNE_LIMIT = 1000

/** In the order of `values`. */
const COLUMNS = [
  'token_id',
  'kind',
  'subject',
  'session_id',
  'stamp_subject',
  'stamp_global',
  'issued_at',
  'expires_at',
  'retained_until',
] as const

const values = (record: TokenRecord): SqliteValue[] => [
  record.tokenId,
  record.kind,
  record.subject,
  record.sessionId,
  record.stamp.subject,
  record.stamp.global,
  record.issuedAt,
  record.expiresAt,
  retainedUntil(record),
]

const INSERT = `
INSERT INTO jotward_tokens (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`

const PAGE = 'position < ? AND retained_until > ? ORDER BY position DESC LIMIT ?'

const prepareStatements = (database: SqliteDatabase) => ({
  insert: database.prepare(INSERT),
  // One that counts as none makes way; it may stand there still, for only so many are pruned at a time.
  remove: database.prepare('DELETE FROM jotward_tokens WHERE token_id = ?'),
  find: database.prepare('SELECT * FROM jotward_tokens WHERE token_id = ? AND retained_until > ?'),
  listOfSubject: database.prepare(`SELECT * FROM jotward_tokens WHERE subject = ? AND ${PAGE}`),
  listOfAll: database.prepare(`SELECT * FROM jotward_tokens WHERE ${PAGE}`),
  prune: database.prepare(
    `DELETE FROM jotward_tokens WHERE position IN
       (SELECT position FROM jotward_tokens WHERE retained_until <= ? LIMIT ${PRUNE_LIMIT})`,
  ),
})

/** The store's clock as NumericDate. */
const seconds = (now: () => number): number => Math.floor(now() / 1000)

const readKind = (row: unknown): TokenRecord['kind'] => {
  const kind = readText(row, 'kind')
  if (kind === 'access' || kind === 'refresh') return kind
  throw new Error('column kind names no kind of token')
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

/** Keeps records in the table `jotward_tokens`. */
export const sqliteTokenRegister = ({ database, now }: Options): TokenRegister => {
  const statements = prepareStatements(database)
  let additions = 0

  const add = (record: TokenRecord, nowSeconds: number): void => {
    // Looked up first: an insertion that does nothing would still move the sequence, and so cost a commit.
    if (statements.find.all(record.tokenId, nowSeconds).length > 0) return
    if (additions % PRUNE_EVERY === 0) statements.prune.run(nowSeconds)
    additions += 1
    statements.remove.run(record.tokenId)
    statements.insert.run(...values(record))
  }

  const rowsOf = ({ subject, after, limit }: TokenQuery): readonly unknown[] => {
    const page = [readPageStart(after), seconds(now), limit + 1] as const
    return subject === null ? statements.listOfAll.all(...page) : statements.listOfSubject.all(subject, ...page)
  }

  return {
    record: (records) => {
      if (records.length === 0) return
      transaction(database, 'recording tokens', () => {
        const nowSeconds = seconds(now)
        for (const record of records) add(record, nowSeconds)
      })
    },
    find: (tokenId) =>
      guarded('finding a token', () => statements.find.all(tokenId, seconds(now)).map(recordOf).at(0) ?? null),
    list: (query) => {
      if (query.limit < 1) return { records: [], next: null }
      return guarded('listing tokens', () => pageOf(rowsOf(query), query.limit))
    },
  }
}
