import { Client } from 'pg'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { newIdentifier } from '../../../src/core/token/identifier.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import { newToken, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, newSession, present } from '../../../src/testing/session-store/fixtures.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { describePostgres, usePostgres } from '../postgres-server.ts'
import { START_MS } from '../stores-under-test.ts'

/** What can matter to nobody any more is forgotten while others write: a little at a time, and never in a refresh. */

const DAY_MS = 86_400_000

/** Of each table so many rows that are dead, and one that lives. */
const FILL = `
  INSERT INTO jotward.sessions
  SELECT 'dead ' || n, 'ann', 0, 1000, 0, 0, 60, NULL, '{}', 0, 'key-1', 0, NULL, 0, 0, NULL, NULL, NULL
  FROM generate_series(1, $count) AS n;
  INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
  SELECT 't:dead ' || n, true, 1000 FROM generate_series(1, $count) AS n;
  INSERT INTO jotward.tokens
  SELECT 'dead ' || n, n, 'access', 'ann', NULL, 0, 0, 0, 0, 1000 FROM generate_series(1, $count) AS n;
  INSERT INTO jotward.single_use SELECT 'dead ' || n, 1000 FROM generate_series(1, $count) AS n;
  SELECT setval('jotward.token_positions', $count);`

const TABLES = ['sessions', 'revocations', 'tokens', 'single_use']

describePostgres('forgetting in PostgreSQL', () => {
  const bed = usePostgres()
  let opened: StoreUnderTest & { readonly store: StoreWithUsers }
  beforeEach(async () => {
    opened = await bed.open()
  })

  const fill = (count: number) => bed.query(FILL.replaceAll('$count', String(count)))

  const counts = async (): Promise<readonly number[]> => {
    const rows = await bed.query(
      `SELECT ${TABLES.map((table) => `(SELECT count(*) FROM jotward.${table}) AS ${table}`).join()}`,
    )
    return TABLES.map((table) => Number(rows[0]?.[table]))
  }

  const prune = () => bed.query('SELECT jotward.prune(jotward.now_ms())')

  test('removes at most 200 rows of a table at a time, and all of them in the end', async () => {
    await fill(450)
    expect(await counts()).toEqual([450, 450, 450, 450])
    await prune()
    expect(await counts()).toEqual([250, 250, 250, 250])
    await prune()
    await prune()
    expect(await counts()).toEqual([0, 0, 0, 0])
  })

  test('keeps what is alive', async () => {
    const session = await created(opened)
    const token = newToken()
    await setToken(opened, token, { retention: 60 })
    await opened.store.singleUse.spend({ id: 'spent', subject: 'ann', retention: 60 })
    await opened.store.revocations.bump('bob')
    await opened.store.revocations.bump(null)
    await fill(10)
    await opened.turn(59_999)
    await prune()
    expect(await counts()).toEqual([1, 3, 0, 1])
    await opened.turn(1)
    await prune()
    expect(await counts()).toEqual([1, 2, 0, 0])
    expect(await opened.store.revocations.isRevoked({ ...token, subject: 'bob' })).toBe(true)
    await opened.turn(400 * DAY_MS)
    await prune()
    // Everybody's epoch is never forgotten.
    expect(await counts()).toEqual([0, 1, 0, 0])
    expect((await present(opened, session, 0)).outcome).toBe('unknown')
  })

  test('happens while sessions are made, tokens revoked, recorded and spent, and while nothing is refreshed', async () => {
    const { sessions, singleUse, tokens } = opened.store
    const session = await created(opened, { subject: 'bob' })
    // A dead row of which a prune would take notice.
    await fill(1)
    for (let turn = 0; turn < 600; turn++) {
      await opened.turn(40_000)
      expect((await present(opened, session, turn)).outcome).toBe('rotated')
    }
    const untouched = await counts()
    expect(untouched).toEqual([2, 1, 1, 1])
    const issuedAt = START_MS / 1000 + 86_400
    const writes: Readonly<Record<string, () => unknown>> = {
      create: () => sessions.create(newSession({ subject: newIdentifier('x') }), CREATION),
      setToken: () => setToken(opened, newToken()),
      spend: () => singleUse.spend({ id: newIdentifier('ann'), subject: 'ann', retention: 60 }),
      bump: () => opened.store.revocations.bump('ann'),
      end: () => sessions.end({ id: newIdentifier('ann'), subject: 'ann', reason: 'signout' }, CREATION),
      record: () =>
        tokens.record([
          {
            tokenId: newIdentifier('ann'),
            kind: 'access',
            subject: 'ann',
            sessionId: null,
            stamp: { subject: 0, global: 0 },
            issuedAt: Math.floor(issuedAt),
            expiresAt: null,
          },
        ]),
    }
    const pruning: string[] = []
    for (const [name, write] of Object.entries(writes)) {
      await bed.query("INSERT INTO jotward.single_use VALUES ('dead', 1000) ON CONFLICT DO NOTHING")
      const isForgotten = async () =>
        (await bed.query("SELECT 1 FROM jotward.single_use WHERE id = 'dead'")).length === 0
      // One of 64 writes prunes: that none of 1,500 does is as good as impossible.
      for (let turn = 0; turn < 60 && !(await isForgotten()); turn++) {
        for (let count = 0; count < 25; count++) await write()
      }
      if (await isForgotten()) pruning.push(name)
    }
    expect(pruning).toEqual(Object.keys(writes))
  }, 120_000)

  test('never lets a revocation come back because its restoration was to be kept for a shorter time', async () => {
    const token = newToken()
    await setToken(opened, token, { retention: 906 })
    await setToken(opened, token, { revoked: false, retention: 60 })
    await opened.turn(60_000)
    await prune()
    expect(await opened.store.revocations.isRevoked(token)).toBe(false)
    await opened.turn(900_000)
    await prune()
    expect(await counts()).toEqual([0, 0, 0, 0])
  })

  test('keeps a tombstone to its absolute expiry, and forgets it then', async () => {
    const session = await created(opened, { absoluteLifetime: 86_400 })
    await opened.store.sessions.end({ id: session.id, subject: 'ann', reason: 'signout' }, CREATION)
    // The session began in the midst of a second, and ends at its beginning.
    await opened.turn(DAY_MS - 501)
    await prune()
    expect((await present(opened, session, 1)).outcome).toBe('revoked')
    await opened.turn(1)
    await prune()
    expect((await present(opened, session, 1)).outcome).toBe('unknown')
    expect(await counts()).toEqual([0, 0, 0, 0])
  })

  test('waits for nobody: what another transaction holds is left for later', async () => {
    await fill(10)
    const holder = new Client({ connectionString: bed.url })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query("BEGIN; SELECT FROM jotward.sessions WHERE id = 'dead 1' FOR UPDATE")
    await prune()
    expect(await counts()).toEqual([1, 0, 0, 0])
    await holder.query('COMMIT')
    await prune()
    expect(await counts()).toEqual([0, 0, 0, 0])
  })
})
