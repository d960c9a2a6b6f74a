import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRevocationSet } from '../../../src/core/session/revocation-set.ts'
import { createBuckets } from '../../../src/stores/redis/buckets.ts'
import { createFollower, entriesOf, newToken, readOn, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, newSession, outcomeOf, present } from '../../../src/testing/session-store/fixtures.ts'
import { createIssuer, record } from '../../../src/testing/token-register/fixtures.ts'
import { describeRedis, startRedis } from '../redis-server.ts'
import type { RedisServer } from '../redis-server.ts'
import { START_MS } from '../stores-under-test.ts'
import { openRedisStore } from './redis-under-test.ts'
import type { RedisUnderTest } from './redis-under-test.ts'

/** How the log grows, is cut and is read; and how long keys are kept. */

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** More entries than a node of a stream holds: only whole nodes are cut off. */
const MANY = 250

/** The beginning of the names of the keys of ann's bucket. */
const baseOf = ({ prefix }: RedisUnderTest): string => createBuckets(prefix, 16).ofSubject('ann').base

const revokeMany = async (opened: RedisUnderTest, count = MANY): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => setToken(opened, newToken(), { retention: 60 })))
}

const idsOf = async (opened: RedisUnderTest): Promise<readonly string[]> =>
  (await entriesOf(opened)).map((entry) => ('id' in entry ? entry.id : entry.kind))

/** Subjects of ann's bucket. */
const neighbours = (count: number): readonly string[] => {
  const bucket = createBuckets('x', 16).ofSubject('ann').number
  return Array.from({ length: count * 32 }, (_, index) => `user ${index}`)
    .filter((subject) => createBuckets('x', 16).ofSubject(subject).number === bucket)
    .slice(0, count)
}

/** Reads on to the end, with something done after each page; null where that does not come. */
const readWhile = async (opened: RedisUnderTest, between: (page: number) => Promise<unknown>) => {
  const known = createRevocationSet()
  let cursor: string | null = null
  for (let page = 0; page < 40; page++) {
    // Pages follow one another by their cursors.
    const { entries, cursor: next, atEnd } = await opened.store.revocations.read(cursor)
    for (const entry of entries) known.apply(entry)
    if (atEnd) return known
    cursor = next
    await between(page)
  }
  return null
}

describeRedis('the log', () => {
  let server: RedisServer
  let client: Redis

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.port, server.host)
  })

  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })

  const open = (): Promise<RedisUnderTest> => openRedisStore(client)

  test('is cut by the age of its entries alone, and tells of those that live longer from another list', async () => {
    const opened = await open()
    const [restored, long, short] = [newToken(), newToken(), newToken()]
    await setToken(opened, long, { retention: 30 * 86_400 })
    await setToken(opened, restored, { retention: 30 * 86_400 })
    await setToken(opened, restored, { retention: 60, revoked: false })
    await setToken(opened, short, { retention: 60 })
    const epoch = await opened.store.revocations.bump('ann')
    await revokeMany(opened)
    expect(await client.xlen(`${baseOf(opened)}log`)).toBe(MANY + 5)
    await opened.turn(2 * HOUR_MS - 1)
    await setToken(opened, newToken())
    expect(await client.xlen(`${baseOf(opened)}log`), 'nothing is old enough yet').toBe(MANY + 6)
    await opened.turn(HOUR_MS)
    const young = newToken()
    await setToken(opened, young)
    expect(await client.xlen(`${baseOf(opened)}log`)).toBeLessThan(100)
    const told = await idsOf(opened)
    expect(told.toSorted()).toEqual([long.tokenId, restored.tokenId, 'ann', young.tokenId].toSorted())
    const follower = createFollower(opened)
    await follower.catchUp()
    expect(follower.known.isRevoked({ ...long, stamp: { subject: epoch, global: 0 } })).toBe(true)
    expect(follower.known.isRevoked({ ...restored, stamp: { subject: epoch, global: 0 } })).toBe(false)
    expect(follower.known.epochs('ann').subject).toBe(epoch)
  })

  test('a follower that stands where the log has been cut begins anew, and misses nothing', async () => {
    const opened = await open()
    const follower = createFollower(opened)
    await setToken(opened, newToken())
    await follower.catchUp()
    const [missed, long] = [newToken(), newToken()]
    await setToken(opened, missed, { retention: 6 * 3_600 })
    await setToken(opened, long, { retention: 30 * 86_400 })
    await revokeMany(opened)
    await opened.turn(3 * HOUR_MS)
    await setToken(opened, newToken())
    await follower.catchUp()
    expect(follower.known.isRevoked(missed)).toBe(true)
    expect(follower.known.isRevoked(long)).toBe(true)
  })

  test('a follower of a log that went back and on again begins anew, though its number is not ahead', async () => {
    const opened = await open()
    const base = baseOf(opened)
    await setToken(opened, newToken())
    const [meta, log] = await Promise.all([client.dumpBuffer(`${base}meta`), client.dumpBuffer(`${base}log`)])
    const lost = newToken()
    await setToken(opened, lost)
    const follower = createFollower(opened)
    await follower.catchUp()
    // As a primary that takes over without the last entry.
    await client.restore(`${base}meta`, 0, meta, 'REPLACE')
    await client.restore(`${base}log`, 0, log, 'REPLACE')
    await follower.catchUp()
    await opened.turn(1)
    const tokens = [newToken(), newToken()]
    for (const token of tokens) await setToken(opened, token)
    await follower.catchUp()
    expect(tokens.map((token) => follower.known.isRevoked(token))).toEqual([true, true])
    expect(follower.known.isRevoked(lost), 'who knows of it goes on refusing').toBe(true)
  })

  test('tells the clock by which it was read', async () => {
    const opened = await open()
    await opened.turn(7)
    expect(await opened.store.revocations.read(null)).toMatchObject({ nowMs: START_MS + 7 })
  })

  test('is read in pages where there is much, in one bucket and in all, and nothing is missing', async () => {
    const opened = await open()
    const tokens = Array.from({ length: 2_000 }, (_, index) =>
      newToken({ subject: index % 2 === 0 ? 'ann' : `user ${index}` }),
    )
    await Promise.all(tokens.map((token) => setToken(opened, token)))
    const first = await opened.store.revocations.read(null)
    expect(first.atEnd).toBe(false)
    expect(first.entries.length).toBeLessThan(2_000)
    const { entries } = await readOn(opened, null)
    expect(new Set(entries.map((entry) => ('id' in entry ? entry.id : '')))).toEqual(
      new Set(tokens.map(({ tokenId }) => tokenId)),
    )
  })

  test('tells of a thousand epochs that have left the stream, in pages, while others are written', async () => {
    const opened = await open()
    const subjects = neighbours(1_000)
    for (const subject of subjects) await opened.store.revocations.bump(subject)
    await opened.turn(3 * HOUR_MS)
    await revokeMany(opened)
    const follower = createFollower(opened)
    const [, late] = await Promise.all([follower.catchUp(), opened.store.revocations.bump(subjects[0] ?? '')])
    await follower.catchUp()
    expect(follower.known.epochs(subjects[0] ?? '').subject).toBe(late)
    expect(subjects.filter((subject) => follower.known.epochs(subject).subject === 0)).toEqual([])
  })

  const oldestOf = async (opened: RedisUnderTest): Promise<unknown> =>
    (await client.xrange(`${baseOf(opened)}log`, '-', '+', 'COUNT', 1))[0]?.[0]

  test('is read to its end by who begins anew, however fast the stream is cut meanwhile', async () => {
    const opened = await open()
    const subjects = neighbours(1_500)
    for (const subject of subjects) await opened.store.revocations.bump(subject)
    await opened.turn(HOUR_MS)
    await revokeMany(opened, 10 * MANY)
    const [late, last] = [newToken(), newToken()]
    await setToken(opened, late, { retention: 30 * 86_400 })
    await opened.turn(2 * HOUR_MS)
    await setToken(opened, last)
    const oldest = await oldestOf(opened)
    // Each time a node of the stream is cut off.
    const known = await readWhile(opened, async () => {
      await revokeMany(opened, 120)
      await opened.turn(150)
    })
    expect(await oldestOf(opened)).not.toBe(oldest)
    expect(known).not.toBeNull()
    expect(subjects.filter((subject) => known?.epochs(subject).subject === 0)).toEqual([])
    expect([late, last].map((token) => known?.isTokenListed(token.tokenId))).toEqual([true, true])
  })

  test('is read once more by whom the stream has left behind while he read the rest', async () => {
    const opened = await open()
    for (const subject of neighbours(600)) await opened.store.revocations.bump(subject)
    await opened.turn(3 * HOUR_MS)
    await revokeMany(opened)
    const missed = Array.from({ length: 300 }, () => newToken())
    const known = await readWhile(opened, async (page) => {
      if (page > 0) return
      // He was away for hours, as a process that was stopped.
      await Promise.all(missed.map((token) => setToken(opened, token, { retention: 30 * 86_400 })))
      await opened.turn(3 * HOUR_MS)
      await revokeMany(opened)
    })
    expect(missed.filter(({ tokenId }) => known?.isTokenListed(tokenId) !== true)).toEqual([])
  })

  test('never lets a revocation come back because its restoration was to be kept for a shorter time', async () => {
    const opened = await open()
    const token = newToken()
    await setToken(opened, token, { retention: 906 })
    await setToken(opened, token, { revoked: false, retention: 1 })
    const ttl = await client.pttl(`${baseOf(opened)}r:t:${token.tokenId}`)
    expect(ttl).toBeGreaterThan(906 * SECOND_MS)
    await opened.turn(60_000)
    expect(await opened.store.revocations.isRevoked(token)).toBe(false)
    const follower = createFollower(opened)
    await follower.catchUp()
    expect(follower.known.isRevoked(token)).toBe(false)
  })

  test('a subject’s epoch forgotten after its time ends nobody who signed in since (I5)', async () => {
    const opened = await open()
    const { revocations } = opened.store
    await revocations.bump('ann')
    const stamp = await revocations.epochs('ann')
    await opened.turn(390 * DAY_MS)
    const long = await created(opened, { stamp })
    await opened.turn(11 * DAY_MS)
    expect(await revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
    const later = await created(opened)
    expect(await revocations.isRevoked(newToken({ sessionId: long.id, stamp }))).toBe(false)
    expect(await outcomeOf(opened, later, 0)).toBe('rotated')
    expect(await outcomeOf(opened, long, 0)).toBe('rotated')
  })

  test('keys live five seconds longer than what they hold, and none lives for ever (N124)', async () => {
    const opened = await open()
    const base = baseOf(opened)
    const session = await created(opened, { absoluteLifetime: 1_000 })
    await present(opened, session, 0)
    const ended = await created(opened, { absoluteLifetime: 500 })
    await opened.store.sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
    const use = { id: newSession().id, subject: 'ann', retention: 60 }
    await opened.store.singleUse.spend(use)
    const token = (await createIssuer(opened))()
    await record(opened, token)
    await opened.store.revocations.bump('ann')
    await opened.turn(10)
    const expected: Readonly<Record<string, number>> = {
      [`${base}s:${session.id}`]: 1_000,
      [`${base}s:${ended.id}`]: 500,
      [`${base}i:ann`]: 1_000,
      [`${base}r:s:${ended.id}`]: 906,
      [`${base}r:u:ann`]: 400 * 86_400,
      [`${base}x:${use.id}`]: 60,
      [`${base}t:${token.tokenId}`]: 900 + 300,
    }
    for (const [key, seconds] of Object.entries(expected)) {
      const left = await client.pttl(key)
      // The creation of a session lies at most a second before its NumericDate; the test has taken a moment.
      const isRight = left / SECOND_MS > seconds + 2 && left / SECOND_MS <= seconds + 5
      expect([key, left, isRight]).toEqual([key, left, true])
    }
    const keys = await client.keys(`${opened.prefix}:*`)
    const lasting: string[] = []
    for (const key of keys) if ((await client.pttl(key)) < 0) lasting.push(key.slice(opened.prefix.length + 1))
    // What is cut, not dropped, and what belongs to the bucket itself.
    expect(new Set(lasting.map((key) => key.replace(/^\{b\d+\}:/, '')))).toEqual(
      new Set(['clock', 'log', 'long', 'meta']),
    )
  })

  test('records that have lapsed are removed by the writing of others, from every list', async () => {
    const opened = await open()
    const base = baseOf(opened)
    const issue = await createIssuer(opened)
    const kept = issue({ expiresAt: null })
    for (let index = 0; index < 50; index++) await record(opened, issue())
    await record(opened, kept)
    await opened.turn(1_200 * SECOND_MS)
    const young = (await createIssuer(opened))()
    for (let index = 0; index < 10; index++) await record(opened, (await createIssuer(opened))())
    await record(opened, young)
    const sizes = await Promise.all(['ta', 'te', 'ts:ann'].map((key) => client.zcard(`${base}${key}`)))
    expect(sizes).toEqual([12, 12, 12])
    expect(await client.keys(`${base}t:*`)).toHaveLength(12)
    const { records } = await opened.store.tokens.list({ subject: 'ann', after: null, limit: 20 })
    expect([records[0], records.at(-1)]).toEqual([young, kept])
  })

  test('a page of records is found behind any number that has lapsed', async () => {
    const opened = await open()
    const issue = await createIssuer(opened)
    const first = issue({ expiresAt: null })
    await record(opened, first)
    const short = Array.from({ length: 1_200 }, () => issue())
    for (let at = 0; at < short.length; at += 100) await record(opened, ...short.slice(at, at + 100))
    await opened.turn(1_200 * SECOND_MS)
    for (const subject of ['ann', null]) {
      expect(await opened.store.tokens.list({ subject, after: null, limit: 3 })).toEqual({
        records: [first],
        next: null,
      })
    }
  })
})
