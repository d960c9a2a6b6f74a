import {
  EPOCH_RETENTION_MS,
  epochOf,
  HAS_SYNCHRONOUS_STANDBY,
  LANGUAGE,
  lockName,
  OF_EVERYBODY,
  OF_SUBJECT,
  ON_PRIMARY,
  PRUNE,
  UNPINNED,
} from './shared.ts'

/** The lock of a subject's epoch is that of its sessions, so that a sign-in and a sign-out everywhere have an order. */
const LOCK_EVERYBODY = lockName("'everybody'")

const EPOCHS = `
CREATE FUNCTION jotward.read_epochs(p_subject text) RETURNS text ${LANGUAGE} AS $$
BEGIN${ON_PRIMARY}
  RETURN (SELECT json_build_object(
    'subject', ${epochOf(OF_SUBJECT)}, 'global', ${epochOf(OF_EVERYBODY)}));
END $$;

-- Writes an epoch in place of the lower ones of its key, which nobody needs to hear of any more.
CREATE FUNCTION jotward.write_epoch(p_key text, p_epoch bigint) RETURNS void ${LANGUAGE} AS $$
BEGIN
  DELETE FROM jotward.revocations WHERE key = p_key;
  INSERT INTO jotward.revocations (key, epoch, expires_at_ms)
  VALUES (p_key, p_epoch, CASE WHEN p_key <> ${OF_EVERYBODY} THEN p_epoch + ${EPOCH_RETENTION_MS} END);
END $$;

-- A dump that was restored into another server has brought numbers of transactions that are still to come here: whoever
-- follows would stand ahead of what is revoked next. They get a number of this server; how many did is answered.
CREATE FUNCTION jotward.renumber() RETURNS text ${LANGUAGE} AS $$
DECLARE
  renumbered bigint;
BEGIN
  ${LOCK_EVERYBODY}
  UPDATE jotward.revocations SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
  GET DIAGNOSTICS renumbered = ROW_COUNT;
  RETURN renumbered;
END $$;

-- Raises a subject's epoch, or everybody's where p_subject is null.
CREATE FUNCTION jotward.bump_epoch(p_subject text) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint;
  raised bigint;
BEGIN
  IF p_subject IS NULL THEN
    ${LOCK_EVERYBODY}
    t := jotward.now_ms();
    raised := greatest(${epochOf(OF_EVERYBODY)} + 1, t);
    PERFORM jotward.renumber();
    PERFORM jotward.write_epoch(${OF_EVERYBODY}, raised);
  ELSE
    ${lockName('p_subject')}
    t := jotward.now_ms();
    raised := greatest(${epochOf(OF_SUBJECT)} + 1, t);
    PERFORM jotward.write_epoch(${OF_SUBJECT}, raised);
  END IF;${PRUNE}
  RETURN raised;
END $$;

-- Takes epochs that were lost back from the stamp of an authentic token. One that was forgotten in its time stays so.
CREATE FUNCTION jotward.take_epochs_back(p_subject text, p_stamp_subject bigint, p_stamp_global bigint)
RETURNS void ${LANGUAGE} AS $$
BEGIN
  ${lockName('p_subject')}
  IF p_stamp_subject > ${epochOf(OF_SUBJECT)}
    AND p_stamp_subject + ${EPOCH_RETENTION_MS} > jotward.now_ms() THEN
    PERFORM jotward.write_epoch(${OF_SUBJECT}, p_stamp_subject);
  END IF;
  ${LOCK_EVERYBODY}
  IF p_stamp_global > ${epochOf(OF_EVERYBODY)} THEN
    PERFORM jotward.write_epoch(${OF_EVERYBODY}, p_stamp_global);
  END IF;
END $$;
`

/** Makes the commit wait for a standby as that of a revocation does, and leaves no row behind. */
const HEARTBEAT = `PERFORM pg_logical_emit_message(true, 'jotward', ''::text);`

const lastOf = (key: string): string =>
  `coalesce((SELECT revoked FROM jotward.revocations WHERE key = ${key} ORDER BY id DESC LIMIT 1), false)`

const STANDING = `
CREATE FUNCTION jotward.is_revoked(
  p_token_id text, p_session_id text, p_subject text, p_stamp_subject bigint, p_stamp_global bigint
) RETURNS text ${UNPINNED} AS $$
DECLARE
  is_listed boolean;
  subject_epoch bigint;
  global_epoch bigint;
BEGIN${ON_PRIMARY}
  SELECT ${lastOf("'t:' || p_token_id")}
      OR ${lastOf("'s:' || p_session_id")},
    ${epochOf(OF_SUBJECT)}, ${epochOf(OF_EVERYBODY)}
  INTO is_listed, subject_epoch, global_epoch;
  IF is_listed OR p_stamp_subject < subject_epoch OR p_stamp_global < global_epoch THEN
    RETURN 'true';
  END IF;
  IF p_stamp_subject > subject_epoch OR p_stamp_global > global_epoch THEN
    PERFORM jotward.take_epochs_back(p_subject, p_stamp_subject, p_stamp_global);
  END IF;
  RETURN 'false';
END $$;

-- The same, and that a token lives is told only once it is confirmed that this is the primary still, as a reading of the log
-- does: one that was cut off knows nothing of what another has revoked since.
CREATE FUNCTION jotward.is_revoked_at_source(
  p_token_id text, p_session_id text, p_subject text, p_stamp_subject bigint, p_stamp_global bigint
) RETURNS text ${UNPINNED} AS $$
DECLARE
  answer text;
BEGIN${ON_PRIMARY}
  answer := jotward.is_revoked(p_token_id, p_session_id, p_subject, p_stamp_subject, p_stamp_global);
  IF answer = 'false' AND ${HAS_SYNCHRONOUS_STANDBY} THEN
    ${HEARTBEAT}
  END IF;
  RETURN answer;
END $$;

CREATE FUNCTION jotward.set_token(p_token_id text, p_revoked boolean, p_retention_ms bigint) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
  VALUES ('t:' || p_token_id, p_revoked, t + p_retention_ms);${PRUNE}
  RETURN 'true';
END $$;
`

/**
 * A follower has seen every row up to a position (xid, id), but for those of transactions that were running then: its
 * cursor. Unlike the lowest running transaction it repeats nothing while a long one runs, and unlike the highest of all
 * it is behind only rows that are on the disk: a server that crashes may give the numbers of lost transactions again.
 */
const READ = `
-- Names the log's incarnation: the schema, the server's data and its timeline, which a promotion changes. A server that
-- keeps one of the last two from us is known by the rest.
CREATE FUNCTION jotward.log_source() RETURNS text ${LANGUAGE} AS $$
DECLARE
  name text := (SELECT source FROM jotward.meta);
BEGIN
  BEGIN
    name := concat(name, ':', (SELECT system_identifier FROM pg_control_system()));
  EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    name := concat(name, ':');
  END;
  BEGIN
    -- Not pg_control_checkpoint(), which learns of a promotion only with the next checkpoint.
    name := concat(name, ':', left(pg_walfile_name(pg_current_wal_lsn()), 8));
  EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    name := concat(name, ':');
  END;
  RETURN name;
END $$;

-- STABLE: all of it sees one snapshot; the one thing that it writes is no row. A null p_xid, or one ahead of the server,
-- begins from the beginning.
CREATE FUNCTION jotward.read_log(p_xid text, p_id bigint, p_pending text, p_limit integer)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  snapshot pg_snapshot := pg_current_snapshot();
  from_xid xid8 := coalesce(p_xid, '0')::xid8;
  from_id bigint := p_id;
  pending xid8[] := p_pending::xid8[];
  entries json;
  total bigint;
  last_xid xid8;
  last_id bigint;
BEGIN${ON_PRIMARY}
  -- A heartbeat, as durable as a revocation. A primary whose standby has been promoted would answer for ever out of what it
  -- has, while the other acknowledges what it never hears of; this commit waits for a standby that is still its own. Without
  -- anything in the write-ahead log it would not, and a row would leave a dead one behind at each poll.
  IF ${HAS_SYNCHRONOUS_STANDBY} THEN
    ${HEARTBEAT}
  END IF;
  IF from_xid >= pg_snapshot_xmax(snapshot) THEN
    from_xid := '0';
    from_id := 0;
  END IF;
  WITH page AS MATERIALIZED (
    (SELECT * FROM jotward.revocations WHERE (xid, id) > (from_xid, from_id) ORDER BY xid, id LIMIT p_limit + 1)
    UNION ALL
    (SELECT * FROM jotward.revocations WHERE xid = ANY (pending) AND (xid, id) <= (from_xid, from_id)
     ORDER BY xid, id LIMIT p_limit + 1)
    ORDER BY xid, id LIMIT p_limit + 1
  ), shown AS MATERIALIZED (
    SELECT * FROM page ORDER BY xid, id LIMIT p_limit
  )
  SELECT
    (SELECT json_agg(json_build_array(key, revoked, epoch, expires_at_ms, id) ORDER BY xid, id) FROM shown),
    (SELECT count(*) FROM page),
    (SELECT xid FROM shown ORDER BY xid DESC LIMIT 1),
    (SELECT id FROM shown ORDER BY xid DESC, id DESC LIMIT 1)
  INTO entries, total, last_xid, last_id;
  -- Behind the position of before there may be nothing but what was running then.
  IF last_xid IS NULL OR (total <= p_limit AND (last_xid, last_id) < (from_xid, from_id)) THEN
    last_xid := from_xid;
    last_id := from_id;
  END IF;
  RETURN json_build_object(
    'entries', coalesce(entries, '[]'), 'xid', last_xid::text, 'id', last_id, 'isAtEnd', total <= p_limit,
    'pending', ARRAY(SELECT running::text FROM pg_snapshot_xip(snapshot) AS running WHERE running < last_xid),
    'nowMs', jotward.now_ms(), 'source', jotward.log_source());
END $$;
`

/** The functions behind `RevocationLog`. */
export const REVOCATIONS = EPOCHS + STANDING + READ
