/** The tables of version 1. Every text that is compared is compared byte by byte (COLLATE "C"), as the ports ask. */
export const TABLES = `
-- One row. A Jotward that knows versions from \`compatible_with\` on can use the schema. \`source\` names the revocation log; a
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
-- 'u:' + subject or '*' (everybody). \`id\` orders the rows of one key, which are written one after another; \`xid\` is what a
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
`
