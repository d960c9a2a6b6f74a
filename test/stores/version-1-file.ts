import { openSqlite } from '../../src/stores/sqlite/database.ts'

/** A SQLite file as version 1 of the schema had it: its tables word by word, and what it wrote of one user's sign-in. */

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

CREATE TABLE IF NOT EXISTS jotward_users (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  canonical_email TEXT NOT NULL UNIQUE,
  password_hash TEXT,
  permissions TEXT NOT NULL,
  active INTEGER NOT NULL,
  credential_version INTEGER NOT NULL,
  profile TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
`

export const SOURCE = '664b2240-667e-41fe-acb2-48288c64943b'
export const SESSION_ID = 'SZG8gebeM8Dwaie7MS9dLRsC'
export const REVOKED_TOKEN_ID = 'SZGPJ1xJ2l0yB7rUeOeVQ5ux'
export const USER_ID = 'usr_ls8-Bd0azN_rnwqUBZ3IDA'

/** As a process of version 1 has it prepared for each sign-in. */
export const INSERT_SESSION = `
INSERT INTO jotward_sessions (id, subject, created_at, auth_time, absolute_expires_at, stamp_subject, stamp_global,
  grant_json, key_thumbprint, device, refresh_data, generation, refresh_key_id, rotated_at_ms, grace_from_ms,
  idle_expires_at_ms, late_replays, suspended_at_ms, ended_at_ms, end_reason)
VALUES (?, 'ann', 1700000000, 1700000000, 1715552000, 0, 0,
  '{"permissions":["orders:read"],"claims":{"role":"editor"},"audience":["https://api.example.com"],"clientId":"app","accessLifetime":900,"idleLifetime":2592000,"credentialVersion":1}',
  NULL, 'Firefox on Linux', '{"theme":"dark"}', 0, 'key-1', 1700000000500, NULL, 1702592000500, 0, NULL, NULL, NULL)`

const ROWS = `
INSERT INTO jotward_meta (name, value) VALUES ('schema', '1'), ('source', '${SOURCE}');
INSERT INTO jotward_revocations (key, revoked, epoch, expires_at_ms)
VALUES ('t:${REVOKED_TOKEN_ID}', 1, 0, 1700000906500);
INSERT INTO jotward_users
  (id, email, canonical_email, password_hash, permissions, active, credential_version, profile, created_at)
VALUES ('${USER_ID}', 'Ann@example.com', 'ann@example.com', 'hash', '["orders:read"]', 1, 1, '{"name":"Ann"}', 1700000000);
`

/** Writes the file, and closes it again. */
export const writeVersion1File = (file: string): void => {
  const database = openSqlite(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`BEGIN IMMEDIATE; ${TABLES} ${ROWS} COMMIT`)
  database.prepare(INSERT_SESSION).run(SESSION_ID)
  database.close()
}
