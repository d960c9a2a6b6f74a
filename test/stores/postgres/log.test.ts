import { Client } from 'pg'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { RevocationEntry } from '../../../src/core/session/revocation-set.ts'
import type { RevocationPage } from '../../../src/ports/revocation-log.ts'
import type { StoreWithUsers } from '../../../src/ports/store.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import { newToken, readOn, setToken } from '../../../src/testing/revocation-log/fixtures.ts'
import type { StoreUnderTest } from '../../../src/testing/store-under-test.ts'
import { connect, describePostgres, grants, usePostgres } from '../postgres-server.ts'

/** What a follower of the log is told while transactions begin, wait, commit and roll back as they like. */

const revokeIn = async (client: Client, id: string): Promise<void> => {
  await client.query('SELECT jotward.set_token($1, true, 906000)', [id])
}

const idsOf = ({ entries }: { readonly entries: readonly RevocationEntry[] }): string[] =>
  entries.map((entry) => ('id' in entry ? entry.id : entry.kind))

describePostgres('the revocation log in PostgreSQL', () => {
  const bed = usePostgres({ max: 8 })
  let opened: StoreUnderTest & { readonly store: StoreWithUsers }
  beforeEach(async () => {
    opened = await bed.open()
  })

  /** A connection of its own, on which a transaction may stay open. */
  const openConnection = async (): Promise<Client> => {
    const client = new Client({ connectionString: bed.url })
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }

  test('tells of what was begun first and committed last, once, and repeats nothing of the rest', async () => {
    const slow = await openConnection()
    await slow.query('BEGIN')
    await revokeIn(slow, 'begun first')
    await setToken(opened, newToken({ tokenId: 'committed first' }))
    const first = await readOn(opened, null)
    expect(idsOf(first)).toEqual(['committed first'])
    await setToken(opened, newToken({ tokenId: 'committed second' }))
    const second = await readOn(opened, first.cursor)
    expect(idsOf(second)).toEqual(['committed second'])
    await slow.query('COMMIT')
    const third = await readOn(opened, second.cursor)
    expect(idsOf(third)).toEqual(['begun first'])
    expect(idsOf(await readOn(opened, third.cursor))).toEqual([])
  })

  test('tells nothing of what was rolled back, and forgets that it was waiting for it', async () => {
    const slow = await openConnection()
    await slow.query('BEGIN')
    await revokeIn(slow, 'rolled back')
    await setToken(opened, newToken({ tokenId: 'kept' }))
    const { cursor } = await readOn(opened, null)
    expect(cursor).toContain('+')
    await slow.query('ROLLBACK')
    const later = await readOn(opened, cursor)
    expect(idsOf(later)).toEqual([])
    expect(later.cursor).not.toContain('+')
  })

  test('repeats nothing while somebody else’s transaction runs for long', async () => {
    const batch = await openConnection()
    await batch.query('BEGIN')
    await batch.query('SELECT pg_current_xact_id()')
    let cursor: string | null = null
    const told: string[] = []
    for (let turn = 0; turn < 10; turn++) {
      await setToken(opened, newToken({ tokenId: `token ${turn}` }))
      const page: RevocationPage = await readOn(opened, cursor)
      told.push(...idsOf(page))
      cursor = page.cursor
    }
    expect(told).toEqual(Array.from({ length: 10 }, (_, turn) => `token ${turn}`))
    await batch.query('COMMIT')
  })

  test('stands behind a row that is committed, not behind numbers that a crashed server would give again', async () => {
    await setToken(opened, newToken())
    for (let turn = 0; turn < 5; turn++) await bed.query('SELECT pg_current_xact_id()')
    const { cursor } = await readOn(opened, null)
    const [row] = await bed.query('SELECT max(xid::text::bigint)::text AS xid FROM jotward.revocations')
    expect(cursor.split('.')[0]).toBe(row?.['xid'])
  })

  test('is read in pages, each entry once, also those of a transaction that ends in between', async () => {
    const slow = await openConnection()
    await slow.query('BEGIN')
    await revokeIn(slow, 'slow')
    await bed.query(
      `INSERT INTO jotward.revocations (key, revoked, expires_at_ms)
       SELECT 't:token ' || n, true, 9000000000000 FROM generate_series(1, 25000) AS n`,
    )
    const told: string[] = []
    let page = await opened.store.revocations.read(null)
    told.push(...idsOf(page))
    expect(page.atEnd).toBe(false)
    await slow.query('COMMIT')
    while (!page.atEnd) {
      expect(page.entries).toHaveLength(10_000)
      // Pages follow one another by their cursors.
      page = await opened.store.revocations.read(page.cursor)
      told.push(...idsOf(page))
    }
    told.push(...idsOf(await opened.store.revocations.read(page.cursor)))
    expect(told.filter((id) => id === 'slow')).toHaveLength(1)
    expect(new Set(told).size).toBe(25_001)
    // One transaction made them all: its rows are told apart by their numbers.
    expect(told).toHaveLength(25_001)
  })

  test('of a dump whose transactions are still to come here is read to its end, once the store is ready', async () => {
    const connection = connect('pg', { url: bed.url, max: 2 })
    onTestFinished(() => connection.end())
    const store = postgresStore(connection.client)
    await bed.query(
      `INSERT INTO jotward.revocations (xid, key, revoked, expires_at_ms)
       SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000 + n)::text::xid8, 't:token ' || n, true, 9000000000000
       FROM generate_series(1, 25000) AS n`,
    )
    await Promise.all(Array.from({ length: 4 }, async () => store.ready()))
    const told: string[] = []
    let page = await store.revocations.read(null)
    told.push(...idsOf(page))
    // As many as it takes without repeats.
    for (let pages = 1; pages < 3; pages++) {
      page = await store.revocations.read(page.cursor)
      told.push(...idsOf(page))
    }
    expect(page.atEnd).toBe(true)
    expect(new Set(told).size).toBe(25_000)
    await setToken(opened, newToken({ tokenId: 'later' }))
    expect(idsOf(await store.revocations.read(page.cursor))).toEqual(['later'])
  })

  test('misses nothing and repeats nothing of eight writers whose transactions overlap in every way', async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, openConnection))
    const committed: string[] = []
    let isWriting = true
    const write = async (client: Client, index: number): Promise<void> => {
      for (let turn = 0; turn < 60; turn++) {
        const ids = Array.from({ length: 1 + ((turn * 7 + index) % 3) }, (_, at) => `${index} ${turn} ${at}`)
        await client.query('BEGIN')
        for (const id of ids) await revokeIn(client, id)
        await client.query('SELECT pg_sleep($1)', [((turn * 13 + index * 5) % 7) / 1000])
        const isKept = (turn + index) % 4 !== 0
        await client.query(isKept ? 'COMMIT' : 'ROLLBACK')
        if (isKept) committed.push(...ids)
      }
    }
    const told: string[] = []
    const follow = async (): Promise<void> => {
      let cursor: string | null = null
      for (let isLast = false; !isLast;) {
        isLast = !isWriting
        const page: RevocationPage = await readOn(opened, cursor)
        cursor = page.cursor
        told.push(...idsOf(page))
      }
    }
    const following = follow()
    await Promise.all(writers.map(write))
    isWriting = false
    await following
    expect(told.toSorted()).toEqual(committed.toSorted())
  })

  test('names another incarnation where the schema was made anew, and the server and its timeline', async () => {
    const connection = connect('pg', { url: bed.url, max: 1 })
    onTestFinished(() => connection.end())
    const store = postgresStore(connection.client, { schema: 'jotward_anew' })
    await store.ready()
    const { source } = await store.revocations.read(null)
    expect(source).toMatch(/^[0-9a-f-]{36}:\d{15,20}:[0-9A-F]{8}$/)
    await bed.query('DROP SCHEMA jotward_anew CASCADE')
    await store.ready()
    const anew = await store.revocations.read(null)
    expect(anew.source).not.toBe(source)
    expect(anew.source.split(':').slice(1)).toEqual(source.split(':').slice(1))
  })

  test('is known by the rest where the server keeps its identifier from us', async () => {
    const before = await opened.store.revocations.read(null)
    await bed.query(`REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; ${grants(bed.role)}`)
    const connection = connect('pg', { url: bed.url, max: 1, settings: { role: bed.role } })
    onTestFinished(() => connection.end())
    const { source } = await postgresStore(connection.client).revocations.read(null)
    const [schema, , timeline] = before.source.split(':')
    expect(source).toBe(`${schema}::${timeline}`)
  })

  test('keeps one row of an epoch, the highest, however often it was raised', async () => {
    const { revocations } = opened.store
    for (let turn = 0; turn < 5; turn++) await revocations.bump(turn % 2 === 0 ? 'ann' : null)
    const rows = await bed.query('SELECT key, epoch::text FROM jotward.revocations ORDER BY key')
    const { subject, global } = await revocations.epochs('ann')
    expect(rows).toEqual([
      { key: '*', epoch: String(global) },
      { key: 'u:ann', epoch: String(subject) },
    ])
  })
})
