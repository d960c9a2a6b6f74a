import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe } from 'vitest'
import type { PostgresClient } from '../../src/stores/postgres/client.ts'
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts'
import type { PostgresStoreOptions } from '../../src/stores/postgres/postgres-store.ts'
import type { StoreWithUsers } from '../../src/ports/store.ts'
import type { StoreUnderTest } from '../../src/testing/store-under-test.ts'
import { START_MS } from './stores-under-test.ts'

/** The PostgreSQL server of the tests: TEST_POSTGRES_URL, else the one on this machine. The role must be a superuser. */

const SERVER = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'

const answers = async (): Promise<boolean> => {
  const client = new Client({ connectionString: SERVER, connectionTimeoutMillis: 3_000 })
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch (error) {
    if (process.env['TEST_POSTGRES_URL'] !== undefined) throw error
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

const isThere = await answers()
if (!isThere) {
  process.stderr.write('\n*** NO POSTGRESQL SERVER ANSWERS, ITS TESTS ARE LEFT OUT: set TEST_POSTGRES_URL ***\n\n')
}

/** `describe`, left out where there is no server. */
export const describePostgres = isThere ? describe : describe.skip

export const DRIVERS = ['pg', 'postgres.js'] as const
export type Driver = (typeof DRIVERS)[number]

export interface Connection {
  readonly client: PostgresClient
  readonly end: () => Promise<void>
}

export interface ConnectOptions {
  readonly url: string
  readonly max?: number
  /** Settings of the sessions. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A pool of a driver. */
export const connect = (driver: Driver, { url, max = 4, settings = {} }: ConnectOptions): Connection => {
  if (driver === 'postgres.js') {
    // With more in flight on one connection the driver never settles some of them when it is cut (porsager/postgres#970).
    // Its types do not know the option. It waits up to 20 s before it connects again, which is too long for a test.
    const limits = { max, max_pipeline: 1, backoff: () => 0.01 }
    const sql = postgres(url, { ...limits, connection: settings, onnotice: () => undefined })
    // Without a limit it would wait for ever where a connection was cut (porsager/postgres#1097).
    return { client: sql, end: () => sql.end({ timeout: 1 }) }
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  const pool = new Pool({ connectionString: url, max, options: options.join(' ') })
  // What happens to idle connections is told here, and tests break some on purpose.
  pool.on('error', () => undefined)
  return { client: pool, end: () => pool.end() }
}

export interface TestDatabase {
  readonly url: string
  /** A role for the tests, without any right; dropped with the database. */
  readonly role: string
  /** Runs SQL beside the store's own connections, as a superuser. */
  readonly query: (text: string, values?: unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** One file at a time: together they would ask for more connections than a server gives. */
const FILE_LOCK = 1_869_901_611

/** A database for the tests of one `describe`, made before them and dropped after them. */
export const useDatabase = (): TestDatabase => {
  const name = `jotward_test_${randomBytes(6).toString('hex')}`
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  const admin = new Client({ connectionString: SERVER })
  const beside = new Pool({ connectionString: url.href, max: 3 })
  beside.on('error', () => undefined)

  beforeAll(async () => {
    await admin.connect()
    await admin.query(`SELECT pg_advisory_lock(${FILE_LOCK})`)
    await admin.query(`CREATE DATABASE ${name}`)
    await admin.query(`CREATE ROLE ${name} LOGIN`)
  }, 1_200_000)

  afterAll(async () => {
    await beside.end()
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await admin.query(`DROP ROLE IF EXISTS ${name}`)
    await admin.end()
  })

  return {
    url: url.href,
    role: name,
    query: async (text, values) => (await beside.query<Record<string, unknown>>(text, values)).rows,
  }
}

/** What docs/postgres.sql says that a role needs. */
export const grants = (role: string): string => `
  GRANT USAGE ON SCHEMA jotward TO ${role};
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jotward TO ${role};
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA jotward TO ${role};`

/** Puts a clock that stands still in the place of the database's, in a schema of the tests. */
const stopClock = (schema: string): string => `
  CREATE TABLE ${schema}.test_clock (now_ms bigint NOT NULL);
  INSERT INTO ${schema}.test_clock VALUES (${START_MS});
  CREATE OR REPLACE FUNCTION ${schema}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE
  AS $$ SELECT now_ms FROM ${schema}.test_clock $$;`

const TABLES = ['sessions', 'revocations', 'tokens', 'single_use', 'users']

/** Stores on one schema whose clock only `turn` moves; emptied at each opening, so one at a time. */
export interface PostgresBed extends TestDatabase {
  readonly open: () => Promise<StoreUnderTest & { readonly store: StoreWithUsers }>
}

export interface BedOptions {
  readonly driver?: Driver
  readonly max?: number
  readonly schema?: string
}

/** Without waiting for the disk: these tests write much and never lose power. */
const HASTY = { synchronous_commit: 'off' }

export const usePostgres = ({ driver = 'pg', max = 4, schema = 'jotward' }: BedOptions = {}): PostgresBed => {
  const database = useDatabase()
  let connection: Connection | null = null
  beforeAll(async () => {
    const durable = connect('pg', { url: database.url, max: 1 })
    await postgresStore(durable.client, { schema }).ready()
    await durable.end()
    await database.query(stopClock(schema))
    connection = connect(driver, { url: database.url, max, settings: HASTY })
  })
  afterAll(async () => {
    await connection?.end()
  })
  const open = async () => {
    if (connection === null) throw new Error('open is for tests')
    const empty = TABLES.map((table) => `DELETE FROM ${schema}.${table}`)
    await database.query([...empty, `UPDATE ${schema}.test_clock SET now_ms = ${START_MS}`].join(';'))
    return {
      store: postgresStore(connection.client, { schema }),
      turn: async (milliseconds: number): Promise<void> => {
        await database.query(`UPDATE ${schema}.test_clock SET now_ms = now_ms + $1`, [milliseconds])
      },
      close: () => undefined,
    }
  }
  return { ...database, open }
}

/** A store that keeps time as in production, on a schema that is made. */
export const openRunning = async (
  driver: Driver,
  options: ConnectOptions & { readonly store?: PostgresStoreOptions },
): Promise<Connection & { readonly store: StoreWithUsers }> => {
  const connection = connect(driver, options)
  const store = postgresStore(connection.client, options.store)
  await store.ready()
  return { ...connection, store }
}
