import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import { bounded } from '../../../src/stores/bounded/index.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { replicated } from '../../../src/stores/replicated/index.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import {
  created,
  CREATION,
  newSession,
  POLICY,
  present,
  presented,
  STRICT,
} from '../../../src/testing/session-store/fixtures.ts'
import { describeCluster, startPostgres, startStandby, until } from '../postgres-cluster.ts'
import type { PostgresServer } from '../postgres-cluster.ts'
import { connect, grants } from '../postgres-server.ts'

/** What a commit that waits for a standby acknowledges, on real servers that are frozen, cut off and promoted (rotation.md 5). */

const opened = (store: StoreWithUsers) => ({ store, turn: () => undefined, close: () => undefined })

interface OnServer {
  readonly store: StoreWithUsers
  readonly end: () => Promise<void>
}

/** A store on a server; end it after the server, which alone sets free what waits. */
const storeOn = ({ url }: PostgresServer, settings: Readonly<Record<string, string>> = {}, max = 20): OnServer => {
  const { client, end } = connect('pg', { url, max, settings })
  return { store: postgresStore(client), end }
}

/** What came of a call, as far as it is known. */
const fateOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'acknowledged'
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}

const endOf = ({ id }: { readonly id: string }) => ({ id, subject: 'ann', reason: 'signout' }) as const

const NO_ANSWER = /no answer within 250 ms$/

describeCluster('a primary with a synchronous standby', () => {
  let primary: PostgresServer
  let standby: PostgresServer
  let store: StoreWithUsers
  let end: () => Promise<void>

  beforeAll(async () => {
    primary = await startPostgres()
    standby = await startStandby(primary, { isSynchronous: true })
    ;({ store, end } = storeOn(primary))
    await store.ready()
  }, 180_000)

  afterAll(async () => {
    await Promise.all([primary.stop(), standby.stop()])
    await end()
  })

  /** Runs with a standby that is connected and hears nothing. */
  const whileFrozen = async <T>(work: () => Promise<T>): Promise<T> => {
    standby.freeze()
    try {
      return await work()
    } finally {
      standby.thaw()
    }
  }

  /** Whether a transaction that calls a function writes, and so waits. */
  const doesWrite = async (settings: string, call: string): Promise<unknown> => {
    const client = new Client({ connectionString: primary.url })
    await client.connect()
    await client.query(`BEGIN; ${settings}; SELECT jotward.${call}`)
    const { rows } = await client.query<object>('SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS writes')
    await client.query('ROLLBACK')
    await client.end()
    return rows[0]
  }

  test('acknowledges everything while the standby follows, and promises to outlive a failover', async () => {
    const session = await created(opened(store))
    expect((await present(opened(store), session, 0)).outcome).toBe('rotated')
    await setToken(opened(store), newToken())
    expect((await store.revocations.read(null)).atEnd).toBe(true)
    expect(await store.promises()).toMatchObject({ crash: true, powerLoss: true, failover: true })
  })

  test('acknowledges nothing while the standby is frozen, a repeated end neither, and everything after', async () => {
    const strict = bounded(store, { failures: 1000 })
    const [ended, before, reused, other] = [
      await created(opened(store)),
      await created(opened(store)),
      await created(opened(store)),
      await created(opened(store)),
    ]
    await present(opened(store), reused, 0, STRICT)
    expect(await store.sessions.end(endOf(before), CREATION)).toBe('ended')
    const use = { id: newSession().id, subject: 'ann', retention: 60 }
    const wanted = newSession({ subject: 'dan' })
    const [token, revoked] = [newToken(), newToken()]
    await setToken(opened(store), revoked)
    const writes: Readonly<Record<string, () => Promise<unknown>>> = {
      create: async () => strict.sessions.create(wanted, CREATION),
      end: async () => strict.sessions.end(endOf(ended), CREATION),
      'end, once more': async () => strict.sessions.end(endOf(ended), CREATION),
      'end of what was ended before': async () => strict.sessions.end(endOf(before), CREATION),
      reuse: async () => strict.sessions.rotate(presented(reused, 0), STRICT),
      suspend: async () => strict.sessions.suspend({ id: other.id, subject: 'ann', suspended: true }, CREATION),
      token: async () => setToken(opened(strict), token),
      'subject’s epoch': async () => strict.revocations.bump('bob'),
      'lost epoch': async () =>
        strict.revocations.isRevokedAtSource(newToken({ subject: 'eve', stamp: { subject: Date.now(), global: 0 } })),
      'a living token, at the source': async () => strict.revocations.isRevokedAtSource(newToken()),
      spend: async () => strict.singleUse.spend(use),
      read: async () => strict.revocations.read(null),
    }
    await whileFrozen(async () => {
      const fates = await Promise.all(
        Object.entries(writes).map(async ([name, write]) => [name, await fateOf(write())] as const),
      )
      for (const [name, fate] of fates) expect([name, fate]).toEqual([name, expect.stringMatching(NO_ANSWER)])
      // What is revoked stays so, and the usual question confirms nothing.
      expect(await store.revocations.isRevokedAtSource(revoked)).toBe(true)
      expect(await store.revocations.isRevoked(newToken())).toBe(false)
    })
    // Each is repeated by its caller, and finds done what was done.
    expect((await store.sessions.create(wanted, CREATION)).outcome).toBe('exists')
    expect(await store.sessions.end(endOf(ended), CREATION)).toBe('already')
    expect(await store.sessions.rotate(presented(reused, 0), STRICT)).toEqual({ outcome: 'revoked' })
    expect(await store.singleUse.spend(use)).toBe(false)
    expect(await store.revocations.isRevokedAtSource({ ...token, stamp: { subject: 9e15, global: 9e15 } })).toBe(true)
    expect((await store.revocations.read(null)).atEnd).toBe(true)
  })

  test('lets a follower’s lease lapse while the standby is frozen, and renews it after', async () => {
    const copy = replicated(store, { lease: '1s', pollMs: 20 })
    onTestFinished(async () => copy.close())
    await copy.ready()
    const token = newToken()
    expect(copy.revocations.isRevoked(token)).toBe(false)
    const isStale = async (): Promise<boolean> => copy.revocations.isRevoked(token) === 'stale'
    await whileFrozen(() => until('a lapsed lease', isStale))
    await until('a new lease', async () => !(await isStale()))
    expect(copy.revocations.isRevoked(token)).toBe(false)
  })

  test.each<readonly [string, boolean]>([
    [`read_log(NULL, 0, '{}', 10)`, true],
    [`is_revoked_at_source('nothing', NULL, 'nobody', 0, 0)`, true],
    [`is_revoked_at_source('dead', NULL, 'nobody', 0, 0)`, false],
    [`is_revoked('nothing', NULL, 'nobody', 0, 0)`, false],
  ])('is written a heartbeat by %s only where commits wait for somebody: %s', async (call, writes) => {
    await setToken(opened(store), newToken({ tokenId: 'dead' }))
    expect(await doesWrite('SELECT', call)).toEqual({ writes })
    expect(await doesWrite('SET LOCAL synchronous_commit = remote_write', call)).toEqual({ writes })
    expect(await doesWrite('SET LOCAL synchronous_commit = local', call)).toEqual({ writes: false })
  })

  test('needs no other right than that to the heartbeat, which everybody has, and says so where it was taken', async () => {
    await primary.query(`CREATE ROLE app LOGIN; ${grants('app')}`)
    const allowed = storeOn({ ...primary, url: primary.url.replace('postgres@', 'app@') })
    await allowed.store.ready()
    expect((await allowed.store.revocations.read(null)).atEnd).toBe(true)
    // It has one more parameter from PostgreSQL 17 on.
    const [found] = await primary.query(
      `SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype`,
    )
    const heartbeat = String(found?.['name'])
    await primary.query(`REVOKE EXECUTE ON FUNCTION ${heartbeat} FROM PUBLIC`)
    await expect(allowed.store.ready()).rejects.toThrow(/pg_logical_emit_message.*grant it EXECUTE/)
    await expect((async () => allowed.store.revocations.read(null))()).rejects.toThrow(StoreError)
    await primary.query(`GRANT EXECUTE ON FUNCTION ${heartbeat} TO PUBLIC`)
    await allowed.store.ready()
    await allowed.end()
  })
})

describeCluster('a primary whose standby was promoted behind its back', () => {
  test('acknowledges nothing, and its followers refuse or ask within one lease (F18)', async () => {
    const primary = await startPostgres()
    const standby = await startStandby(primary, { isSynchronous: true })
    const [old, promoted] = [storeOn(primary), storeOn(standby)]
    onTestFinished(async () => {
      await Promise.all([primary.stop(), standby.stop()])
      await Promise.all([old.end(), promoted.end()])
    })
    await old.store.ready()
    const leaseMs = 1_000
    // What its pool reaches changes, as behind one address.
    let reached = old.store
    const moving: StoreWithUsers = {
      ...old.store,
      revocations: { ...old.store.revocations, read: (cursor) => reached.revocations.read(cursor) },
    }
    const [stays, moves] = [old.store, moving].map((one) => replicated(bounded(one), { lease: '1s', pollMs: 20 }))
    if (stays === undefined || moves === undefined) throw new Error('both are there')
    await Promise.all([stays.ready(), moves.ready()])
    const { source } = await old.store.revocations.read(null)
    const token = newToken()
    expect(stays.revocations.isRevoked(token)).toBe(false)

    await standby.promote()
    await setToken(opened(promoted.store), token)
    const acknowledged = performance.now()
    const answers = new Set<unknown>()
    await until('one lease and a half', async () => {
      const asked = performance.now()
      const answer = await stays.revocations.isRevoked(token)
      if (asked > acknowledged + leaseMs) answers.add(answer)
      return asked > acknowledged + leaseMs * 1.5
    })
    expect([...answers]).toEqual(['stale'])
    const strict = bounded(old.store, { failures: 1000 })
    expect(await fateOf(setToken(opened(strict), newToken()))).toMatch(NO_ANSWER)
    expect(await fateOf((async () => strict.revocations.isRevokedAtSource(token))()), 'who asks it').toMatch(NO_ANSWER)

    reached = promoted.store
    expect((await promoted.store.revocations.read(null)).source).not.toBe(source)
    await until('a reload', async () => moves.revocations.isRevoked(token) === true)
    await until('its lease', async () => moves.revocations.isRevoked(newToken()) === false)
    await Promise.all([stays.close(), moves.close()])
  }, 180_000)
})

/** The identifiers of all tokens that the log of a server tells of. */
const tokensIn = async (server: PostgresServer): Promise<ReadonlySet<string>> => {
  const rows = await server.query(`SELECT substr(key, 3) AS id FROM jotward.revocations WHERE key LIKE 't:%'`)
  return new Set(rows.map(({ id }) => String(id)))
}

/** It gets what was written so far, and nothing from now on. */
const cutOff = async (primary: PostgresServer, standby: PostgresServer): Promise<void> => {
  await standby.set({ primary_conninfo: '' })
  await until('a cut', async () => (await primary.query('SELECT FROM pg_stat_replication')).length === 0)
}

/** Revokes by eight writers, cuts the standby off meanwhile, and kills the primary. What was acknowledged, and of that lost. */
const failOver = async (isSynchronous: boolean) => {
  const primary = await startPostgres()
  const standby = await startStandby(primary, { isSynchronous })
  onTestFinished(async () => {
    await Promise.all([primary.stop(), standby.stop()])
  })
  const { store, end } = storeOn(primary)
  await store.ready()
  const { source } = await store.revocations.read(null)
  const session = await created(opened(store))
  const promises = await store.promises()
  const calls = bounded(store, { failures: 1000 })
  const acknowledged: string[] = []
  const state = { isOver: false }
  const write = async (): Promise<void> => {
    while (!state.isOver) {
      const token = newToken()
      // A writer waits for its answer.
      if ((await fateOf(setToken(opened(calls), token))) === 'acknowledged') acknowledged.push(token.tokenId)
    }
  }
  const writing = Promise.all(Array.from({ length: 8 }, write))
  await until('some revocations', async () => acknowledged.length > 200)
  await cutOff(primary, standby)
  const rotating = fateOf((async () => calls.sessions.rotate(presented(session, 0), POLICY))())
  const before = acknowledged.length
  const cutAt = performance.now()
  // Without a standby to wait for they come; else none may.
  const longestMs = isSynchronous ? 1_000 : 30_000
  await until('some more', async () => acknowledged.length > before + 200 || performance.now() > cutAt + longestMs)
  await rotating
  state.isOver = true
  await primary.kill()
  await writing
  await end()
  await standby.promote()
  const kept = await tokensIn(standby)
  const later = storeOn(standby)
  const [anew, recovered, replayed] = [
    await later.store.revocations.read(null),
    await later.store.sessions.rotate(presented(session, 1), POLICY),
    await later.store.sessions.rotate(presented(session, 0), POLICY),
  ]
  await later.end()
  const lost = acknowledged.filter((id) => !kept.has(id)).length
  return {
    promises,
    acknowledged: acknowledged.length,
    lost,
    source,
    anew,
    outcomes: [recovered.outcome, replayed.outcome],
  }
}

describeCluster('a standby that was cut off under load and promoted', () => {
  describe.each([
    ['asynchronous', false],
    ['synchronous', true],
  ] as const)('%s', (_name, isSynchronous) => {
    test(`loses ${isSynchronous ? 'nothing' : 'what it had not got'} that was acknowledged, and heals lost rotations (F17, I12)`, async () => {
      const fate = await failOver(isSynchronous)
      expect(fate.acknowledged).toBeGreaterThan(200)
      expect(fate.promises.failover).toBe(isSynchronous)
      expect(fate.lost === 0).toBe(isSynchronous)
      expect(fate.anew.source).not.toBe(fate.source)
      expect(fate.outcomes).toEqual(['recovered', 'replayed'])
    }, 180_000)
  })
})
