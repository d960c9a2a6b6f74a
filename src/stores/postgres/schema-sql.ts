import { REVOCATIONS } from './sql/revocations.ts'
import { ROTATION } from './sql/rotation.ts'
import { SESSIONS } from './sql/sessions.ts'
import { lockName, SHARED } from './sql/shared.ts'
import { TABLES } from './sql/tables.ts'
import { TOKENS } from './sql/tokens.ts'
import { USERS } from './sql/users.ts'

export const SCHEMA_VERSION = 1

/** SQLSTATE of our own: another process has made the schema meanwhile. */
export const MADE_ALREADY = 'JW001'

/** A schema's name as SQL writes it. */
export const quoted = (schema: string): string => (schema === 'jotward' ? schema : `"${schema}"`)

/** Of processes that start at once the first makes everything, the others wait and find it made. */
const beginning = (schema: string): string => `
DO $$
BEGIN
  ${lockName(`'schema ${schema}'`)}
  IF to_regnamespace('${quoted(schema)}') IS NULL THEN
    CREATE SCHEMA ${quoted(schema)};
  ELSIF to_regclass('${quoted(schema)}.meta') IS NOT NULL THEN
    RAISE EXCEPTION 'the schema ${schema} has been made already' USING ERRCODE = '${MADE_ALREADY}';
  END IF;
END $$;
`

const END = `
INSERT INTO jotward.meta (version, source) VALUES (${SCHEMA_VERSION}, gen_random_uuid());
`

/**
 * Everything that the store needs in a database, as one text of statements: to be run in one transaction, which a text
 * sent without parameters is. A process of the version before goes on calling what it knows, so a later version may add
 * and replace, but never take away.
 */
export const schemaSql = (schema: string): string => {
  const parts = [TABLES, SHARED, ROTATION, SESSIONS, REVOCATIONS, TOKENS, USERS, END]
  return beginning(schema) + parts.join('').replaceAll('jotward.', `${quoted(schema)}.`)
}

/** The same for those who make their schema themselves: what `docs/postgres.sql` holds. */
export const schemaFile =
  (): string => `-- What postgresStore needs in a database (PostgreSQL 13 or later), version ${SCHEMA_VERSION}. It makes all of this itself; to do
-- it under another role, run this file and give the store { migrate: false }. Written from src/stores/postgres/sql/.
--
-- The role of the application needs no more than this:
--   GRANT USAGE ON SCHEMA jotward TO app;
--   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jotward TO app;
--   GRANT USAGE ON ALL SEQUENCES IN SCHEMA jotward TO app;

BEGIN;
${schemaSql('jotward')}
COMMIT;
`
