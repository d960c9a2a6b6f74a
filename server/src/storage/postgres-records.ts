import { ConfigError } from 'jotward'
import type { Pool } from 'pg'
import { errorCode } from '../error-code.ts'
import type { RecordName, ServerRecords } from '../server-records.ts'

const TABLE = 'jotward_server.records'

/**
 * An advisory lock of our own: of servers that start at once the others wait, and find the table made. They look for it
 * by a query, because after a wait `to_regclass` may still answer from what the connection knew before.
 */
const LOCK = 1_246_711_928

const MAKE = `DO $$
BEGIN
  PERFORM pg_advisory_xact_lock(${LOCK});
  IF NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'jotward_server' AND c.relname = 'records') THEN
    CREATE SCHEMA IF NOT EXISTS jotward_server;
    CREATE TABLE IF NOT EXISTS ${TABLE} (name text PRIMARY KEY, value text NOT NULL);
  END IF;
END $$`

/** What the role of the server needs, for those who make the table under another. */
const BY_HAND = `CREATE SCHEMA jotward_server; CREATE TABLE ${TABLE} (name text PRIMARY KEY, value text NOT NULL)`
const RIGHTS = `USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on the table`

const UNDEFINED = new Set(['42P01', '3F000'])
const FORBIDDEN = '42501'

const forbidden = (): ConfigError =>
  new ConfigError([
    {
      path: 'DATABASE_URL',
      problem: `the role may not keep the server's own records; run "${BY_HAND}" as another, and grant ${RIGHTS}`,
    },
  ])

const permitted = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (failure) {
    throw errorCode(failure) === FORBIDDEN ? forbidden() : failure
  }
}

/**
 * Makes the table where it is missing, in a schema of the server's own: the store's belongs to the store.
 *
 * @throws ConfigError where the role may not
 */
export const preparePostgresRecords = async (pool: Pool): Promise<void> => {
  const text = `SELECT to_regclass('${TABLE}') IS NOT NULL AS "isThere"`
  const { rows } = await permitted(pool.query<{ readonly isThere: boolean }>(text))
  if (rows[0]?.isThere !== true) await permitted(pool.query(MAKE))
}

/** The records in PostgreSQL, which all servers on one database share. */
export const postgresRecords = (pool: Pool): ServerRecords => {
  const ask = (text: string, values: string[]) => permitted(pool.query<{ readonly value: string }>(text, values))
  const get = async (name: RecordName): Promise<string | null> => {
    try {
      const { rows } = await ask(`SELECT value FROM ${TABLE} WHERE name = $1`, [name])
      return rows[0]?.value ?? null
    } catch (failure) {
      // Nobody has made it yet, so nothing is noted.
      if (UNDEFINED.has(errorCode(failure))) return null
      throw failure
    }
  }
  return {
    get,
    claim: async (name, value) => {
      await ask(`INSERT INTO ${TABLE} (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [name, value])
      return (await get(name)) ?? value
    },
    set: async (name, value) => {
      const upsert = `INSERT INTO ${TABLE} (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`
      await ask(upsert, [name, value])
    },
    forgetSecret: async () => {
      await ask(`DELETE FROM ${TABLE} WHERE name = $1`, ['secret'])
    },
  }
}
