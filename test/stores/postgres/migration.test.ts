import { Client } from 'pg'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, StoreError } from '../../../src/core/errors.ts'
import { queryOf } from '../../../src/stores/postgres/client.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { prepare } from '../../../src/stores/postgres/readiness.ts'
import { migrationSql, SCHEMA_STEPS, stepFile } from '../../../src/stores/postgres/schema-sql.ts'
import type { SchemaStep } from '../../../src/stores/postgres/schema-sql.ts'
import { newToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { CREATION, newSession } from '../../../src/testing/session-store/fixtures.ts'
import { connect, describePostgres, DRIVERS, useDatabase } from '../postgres-server.ts'
import type { Driver } from '../postgres-server.ts'

/** How one version of the schema becomes the next, with versions that are made up. */

const [first] = SCHEMA_STEPS

/** Adds a column and a table, and puts a function in the place of one that version 1 calls. */
const SECOND: SchemaStep = {
  version: 2,
  compatibleWith: 1,
  sql: `
ALTER TABLE jotward.users ADD COLUMN nickname text;
CREATE TABLE jotward.devices (id text PRIMARY KEY);
CREATE OR REPLACE FUNCTION jotward.read_epochs(p_subject text) RETURNS text LANGUAGE sql
AS $$ SELECT '{"subject":2,"global":2}' $$;
`,
}

/** Not compatible with what came before. */
const THIRD: SchemaStep = { version: 3, compatibleWith: 3, sql: 'ALTER TABLE jotward.users DROP COLUMN nickname;' }

const BROKEN: SchemaStep = {
  version: 2,
  compatibleWith: 1,
  sql: 'CREATE TABLE jotward.devices (id text); INSERT INTO jotward.devices VALUES (1 / 0);',
}

const refusal = async (starting: Promise<unknown>): Promise<unknown> =>
  starting.then(
    () => null,
    (failure: unknown) => failure,
  )

describePostgres('the schema of an older version', () => {
  const database = useDatabase()
  beforeEach(async () => {
    await database.query('DROP SCHEMA IF EXISTS jotward CASCADE')
  })

  interface Start {
    readonly steps?: readonly SchemaStep[]
    readonly migrate?: boolean
    readonly driver?: Driver
  }

  /** Starts as a Jotward that knows these versions. */
  const start = async ({ steps = [first, SECOND], migrate = true, driver = 'pg' }: Start = {}): Promise<void> => {
    const { client, end } = connect(driver, { url: database.url, max: 1 })
    try {
      await prepare({ query: queryOf(client), schema: 'jotward', migrate, steps })
    } finally {
      await end()
    }
  }

  const meta = async (): Promise<unknown> =>
    (await database.query('SELECT version, compatible_with AS oldest FROM jotward.meta'))[0]

  const devices = async (): Promise<unknown> =>
    (await database.query(`SELECT to_regclass('jotward.devices') IS NOT NULL AS there`))[0]?.['there']

  const openStore = () => {
    const { client, end } = connect('pg', { url: database.url, max: 2 })
    onTestFinished(end)
    return postgresStore(client)
  }

  test.each(DRIVERS)('becomes the newest, and keeps what is in it, through %s', async (driver) => {
    const store = openStore()
    await store.ready()
    const session = newSession()
    await store.sessions.create(session, CREATION)
    const { source } = await store.revocations.read(null)
    await start({ driver })
    expect(await meta()).toEqual({ version: 2, oldest: 1 })
    expect(await devices()).toBe(true)
    expect(await store.sessions.find(session.id)).not.toBeNull()
    expect((await store.revocations.read(null)).source).toBe(source)
    await start({ driver })
    expect(await meta()).toEqual({ version: 2, oldest: 1 })
  })

  test.each([
    ['an empty database', []],
    ['version 1', [first]],
    ['version 2', [first, SECOND]],
  ] as const)(
    'is migrated once by ten that start at once on %s',
    async (_name, before) => {
      for (let round = 0; round < 3; round++) {
        if (before.length > 0) await start({ steps: before })
        await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            start({ steps: [first, SECOND, THIRD], driver: index % 2 === 0 ? 'pg' : 'postgres.js' }),
          ),
        )
        expect(await meta()).toEqual({ version: 3, oldest: 3 })
        expect(await devices()).toBe(true)
        await database.query('DROP SCHEMA jotward CASCADE')
      }
    },
    60_000,
  )

  test('is migrated while those of the version before are started too, and both go on (F14)', async () => {
    await start({ steps: [first] })
    const running = openStore()
    await Promise.all([...Array.from({ length: 5 }, () => start({ steps: [first] })), start(), start()])
    expect(await meta()).toEqual({ version: 2, oldest: 1 })
    await running.ready()
    await start({ steps: [first], migrate: false })
    expect(await running.revocations.epochs('ann'), 'by what took its place').toEqual({ subject: 2, global: 2 })
    expect(await running.revocations.isRevoked(newToken())).toBe(false)
  })

  test('refuses a Jotward that is older than it can be used by, and stays as it is', async () => {
    await start({ steps: [first, SECOND, THIRD] })
    for (const migrate of [true, false]) {
      const failure = await refusal(start({ migrate }))
      expect(failure).toBeInstanceOf(ConfigError)
      expect(String(failure)).toMatch(
        /has version 3, which needs a Jotward that knows version 3, and this one knows version 2; update it$/,
      )
    }
    expect(await meta()).toEqual({ version: 3, oldest: 3 })
  })

  test('stays as it is where the first of several steps that cannot be used is followed by one that can', async () => {
    const fourth = { version: 4, compatibleWith: 2, sql: 'CREATE TABLE jotward.more (id text);' }
    await start({ steps: [first, SECOND, THIRD, fourth] })
    expect(await meta()).toEqual({ version: 4, oldest: 3 })
    expect(await refusal(start())).toBeInstanceOf(ConfigError)
  })

  test('is of no version that Jotward has made: refused, and left as it is', async () => {
    await start({ steps: [first] })
    await database.query('UPDATE jotward.meta SET version = 0')
    const failure = await refusal(start())
    expect(failure).toBeInstanceOf(ConfigError)
    expect(String(failure)).toMatch(/has version 0, which no Jotward has made/)
    expect(await meta()).toEqual({ version: 0, oldest: 1 })
  })

  test('without migrate is refused, with the files to run; and these make it new', async () => {
    await start({ steps: [first] })
    const failure = await refusal(start({ steps: [first, SECOND, THIRD], migrate: false }))
    expect(failure).toBeInstanceOf(ConfigError)
    expect(String(failure)).toMatch(
      /has version 1, and this Jotward needs version 3; run docs\/postgres-2\.sql, then docs\/postgres-3\.sql, or leave out migrate: false$/,
    )
    expect(await meta()).toEqual({ version: 1, oldest: 1 })
    const files = [2, 3].map((version) => stepFile(version, [first, SECOND, THIRD]))
    for (const file of files) await database.query(file)
    await start({ steps: [first, SECOND, THIRD], migrate: false })
    expect(await meta()).toEqual({ version: 3, oldest: 3 })
    await expect(database.query(files[0] ?? ''), 'a second time').rejects.toThrow(/has version 3 by now/)
    await database.query('ROLLBACK')
  })

  test('keeps everything of before where a step fails, and can be migrated afterwards', async () => {
    await start({ steps: [first] })
    const store = openStore()
    const failures = await Promise.all(Array.from({ length: 5 }, () => refusal(start({ steps: [first, BROKEN] }))))
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(StoreError)
      expect(String(failure)).toMatch(/division by zero/)
    }
    expect(await meta()).toEqual({ version: 1, oldest: 1 })
    expect(await devices()).toBe(false)
    expect((await store.sessions.create(newSession(), CREATION)).outcome).toBe('created')
    await start()
    expect(await meta()).toEqual({ version: 2, oldest: 1 })
  })
})

describePostgres('a schema that another connection makes meanwhile', () => {
  const database = useDatabase()

  describe.each(DRIVERS)('through %s', (driver) => {
    test('is found by one that has looked before and found none', async () => {
      await database.query('DROP SCHEMA IF EXISTS jotward CASCADE')
      const { client, end } = connect(driver, { url: database.url, max: 1 })
      onTestFinished(end)
      const query = queryOf(client)
      // What this connection remembers of the names.
      await query(`SELECT to_regnamespace('jotward'), to_regclass('jotward.meta')`)
      const other = new Client({ connectionString: database.url })
      await other.connect()
      onTestFinished(() => other.end())
      await other.query('BEGIN')
      await other.query(migrationSql('jotward', 0))
      const making = refusal(query(migrationSql('jotward', 0)))
      await expect
        .poll(async () => (await database.query(`SELECT FROM pg_locks WHERE NOT granted`)).length, { timeout: 20_000 })
        .toBe(1)
      await other.query('COMMIT')
      // By our own look at it, not by a name that is taken.
      expect(await making).toMatchObject({ code: 'JW001' })
      await prepare({ query, schema: 'jotward', migrate: true })
      expect(await database.query('SELECT version FROM jotward.meta')).toEqual([{ version: 1 }])
    })
  })
})
