import { ConfigError } from '../../core/errors.ts'
import type { ConfigProblem } from '../../core/errors.ts'
import { answerOf } from './database.ts'
import { toStartError, unusable } from './failures.ts'
import { bringUp } from './migration.ts'
import type { MigrationOptions } from './migration.ts'
import { readBoolean, readInteger, readList, readText } from './row.ts'
import { quoted, SCHEMA_STEPS } from './schema-sql.ts'
import { HAS_SYNCHRONOUS_STANDBY } from './sql/shared.ts'

/** PostgreSQL 13 was the first with transaction numbers that never come again (`xid8`). */
const OLDEST_SERVER = 130_000

const SURVEY = `SELECT json_build_object(
  'version', current_setting('server_version_num')::integer,
  'encoding', current_setting('server_encoding'),
  'isStandby', pg_is_in_recovery(),
  'readOnly', current_setting('transaction_read_only'),
  'isolation', current_setting('transaction_isolation'),
  'synchronousCommit', current_setting('synchronous_commit'),
  'fsync', current_setting('fsync'),
  -- By name: its parameters are others from PostgreSQL 17 on.
  'mayBeat', NOT ${HAS_SYNCHRONOUS_STANDBY} OR EXISTS (
    SELECT FROM pg_proc WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace
      AND proargtypes[1] = 'text'::regtype AND proargtypes[2] = 'text'::regtype
      AND has_function_privilege(oid, 'EXECUTE')))::text AS answer`

/** What a server says of itself that keeps it from keeping the store's promises, each with its remedy. */
export const surveyProblems = (survey: unknown): readonly string[] => {
  const problems: string[] = []
  const expect = (isGood: boolean, problem: string): void => {
    if (!isGood) problems.push(problem)
  }
  const isolation = readText(survey, 'isolation')
  expect(readInteger(survey, 'version') >= OLDEST_SERVER, 'it needs PostgreSQL 13 or later')
  expect(readText(survey, 'encoding') === 'UTF8', 'its encoding is not UTF8; create the database with ENCODING UTF8')
  const isStandby = readBoolean(survey, 'isStandby')
  expect(!isStandby, 'the server is a standby; connect to the primary')
  // A standby's always are.
  const isWritable = isStandby || readText(survey, 'readOnly') === 'off'
  expect(isWritable, 'its transactions are read only; unset default_transaction_read_only')
  expect(
    isolation === 'read committed',
    `its transactions are "${isolation}"; set default_transaction_isolation to read committed for this role`,
  )
  expect(
    readText(survey, 'synchronousCommit') !== 'off',
    'synchronous_commit is off, so that a crash brings back what was revoked; set it to on for this role',
  )
  expect(readText(survey, 'fsync') === 'on', 'fsync is off, so that a crash may lose everything; set it to on')
  expect(
    readBoolean(survey, 'mayBeat'),
    'the role may not call pg_logical_emit_message(boolean, text, text), which waits for the synchronous standby; grant it EXECUTE',
  )
  return problems
}

/** What the role may not do with the tables of a schema. */
const inspection = (schema: string): string => `SELECT json_build_object(
  'forbidden', ARRAY(
    SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '${schema}' AND CASE c.relkind
      WHEN 'r' THEN NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                         AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
      WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE')
      ELSE false END
    ORDER BY c.relname))::text AS answer`

type Options = Omit<MigrationOptions, 'steps'> & {
  /** The versions of the schema; others than ours for tests alone. */
  readonly steps?: MigrationOptions['steps']
}

const checkRights = async ({ query, schema }: Options): Promise<void> => {
  const found = answerOf(await query(inspection(schema)))
  const forbidden = readList(found, 'forbidden')
  if (forbidden.length > 0) {
    const names = forbidden.map(String).join(', ')
    throw unusable(`the role may not read and write ${names}; see docs/postgres.sql for the rights that it needs`)
  }
}

/**
 * Checks that the database can keep the store's promises, and makes the schema where it is missing or older.
 *
 * @throws ConfigError where somebody must change something; StoreError where the server does not answer
 */
export const prepare = async ({ steps = SCHEMA_STEPS, ...options }: Options): Promise<void> => {
  const { query, schema } = options
  try {
    const problems = surveyProblems(answerOf(await query(SURVEY)))
    if (problems.length > 0) throw new ConfigError(problems.map(problemOf))
    await bringUp({ ...options, steps })
    await checkRights(options)
    // Before anybody follows: of a dump that was restored here.
    await query(`SELECT ${quoted(schema)}.renumber()`)
  } catch (failure) {
    throw toStartError(failure)
  }
}

const problemOf = (problem: string): ConfigProblem => unusable(problem).problems[0] ?? { path: 'store', problem }
