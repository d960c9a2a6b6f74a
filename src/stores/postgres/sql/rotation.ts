import { LANGUAGE, outdated, stateOf, UNPINNED } from './shared.ts'

/** How long an update may take until it counts as having waited for somebody's lock. */
const WAITED_MS = 50

/** A new generation begins at `t`: its grace opens and the idle expiry moves, but never past the absolute one. */
const BEGIN = `rotated_at_ms = t, grace_from_ms = t,
      idle_expires_at_ms = least(t + s.idle_lifetime * 1000, s.absolute_expires_at * 1000)`

/** The answer of a rotation, put together by hand: what is live and new has most of its state from the call. */
const ROTATED = `concat('{"outcome":"rotated","nowMs":', t, ',"fixed":', s.fixed, ',"state":{"generation":', s.generation,
    ',"refreshKeyId":', to_json(s.refresh_key_id), ',"rotatedAtMs":', t, ',"graceFromMs":', t,
    ',"idleExpiresAtMs":', s.idle_expires_at_ms, ',"lateReplays":', s.late_replays,
    ',"suspendedAtMs":null,"endedAtMs":null,"endReason":null}}')`

const PARAMETERS = `
  p_id text, p_subject text, p_generation bigint, p_created_at bigint, p_key_id text, p_next_key_id text,
  p_thumbprint text, p_grace_ms bigint, p_late_replays integer, p_retention_ms bigint
`

/**
 * `decideRotation` in SQL, rule by rule; whoever changes the one changes the other. A presentation that changes nothing
 * takes no lock and writes nothing, however many come at once.
 */
export const ROTATION = `
-- What becomes of a presented refresh token (ARCHITECTURE.md, "Rotation"). Rule 5 is nearly all of it, and is tried first,
-- in one statement; where it does not apply, or the row has changed before its lock was had, all the rules are gone through.
CREATE FUNCTION jotward.rotate_session(${PARAMETERS}) RETURNS text ${UNPINNED} AS $$
DECLARE
  -- Before the row is read: a time after the row's could find it expired although it has been refreshed since.
  t bigint := jotward.now_ms();
  answer text;
  has_waited boolean;
BEGIN
  UPDATE jotward.sessions AS s
  SET generation = s.generation + 1, refresh_key_id = p_next_key_id,
      ${BEGIN}
  -- IS TRUE keeps the planner from looking for the row by its subject, who may have many.
  WHERE s.id = p_id AND (s.subject = p_subject) IS TRUE
    AND s.created_at = p_created_at AND s.generation = p_generation
    AND t < s.absolute_expires_at * 1000 AND t < s.idle_expires_at_ms
    AND s.ended_at_ms IS NULL AND s.suspended_at_ms IS NULL
    AND NOT ${outdated('s')}
    AND (s.key_thumbprint IS NULL OR s.key_thumbprint = p_thumbprint)
    AND (p_grace_ms <= 0 OR s.grace_from_ms IS NULL OR abs(t - s.grace_from_ms) > p_grace_ms)
  RETURNING ${ROTATED}, jotward.now_ms() - t > ${WAITED_MS} INTO answer, has_waited;
  IF NOT FOUND THEN
    RETURN jotward.judge_presentation(p_id, p_subject, p_generation, p_created_at, p_key_id, p_next_key_id,
                                        p_thumbprint, p_grace_ms, p_late_replays, p_retention_ms);
  END IF;
  IF has_waited THEN
    -- For a lock whose holder left the row as it was. The generation begins now, not when the wait began.
    t := jotward.now_ms();
    UPDATE jotward.sessions AS s
    SET ${BEGIN}
    WHERE s.id = p_id
    RETURNING ${ROTATED} INTO answer;
  END IF;
  RETURN answer;
END $$;

-- All rules. First at a glance, which is enough where nothing is to be written; else once more with the row locked, and
-- the clock read after the lock was had.
CREATE FUNCTION jotward.judge_presentation(${PARAMETERS}) RETURNS text ${LANGUAGE} AS $$
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
    IF kept.ended_at_ms IS NOT NULL OR kept.suspended_at_ms IS NOT NULL OR ${outdated('kept')} THEN
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
      ${BEGIN}
    WHERE s.id = p_id RETURNING s.* INTO kept;
  ELSIF outcome = 'recovered' THEN
    UPDATE jotward.sessions AS s
    SET generation = p_generation, refresh_key_id = p_key_id,
      ${BEGIN}
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
  RETURN json_build_object('outcome', outcome, 'nowMs', t, 'fixed', kept.fixed, 'state', ${stateOf('kept')});
END $$;
`
