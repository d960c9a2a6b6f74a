import { ConfigError } from '../../core/errors.ts'
import type { StoreWithUsers } from '../../ports/store.ts'
import { queryOf } from './client.ts'
import type { PostgresClient } from './client.ts'
import { createDatabase } from './database.ts'
import { readPromises } from './promises.ts'
import { prepare } from './readiness.ts'
import { postgresRevocationLog } from './revocation-log.ts'
import { quoted } from './schema-sql.ts'
import { postgresSessionStore } from './session-store.ts'
import { postgresSingleUse } from './single-use.ts'
import { postgresTokenRegister } from './token-register.ts'
import { postgresUserDirectory } from './user-directory.ts'

export interface PostgresStoreOptions {
  /** The schema in which everything lies. Small letters, digits and `_`; default `jotward`. */
  readonly schema?: string
  /** Whether `ready` makes the schema where it is missing, else it only checks; default true. */
  readonly migrate?: boolean
}

/** Room is left for the names that PostgreSQL derives. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,47}$/

/**
 * Keeps everything in a schema of a PostgreSQL database (13 or later), which any number of processes may share. Each
 * method is one statement on the database's clock, and what one process revokes the others refuse at once: each asks the
 * primary on every request. `ready` makes the schema where it is missing; until then every method fails.
 *
 * @param client a `pg` Pool or the `sql` of postgres.js; poolers in transaction mode may stand in between
 * @throws ConfigError where the name of the schema cannot be used
 */
export const postgresStore = (
  client: PostgresClient,
  { schema = 'jotward', migrate = true }: PostgresStoreOptions = {},
): StoreWithUsers => {
  if (!SCHEMA_NAME.test(schema)) {
    const problem = `${JSON.stringify(schema)} is no name for a schema; use small letters, digits and _`
    throw new ConfigError([{ path: 'store.schema', problem }])
  }
  const query = queryOf(client)
  const database = createDatabase(query, quoted(schema))
  return {
    sessions: postgresSessionStore(database),
    revocations: postgresRevocationLog(database),
    tokens: postgresTokenRegister(database),
    singleUse: postgresSingleUse(database),
    users: postgresUserDirectory(database),
    ready: () => prepare({ query, schema, migrate }),
    promises: () => readPromises(query),
    close: () => undefined,
  }
}
