import {
  epochOf,
  LANGUAGE,
  lockName,
  OF_EVERYBODY,
  OF_SUBJECT,
  ON_PRIMARY,
  outdated,
  PRUNE,
  stateOf,
} from './shared.ts'

/** Whether a row can still be refreshed at `t`. */
const live = (row: string): string => `${row}.ended_at_ms IS NULL AND ${row}.suspended_at_ms IS NULL
      AND t < ${row}.idle_expires_at_ms AND t < ${row}.absolute_expires_at * 1000 AND NOT ${outdated(row, `'u:' || ${row}.subject`)}`

const CREATE = `
CREATE FUNCTION jotward.create_session(
  p_id text, p_subject text, p_auth_time bigint, p_absolute_lifetime bigint, p_stamp_subject bigint, p_stamp_global bigint,
  p_grant text, p_idle_lifetime bigint, p_thumbprint text, p_device text, p_refresh_data text, p_refresh_key_id text,
  p_max_per_subject bigint, p_retention_ms bigint
) RETURNS text ${LANGUAGE} AS $$
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
  ${lockName('p_subject')}
  t := jotward.now_ms();
  IF EXISTS (SELECT FROM jotward.sessions WHERE id = p_id) THEN
    RETURN '{"outcome":"exists"}';
  END IF;
  IF p_stamp_subject <> ${epochOf(OF_SUBJECT)}
    OR p_stamp_global <> ${epochOf(OF_EVERYBODY)} THEN
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
    WHERE v.subject = p_subject AND v.id <> p_id AND ${live('v')}
    ORDER BY v.rotated_at_ms DESC, v.id DESC OFFSET greatest(p_max_per_subject - 1, 0) FOR NO KEY UPDATE
  LOOP
    UPDATE jotward.sessions SET ended_at_ms = t, end_reason = 'evicted' WHERE id = victim;
    INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
    VALUES ('s:' || victim, true, t + p_retention_ms);
    evicted := evicted || victim;
  END LOOP;${PRUNE}
  RETURN json_build_object('outcome', 'created', 'nowMs', t, 'fixed', fixed, 'evicted', evicted,
    'state', ${stateOf('s')});
END $$;
`

const SETTLE = `
-- Ends a session (p_change is the reason), or suspends or resumes it ('suspend', 'resume'), and tells the log. The lock
-- alone makes the commit wait for the disk and for standbys, so that what was done before is confirmed anew.
CREATE FUNCTION jotward.settle_session(p_id text, p_subject text, p_change text, p_retention_ms bigint)
RETURNS text ${LANGUAGE} AS $$
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
    ${lockName('p_id')}
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
  VALUES ('s:' || p_id, p_change <> 'resume', t + p_retention_ms);${PRUNE}
  RETURN '"ended"';
END $$;
`

const SESSION = `json_build_object('fixed', s.fixed, 'state', ${stateOf('s')})`

const FIND = `
CREATE FUNCTION jotward.find_session(p_id text) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN${ON_PRIMARY}
  RETURN (SELECT ${SESSION} FROM jotward.sessions AS s WHERE s.id = p_id AND ${live('s')});
END $$;

CREATE FUNCTION jotward.list_sessions(p_subject text) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN${ON_PRIMARY}
  RETURN (SELECT coalesce(json_agg(${SESSION} ORDER BY s.rotated_at_ms DESC, s.id DESC), '[]') FROM jotward.sessions AS s
          WHERE s.subject = p_subject AND ${live('s')});
END $$;
`

/** The functions behind `SessionStore`, but for rotation. */
export const SESSIONS = CREATE + SETTLE + FIND
