import { LANGUAGE, lockName, ON_PRIMARY, PRUNE } from './shared.ts'

const COLUMNS =
  'token_id, kind, subject, session_id, stamp_subject, stamp_global, issued_at, expires_at, retained_until' as const

/** The functions behind `TokenRegister` and `SingleUse`. */
export const TOKENS = `
-- Positions follow the order of the call, insertions that of the identifiers: two calls that have tokens in common lock
-- them in one order, or each could wait for the other.
CREATE FUNCTION jotward.record_tokens(p_records text) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN
  WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (r.token_id) r.*
    FROM ROWS FROM (json_to_recordset(p_records::json) AS (
      token_id text, kind text, subject text, session_id text, stamp_subject bigint, stamp_global bigint,
      issued_at bigint, expires_at bigint, retained_until bigint
    )) WITH ORDINALITY AS r (${COLUMNS}, turn)
    WHERE NOT EXISTS (SELECT FROM jotward.tokens AS known
                      WHERE known.token_id = r.token_id AND known.retained_until > t / 1000)
    ORDER BY r.token_id, r.turn
  ), numbered AS MATERIALIZED (
    SELECT nextval('jotward.token_positions') AS position, ${COLUMNS}
    FROM (SELECT * FROM given ORDER BY turn) AS in_turn
  )
  INSERT INTO jotward.tokens AS kept (position, ${COLUMNS})
  SELECT position, ${COLUMNS} FROM numbered ORDER BY token_id
  -- One that counts as none makes way; it may stand there still, for only so many are pruned at a time.
  ON CONFLICT (token_id) DO UPDATE SET
    (position, ${COLUMNS}) = ROW (excluded.position, ${COLUMNS.replaceAll(/\w+/g, 'excluded.$&')})
  WHERE kept.retained_until <= t / 1000;${PRUNE}
  RETURN 'true';
END $$;

CREATE FUNCTION jotward.find_token(p_token_id text) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN${ON_PRIMARY}
  RETURN (SELECT row_to_json(k) FROM jotward.tokens AS k WHERE k.token_id = p_token_id AND k.retained_until > t / 1000);
END $$;

CREATE FUNCTION jotward.list_tokens(p_subject text, p_before bigint, p_limit bigint) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN${ON_PRIMARY}
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
CREATE FUNCTION jotward.spend(p_id text, p_retention_ms bigint) RETURNS text ${LANGUAGE} AS $$
DECLARE
  t bigint := jotward.now_ms();
BEGIN${ON_PRIMARY}
  IF EXISTS (SELECT FROM jotward.single_use WHERE id = p_id AND expires_at_ms > t) THEN
    RETURN 'false';
  END IF;
  ${lockName('p_id')}
  t := jotward.now_ms();
  INSERT INTO jotward.single_use AS known VALUES (p_id, t + p_retention_ms)
  ON CONFLICT (id) DO UPDATE SET expires_at_ms = excluded.expires_at_ms WHERE known.expires_at_ms <= t;
  IF NOT FOUND THEN
    RETURN 'false';
  END IF;${PRUNE}
  RETURN 'true';
END $$;
`
