import type { Query } from './client.ts'
import { answerOf } from './database.ts'
import { isMissing, unusable } from './failures.ts'
import { readInteger } from './row.ts'
import { migrationSql, newestOf, quoted, stepFileName } from './schema-sql.ts'
import type { SchemaStep } from './schema-sql.ts'

export interface MigrationOptions {
  readonly query: Query
  readonly schema: string
  /** Whether a schema that is not there, or older, may be made what it must be. */
  readonly migrate: boolean
  readonly steps: readonly SchemaStep[]
}

interface FoundVersion {
  readonly version: number
  /** The oldest version whose Jotward can use it. */
  readonly compatibleWith: number
}

/** Null where there is no schema. */
const findVersion = async ({ query, schema }: MigrationOptions): Promise<FoundVersion | null> => {
  const members = "json_build_object('version', version, 'compatibleWith', compatible_with)"
  try {
    const found = answerOf(await query(`SELECT ${members}::text AS answer FROM ${quoted(schema)}.meta`))
    return { version: readInteger(found, 'version'), compatibleWith: readInteger(found, 'compatibleWith') }
  } catch (failure) {
    if (isMissing(failure)) return null
    throw failure
  }
}

const filesFrom = (from: number, steps: readonly SchemaStep[]): string =>
  steps
    .filter(({ version }) => version > from)
    .map(({ version }) => stepFileName(version))
    .join(', then ')

/** @throws ConfigError where what was found may not be made what it must be */
const checkMayMigrate = (found: FoundVersion | null, { schema, migrate, steps }: MigrationOptions): void => {
  if (found !== null && found.version < 1) {
    throw unusable(
      `the schema ${schema} has version ${found.version}, which no Jotward has made; give the store another`,
    )
  }
  if (migrate) return
  if (found === null) throw unusable(`there is no schema ${schema}; run docs/postgres.sql, or leave out migrate: false`)
  throw unusable(
    `the schema ${schema} has version ${found.version}, and this Jotward needs version ${newestOf(steps)}; run ${filesFrom(found.version, steps)}, or leave out migrate: false`,
  )
}

/**
 * Makes the newest version out of whichever is there, all steps in one transaction, however many processes want the same
 * at once. A newer one is left as it is, and used where it says that it can be.
 *
 * @throws ConfigError where somebody must change something, else what the client rejects with
 */
export const bringUp = async (options: MigrationOptions): Promise<void> => {
  const { query, schema, steps } = options
  const wanted = newestOf(steps)
  let found = await findVersion(options)
  while (found === null || found.version < wanted) {
    checkMayMigrate(found, options)
    const from: number = found?.version ?? 0
    try {
      await query(migrationSql(schema, from, steps))
    } catch (failure) {
      // Where another process was faster this one has failed, in whichever way; and that one's work is as good.
      const later = await findVersion(options)
      if ((later?.version ?? 0) <= from) throw failure
    }
    found = await findVersion(options)
  }
  if (found.version > wanted && found.compatibleWith > wanted) {
    throw unusable(
      `the schema ${schema} has version ${found.version}, which needs a Jotward that knows version ${found.compatibleWith}, and this one knows version ${wanted}; update it`,
    )
  }
}
