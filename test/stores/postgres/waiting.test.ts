import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Session } from '../../../src/core/session/session.ts'
import {
  created,
  CREATION,
  newSession,
  POLICY,
  present,
  presented,
} from '../../../src/testing/session-store/fixtures.ts'
import type { Store } from '../../../src/ports/store.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { describePostgres, openRunning, useDatabase } from '../postgres-server.ts'

/** What a call decides that had to wait for another transaction: on what stands when the wait is over, and on that time. */

const HELD_MS = 400

const lockOf = ({ id }: Session): string => `SELECT FROM jotward.sessions WHERE id = '${id}' FOR UPDATE`

const creating =
  (subject: string) =>
  async ({ sessions }: Store) =>
    sessions.create(newSession({ subject }), CREATION)

const spending = async ({ singleUse }: Store) => singleUse.spend({ id: 'identifier', subject: 'ann', retention: 60 })

describePostgres('a call that waits for another transaction', () => {
  const database = useDatabase()
  let opened: StoreUnderTest
  beforeAll(async () => {
    const { store, end } = await openRunning('pg', { url: database.url })
    opened = { store, turn: () => undefined, close: end }
  })
  afterAll(async () => opened.close())

  /** Does `work` while another transaction has done `held`, and ends that after a while. Both times are the server's. */
  const whileHolding = async <T>(held: string, ending: 'COMMIT' | 'ROLLBACK', work: (store: Store) => Promise<T>) => {
    const holder = new Client({ connectionString: database.url })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('BEGIN')
    await holder.query(held)
    let isDone = false
    const working = work(opened.store).finally(() => {
      isDone = true
    })
    await holder.query('SELECT pg_sleep($1)', [HELD_MS / 1000])
    const hadToWait = !isDone
    const { rows } = await holder.query<{ now: string }>('SELECT jotward.now_ms()::text AS now')
    await holder.query(ending)
    return { answer: await working, hadToWait, releasedAtMs: Number(rows[0]?.now) }
  }

  const create = (subject: string): Promise<Session> => created(opened, { subject, device: subject })

  test('rotates at the time at which the lock was had, not at which it was asked for', async () => {
    const session = await create('rotating')
    const work = () => present(opened, session, 0)
    const { answer, hadToWait, releasedAtMs } = await whileHolding(lockOf(session), 'ROLLBACK', work)
    expect(hadToWait).toBe(true)
    expect(answer.outcome).toBe('rotated')
    if (!('session' in answer)) throw new Error('a rotation has a session')
    expect(answer.nowMs).toBeGreaterThanOrEqual(releasedAtMs)
    const { rotatedAtMs, graceFromMs, generation } = answer.session.state
    expect([rotatedAtMs, graceFromMs, generation]).toEqual([answer.nowMs, answer.nowMs, 1])
    expect(await opened.store.sessions.find(session.id)).toEqual(answer.session)
  })

  test('judges a reuse at the time at which the lock was had', async () => {
    const session = await create('reused')
    await present(opened, session, 5)
    const work = () => present(opened, session, 0)
    const { answer, releasedAtMs } = await whileHolding(lockOf(session), 'ROLLBACK', work)
    expect(answer.outcome).toBe('reused')
    expect('nowMs' in answer && answer.nowMs).toBeGreaterThanOrEqual(releasedAtMs)
  })

  test('gives nothing for a session that was ended meanwhile (I6)', async () => {
    const session = await create('ended')
    const end = `SELECT jotward.settle_session('${session.id}', 'ended', 'signout', 906000)`
    const { answer, hadToWait } = await whileHolding(end, 'COMMIT', () => present(opened, session, 0))
    expect(hadToWait).toBe(true)
    expect(answer).toEqual({ outcome: 'revoked' })
  })

  test('replays the generation that another call has made meanwhile, and makes none of its own (I3)', async () => {
    const session = await create('raced')
    const rotate = `SELECT jotward.rotate_session('${session.id}', 'raced', 0, ${session.createdAt}, 'key-1', 'key-1', NULL,
      30000, 1, 906000)`
    const { answer } = await whileHolding(rotate, 'COMMIT', () => present(opened, session, 0))
    expect(answer.outcome).toBe('replayed')
    expect('session' in answer && answer.session.state.generation).toBe(1)
  })

  test('replays without waiting for anybody, for it writes nothing (N139)', async () => {
    const session = await create('replayed')
    await present(opened, session, 0)
    const work = () => Promise.all([present(opened, session, 0), present(opened, session, 1)])
    const { answer, hadToWait } = await whileHolding(lockOf(session), 'ROLLBACK', work)
    expect(hadToWait).toBe(false)
    expect(answer.map(({ outcome }) => outcome)).toEqual(['replayed', 'replayed'])
  })

  test('refuses without waiting for anybody', async () => {
    const session = await create('refused')
    const foreign = presented(session, 0, { subject: 'somebody else' })
    const work = async () => opened.store.sessions.rotate(foreign, POLICY)
    const { answer, hadToWait } = await whileHolding(lockOf(session), 'ROLLBACK', work)
    expect(hadToWait).toBe(false)
    expect(answer).toEqual({ outcome: 'unknown' })
  })

  test('makes no session under an epoch that was raised meanwhile (I13)', async () => {
    const bump = "SELECT jotward.bump_epoch('raised')"
    const { answer, hadToWait } = await whileHolding(bump, 'COMMIT', creating('raised'))
    expect(hadToWait).toBe(true)
    expect(answer).toEqual({ outcome: 'outdated' })
  })

  test('makes a session at the time at which the subject was free', async () => {
    const bump = "SELECT jotward.bump_epoch('free')"
    const { answer, releasedAtMs } = await whileHolding(bump, 'ROLLBACK', creating('free'))
    expect(answer.outcome === 'created' && answer.nowMs).toBeGreaterThanOrEqual(releasedAtMs)
  })

  test('keeps an identifier spent for its whole retention, from when it was free', async () => {
    const spend = "SELECT jotward.spend('identifier', 60000)"
    const { answer, hadToWait, releasedAtMs } = await whileHolding(spend, 'ROLLBACK', spending)
    expect([answer, hadToWait]).toEqual([true, true])
    const [row] = await database.query("SELECT expires_at_ms FROM jotward.single_use WHERE id = 'identifier'")
    expect(Number(row?.['expires_at_ms'])).toBeGreaterThanOrEqual(releasedAtMs + 60_000)
  })

  test('raises an epoch above one that was raised meanwhile, and above the time at which it was free', async () => {
    const { revocations } = opened.store
    const work = async () => revocations.bump('twice')
    const { answer, releasedAtMs } = await whileHolding("SELECT jotward.bump_epoch('twice')", 'COMMIT', work)
    expect(answer).toBeGreaterThanOrEqual(releasedAtMs)
    expect(await revocations.epochs('twice')).toEqual({ subject: answer, global: 0 })
  })

  test('asks about a token without waiting for anybody', async () => {
    const session = await create('asked')
    const { id: sessionId, subject, stamp } = session
    const end = `SELECT jotward.settle_session('${sessionId}', '${subject}', 'signout', 906000)`
    const work = async () => opened.store.revocations.isRevokedAtSource({ tokenId: 't', sessionId, subject, stamp })
    const { answer, hadToWait } = await whileHolding(end, 'COMMIT', work)
    expect([answer, hadToWait]).toEqual([false, false])
    expect(await work()).toBe(true)
  })
})
