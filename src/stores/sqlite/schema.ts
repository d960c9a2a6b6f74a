import { randomUUID } from 'node:crypto'
import { ConfigError, StoreError } from '../../core/errors.ts'
import { transaction } from './database.ts'
import type { SqliteDatabase } from './database.ts'
import { readText } from './row.ts'

const SCHEMA_VERSION = '2'

/** Versions that lack tables and differ in nothing else, so that making what is missing is all that they need. */
const OLDER_VERSIONS = ['1']

const TABLES = `
CREATE TABLE IF NOT EXISTS jotward_meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS jotward_sessions (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  auth_time INTEGER NOT NULL,
  absolute_expires_at INTEGER NOT NULL,
  stamp_subject INTEGER NOT NULL,
  stamp_global INTEGER NOT NULL,
  grant_json TEXT NOT NULL,
  key_thumbprint TEXT,
  device TEXT,
  refresh_data TEXT NOT NULL,
  generation INTEGER NOT NULL,
  refresh_key_id TEXT NOT NULL,
  rotated_at_ms INTEGER NOT NULL,
  grace_from_ms INTEGER,
  idle_expires_at_ms INTEGER NOT NULL,
  late_replays INTEGER NOT NULL,
  suspended_at_ms INTEGER,
  ended_at_ms INTEGER,
  end_reason TEXT
) STRICT, WITHOUT ROWID;
-- Without those that have ended: a subject may leave any number of tombstones.
CREATE INDEX IF NOT EXISTS jotward_sessions_by_subject ON jotward_sessions (subject) WHERE ended_at_ms IS NULL;
CREATE INDEX IF NOT EXISTS jotward_sessions_by_end ON jotward_sessions (absolute_expires_at);

-- Everything revoked, in order. The last row of a key is in force; a key is 't:' + token, 's:' + session,
-- 'u:' + subject or '*'. AUTOINCREMENT: a sequence number that was pruned must never come back.
CREATE TABLE IF NOT EXISTS jotward_revocations (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  revoked INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  expires_at_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS jotward_revocations_by_key ON jotward_revocations (key, sequence);
CREATE INDEX IF NOT EXISTS jotward_revocations_by_end ON jotward_revocations (expires_at_ms);

-- Since version 2. The position is the order of recording, and what a cursor holds. AUTOINCREMENT: one that was pruned
-- must never come back, or a page would go on with what was recorded after it.
CREATE TABLE IF NOT EXISTS jotward_tokens (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  token_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  session_id TEXT,
  stamp_subject INTEGER NOT NULL,
  stamp_global INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER,
  retained_until INTEGER NOT NULL
) STRICT;
-- The rows of one subject are in the order of their positions there.
CREATE INDEX IF NOT EXISTS jotward_tokens_by_subject ON jotward_tokens (subject);
CREATE INDEX IF NOT EXISTS jotward_tokens_by_end ON jotward_tokens (retained_until);

CREATE TABLE IF NOT EXISTS jotward_single_use (
  id TEXT PRIMARY KEY,
  expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jotward_single_use_by_end ON jotward_single_use (expires_at_ms);
`

const hasMeta = (database: SqliteDatabase): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'jotward_meta'").get() !== undefined

const readMeta = (database: SqliteDatabase, name: string): string | null => {
  const row = database.prepare('SELECT value FROM jotward_meta WHERE name = ?').get(name)
  return row === undefined ? null : readText(row, 'value')
}

/** Writes what is not there yet. */
const writeMeta = (database: SqliteDatabase, name: string, value: string): void => {
  database.prepare('INSERT INTO jotward_meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, value)
}

/** Of processes that open an old file at once the first makes what is missing, and the others find it made. */
const writeVersion = (database: SqliteDatabase): void => {
  const upsert = `INSERT INTO jotward_meta (name, value) VALUES ('schema', ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`
  database.prepare(upsert).run(SCHEMA_VERSION)
}

/** Before anything else of the file is touched: tables of another version may have other columns. */
const checkVersion = (database: SqliteDatabase): void => {
  const version = hasMeta(database) ? readMeta(database, 'schema') : null
  if (version === null || version === SCHEMA_VERSION || OLDER_VERSIONS.includes(version)) return
  throw new Error(`its schema has version ${version}, and this Jotward needs version ${SCHEMA_VERSION}`)
}

/** The words of what a client threw, without those that only say where. */
const reasonOf = (failure: unknown): string => {
  const origin = failure instanceof StoreError ? failure.cause : failure
  return origin instanceof Error ? origin.message : String(origin)
}

const WAL_ATTEMPTS = 80
const WAL_PAUSE_MS = 25

/** Blocks this thread, as every call of a synchronous client does. */
const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** This one statement does not heed the busy timeout: of several processes that open a new file at once, some are turned away. */
const enableWriteAheadLog = (database: SqliteDatabase): void => {
  for (let attempt = 1; ; attempt++) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (cause) {
      const isLocked = cause instanceof Error && /locked|busy/i.test(cause.message)
      if (!isLocked || attempt === WAL_ATTEMPTS) throw cause
      pause(WAL_PAUSE_MS)
    }
  }
}

/**
 * Makes the tables where they are missing, also those that an older version did not know, and returns the name of the
 * log's incarnation. All of it is one transaction: a file is of one version or the other, never in between.
 *
 * @throws ConfigError where the file is no database, or was written by a version of Jotward that this one cannot read
 */
export const prepareSchema = (database: SqliteDatabase): string => {
  try {
    // First, so that processes which start at once wait for one another instead of failing.
    database.exec('PRAGMA busy_timeout = 2000')
    enableWriteAheadLog(database)
    // What is acknowledged must survive the loss of power, not of the process alone.
    database.exec('PRAGMA synchronous = FULL')
    return transaction(database, 'preparing the schema', () => {
      checkVersion(database)
      database.exec(TABLES)
      writeVersion(database)
      writeMeta(database, 'source', randomUUID())
      return readMeta(database, 'source') ?? ''
    })
  } catch (cause) {
    throw new ConfigError([{ path: 'store', problem: `the SQLite file cannot be used: ${reasonOf(cause)}` }])
  }
}
