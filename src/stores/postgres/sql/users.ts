import { LANGUAGE, ON_PRIMARY } from './shared.ts'

/** The functions behind `UserDirectory`. */
export const USERS = `
CREATE FUNCTION jotward.create_user(
  p_id text, p_email text, p_canonical_email text, p_password_hash text, p_permissions text, p_profile text
) RETURNS text ${LANGUAGE} AS $$
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

CREATE FUNCTION jotward.find_user(p_id text) RETURNS text ${LANGUAGE} AS $$
BEGIN${ON_PRIMARY}
  RETURN (SELECT row_to_json(u) FROM jotward.users AS u WHERE u.id = p_id);
END $$;

CREATE FUNCTION jotward.find_user_by_email(p_canonical_email text) RETURNS text ${LANGUAGE} AS $$
BEGIN${ON_PRIMARY}
  RETURN (SELECT row_to_json(u) FROM jotward.users AS u WHERE u.canonical_email = p_canonical_email);
END $$;

CREATE FUNCTION jotward.list_users(p_after bigint, p_limit bigint) RETURNS text ${LANGUAGE} AS $$
BEGIN${ON_PRIMARY}
  RETURN (SELECT coalesce(json_agg(page), '[]') FROM (
    SELECT * FROM jotward.users WHERE position > p_after ORDER BY position LIMIT p_limit) AS page);
END $$;

-- Compare and set: an expected null must match, where = would not.
CREATE FUNCTION jotward.replace_password(p_id text, p_expected text, p_hash text, p_changed boolean)
RETURNS text ${LANGUAGE} AS $$
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
RETURNS text ${LANGUAGE} AS $$
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
`
