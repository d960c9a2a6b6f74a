-- What postgresStore needs in a database (PostgreSQL 13 or later), version 1. It makes all of this itself; to do
-- it under another role, run this file and give the store { migrate: false }. Written from src/stores/postgres/sql/.
--
-- The role of the application needs no more than this:
--   GRANT USAGE ON SCHEMA jotward TO app;
--   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jotward TO app;
--   GRANT USAGE ON ALL SEQUENCES IN SCHEMA jotward TO app;

BEGIN;

DO $$
DECLARE
  found integer := 0;
  is_there boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(1246711927, hashtext('schema jotward'));
  is_there := EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'jotward');
  IF EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = 'jotward' AND c.relname = 'meta') THEN
    SELECT version INTO found FROM jotward.meta;
  END IF;
  IF found IS DISTINCT FROM 0 THEN
    RAISE EXCEPTION 'the schema jotward has version % by now', found USING ERRCODE = 'JW001';
  END IF;
  IF NOT is_there THEN
    CREATE SCHEMA jotward;
  END IF;
END $$;

-- One row. A Jotward that knows versions from `compatible_with` on can use the schema. `source` names the revocation log; a
-- schema that is made anew gets another.
CREATE TABLE jotward.meta (
  version integer NOT NULL,
  compatible_with integer NOT NULL,
  source uuid NOT NULL
);

-- A rotation changes no column that an index knows, and pages keep room, so that it rewrites no index.
CREATE TABLE jotward.sessions (
  id text COLLATE "C" PRIMARY KEY,
  subject text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  absolute_expires_at bigint NOT NULL,
  stamp_subject bigint NOT NULL,
  stamp_global bigint NOT NULL,
  idle_lifetime bigint NOT NULL,
  key_thumbprint text COLLATE "C",
  -- All of the session that never changes, the above too, as every answer carries it: to put it together from columns at
  -- each refresh costs more than all the rules. json, not jsonb: it keeps texts as they were written, an escaped NUL too.
  fixed json NOT NULL,
  generation bigint NOT NULL,
  refresh_key_id text NOT NULL,
  rotated_at_ms bigint NOT NULL,
  grace_from_ms bigint,
  idle_expires_at_ms bigint NOT NULL,
  late_replays integer NOT NULL,
  suspended_at_ms bigint,
  ended_at_ms bigint,
  end_reason text
) WITH (fillfactor = 80);
-- Without those that have ended: a subject may leave any number of tombstones.
CREATE INDEX sessions_by_subject ON jotward.sessions (subject) WHERE ended_at_ms IS NULL;
CREATE INDEX sessions_by_end ON jotward.sessions (absolute_expires_at);

-- Everything revoked, and the only record of it: the last row of a key is in force. A key is 't:' + token, 's:' + session,
-- 'u:' + subject or '*' (everybody). `id` orders the rows of one key, which are written one after another; `xid` is what a
-- follower goes on from, because rows become visible in another order than that of their ids.
CREATE TABLE jotward.revocations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  key text COLLATE "C" NOT NULL,
  revoked boolean NOT NULL DEFAULT false,
  epoch bigint NOT NULL DEFAULT 0,
  expires_at_ms bigint
);
CREATE INDEX revocations_by_key ON jotward.revocations (key, id);
-- One row for each epoch, the highest; every refresh and every check of a token asks for two of them.
CREATE UNIQUE INDEX revocations_of_epochs ON jotward.revocations (key) INCLUDE (epoch) WHERE epoch > 0;
CREATE INDEX revocations_by_xid ON jotward.revocations (xid, id);
CREATE INDEX revocations_by_end ON jotward.revocations (expires_at_ms);

-- The position is the order of recording, and what a cursor holds.
CREATE SEQUENCE jotward.token_positions;
CREATE TABLE jotward.tokens (
  token_id text COLLATE "C" PRIMARY KEY,
  position bigint NOT NULL UNIQUE,
  kind text NOT NULL,
  subject text COLLATE "C" NOT NULL,
  session_id text,
  stamp_subject bigint NOT NULL,
  stamp_global bigint NOT NULL,
  issued_at bigint NOT NULL,
  expires_at bigint,
  retained_until bigint NOT NULL
);
CREATE INDEX tokens_by_subject ON jotward.tokens (subject, position);
CREATE INDEX tokens_by_end ON jotward.tokens (retained_until);

CREATE TABLE jotward.single_use (
  id text COLLATE "C" PRIMARY KEY,
  expires_at_ms bigint NOT NULL
);
CREATE INDEX single_use_by_end ON jotward.single_use (expires_at_ms);

CREATE TABLE jotward.users (
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  id text COLLATE "C" PRIMARY KEY,
  email text NOT NULL,
  canonical_email text COLLATE "C" NOT NULL UNIQUE,
  password_hash text COLLATE "C",
  permissions json NOT NULL,
  active boolean NOT NULL,
  credential_version bigint NOT NULL,
  profile json NOT NULL,
  created_at bigint NOT NULL
);

-- The clock of everything here, in milliseconds: that of the moment, not that of the transaction's beginning.
CREATE FUNCTION jotward.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Removes some of what can matter to nobody any more. It waits for no lock: what another call holds is left for later.
-- A restoration stays for as long as a revocation that it took back, or that one would be the last of its key again.
CREATE FUNCTION jotward.prune(t bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM jotward.sessions WHERE id = ANY (ARRAY(
    SELECT id FROM jotward.sessions AS dead WHERE absolute_expires_at <= t / 1000 LIMIT 200 FOR UPDATE SKIP LOCKED));
  DELETE FROM jotward.revocations WHERE id = ANY (ARRAY(
    SELECT id FROM jotward.revocations AS dead WHERE expires_at_ms <= t AND (revoked OR epoch > 0 OR NOT EXISTS (
      SELECT FROM jotward.revocations AS other
      WHERE other.key = dead.key AND other.expires_at_ms > t)) LIMIT 200 FOR UPDATE SKIP LOCKED));
  DELETE FROM jotward.tokens WHERE token_id = ANY (ARRAY(
    SELECT token_id FROM jotward.tokens AS dead WHERE retained_until <= t / 1000 LIMIT 200 FOR UPDATE SKIP LOCKED));
  DELETE FROM jotward.single_use WHERE id = ANY (ARRAY(
    SELECT id FROM jotward.single_use AS dead WHERE expires_at_ms <= t LIMIT 200 FOR UPDATE SKIP LOCKED));
END $$;

-- What becomes of a presented refresh token (ARCHITECTURE.md, "Rotation"). Rule 5 is nearly all of it, and is tried first,
-- in one statement; where it does not apply, or the row has changed before its lock was had, all the rules are gone through.
CREATE FUNCTION jotward.rotate_session(
  p_id text, p_subject text, p_generation bigint, p_created_at bigint, p_key_id text, p_next_key_id text,
  p_thumbprint text, p_grace_ms bigint, p_late_replays integer, p_retention_ms bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  -- Before the row is read: a time after the row's could find it expired although it has been refreshed since.
  t bigint := jotward.now_ms();
  answer text;
  has_waited boolean;
BEGIN
  UPDATE jotward.sessions AS s
  SET generation = s.generation + 1, refresh_key_id = p_next_key_id,
      rotated_at_ms = t, grace_from_ms = t,
      idle_expires_at_ms = least(t + s.idle_lifetime * 1000, s.absolute_expires_at * 1000)
  -- IS TRUE keeps the planner from looking for the row by its subject, who may have many.
  WHERE s.id = p_id AND (s.subject = p_subject) IS TRUE
    AND s.created_at = p_created_at AND s.generation = p_generation
    AND t < s.absolute_expires_at * 1000 AND t < s.idle_expires_at_ms
    AND s.ended_at_ms IS NULL AND s.suspended_at_ms IS NULL
    AND NOT (
      s.stamp_subject < coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0)
      OR s.stamp_global < coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0))
    AND (s.key_thumbprint IS NULL OR s.key_thumbprint = p_thumbprint)
    AND (p_grace_ms <= 0 OR s.grace_from_ms IS NULL OR abs(t - s.grace_from_ms) > p_grace_ms)
  RETURNING concat('{"outcome":"rotated","nowMs":', t, ',"fixed":', s.fixed, ',"state":{"generation":', s.generation,
    ',"refreshKeyId":', to_json(s.refresh_key_id), ',"rotatedAtMs":', t, ',"graceFromMs":', t,
    ',"idleExpiresAtMs":', s.idle_expires_at_ms, ',"lateReplays":', s.late_replays,
    ',"suspendedAtMs":null,"endedAtMs":null,"endReason":null}}'), jotward.now_ms() - t > 50 INTO answer, has_waited;
  IF NOT FOUND THEN
    RETURN jotward.judge_presentation(p_id, p_subject, p_generation, p_created_at, p_key_id, p_next_key_id,
                                        p_thumbprint, p_grace_ms, p_late_replays, p_retention_ms);
  END IF;
  IF has_waited THEN
    -- For a lock whose holder left the row as it was. The generation begins now, not when the wait began.
    t := jotward.now_ms();
    UPDATE jotward.sessions AS s
    SET rotated_at_ms = t, grace_from_ms = t,
      idle_expires_at_ms = least(t + s.idle_lifetime * 1000, s.absolute_expires_at * 1000)
    WHERE s.id = p_id
    RETURNING concat('{"outcome":"rotated","nowMs":', t, ',"fixed":', s.fixed, ',"state":{"generation":', s.generation,
    ',"refreshKeyId":', to_json(s.refresh_key_id), ',"rotatedAtMs":', t, ',"graceFromMs":', t,
    ',"idleExpiresAtMs":', s.idle_expires_at_ms, ',"lateReplays":', s.late_replays,
    ',"suspendedAtMs":null,"endedAtMs":null,"endReason":null}}') INTO answer;
  END IF;
  RETURN answer;
END $$;

-- All rules. First at a glance, which is enough where nothing is to be written; else once more with the row locked, and
-- the clock read after the lock was had.
CREATE FUNCTION jotward.judge_presentation(
  p_id text, p_subject text, p_generation bigint, p_created_at bigint, p_key_id text, p_next_key_id text,
  p_thumbprint text, p_grace_ms bigint, p_late_replays integer, p_retention_ms bigint
) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
  kept jotward.sessions;
  is_locked boolean := false;
  in_grace boolean;
  outcome text;
BEGIN
  LOOP
    IF is_locked THEN
      SELECT * INTO kept FROM jotward.sessions WHERE id = p_id FOR NO KEY UPDATE;
      t := jotward.now_ms();
    ELSE
      t := jotward.now_ms();
      SELECT * INTO kept FROM jotward.sessions WHERE id = p_id;
    END IF;
    -- Rule 1. A token ahead of its row outlives the idle expiry, for the lost write extended it.
    IF kept.id IS NULL OR kept.subject <> p_subject OR kept.created_at <> p_created_at OR t >= kept.absolute_expires_at * 1000
      OR (t >= kept.idle_expires_at_ms AND p_generation <= kept.generation) THEN
      RETURN '{"outcome":"unknown"}';
    END IF;
    -- Rule 2.
    IF kept.ended_at_ms IS NOT NULL OR kept.suspended_at_ms IS NOT NULL OR (
      kept.stamp_subject < coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0)
      OR kept.stamp_global < coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0)) THEN
      RETURN '{"outcome":"revoked"}';
    END IF;
    -- Rule 3.
    IF kept.key_thumbprint IS NOT NULL AND kept.key_thumbprint IS DISTINCT FROM p_thumbprint THEN
      RETURN '{"outcome":"key_mismatch"}';
    END IF;
    in_grace := p_grace_ms > 0 AND kept.grace_from_ms IS NOT NULL AND abs(t - kept.grace_from_ms) <= p_grace_ms;
    outcome := CASE
      -- Rule 4.
      WHEN p_generation > kept.generation THEN 'recovered'
      -- Rules 5 and 6.
      WHEN p_generation = kept.generation THEN CASE WHEN in_grace THEN 'replayed' ELSE 'rotated' END
      -- Rule 7.
      WHEN p_generation = kept.generation - 1 AND in_grace THEN 'replayed'
      -- Rule 8.
      WHEN kept.late_replays < p_late_replays
        AND (p_generation = kept.generation - 1 OR (p_generation = kept.generation - 2 AND in_grace)) THEN 'replayed_late'
      -- Rule 9.
      ELSE 'reused'
    END;
    EXIT WHEN is_locked OR outcome = 'replayed';
    is_locked := true;
  END LOOP;
  IF outcome = 'rotated' THEN
    UPDATE jotward.sessions AS s
    SET generation = s.generation + 1, refresh_key_id = p_next_key_id,
      rotated_at_ms = t, grace_from_ms = t,
      idle_expires_at_ms = least(t + s.idle_lifetime * 1000, s.absolute_expires_at * 1000)
    WHERE s.id = p_id RETURNING s.* INTO kept;
  ELSIF outcome = 'recovered' THEN
    UPDATE jotward.sessions AS s
    SET generation = p_generation, refresh_key_id = p_key_id,
      rotated_at_ms = t, grace_from_ms = t,
      idle_expires_at_ms = least(t + s.idle_lifetime * 1000, s.absolute_expires_at * 1000)
    WHERE s.id = p_id RETURNING s.* INTO kept;
  ELSIF outcome = 'replayed_late' THEN
    -- Tabs that wake together cost one: the first opens a grace for the rest.
    UPDATE jotward.sessions AS s
    SET late_replays = s.late_replays + 1,
      grace_from_ms = CASE WHEN p_generation = s.generation - 1 THEN t ELSE s.grace_from_ms END
    WHERE s.id = p_id RETURNING s.* INTO kept;
  ELSIF outcome = 'reused' THEN
    UPDATE jotward.sessions AS s SET ended_at_ms = t, end_reason = 'reused' WHERE s.id = p_id RETURNING s.* INTO kept;
    INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
    VALUES ('s:' || p_id, true, t + p_retention_ms);
  END IF;
  RETURN json_build_object('outcome', outcome, 'nowMs', t, 'fixed', kept.fixed, 'state', json_build_object(
    'generation', kept.generation, 'refreshKeyId', kept.refresh_key_id, 'rotatedAtMs', kept.rotated_at_ms,
    'graceFromMs', kept.grace_from_ms, 'idleExpiresAtMs', kept.idle_expires_at_ms, 'lateReplays', kept.late_replays,
    'suspendedAtMs', kept.suspended_at_ms, 'endedAtMs', kept.ended_at_ms, 'endReason', kept.end_reason));
END $$;

CREATE FUNCTION jotward.create_session(
  p_id text, p_subject text, p_auth_time bigint, p_absolute_lifetime bigint, p_stamp_subject bigint, p_stamp_global bigint,
  p_grant text, p_idle_lifetime bigint, p_thumbprint text, p_device text, p_refresh_data text, p_refresh_key_id text,
  p_max_per_subject bigint, p_retention_ms bigint
) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
  created_at bigint;
  absolute_expires_at bigint;
  fixed json;
  s jotward.sessions;
  victim text;
  evicted text[] := '{}';
BEGIN
  -- Sessions of one subject are made one after another, or several at once would overrun the cap.
  PERFORM pg_advisory_xact_lock(1246711927, hashtext(p_subject));
  t := jotward.now_ms();
  IF EXISTS (SELECT FROM jotward.sessions WHERE id = p_id) THEN
    RETURN '{"outcome":"exists"}';
  END IF;
  IF p_stamp_subject <> coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0)
    OR p_stamp_global <> coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0) THEN
    RETURN '{"outcome":"outdated"}';
  END IF;
  created_at := t / 1000;
  absolute_expires_at := created_at + p_absolute_lifetime;
  fixed := json_build_object(
    'id', p_id, 'subject', p_subject, 'createdAt', created_at, 'authTime', coalesce(p_auth_time, created_at),
    'absoluteExpiresAt', absolute_expires_at,
    'stamp', json_build_object('subject', p_stamp_subject, 'global', p_stamp_global), 'grant', p_grant::json,
    'keyThumbprint', p_thumbprint, 'device', p_device, 'refreshData', p_refresh_data::json);
  INSERT INTO jotward.sessions VALUES (
    p_id, p_subject, created_at, absolute_expires_at, p_stamp_subject, p_stamp_global, p_idle_lifetime, p_thumbprint,
    fixed, 0, p_refresh_key_id, t, NULL, least(t + p_idle_lifetime * 1000, absolute_expires_at * 1000), 0
  ) ON CONFLICT (id) DO NOTHING RETURNING * INTO s;
  IF NOT FOUND THEN
    RETURN '{"outcome":"exists"}';
  END IF;
  FOR victim IN
    SELECT id FROM jotward.sessions AS v
    WHERE v.subject = p_subject AND v.id <> p_id AND v.ended_at_ms IS NULL AND v.suspended_at_ms IS NULL
      AND t < v.idle_expires_at_ms AND t < v.absolute_expires_at * 1000 AND NOT (
      v.stamp_subject < coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || v.subject AND epoch > 0), 0)
      OR v.stamp_global < coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0))
    ORDER BY v.rotated_at_ms DESC, v.id DESC OFFSET greatest(p_max_per_subject - 1, 0) FOR NO KEY UPDATE
  LOOP
    UPDATE jotward.sessions SET ended_at_ms = t, end_reason = 'evicted' WHERE id = victim;
    INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
    VALUES ('s:' || victim, true, t + p_retention_ms);
    evicted := evicted || victim;
  END LOOP;
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN json_build_object('outcome', 'created', 'nowMs', t, 'fixed', fixed, 'evicted', evicted,
    'state', json_build_object(
    'generation', s.generation, 'refreshKeyId', s.refresh_key_id, 'rotatedAtMs', s.rotated_at_ms,
    'graceFromMs', s.grace_from_ms, 'idleExpiresAtMs', s.idle_expires_at_ms, 'lateReplays', s.late_replays,
    'suspendedAtMs', s.suspended_at_ms, 'endedAtMs', s.ended_at_ms, 'endReason', s.end_reason));
END $$;

-- Ends a session (p_change is the reason), or suspends or resumes it ('suspend', 'resume'), and tells the log. The lock
-- alone makes the commit wait for the disk and for standbys, so that what was done before is confirmed anew.
CREATE FUNCTION jotward.settle_session(p_id text, p_subject text, p_change text, p_retention_ms bigint)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
  s jotward.sessions;
  is_end boolean := p_change NOT IN ('suspend', 'resume');
  was_revoked boolean;
BEGIN
  SELECT * INTO s FROM jotward.sessions WHERE id = p_id FOR NO KEY UPDATE;
  IF s.id IS NULL THEN
    -- A row that was lost still has access tokens at large, so the log is told all the same; but not that they are good
    -- again, for the lost row may have ended.
    PERFORM pg_advisory_xact_lock(1246711927, hashtext(p_id));
    SELECT revoked INTO was_revoked FROM jotward.revocations
    WHERE key = 's:' || p_id ORDER BY id DESC LIMIT 1 FOR NO KEY UPDATE;
    IF p_change = 'resume' OR was_revoked THEN
      RETURN '"already"';
    END IF;
  ELSIF s.subject <> p_subject THEN
    RETURN '"foreign"';
  ELSIF s.ended_at_ms IS NOT NULL THEN
    RETURN '"already"';
  END IF;
  t := jotward.now_ms();
  UPDATE jotward.sessions
  SET ended_at_ms = CASE WHEN is_end THEN t END,
      end_reason = CASE WHEN is_end THEN p_change END,
      suspended_at_ms = CASE p_change WHEN 'suspend' THEN coalesce(suspended_at_ms, t) WHEN 'resume' THEN NULL
                        ELSE suspended_at_ms END
  WHERE id = p_id;
  INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
  VALUES ('s:' || p_id, p_change <> 'resume', t + p_retention_ms);
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN '"ended"';
END $$;

CREATE FUNCTION jotward.find_session(p_id text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT json_build_object('fixed', s.fixed, 'state', json_build_object(
    'generation', s.generation, 'refreshKeyId', s.refresh_key_id, 'rotatedAtMs', s.rotated_at_ms,
    'graceFromMs', s.grace_from_ms, 'idleExpiresAtMs', s.idle_expires_at_ms, 'lateReplays', s.late_replays,
    'suspendedAtMs', s.suspended_at_ms, 'endedAtMs', s.ended_at_ms, 'endReason', s.end_reason)) FROM jotward.sessions AS s WHERE s.id = p_id AND s.ended_at_ms IS NULL AND s.suspended_at_ms IS NULL
      AND t < s.idle_expires_at_ms AND t < s.absolute_expires_at * 1000 AND NOT (
      s.stamp_subject < coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || s.subject AND epoch > 0), 0)
      OR s.stamp_global < coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0)));
END $$;

CREATE FUNCTION jotward.list_sessions(p_subject text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT coalesce(json_agg(json_build_object('fixed', s.fixed, 'state', json_build_object(
    'generation', s.generation, 'refreshKeyId', s.refresh_key_id, 'rotatedAtMs', s.rotated_at_ms,
    'graceFromMs', s.grace_from_ms, 'idleExpiresAtMs', s.idle_expires_at_ms, 'lateReplays', s.late_replays,
    'suspendedAtMs', s.suspended_at_ms, 'endedAtMs', s.ended_at_ms, 'endReason', s.end_reason)) ORDER BY s.rotated_at_ms DESC, s.id DESC), '[]') FROM jotward.sessions AS s
          WHERE s.subject = p_subject AND s.ended_at_ms IS NULL AND s.suspended_at_ms IS NULL
      AND t < s.idle_expires_at_ms AND t < s.absolute_expires_at * 1000 AND NOT (
      s.stamp_subject < coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || s.subject AND epoch > 0), 0)
      OR s.stamp_global < coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0)));
END $$;

CREATE FUNCTION jotward.read_epochs(p_subject text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT json_build_object(
    'subject', coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0), 'global', coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0)));
END $$;

-- Writes an epoch in place of the lower ones of its key, which nobody needs to hear of any more.
CREATE FUNCTION jotward.write_epoch(p_key text, p_epoch bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM jotward.revocations WHERE key = p_key;
  INSERT INTO jotward.revocations (key, epoch, expires_at_ms)
  VALUES (p_key, p_epoch, CASE WHEN p_key <> '*' THEN p_epoch + 34560000000 END);
END $$;

-- A dump that was restored into another server has brought numbers of transactions that are still to come here: whoever
-- follows would stand ahead of what is revoked next. They get a number of this server; how many did is answered.
CREATE FUNCTION jotward.renumber() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  renumbered bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1246711927, hashtext('everybody'));
  UPDATE jotward.revocations SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
  GET DIAGNOSTICS renumbered = ROW_COUNT;
  RETURN renumbered;
END $$;

-- Raises a subject's epoch, or everybody's where p_subject is null.
CREATE FUNCTION jotward.bump_epoch(p_subject text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
  raised bigint;
BEGIN
  IF p_subject IS NULL THEN
    PERFORM pg_advisory_xact_lock(1246711927, hashtext('everybody'));
    t := jotward.now_ms();
    raised := greatest(coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0) + 1, t);
    PERFORM jotward.renumber();
    PERFORM jotward.write_epoch('*', raised);
  ELSE
    PERFORM pg_advisory_xact_lock(1246711927, hashtext(p_subject));
    t := jotward.now_ms();
    raised := greatest(coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0) + 1, t);
    PERFORM jotward.write_epoch('u:' || p_subject, raised);
  END IF;
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN raised;
END $$;

-- Takes epochs that were lost back from the stamp of an authentic token. One that was forgotten in its time stays so.
CREATE FUNCTION jotward.take_epochs_back(p_subject text, p_stamp_subject bigint, p_stamp_global bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1246711927, hashtext(p_subject));
  IF p_stamp_subject > coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0)
    AND p_stamp_subject + 34560000000 > jotward.now_ms() THEN
    PERFORM jotward.write_epoch('u:' || p_subject, p_stamp_subject);
  END IF;
  PERFORM pg_advisory_xact_lock(1246711927, hashtext('everybody'));
  IF p_stamp_global > coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0) THEN
    PERFORM jotward.write_epoch('*', p_stamp_global);
  END IF;
END $$;

CREATE FUNCTION jotward.is_revoked(
  p_token_id text, p_session_id text, p_subject text, p_stamp_subject bigint, p_stamp_global bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  is_listed boolean;
  subject_epoch bigint;
  global_epoch bigint;
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  SELECT coalesce((SELECT revoked FROM jotward.revocations WHERE key = 't:' || p_token_id ORDER BY id DESC LIMIT 1), false)
      OR coalesce((SELECT revoked FROM jotward.revocations WHERE key = 's:' || p_session_id ORDER BY id DESC LIMIT 1), false),
    coalesce((SELECT epoch FROM jotward.revocations WHERE key = 'u:' || p_subject AND epoch > 0), 0), coalesce((SELECT epoch FROM jotward.revocations WHERE key = '*' AND epoch > 0), 0)
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
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  answer := jotward.is_revoked(p_token_id, p_session_id, p_subject, p_stamp_subject, p_stamp_global);
  IF answer = 'false' AND (current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') IN ('on', 'remote_apply', 'remote_write')) THEN
    PERFORM pg_logical_emit_message(true, 'jotward', ''::text);
  END IF;
  RETURN answer;
END $$;

CREATE FUNCTION jotward.set_token(p_token_id text, p_revoked boolean, p_retention_ms bigint) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
  VALUES ('t:' || p_token_id, p_revoked, t + p_retention_ms);
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN 'true';
END $$;

-- Names the log's incarnation: the schema, the server's data and its timeline, which a promotion changes. A server that
-- keeps one of the last two from us is known by the rest.
CREATE FUNCTION jotward.log_source() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  -- A heartbeat, as durable as a revocation. A primary whose standby has been promoted would answer for ever out of what it
  -- has, while the other acknowledges what it never hears of; this commit waits for a standby that is still its own. Without
  -- anything in the write-ahead log it would not, and a row would leave a dead one behind at each poll.
  IF (current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') IN ('on', 'remote_apply', 'remote_write')) THEN
    PERFORM pg_logical_emit_message(true, 'jotward', ''::text);
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

-- Positions follow the order of the call, insertions that of the identifiers: two calls that have tokens in common lock
-- them in one order, or each could wait for the other.
CREATE FUNCTION jotward.record_tokens(p_records text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (r.token_id) r.*
    FROM ROWS FROM (json_to_recordset(p_records::json) AS (
      token_id text, kind text, subject text, session_id text, stamp_subject bigint, stamp_global bigint,
      issued_at bigint, expires_at bigint, retained_until bigint
    )) WITH ORDINALITY AS r (token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until, turn)
    WHERE NOT EXISTS (SELECT FROM jotward.tokens AS known
                      WHERE known.token_id = r.token_id AND known.retained_until > t / 1000)
    ORDER BY r.token_id, r.turn
  ), numbered AS MATERIALIZED (
    SELECT nextval('jotward.token_positions') AS position, token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until
    FROM (SELECT * FROM given ORDER BY turn) AS in_turn
  )
  INSERT INTO jotward.tokens AS kept (position, token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until)
  SELECT position, token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until FROM numbered ORDER BY token_id
  -- One that counts as none makes way; it may stand there still, for only so many are pruned at a time.
  ON CONFLICT (token_id) DO UPDATE SET
    (position, token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until) = ROW (excluded.position, excluded.token_id, excluded.kind, excluded.subject, excluded.session_id, excluded.stamp_subject, excluded.stamp_global, excluded.issued_at, excluded.expires_at, excluded.retained_until)
  WHERE kept.retained_until <= t / 1000;
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN 'true';
END $$;

CREATE FUNCTION jotward.find_token(p_token_id text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT row_to_json(k) FROM jotward.tokens AS k WHERE k.token_id = p_token_id AND k.retained_until > t / 1000);
END $$;

CREATE FUNCTION jotward.list_tokens(p_subject text, p_before bigint, p_limit bigint) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  IF p_subject IS NULL THEN
    RETURN (SELECT coalesce(json_agg(page), '[]') FROM (
      SELECT * FROM jotward.tokens WHERE position < p_before AND retained_until > t / 1000
      ORDER BY position DESC LIMIT p_limit) AS page);
  END IF;
  RETURN (SELECT coalesce(json_agg(page), '[]') FROM (
    SELECT * FROM jotward.tokens WHERE subject = p_subject AND position < p_before AND retained_until > t / 1000
    ORDER BY position DESC LIMIT p_limit) AS page);
END $$;

-- What is spent stays so: a storm of replays takes no lock and writes nothing.
CREATE FUNCTION jotward.spend(p_id text, p_retention_ms bigint) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  IF EXISTS (SELECT FROM jotward.single_use WHERE id = p_id AND expires_at_ms > t) THEN
    RETURN 'false';
  END IF;
  PERFORM pg_advisory_xact_lock(1246711927, hashtext(p_id));
  t := jotward.now_ms();
  INSERT INTO jotward.single_use AS known VALUES (p_id, t + p_retention_ms)
  ON CONFLICT (id) DO UPDATE SET expires_at_ms = excluded.expires_at_ms WHERE known.expires_at_ms <= t;
  IF NOT FOUND THEN
    RETURN 'false';
  END IF;
  IF random() < 1.0 / 64 THEN
    PERFORM jotward.prune(t);
  END IF;
  RETURN 'true';
END $$;

CREATE FUNCTION jotward.create_user(
  p_id text, p_email text, p_canonical_email text, p_password_hash text, p_permissions text, p_profile text
) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
BEGIN
  INSERT INTO jotward.users AS u
    (id, email, canonical_email, password_hash, permissions, active, credential_version, profile, created_at)
  VALUES (p_id, p_email, p_canonical_email, p_password_hash, p_permissions::json, true, 1, p_profile::json,
          jotward.now_ms() / 1000)
  ON CONFLICT (canonical_email) DO NOTHING
  RETURNING row_to_json(u) INTO answer;
  RETURN answer;
END $$;

CREATE FUNCTION jotward.find_user(p_id text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT row_to_json(u) FROM jotward.users AS u WHERE u.id = p_id);
END $$;

CREATE FUNCTION jotward.find_user_by_email(p_canonical_email text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT row_to_json(u) FROM jotward.users AS u WHERE u.canonical_email = p_canonical_email);
END $$;

CREATE FUNCTION jotward.list_users(p_after bigint, p_limit bigint) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby, whose data may lag' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (SELECT coalesce(json_agg(page), '[]') FROM (
    SELECT * FROM jotward.users WHERE position > p_after ORDER BY position LIMIT p_limit) AS page);
END $$;

-- Compare and set: an expected null must match, where = would not.
CREATE FUNCTION jotward.replace_password(p_id text, p_expected text, p_hash text, p_changed boolean)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
BEGIN
  UPDATE jotward.users AS u
  SET password_hash = p_hash, credential_version = u.credential_version + CASE WHEN p_changed THEN 1 ELSE 0 END
  WHERE u.id = p_id AND u.password_hash IS NOT DISTINCT FROM p_expected
  RETURNING row_to_json(u) INTO answer;
  RETURN answer;
END $$;

-- Null leaves a column as it is.
CREATE FUNCTION jotward.update_user(p_id text, p_active boolean, p_permissions text, p_profile text)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
BEGIN
  UPDATE jotward.users AS u
  SET active = coalesce(p_active, u.active), permissions = coalesce(p_permissions::json, u.permissions),
      profile = coalesce(p_profile::json, u.profile)
  WHERE u.id = p_id
  RETURNING row_to_json(u) INTO answer;
  RETURN answer;
END $$;

INSERT INTO jotward.meta (version, compatible_with, source) VALUES (1, 1, gen_random_uuid());

COMMIT;
