import { REVOCATIONS } from './sql/revocations.ts'
import { ROTATION } from './sql/rotation.ts'
import { SESSIONS } from './sql/sessions.ts'
import { lockName, SHARED } from './sql/shared.ts'
import { TABLES } from './sql/tables.ts'
import { TOKENS } from './sql/tokens.ts'
import { USERS } from './sql/users.ts'

/** One version of the schema: what makes it out of the version before, or out of nothing where it is the first. */
export interface SchemaStep {
  readonly version: number
  /**
   * The oldest version whose Jotward can use the schema after this step: while a new one is deployed, processes of the old
   * one are started too. The step's own where it takes away, or changes, what the one before calls.
   */
  readonly compatibleWith: number
  /** Statements, with `jotward.` before each name of the schema. */
  readonly sql: string
}

/** Every version there was, in order. A step that has been published is never changed: the next one mends it. */
export const SCHEMA_STEPS: readonly [SchemaStep, ...SchemaStep[]] = [
  {
    version: 1,
    compatibleWith: 1,
    sql: [TABLES, SHARED, ROTATION, SESSIONS, REVOCATIONS, TOKENS, USERS].join(''),
  },
]

/** The version that steps lead to. */
export const newestOf = (steps: readonly SchemaStep[]): number => Math.max(...steps.map(({ version }) => version))

/** SQLSTATE of our own: the schema is of another version by now. */
const OTHER_VERSION = 'JW001'

/** A schema's name as SQL writes it. */
export const quoted = (schema: string): string => (schema === 'jotward' ? schema : `"${schema}"`)

/**
 * Of processes that start at once the first makes everything, the others wait and find it made. The catalogs are asked, not
 * `to_regclass`: what a connection has once found missing it may take for missing still.
 */
const beginning = (schema: string, from: number): string => `
DO $$
DECLARE
  found integer := 0;
  is_there boolean;
BEGIN
  ${lockName(`'schema ${schema}'`)}
  is_there := EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '${schema}');
  IF EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = '${schema}' AND c.relname = 'meta') THEN
    SELECT version INTO found FROM ${quoted(schema)}.meta;
  END IF;
  IF found IS DISTINCT FROM ${from} THEN
    RAISE EXCEPTION 'the schema ${schema} has version % by now', found USING ERRCODE = '${OTHER_VERSION}';
  END IF;
  IF NOT is_there THEN
    CREATE SCHEMA ${quoted(schema)};
  END IF;
END $$;
`

const ending = (from: number, steps: readonly SchemaStep[]): string => {
  const [version, oldest] = [newestOf(steps), Math.max(...steps.map(({ compatibleWith }) => compatibleWith))]
  return from === 0
    ? `
INSERT INTO jotward.meta (version, compatible_with, source) VALUES (${version}, ${oldest}, gen_random_uuid());
`
    : `
UPDATE jotward.meta SET version = ${version}, compatible_with = ${oldest};
`
}

/**
 * What makes the newest version out of version `from`, or out of nothing where that is 0, as one text of statements: to be
 * run in one transaction, which a text sent without parameters is. A process of the version before goes on calling what it
 * knows, so a step may add and replace, but never take away.
 */
export const migrationSql = (schema: string, from: number, steps: readonly SchemaStep[] = SCHEMA_STEPS): string => {
  const missing = steps.filter(({ version }) => version > from).map(({ sql }) => sql)
  return (
    beginning(schema, from) + [...missing, ending(from, steps)].join('').replaceAll('jotward.', `${quoted(schema)}.`)
  )
}

const GRANTS = `-- The role of the application needs no more than this:
--   GRANT USAGE ON SCHEMA jotward TO app;
--   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jotward TO app;
--   GRANT USAGE ON ALL SEQUENCES IN SCHEMA jotward TO app;`

/** The same for those who make their schema themselves: what `docs/postgres.sql` holds. */
export const schemaFile = (steps: readonly SchemaStep[] = SCHEMA_STEPS): string =>
  `-- What postgresStore needs in a database (PostgreSQL 13 or later), version ${newestOf(steps)}. It makes all of this itself; to do
-- it under another role, run this file and give the store { migrate: false }. Written from src/stores/postgres/sql/.
--
${GRANTS}

BEGIN;
${migrationSql('jotward', 0, steps)}
COMMIT;
`

/** Where the file lies that makes a version out of the one before. */
export const stepFileName = (version: number): string => `docs/postgres-${version}.sql`

/** What makes a version out of the one before, for those who do that themselves. */
export const stepFile = (version: number, steps: readonly SchemaStep[] = SCHEMA_STEPS): string => {
  const known = steps.filter((step) => step.version <= version)
  return `-- Makes version ${version} of what postgresStore needs in a database out of version ${version - 1}, for those who give the
-- store { migrate: false }. Written from src/stores/postgres/sql/.
--
${GRANTS}

BEGIN;
${migrationSql('jotward', version - 1, known)}
COMMIT;
`
}
