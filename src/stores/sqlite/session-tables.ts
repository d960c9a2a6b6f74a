import type { LocalTables } from '../local-session-store.ts'
import { guarded, transaction } from './database.ts'
import type { SqliteDatabase } from './database.ts'
import type { RevocationTable } from './revocation-table.ts'
import { FIXED_COLUMNS, fixedValues, readSession, STATE_COLUMNS, stateValues } from './session-row.ts'

interface Options {
  readonly database: SqliteDatabase
  readonly revocations: RevocationTable
  readonly now: () => number
}

const PRUNE_EVERY = 256
/** Rows removed at most in one go, so that no caller waits long. */
const PRUNE_LIMIT = 1000

const prepareStatements = (database: SqliteDatabase) => ({
  get: database.prepare('SELECT * FROM jotward_sessions WHERE id = ?'),
  ofSubject: database.prepare(
    'SELECT * FROM jotward_sessions WHERE subject = ? AND ended_at_ms IS NULL AND absolute_expires_at > ?',
  ),
  insert: database.prepare(
    `INSERT INTO jotward_sessions (${[...FIXED_COLUMNS, ...STATE_COLUMNS].join(', ')})
     VALUES (${[...FIXED_COLUMNS, ...STATE_COLUMNS].map(() => '?').join(', ')})`,
  ),
  update: database.prepare(
    `UPDATE jotward_sessions SET ${STATE_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
  ),
  // Tombstones may go once no token of theirs can pass for authentic and alive.
  prune: database.prepare(
    `DELETE FROM jotward_sessions WHERE id IN
       (SELECT id FROM jotward_sessions WHERE absolute_expires_at <= ? LIMIT ${PRUNE_LIMIT})`,
  ),
})

/** Sessions in their SQLite table. */
export const sqliteSessionTables = ({ database, revocations, now }: Options): LocalTables => {
  const statements = prepareStatements(database)
  let insertions = 0
  const prune = (): void => {
    statements.prune.run(Math.floor(now() / 1000))
  }
  return {
    now,
    atomically: (operation, work) => transaction(database, operation, work),
    reading: guarded,
    get: (id) => {
      const row = statements.get.get(id)
      return row === undefined ? null : readSession(row)
    },
    ofSubject: (subject) => statements.ofSubject.all(subject, Math.floor(now() / 1000)).map(readSession),
    insert: (session) => {
      statements.insert.run(...fixedValues(session), ...stateValues(session.state))
      insertions += 1
      if (insertions % PRUNE_EVERY === 0) prune()
    },
    write: (id, state) => {
      statements.update.run(...stateValues(state), id)
    },
    epochs: (subject) => revocations.epochs(subject),
    isListed: (id) => revocations.isSessionListed(id),
    announce: (id, revoked, expiresAtMs) => revocations.append({ kind: 'session', id, revoked, expiresAtMs }),
  }
}
