import { afterEach, describe, expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { createFollower, newToken, setToken } from '../../src/testing/revocation-log/fixtures.ts'
import { created, newSession, present } from '../../src/testing/session-store/fixtures.ts'
import { openSqliteFile } from './stores-under-test.ts'

type Opened = ReturnType<typeof openSqliteFile>

const files: Opened[] = []

const open = (): Opened => {
  const opened = openSqliteFile()
  files.push(opened)
  return opened
}

afterEach(async () => {
  for (const opened of files.splice(0)) await opened.close()
})

describe('the log in a SQLite file', () => {
  test('is read in pages, so that a follower that begins anew holds up nobody for long', async () => {
    const { database, ...opened } = open()
    database.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 25000)
      INSERT INTO jotward_revocations (key, revoked, epoch, expires_at_ms) SELECT 't:' || n, 1, 0, 9e15 FROM numbers`)
    const first = await opened.store.revocations.read(null)
    expect(first.atEnd).toBe(false)
    expect(first.entries.length).toBeLessThan(25_000)
    const follower = createFollower(opened)
    await follower.catchUp()
    expect(follower.known.size).toBe(25_000)
    expect(follower.known.isRevoked(newToken({ tokenId: '25000' }))).toBe(true)
    const { entries } = await follower.catchUp()
    expect(entries).toEqual([])
  })

  test('is not told again to a follower that stands behind entries pruned meanwhile', async () => {
    const { database, ...opened } = open()
    const follower = createFollower(opened)
    const [kept, pruned, next] = [newToken(), newToken(), newToken()]
    await setToken(opened, kept)
    await setToken(opened, pruned)
    await follower.catchUp()
    database.prepare('DELETE FROM jotward_revocations WHERE key = ?').run(`t:${pruned.tokenId}`)
    expect((await follower.catchUp()).entries).toEqual([])
    await setToken(opened, next)
    expect((await follower.catchUp()).entries).toMatchObject([{ id: next.tokenId }])
  })
})

describe('a SQLite file with rows that nothing here has written (N127)', () => {
  test.each([
    ['a grant that is no JSON', "grant_json = 'x'"],
    ['refresh data that is no JSON', "refresh_data = ''"],
    ['a generation beyond what counts exactly', 'generation = 9007199254740993'],
  ])('answers a session with %s as a failure of the store', async (_, change) => {
    const opened = open()
    const session = await created(opened)
    opened.database.exec(`UPDATE jotward_sessions SET ${change}`)
    await expect(present(opened, session, 0)).rejects.toThrow(StoreError)
    expect(() => opened.store.sessions.find(session.id)).toThrow(StoreError)
    expect(() => opened.store.sessions.list(session.subject)).toThrow(StoreError)
    const policy = { retention: 1, maxPerSubject: 1 }
    expect(() => opened.store.sessions.create(newSession(), policy)).toThrow(StoreError)
  })

  test('answers a revocation that it cannot read as a failure of the store, not as none', async () => {
    const opened = open()
    await setToken(opened, newToken())
    opened.database.exec('UPDATE jotward_revocations SET epoch = 9007199254740993')
    expect(() => opened.store.revocations.read(null)).toThrow(StoreError)
    opened.database.exec("UPDATE jotward_revocations SET key = 'u:ann'")
    expect(() => opened.store.revocations.epochs('ann')).toThrow(StoreError)
    expect(() => opened.store.revocations.isRevoked(newToken())).toThrow(StoreError)
  })

  test('answers a table that is gone as a StoreError that names the operation', async () => {
    const opened = open()
    const session = await created(opened)
    const reference = { id: session.id, subject: 'ann' }
    opened.database.exec('ALTER TABLE jotward_sessions RENAME TO gone')
    opened.database.exec('ALTER TABLE jotward_revocations RENAME TO gone_too')
    const { sessions, revocations } = opened.store
    const policy = { retention: 1, maxPerSubject: 1, graceMs: 0, lateReplays: 0 }
    await expect(present(opened, session, 0)).rejects.toThrow(/reading a session/)
    expect(() => sessions.create(newSession(), policy)).toThrow(/creating a session/)
    expect(() => sessions.end({ ...reference, reason: 'signout' }, policy)).toThrow(/ending a session/)
    expect(() => sessions.suspend({ ...reference, suspended: true }, policy)).toThrow(/suspending a session/)
    expect(() => sessions.list('ann')).toThrow(/reading epochs|listing sessions/)
    expect(() => revocations.isRevoked(newToken())).toThrow(/checking a token/)
    expect(() => revocations.bump('ann')).toThrow(/raising an epoch|reading epochs/)
    expect(() => opened.store.ready()).toThrow(StoreError)
  })
})

test('closing the store leaves the file open to its owner', async () => {
  const opened = open()
  const session = await created(opened)
  await opened.store.close()
  expect(opened.database.prepare('SELECT id FROM jotward_sessions').all()).toHaveLength(1)
  expect(await opened.store.sessions.find(session.id)).toEqual(session)
})
