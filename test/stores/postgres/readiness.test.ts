import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, StoreError } from '../../../src/core/errors.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import type { PostgresStoreOptions } from '../../../src/stores/postgres/postgres-store.ts'
import { surveyProblems } from '../../../src/stores/postgres/readiness.ts'
import {
  migrationSql,
  SCHEMA_STEPS,
  schemaFile,
  stepFile,
  stepFileName,
} from '../../../src/stores/postgres/schema-sql.ts'
import { newSession, CREATION } from '../../../src/testing/session-store/fixtures.ts'
import { connect, describePostgres, DRIVERS, grants, useDatabase } from '../postgres-server.ts'
import type { ConnectOptions } from '../postgres-server.ts'

/** What `ready` makes, and what it refuses, each with one sentence. */

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('the schema of the PostgreSQL store', () => {
  test('is the one that docs/postgres.sql makes', () => {
    expect(read('docs/postgres.sql')).toBe(schemaFile())
    for (const { version } of SCHEMA_STEPS.slice(1)) expect(read(stepFileName(version))).toBe(stepFile(version))
  })

  test('asks a standby nothing: every function that writes nothing refuses to run there (N127)', () => {
    const bodies = migrationSql('jotward', 0)
      .split(/CREATE (?:OR REPLACE )?FUNCTION /)
      .slice(1)
    const readers = bodies.filter(
      (body) => !/\b(?:INSERT INTO|UPDATE jotward|DELETE FROM|PERFORM jotward)\b/.test(body),
    )
    const names = readers.map((body) => /^jotward\.(\w+)/.exec(body)?.[1] ?? '')
    expect(names.length).toBeGreaterThan(8)
    const open = readers.filter((body) => !body.includes('pg_is_in_recovery()')).map((body) => body.split('(')[0])
    // The clock, and a part of what read_log answers.
    expect(open).toEqual(['jotward.now_ms', 'jotward.log_source'])
  })

  const good = {
    version: 150_000,
    encoding: 'UTF8',
    isStandby: false,
    readOnly: 'off',
    isolation: 'read committed',
    synchronousCommit: 'on',
    fsync: 'on',
    mayBeat: true,
  }

  test.each<readonly [object, RegExp]>([
    [{ version: 120_022 }, /PostgreSQL 13/],
    [{ encoding: 'SQL_ASCII' }, /UTF8/],
    [{ isStandby: true, readOnly: 'on' }, /standby; connect to the primary/],
    [{ readOnly: 'on' }, /default_transaction_read_only/],
    [{ isolation: 'serializable' }, /"serializable".*default_transaction_isolation/],
    [{ synchronousCommit: 'off' }, /synchronous_commit.*set it to on/],
    [{ fsync: 'off' }, /fsync is off/],
    [{ mayBeat: false }, /pg_logical_emit_message.*grant it EXECUTE/],
  ])('is refused on a server that says %o, with the remedy', (change, problem) => {
    expect(surveyProblems(good)).toEqual([])
    expect(surveyProblems({ ...good, ...change })).toEqual([expect.stringMatching(problem)])
  })

  test.each(['', 'Jotward', 'a-b', '1st', 'a.b', 'x'.repeat(49), '"; DROP TABLE users; --'])(
    'does not take the name %s',
    (schema) => {
      const client = { query: () => Promise.reject(new Error('it should not have been asked')) }
      expect(() => postgresStore(client, { schema })).toThrow(ConfigError)
    },
  )
})

const problemOf = async (store: { ready(): unknown }): Promise<string> => {
  const failure: unknown = await (async () => store.ready())().then(
    () => null,
    (error: unknown) => error,
  )
  if (!(failure instanceof ConfigError))
    throw new Error(`ready should have failed with a ConfigError: ${String(failure)}`)
  return failure.message
}

describePostgres('ready', () => {
  const database = useDatabase()
  beforeEach(async () => {
    await database.query('DROP SCHEMA IF EXISTS jotward CASCADE')
  })

  const open = (options: Partial<ConnectOptions> = {}, store: PostgresStoreOptions = {}) => {
    const { client, end } = connect('pg', { url: database.url, max: 2, ...options })
    onTestFinished(end)
    return postgresStore(client, store)
  }

  const tables = async (): Promise<readonly unknown[]> =>
    (await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'jotward' ORDER BY 1")).map(
      ({ tablename }) => tablename,
    )

  test.each(DRIVERS)(
    'makes the schema, finds it made, and can be asked again and again, through %s',
    async (driver) => {
      const { client, end } = connect(driver, { url: database.url, max: 2 })
      onTestFinished(end)
      const store = postgresStore(client)
      await store.ready()
      await store.ready()
      await postgresStore(client, { migrate: false }).ready()
      expect(await tables()).toEqual(['meta', 'revocations', 'sessions', 'single_use', 'tokens', 'users'])
      expect((await store.sessions.create(newSession(), CREATION)).outcome).toBe('created')
    },
  )

  test('until then every method fails, and says what to do', async () => {
    const store = open()
    const finding = (async () => store.sessions.find('x'))()
    await expect(finding).rejects.toThrow(StoreError)
    await expect((async () => store.users.findById('x'))()).rejects.toThrow(/await auth\.ready\(\) first/)
  })

  test('takes a schema of any sound name, a word of SQL too', async () => {
    const store = open({}, { schema: 'user' })
    await store.ready()
    expect((await store.sessions.create(newSession(), CREATION)).outcome).toBe('created')
    expect((await store.revocations.read(null)).entries).toEqual([])
    expect(await tables()).toEqual([])
    await database.query('DROP SCHEMA "user" CASCADE')
  })

  test('uses an empty schema that is there', async () => {
    await database.query('CREATE SCHEMA jotward')
    await open().ready()
    expect(await tables()).toHaveLength(6)
  })

  test('without migrate makes nothing, and takes what docs/postgres.sql has made', async () => {
    const store = open({}, { migrate: false })
    expect(await problemOf(store)).toMatch(/^store: the PostgreSQL database cannot be used: .*docs\/postgres\.sql.*$/)
    expect(await tables()).toEqual([])
    await database.query(read('docs/postgres.sql'))
    await store.ready()
    expect((await store.sessions.create(newSession(), CREATION)).outcome).toBe('created')
  })

  test('makes all of it or nothing', async () => {
    // The last table of all has its name taken.
    await database.query('CREATE SCHEMA jotward; CREATE TABLE jotward.users (theirs integer)')
    expect(await problemOf(open())).toMatch(/a schema of its own/)
    expect(await tables()).toEqual(['users'])
    expect(await database.query("SELECT 1 FROM pg_proc WHERE pronamespace = 'jotward'::regnamespace")).toEqual([])
  })

  test.each<readonly [string, string, RegExp]>([
    ['synchronous_commit', 'off', /synchronous_commit is off/],
    ['default_transaction_isolation', 'repeatable read', /"repeatable read"/],
    ['default_transaction_read_only', 'on', /read only/],
  ])('refuses connections with %s = %s, and makes nothing', async (name, value, problem) => {
    expect(await problemOf(open({ settings: { [name]: value } }))).toMatch(problem)
    expect(await tables()).toEqual([])
  })

  const urlWith = (change: (url: URL) => void): string => {
    const url = new URL(database.url)
    change(url)
    return url.href
  }

  test.each<readonly [string, (url: URL) => void, RegExp]>([
    ['a database that there is not', (url) => void (url.pathname = '/nowhere'), /no such database/],
    ['a user that there is not', (url) => void (url.username = 'nobody_at_all'), /refuses the (?:login|password)/],
  ])('refuses %s with one sentence', async (_, change, problem) => {
    for (const driver of DRIVERS) {
      const { client, end } = connect(driver, { url: urlWith(change), max: 1 })
      onTestFinished(end)
      const message = await problemOf(postgresStore(client))
      expect(message).toMatch(problem)
      expect(message.split('\n')).toHaveLength(1)
    }
  })

  test.each(DRIVERS)('is a StoreError where nobody answers, for that may pass, through %s', async (driver) => {
    const url = urlWith((changed) => {
      changed.hostname = '127.0.0.1'
      changed.port = '1'
    })
    const { client, end } = connect(driver, { url, max: 1 })
    onTestFinished(end)
    const failure: unknown = await (async () => postgresStore(client).ready())().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StoreError)
    expect(String(failure)).toContain('ECONNREFUSED')
  })

  test('needs no more rights than docs/postgres.sql says, and names the tables where one is missing', async () => {
    const { role } = database
    const url = urlWith((changed) => void (changed.username = role))
    expect(await problemOf(open({ url }))).toMatch(/the role lacks a right/)
    await open().ready()
    expect(await problemOf(open({ url }, { migrate: false }))).toMatch(/the role lacks a right/)
    await database.query(grants(role))
    await database.query(`REVOKE DELETE ON jotward.tokens FROM ${role}`)
    expect(await problemOf(open({ url }, { migrate: false }))).toMatch(/may not read and write tokens;/)
    await database.query(grants(role))
    const store = open({ url })
    await store.ready()
    const creation = await store.sessions.create(newSession(), { ...CREATION, maxPerSubject: 1 })
    expect(creation.outcome).toBe('created')
    expect(await store.singleUse.spend({ id: 'x', subject: 'ann', retention: 1 })).toBe(true)
    expect(await store.revocations.bump('ann')).toBeGreaterThan(0)
    // Whatever a call may do, pruning included.
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('SELECT jotward.prune(jotward.now_ms() + 1000000000000)')
    await client.end()
    const now = Math.floor(Date.now() / 1000)
    const token = {
      tokenId: 'x',
      kind: 'access' as const,
      subject: 'ann',
      sessionId: null,
      issuedAt: now,
      expiresAt: null,
    }
    await store.tokens.record([{ ...token, stamp: { subject: 0, global: 0 } }])
    expect(await store.tokens.find('x')).not.toBeNull()
  })
})
