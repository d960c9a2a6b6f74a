import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import { AuthError, ConfigError, StoreError } from '../../src/core/errors.ts'
import { plainRefusal, toAuthError } from '../../src/core/request/refusal.ts'
import type { AuthEvent } from '../../src/ports/event-sink.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import { readInteger } from '../../src/stores/sqlite/row.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { startService } from './processes/children.ts'
import { temporaryFolder } from './stores-under-test.ts'

/** What a disk, an operator or another process can do to a SQLite file, and what must come of it. */

const newFile = (): string => {
  const { folder, remove } = temporaryFolder()
  onTestFinished(remove)
  return join(folder, 'jotward.db')
}

/** An issuer on a file, as a server runs it. */
const openIssuer = (file: string) => {
  const database = openSqlite(file)
  onTestFinished(() => {
    database.close()
  })
  const events: AuthEvent[] = []
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: createHash('sha512').update('processes on one file').digest() },
    store: sqliteStore(database),
    hooks: { onEvent: (event) => events.push(event) },
  })
  const count = (table: string): number =>
    readInteger(database.prepare(`SELECT count(*) AS found FROM ${table}`).get(), 'found')
  return { auth, database, events, counts: () => [count('jotward_sessions'), count('jotward_revocations')] }
}

/** What a failure of the store is answered with; anything else is a fault of the test. */
const statusOf = async (work: () => unknown): Promise<number | string> => {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    if (error instanceof StoreError) return plainRefusal(toAuthError(error), { realm: 'realm', body: 'oauth' }).status
    if (error instanceof AuthError) return error.code
    throw error
  }
}

/** The problem of a file that cannot be used at all. */
const problemOf = (file: string): string => {
  const database = openSqlite(file)
  try {
    sqliteStore(database)
    return 'none'
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  } finally {
    database.close()
  }
}

describe('a file that cannot be used stops the start with one sentence, and is left as it was', () => {
  test.each<readonly [string, Buffer]>([
    ['a text', Buffer.from('This is no database.\n'.repeat(500))],
    ['noise', createHash('sha512').update('noise').digest()],
    [
      'a database that begins well and is noise from then on',
      Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8192, 0xa5)]),
    ],
  ])('that is %s', (_title, bytes) => {
    const file = newFile()
    writeFileSync(file, bytes)
    expect(problemOf(file)).toMatch(/^store: the SQLite file cannot be used: [^\n]+$/)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  test.each(['0', '3', 'x'])('of schema version %s, which another version of Jotward has written', (version) => {
    const file = newFile()
    const { database } = openIssuer(file)
    database.exec(`UPDATE jotward_meta SET value = '${version}' WHERE name = 'schema'`)
    database.exec('ALTER TABLE jotward_sessions RENAME COLUMN device TO something_else')
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const before = readFileSync(file)
    expect(problemOf(file)).toBe(
      `store: the SQLite file cannot be used: its schema has version ${version}, and this Jotward needs version 2`,
    )
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  test('where a folder stands in its place, or no folder to put it into', () => {
    const { folder, remove } = temporaryFolder()
    onTestFinished(remove)
    expect(() => openSqlite(folder)).toThrow(/^store: cannot open the SQLite file [^\n]+$/)
    expect(() => openSqlite(join(folder, 'not', 'there.db'))).toThrow(ConfigError)
  })
})

test('a file of which pages are damaged fails where it is read, and never lets a revoked token pass (N125)', async () => {
  const file = newFile()
  const before = openIssuer(file)
  const pairs = await Promise.all(
    Array.from({ length: 300 }, (_, index) => before.auth.issue({ subject: `user ${index}` })),
  )
  for (const { accessToken } of pairs) await before.auth.revoke.token(await before.auth.verify(accessToken))
  before.database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  before.database.close()
  // The first pages hold the schema and the roots of tables, so the file can still be opened.
  const bytes = readFileSync(file)
  const sound = 20 * 4096
  writeFileSync(file, Buffer.concat([bytes.subarray(0, sound), Buffer.alloc(bytes.length - sound, 0xff)]))
  const { auth } = openIssuer(file)
  const fates = new Set<number | string>()
  for (const { accessToken } of pairs) fates.add(await statusOf(() => auth.verify(accessToken)))
  expect(fates).toContain(503)
  expect(fates).not.toContain('accepted')
})

/** An issuer whose file may not grow by a page. */
const full = async () => {
  const issuer = openIssuer(newFile())
  const pair = await issuer.auth.issue({ subject: 'ann' })
  issuer.database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const pages = readInteger(issuer.database.prepare('PRAGMA page_count').get(), 'page_count')
  issuer.database.exec(`PRAGMA max_page_count = ${pages}`)
  const lift = (): unknown => issuer.database.exec('PRAGMA max_page_count = 1073741823')
  // Until no row fits into the pages that there are.
  while ((await statusOf(() => issuer.auth.issue({ subject: 'bob', device: 'x'.repeat(200) }))) === 'accepted');
  issuer.events.length = 0
  return { ...issuer, pair, lift }
}

describe('on a full disk (F8)', () => {
  test('a sign-in is answered 503, and nothing of it is written', async () => {
    const { auth, counts, events } = await full()
    const before = counts()
    expect(await statusOf(() => auth.issue({ subject: 'ann', device: 'x'.repeat(200) }))).toBe(503)
    expect(counts()).toEqual(before)
    expect(events).toEqual([])
    expect(await auth.sessions.list('ann')).toHaveLength(1)
  })

  test('a revocation is answered 503 or done whole, never 204 and undone (N121)', async () => {
    const { auth, counts, pair, lift } = await full()
    const statuses: unknown[] = []
    for (let turn = 0; statuses.filter((status) => status === 503).length < 3; turn++) {
      const [sessions, entries = 0] = counts()
      const tokenId = `token ${turn} ${'x'.repeat(200)}`
      const status = await statusOf(() => auth.revoke.token({ tokenId, subject: 'ann' }))
      statuses.push(status)
      // The log has grown by one where it was acknowledged, and by none where it was not.
      expect(counts()).toEqual([sessions, status === 503 ? entries : entries + 1])
    }
    expect(new Set(statuses)).toEqual(new Set(['accepted', 503]))
    const signedOut = await statusOf(() => auth.signOut(pair.accessToken))
    expect(await statusOf(() => auth.verify(pair.accessToken))).toBe(signedOut === 503 ? 'accepted' : 'token_revoked')
    expect((await auth.sessions.find(pair.session.id)) === null).toBe(signedOut !== 503)
    lift()
    await auth.signOut(pair.accessToken)
    expect(await statusOf(() => auth.verify(pair.accessToken))).toBe('token_revoked')
  })

  test('guarded routes go on, for they only read', async () => {
    const { auth, pair } = await full()
    expect((await auth.verify(pair.accessToken)).subject).toBe('ann')
    expect(await auth.sessions.find(pair.session.id)).toEqual(pair.session)
  })

  test('everything goes on as soon as there is room again', async () => {
    const { auth, pair, lift } = await full()
    expect(await statusOf(() => auth.issue({ subject: 'ann', device: 'x'.repeat(200) }))).toBe(503)
    lift()
    const later = await auth.issue({ subject: 'ann', device: 'x'.repeat(200) })
    expect((await auth.refresh(later.refreshToken)).session.state.generation).toBe(1)
    await auth.signOutEverywhere(pair.accessToken)
    expect(await statusOf(() => auth.verify(later.accessToken))).toBe('token_revoked')
  })
})

describe('while another process holds the write lock', () => {
  test('for longer than the patience of 2 s: writes are answered 503, reads go on, and afterwards all is well', async () => {
    const file = newFile()
    const { auth, events } = openIssuer(file)
    const [first, second] = [await auth.issue({ subject: 'ann' }), await auth.issue({ subject: 'ann' })]
    await auth.refresh(second.refreshToken)
    const other = startService()
    await other.ask('issue', { file, subject: 'bob' })
    await other.ask('lock', { file, milliseconds: 3_500 })
    events.length = 0
    expect((await auth.verify(first.accessToken)).subject).toBe('ann')
    expect((await auth.refresh(second.refreshToken)).session.state.generation, 'a replay only reads').toBe(1)
    const beganAt = Date.now()
    expect(await statusOf(() => auth.signOut(first.accessToken))).toBe(503)
    const waitedMs = Date.now() - beganAt
    expect(waitedMs).toBeGreaterThan(1_500)
    expect(waitedMs).toBeLessThan(3_000)
    expect(events.map(({ type }) => type)).toEqual(['refresh.replayed'])
    expect(await statusOf(() => auth.verify(first.accessToken)), 'it was not acknowledged').toBe('accepted')
    // Waits for the rest of the lock, as the retry of a client would.
    await auth.signOut(first.accessToken)
    expect(await statusOf(() => auth.verify(first.accessToken))).toBe('token_revoked')
    expect(await other.codeOf('verify', { file, token: first.accessToken })).toBe('token_revoked')
  })

  test('for less: writes wait for it', async () => {
    const file = newFile()
    const { auth } = openIssuer(file)
    const { accessToken } = await auth.issue({ subject: 'ann' })
    const other = startService()
    await other.ask('lock', { file, milliseconds: 700 })
    const beganAt = Date.now()
    await auth.signOut(accessToken)
    expect(Date.now() - beganAt).toBeGreaterThan(300)
    expect(await other.codeOf('verify', { file, token: accessToken })).toBe('token_revoked')
  })
})
