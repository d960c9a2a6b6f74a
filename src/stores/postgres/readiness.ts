import { ConfigError } from '../../core/errors.ts'
import type { ConfigProblem } from '../../core/errors.ts'
import type { Query } from './client.ts'
import { answerOf } from './database.ts'
import { codeOf, isMissing, toStartError, unusable } from './failures.ts'
import { readBoolean, readInteger, readList, readText } from './row.ts'
import { MADE_ALREADY, quoted, SCHEMA_VERSION, schemaSql } from './schema-sql.ts'
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

/** The version of a schema that is there, and what the role may not do with it. */
const inspection = (schema: string): string => `SELECT json_build_object(
  'version', (SELECT version FROM ${quoted(schema)}.meta),
  'forbidden', ARRAY(
    SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace('${quoted(schema)}') AND CASE c.relkind
      WHEN 'r' THEN NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                         AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
      WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE')
      ELSE false END
    ORDER BY c.relname))::text AS answer`

interface Options {
  readonly query: Query
  readonly schema: string
  /** Whether a schema that is not there may be made. */
  readonly migrate: boolean
}

/** Makes the schema. Where another process was faster that one's is as good. */
const makeSchema = async ({ query, schema }: Options): Promise<void> => {
  try {
    await query(schemaSql(schema))
  } catch (failure) {
    if (codeOf(failure) !== MADE_ALREADY) throw failure
  }
}

const checkSchema = async (options: Options): Promise<void> => {
  const { query, schema, migrate } = options
  const inspect = async (): Promise<unknown> => answerOf(await query(inspection(schema)))
  const found = await inspect().catch(async (failure: unknown) => {
    if (!isMissing(failure)) throw failure
    if (!migrate) throw unusable(`there is no schema ${schema}; run docs/postgres.sql, or leave out migrate: false`)
    await makeSchema(options)
    return inspect()
  })
  const version = readInteger(found, 'version')
  if (version !== SCHEMA_VERSION) {
    throw unusable(`the schema ${schema} has version ${version}, and this Jotward needs version ${SCHEMA_VERSION}`)
  }
  const forbidden = readList(found, 'forbidden')
  if (forbidden.length > 0) {
    const names = forbidden.map(String).join(', ')
    throw unusable(`the role may not read and write ${names}; see docs/postgres.sql for the rights that it needs`)
  }
}

/**
 * Checks that the database can keep the store's promises, and makes the schema where it is missing.
 *
 * @throws ConfigError where somebody must change something; StoreError where the server does not answer
 */
export const prepare = async (options: Options): Promise<void> => {
  try {
    const problems = surveyProblems(answerOf(await options.query(SURVEY)))
    if (problems.length > 0) throw new ConfigError(problems.map(problemOf))
    await checkSchema(options)
  } catch (failure) {
    throw toStartError(failure)
  }
}

const problemOf = (problem: string): ConfigProblem => unusable(problem).problems[0] ?? { path: 'store', problem }
