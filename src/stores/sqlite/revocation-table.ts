import type { RevocableToken, RevocationChange, RevocationEntry } from '../../core/session/revocation-set.ts'
import type { Stamp } from '../../core/session/session.ts'
import { guarded } from './database.ts'
import type { SqliteDatabase } from './database.ts'
import { readInteger, readIntegerOrNull, readText } from './row.ts'

/** Statements on the revocation table that the session store and the revocation log share. */
export interface RevocationTable {
  /** Appends an entry; to be called inside the transaction of what it tells of. */
  append(change: RevocationChange): void
  epochs(subject: string): Stamp
  /** Whether the token or its session has an entry in force, and the epochs, in one read. */
  standing(token: RevocableToken): { readonly listed: boolean; readonly epochs: Stamp }
  isSessionListed(id: string): boolean
  /** Entries after a sequence number, no more than a page, and the number of the last one read. */
  after(sequence: number): {
    readonly entries: readonly RevocationEntry[]
    readonly last: number
    readonly atEnd: boolean
  }
  /** The last sequence number given out. */
  last(): number
}

/** The revoked flag, or the epoch, of the last row of a key. */
const lastOf = (column: 'revoked' | 'epoch'): string =>
  `coalesce((SELECT ${column} FROM jotward_revocations WHERE key = ? ORDER BY sequence DESC LIMIT 1), 0)`

const keyOf = (entry: RevocationChange): string => {
  if (entry.kind === 'all') return '*'
  return `${entry.kind === 'token' ? 't' : entry.kind === 'session' ? 's' : 'u'}:${entry.id}`
}

const readEntry = (row: unknown): RevocationEntry => {
  const key = readText(row, 'key')
  const epoch = readInteger(row, 'epoch')
  if (key === '*') return { kind: 'all', epoch }
  const id = key.slice(2)
  const expiresAtMs = readIntegerOrNull(row, 'expires_at_ms') ?? 0
  if (key.startsWith('u:')) return { kind: 'subject', id, epoch, expiresAtMs }
  const kind = key.startsWith('t:') ? 'token' : 'session'
  const version = readInteger(row, 'sequence')
  return { kind, id, revoked: readInteger(row, 'revoked') === 1, expiresAtMs, version }
}

const readStamp = (row: unknown): Stamp => ({
  subject: readInteger(row, 'subject_epoch'),
  global: readInteger(row, 'global_epoch'),
})

/** Rows removed at most in one go, so that no caller waits long. */
const PRUNE_LIMIT = 1000
/** Appends between two prunings. A process that is started anew begins with one, or short lives would never prune. */
const PRUNE_EVERY = 256
/** Entries read at most in one go. */
const PAGE = 10_000

export const createRevocationTable = (database: SqliteDatabase, now: () => number): RevocationTable => {
  let appends = 0
  const insert = database.prepare(
    'INSERT INTO jotward_revocations (key, revoked, epoch, expires_at_ms) VALUES (?, ?, ?, ?)',
  )
  const epochs = database.prepare(`SELECT ${lastOf('epoch')} AS subject_epoch, ${lastOf('epoch')} AS global_epoch`)
  const standing = database.prepare(
    `SELECT ${lastOf('revoked')} + ${lastOf('revoked')} AS listed,
            ${lastOf('epoch')} AS subject_epoch, ${lastOf('epoch')} AS global_epoch`,
  )
  const listed = database.prepare(`SELECT ${lastOf('revoked')} AS listed`)
  const after = database.prepare(`SELECT * FROM jotward_revocations WHERE sequence > ? ORDER BY sequence LIMIT ${PAGE}`)
  const last = database.prepare(
    // Not the highest that is left: a follower that stands behind entries pruned meanwhile is not ahead of the log.
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'jotward_revocations'), 0) AS last",
  )
  // A restoration stays for as long as a revocation that it took back: else that one would be the last of its key.
  const prune = database.prepare(
    `DELETE FROM jotward_revocations WHERE sequence IN
       (SELECT sequence FROM jotward_revocations AS old
        WHERE expires_at_ms <= ? AND (revoked = 1 OR epoch > 0 OR NOT EXISTS
          (SELECT 1 FROM jotward_revocations AS other WHERE other.key = old.key AND other.expires_at_ms > ?))
        LIMIT ${PRUNE_LIMIT})`,
  )
  return {
    append: (change) => {
      if (appends % PRUNE_EVERY === 0) {
        const nowMs = now()
        prune.run(nowMs, nowMs)
      }
      appends += 1
      const revoked = 'revoked' in change && change.revoked ? 1 : 0
      const epoch = 'epoch' in change ? change.epoch : 0
      insert.run(keyOf(change), revoked, epoch, 'expiresAtMs' in change ? change.expiresAtMs : null)
    },
    epochs: (subject) => guarded('reading epochs', () => readStamp(epochs.get(`u:${subject}`, '*'))),
    standing: ({ tokenId, sessionId, subject }) =>
      guarded('checking a token', () => {
        const row = standing.get(`t:${tokenId}`, sessionId === null ? null : `s:${sessionId}`, `u:${subject}`, '*')
        return { listed: readInteger(row, 'listed') > 0, epochs: readStamp(row) }
      }),
    after: (sequence) =>
      guarded('reading the log', () => {
        const rows = after.all(sequence)
        const end = rows.at(-1)
        return {
          entries: rows.map(readEntry),
          last: end === undefined ? sequence : readInteger(end, 'sequence'),
          atEnd: rows.length < PAGE,
        }
      }),
    last: () => guarded('reading the log', () => readInteger(last.get(), 'last')),
    isSessionListed: (id) => guarded('reading the log', () => readInteger(listed.get(`s:${id}`), 'listed') > 0),
  }
}
