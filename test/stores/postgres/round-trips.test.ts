import { Pool, TypeOverrides, types } from 'pg'
import postgres from 'postgres'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import type { PostgresClient, PostgresJs, SqlValue } from '../../../src/stores/postgres/client.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { newToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { CREATION, newSession, POLICY, presented } from '../../../src/testing/session-store/fixtures.ts'
import { newUser } from '../../../src/testing/user-directory/fixtures.ts'
import { connect, describePostgres, DRIVERS, openRunning, useDatabase } from '../postgres-server.ts'

/** One of every method, by name. Those that depend on others come after them. */
const everyMethod = async ({ sessions, revocations, tokens, singleUse, users }: StoreWithUsers) => {
  const stamp = await revocations.epochs('ann')
  const creation = await sessions.create(newSession({ stamp }), CREATION)
  if (creation.outcome !== 'created') throw new Error('a session should have been created')
  const { session } = creation
  const { id, subject } = session
  const user = await users.create(newUser(`${id}@example.com`))
  if (user === null) throw new Error('a user should have been created')
  const now = session.createdAt
  const record = { tokenId: id, kind: 'refresh' as const, subject, sessionId: id, stamp: session.stamp, issuedAt: now }
  return {
    create: () => sessions.create(newSession({ stamp }), CREATION),
    rotate: () => sessions.rotate(presented(session, 0), POLICY),
    'rotate, a replay': () => sessions.rotate(presented(session, 0), POLICY),
    'rotate, a reuse': () => sessions.rotate(presented(session, -5), POLICY),
    'create, with an eviction': () => sessions.create(newSession({ stamp }), { ...CREATION, maxPerSubject: 1 }),
    find: () => sessions.find(id),
    list: () => sessions.list(subject),
    end: () => sessions.end({ id, subject, reason: 'signout' }, CREATION),
    'end of a session that is not there': () => sessions.end({ id: `${id}x`, subject, reason: 'signout' }, CREATION),
    suspend: () => sessions.suspend({ id, subject, suspended: true }, CREATION),
    epochs: () => revocations.epochs(subject),
    isRevoked: () => revocations.isRevoked(newToken({ subject: 'bob' })),
    'isRevoked, of a stamp ahead': () =>
      revocations.isRevoked(newToken({ subject: 'bob', stamp: { subject: now * 1000, global: 1 } })),
    isRevokedAtSource: () => revocations.isRevokedAtSource(newToken()),
    setToken: () => revocations.setToken({ tokenId: id, subject, revoked: true, retention: 906 }),
    bump: () => revocations.bump('bob'),
    'bump of everybody': () => revocations.bump(null),
    read: () => revocations.read(null),
    record: () => tokens.record([{ ...record, expiresAt: null }]),
    'find of a token': () => tokens.find(id),
    'list of tokens': () => tokens.list({ subject, after: null, limit: 10 }),
    spend: () => singleUse.spend({ id, subject, retention: 60 }),
    'create of a user': () => users.create(newUser(`${id}@example.org`)),
    findById: () => users.findById(user.id),
    findByEmail: () => users.findByEmail(`${id}@example.com`),
    'list of users': () => users.list({ after: null, limit: 10 }),
    replacePassword: () =>
      users.replacePassword(user.id, { expected: user.passwordHash, hash: 'another', changed: true }),
    update: () => users.update(user.id, { active: false }),
  }
}

/** A client that counts what goes through it. */
const counting = (client: PostgresClient) => {
  const counts = { statements: 0 }
  if ('unsafe' in client) {
    const unsafe: PostgresJs['unsafe'] = (...given) => {
      counts.statements += 1
      return client.unsafe(...given)
    }
    return { counts, client: { unsafe } }
  }
  const query = (text: string, values?: SqlValue[]) => {
    counts.statements += 1
    return client.query(text, values)
  }
  return { counts, client: { query } }
}

const open = (client: PostgresClient, end: () => Promise<void>): StoreWithUsers => {
  onTestFinished(end)
  return postgresStore(client)
}

describePostgres('a call of the PostgreSQL store', () => {
  const database = useDatabase()
  beforeAll(async () => {
    await (await openRunning('pg', { url: database.url, max: 1 })).end()
  })

  test.each(DRIVERS)('is one statement, whichever method, through %s', async (driver) => {
    const connection = connect(driver, { url: database.url, max: 1 })
    const { counts, client } = counting(connection.client)
    const methods = await everyMethod(open(client, () => connection.end()))
    const counted: Record<string, number> = {}
    for (const [name, call] of Object.entries(methods)) {
      counts.statements = 0
      await call()
      counted[name] = counts.statements
    }
    expect(counted).toEqual(Object.fromEntries(Object.keys(methods).map((name) => [name, 1])))
  })

  test.each<readonly [string, () => { client: PostgresClient; end: () => Promise<void> }]>([
    [
      'postgres.js that renames columns and prepares nothing',
      () => {
        const sql = postgres(database.url, { max: 1, transform: postgres.camel, prepare: false })
        return { client: sql, end: () => sql.end() }
      },
    ],
    [
      'postgres.js that knows bigint',
      () => {
        const sql = postgres(database.url, { max: 1, types: { bigint: postgres.BigInt } })
        return { client: sql, end: () => sql.end() }
      },
    ],
    [
      'pg that reads integers as bigint',
      () => {
        const parsers = new TypeOverrides()
        parsers.setTypeParser(types.builtins.INT8, BigInt)
        const pool = new Pool({ connectionString: database.url, max: 1, types: parsers })
        return { client: pool, end: () => pool.end() }
      },
    ],
  ])('means the same whatever the settings of the driver: %s', async (_, make) => {
    const { client, end } = make()
    const store = open(client, end)
    await store.ready()
    const methods = await everyMethod(store)
    const answers: Record<string, unknown> = {}
    for (const [name, call] of Object.entries(methods)) answers[name] = await call()
    expect(answers).toMatchObject({ rotate: { outcome: 'rotated' }, 'rotate, a reuse': { outcome: 'reused' } })
    expect(answers['isRevokedAtSource']).toBe(true)
    expect(answers['bump']).toBeTypeOf('number')
  })

  /** Answers with failures of these codes, one after another, and then as the database does. */
  const failing = (codes: readonly string[]) => {
    const connection = connect('pg', { url: database.url, max: 1 })
    const { counts, client } = counting(connection.client)
    const left = [...codes]
    const query = async (text: string, values?: SqlValue[]) => {
      const answer = await ('query' in client ? client.query(text, values) : Promise.reject(new Error('no pool')))
      const code = left.shift()
      if (code !== undefined) throw Object.assign(new Error(`failure ${code}`), { code })
      return answer
    }
    return { counts, store: open({ query }, () => connection.end()) }
  }

  test.each(['40001', '40P01'])('is tried once more where the server has undone it (%s)', async (code) => {
    const { counts, store } = failing([code])
    expect(await store.sessions.find('nobody')).toBeNull()
    expect(counts.statements).toBe(2)
    const twice = failing([code, code])
    await expect(twice.store.sessions.find('nobody')).rejects.toThrow(StoreError)
    expect(twice.counts.statements).toBe(2)
  })

  test.each(['08006', '57P01', '57014', '53300', 'ECONNRESET', '23505'])(
    'is never repeated where it is not known whether it was done (%s)',
    async (code) => {
      const { counts, store } = failing([code])
      const spending = store.singleUse.spend({ id: code, subject: 'ann', retention: 60 })
      await expect(spending).rejects.toThrow(`The store failed at spending an identifier: failure ${code}`)
      expect(counts.statements).toBe(1)
    },
  )

  test.each<readonly [string, unknown]>([
    ['no row', []],
    ['a row without the answer', [{}]],
    ['an answer that is no text', [{ answer: 7 }]],
    ['an answer that is no JSON', [{ answer: '{' }]],
    ['a session without its members', [{ answer: '{"outcome":"rotated","nowMs":1,"session":{}}' }]],
    ['an outcome that there is not', [{ answer: '{"outcome":"fine"}' }]],
  ])('that answers with %s is a failure of the store (N127)', async (_, rows) => {
    const client = { query: () => Promise.resolve({ rows: rows as unknown[] }) }
    const { sessions, revocations } = postgresStore(client)
    const session = { ...newSession(), createdAt: 0 }
    const presentation = { sessionId: session.id, generation: 0, keyId: 'k', nextKeyId: 'k', keyThumbprint: null }
    await expect(sessions.rotate({ ...presentation, subject: 'ann', createdAt: 0 }, POLICY)).rejects.toThrow(StoreError)
    await expect(sessions.create(newSession(), CREATION)).rejects.toThrow(StoreError)
    await expect(revocations.isRevoked(newToken())).rejects.toThrow(StoreError)
    await expect(revocations.read(null)).rejects.toThrow(StoreError)
  })

  test('finds nothing under a name that a database cannot hold, and fails nowhere', async () => {
    const { client, end } = connect('pg', { url: database.url, max: 1 })
    const { sessions, tokens, users } = open(client, end)
    expect(await sessions.find('a\u0000b')).toBeNull()
    expect(await sessions.list('a\u0000b')).toEqual([])
    expect(await tokens.find('a\u0000b')).toBeNull()
    expect(await tokens.list({ subject: 'a\u0000b', after: null, limit: 1 })).toEqual({ records: [], next: null })
    expect(await users.findById('a\u0000b')).toBeNull()
    expect(await users.findByEmail('a\u0000b')).toBeNull()
  })
})
