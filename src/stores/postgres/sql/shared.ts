import { EPOCH_RETENTION } from '../../../core/session/lifecycle.ts'

/**
 * What the functions have in common. They are PL/pgSQL, because under READ COMMITTED each statement in one sees what has
 * been committed while the one before it waited; a single statement would decide on what it saw at its beginning. What
 * they answer is JSON in a text, which no driver's settings change on its way.
 */

/** What stands between a function's parameters and its body. The path is pinned, so that nobody's names are taken for ours. */
export const LANGUAGE = 'LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp'

/**
 * The same for the two functions that nearly every request calls: pinning costs them a fifth of their time (measured). They
 * name their tables with the schema, and operators and built-in functions are looked for in pg_catalog first all the same.
 */
export const UNPINNED = 'LANGUAGE plpgsql'

/** First in functions that only read: a standby would answer them, out of data that may lag. */
export const ON_PRIMARY = `
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;`

/** Levels of synchronous_commit at which a commit is acknowledged once the synchronous standbys have it, if there are any. */
export const SYNCHRONOUS_LEVELS = ['on', 'remote_apply', 'remote_write'] as const

/** Whether commits of this session wait for a standby. */
export const HAS_SYNCHRONOUS_STANDBY = `(current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') IN (${SYNCHRONOUS_LEVELS.map((level) => `'${level}'`).join(', ')}))`

/** The first half of our advisory locks; the other is a hash of what is locked. Two things that share a hash only wait. */
const LOCK_CLASS = 1_246_711_927

/** Makes everybody wait who wants to do the same for the same name, until the transaction ends. `name` is SQL. */
export const lockName = (name: string): string => `PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(${name}));`

/** The key of a subject's epoch, and of everybody's. */
export const OF_SUBJECT = "'u:' || p_subject"
export const OF_EVERYBODY = "'*'"

/** The epoch in force of a key. */
export const epochOf = (key: string): string =>
  `coalesce((SELECT epoch FROM jotward.revocations WHERE key = ${key} AND epoch > 0), 0)`

/** Whether one of the epochs in force stands above a row's stamp; `ofSubject` is the key of its subject's. */
export const outdated = (row: string, ofSubject: string = OF_SUBJECT): string => `(
      ${row}.stamp_subject < ${epochOf(ofSubject)}
      OR ${row}.stamp_global < ${epochOf(OF_EVERYBODY)})`

/** What changes of a session, as JSON. */
export const stateOf = (row: string): string => `json_build_object(
    'generation', ${row}.generation, 'refreshKeyId', ${row}.refresh_key_id, 'rotatedAtMs', ${row}.rotated_at_ms,
    'graceFromMs', ${row}.grace_from_ms, 'idleExpiresAtMs', ${row}.idle_expires_at_ms, 'lateReplays', ${row}.late_replays,
    'suspendedAtMs', ${row}.suspended_at_ms, 'endedAtMs', ${row}.ended_at_ms, 'endReason', ${row}.end_reason)`

export const EPOCH_RETENTION_MS = EPOCH_RETENTION * 1000

/** Rows of a table removed at most in one go. */
const PRUNE_LIMIT = 200
/** Of so many writes one prunes. */
const PRUNE_EVERY = 64

/** Last in functions that write, but never in a refresh: now and then it removes some of what is dead. */
export const PRUNE = `
  IF random() < 1.0 / ${PRUNE_EVERY} THEN
    PERFORM jotward.prune(t);
  END IF;`

const pruneTable = (table: string, key: string, condition: string): string => `
  DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(
    SELECT ${key} FROM ${table} AS dead WHERE ${condition} LIMIT ${PRUNE_LIMIT} FOR UPDATE SKIP LOCKED));`

export const SHARED = `
-- The clock of everything here, in milliseconds: that of the moment, not that of the transaction's beginning.
CREATE FUNCTION jotward.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Removes some of what can matter to nobody any more. It waits for no lock: what another call holds is left for later.
-- A restoration stays for as long as a revocation that it took back, or that one would be the last of its key again.
CREATE FUNCTION jotward.prune(t bigint) RETURNS void ${LANGUAGE} AS $$
BEGIN${pruneTable(`jotward.sessions`, 'id', 'absolute_expires_at <= t / 1000')}${pruneTable(
  `jotward.revocations`,
  'id',
  `expires_at_ms <= t AND (revoked OR epoch > 0 OR NOT EXISTS (
      SELECT FROM jotward.revocations AS other
      WHERE other.key = dead.key AND other.expires_at_ms > t))`,
)}${pruneTable(`jotward.tokens`, 'token_id', 'retained_until <= t / 1000')}${pruneTable(
  `jotward.single_use`,
  'id',
  'expires_at_ms <= t',
)}
END $$;
`
