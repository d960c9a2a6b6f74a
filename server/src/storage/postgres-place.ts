import { ConfigError, StoreError } from 'jotward'
import type { StoreWithUsers } from 'jotward'
import { postgresStore } from 'jotward/stores/postgres'
import type { Pool, PoolConfig } from 'pg'
import type { ServerRecords } from '../server-records.ts'
import { compareClocks } from './clock.ts'
import { explain, reworded } from './explain.ts'
import { withPatience, within } from './patience.ts'
import type { Examination, OpenOptions, Place } from './place.ts'
import { postgresRecords, preparePostgresRecords } from './postgres-records.ts'
import type { PostgresAddress } from './store-url.ts'

/** Until a connection stands, or one of the pool is free. */
const CONNECT_MS = 1500
/** After so long a statement is given up with its connection, for the network may have swallowed it. */
const STATEMENT_MS = 2000
/** The same while the schema is made: others may be making it, and are waited for. */
const PREPARE_MS = 30_000
/** The end of a process waits so long for a server that does not answer. */
const CLOSE_MS = 2000

export interface PostgresPlace extends Place {
  readonly store: StoreWithUsers
  readonly records: ServerRecords
  readonly pool: Pool
}

const VARIABLE = 'DATABASE_URL'

const WORDING = [
  [
    /there is no schema \w+; run .*/,
    'there is no schema of Jotward yet; `jotward serve` makes it, or this is not the database of the server',
  ],
  [/await auth\.ready\(\) first/, 'start the server anew'],
] as const

/** What the pool is told: nothing may hang, whatever the network does. */
const poolConfig = ({ url }: PostgresAddress, max: number): PoolConfig => ({
  connectionString: url.reveal(),
  max,
  connectionTimeoutMillis: CONNECT_MS,
  query_timeout: STATEMENT_MS,
  keepAlive: true,
  // A process that has nothing else to do may end.
  allowExitOnIdle: true,
  application_name: 'jotward',
})

interface SurveyRow {
  readonly version: string
  readonly now: string
}

const examine = async (pool: Pool): Promise<Examination> => {
  const survey = async (): Promise<SurveyRow> => {
    const text = `SELECT current_setting('server_version') AS version,
      floor(extract(epoch FROM clock_timestamp()) * 1000)::text AS now`
    // One row of two columns of text, as the statement says.
    return (await pool.query(text)).rows[0] as SurveyRow
  }
  const { version } = await survey()
  const clocks = await compareClocks(async () => Number((await survey()).now))
  const meta = await pool.query<{ readonly version: number }>('SELECT version FROM jotward.meta').catch(() => null)
  const schema = meta?.rows[0]?.version
  return { version, ...clocks, facts: { ...(schema === undefined ? {} : { schema }), pool: pool.options.max } }
}

/** Ends the pool. One whose server hangs is left to the end of the process. */
const endPool = async (pool: Pool): Promise<void> => {
  await within(CLOSE_MS, 'closing the connections', pool.end()).catch(() => undefined)
}

/** Makes what is missing, through a pool that has the time for it. */
const prepare = async (newPool: (config: Partial<PoolConfig>) => Pool, { mustExist }: OpenOptions): Promise<void> => {
  const pool = newPool({ max: 1, query_timeout: PREPARE_MS })
  try {
    await postgresStore(pool, { migrate: !mustExist }).ready()
    if (!mustExist) await preparePostgresRecords(pool)
  } finally {
    await endPool(pool)
  }
}

export interface PostgresOptions extends OpenOptions {
  readonly address: PostgresAddress
  /** Most connections of this process. */
  readonly poolSize: number
}

/**
 * Opens a database in PostgreSQL, whose tables are made where they are missing.
 *
 * @throws ConfigError that names the variable
 */
export const openPostgres = async (options: PostgresOptions): Promise<PostgresPlace> => {
  const { address, poolSize, patienceMs, onTrouble } = options
  // Loaded where it is needed: a server on SQLite starts without.
  const { default: pg } = await import('pg')
  const newPool = (config: Partial<PoolConfig>): Pool => {
    const pool = new pg.Pool({ ...poolConfig(address, poolSize), ...config })
    // What happens to connections that nobody uses; unheard, it would end the process.
    pool.on('error', (error) => onTrouble(`an idle connection to PostgreSQL was lost: ${error.message}`))
    return pool
  }
  const explained = (failure: unknown) =>
    explain(failure, {
      variable: VARIABLE,
      passwords: address.passwords,
      remedy: `see that PostgreSQL answers at ${address.label}, or correct the URL`,
      wording: WORDING,
    })
  await withPatience(() => prepare(newPool, options), {
    patienceMs,
    onWait: (failure) => {
      const [problem] = explained(failure)
      onTrouble(`waiting for PostgreSQL: ${VARIABLE}: ${problem?.problem ?? ''}`)
    },
  }).catch((failure: unknown) => {
    throw new ConfigError(explained(failure))
  })
  const pool = newPool({})
  const store = postgresStore(pool, { migrate: false })
  return {
    name: 'PostgreSQL',
    variable: VARIABLE,
    address: address.label,
    store,
    pool,
    records: recordsAsStore(pool),
    examine: () => examine(pool),
    explain: explained,
    inSettings: (sentence) => reworded(sentence, WORDING),
    close: async () => {
      await store.close()
      await endPool(pool)
    },
  }
}

/** A driver's failure as a StoreError, like those of the store: its own may hold the client with its password. */
const asStoreError = async <T>(work: PromiseLike<T> | T): Promise<T> => {
  try {
    return await work
  } catch (failure) {
    if (!(failure instanceof Error) || failure.name === 'ConfigError') throw failure
    throw new StoreError("reading the server's records", new Error(failure.message))
  }
}

const recordsAsStore = (pool: Pool): ServerRecords => {
  const records = postgresRecords(pool)
  return {
    get: (name) => asStoreError(records.get(name)),
    claim: (name, value) => asStoreError(records.claim(name, value)),
    set: (name, value) => asStoreError(records.set(name, value)),
    forgetSecret: () => asStoreError(records.forgetSecret()),
  }
}
