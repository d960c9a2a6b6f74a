import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { bounded } from '../../src/stores/bounded/index.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { replicated } from '../../src/stores/replicated/index.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import type { SqliteDatabase } from '../../src/stores/sqlite/database.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import type { StoreWithUsers as Store } from '../../src/ports/store.ts'
import type { StoreUnderTest } from '../../src/testing/store-under-test.ts'

/** A store that is cleared up at the end of the test in which this is called. */
export const untilTestEnds = <T extends StoreUnderTest>(opened: T): T => {
  onTestFinished(async () => {
    await opened.close()
  })
  return opened
}

/** 2023-11-14T22:13:20.500Z: the fraction of a second shows where seconds and milliseconds are confused. */
export const START_MS = 1_700_000_000_500

/** A clock that stands still but for `turn`. */
export const standingClock = (startMs = START_MS) => {
  let nowMs = startMs
  return {
    now: (): number => nowMs,
    turn: (milliseconds: number): void => {
      nowMs += milliseconds
    },
  }
}

export const openMemory = (): StoreUnderTest => {
  const { now, turn } = standingClock()
  return { store: memoryStore({ now }), turn, close: () => undefined }
}

/** A new folder, and the way to be rid of it. */
/** As a server of several machines stacks them: a deadline on each call, and over it a copy of what is revoked. */
export const openReplicated = async (): Promise<StoreUnderTest> => {
  const { store, ...rest } = openMemory()
  const copy = replicated(bounded(store))
  await copy.ready()
  return { ...rest, store: copy, close: () => copy.close() }
}

export const temporaryFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'jotward-test-'))
  return { folder, remove: (): void => rmSync(folder, { recursive: true, force: true }) }
}

/** A store on a file of its own, durable as in production, and its handle. */
export const openSqliteFile = (): StoreUnderTest & { readonly database: SqliteDatabase; readonly file: string } => {
  const { folder, remove } = temporaryFolder()
  const { now, turn } = standingClock()
  const file = join(folder, 'jotward.db')
  const database = openSqlite(file)
  const close = (): void => {
    database.close()
    remove()
  }
  return { store: sqliteStore(database, { now }), turn, close, database, file }
}

/** The same without waiting for the disk, for tests that write much and never lose power. */
export const openHastySqliteFile = (): StoreUnderTest => {
  const opened = openSqliteFile()
  opened.database.exec('PRAGMA synchronous = OFF')
  return opened
}

/** A store that sends each call through the next of two handles on one file, as two processes would. */
export const openSqlitePair = (): StoreUnderTest => {
  const { folder, remove } = temporaryFolder()
  const { now, turn } = standingClock()
  const databases = ['a', 'b'].map(() => openSqlite(join(folder, 'jotward.db')))
  const stores = databases.map((database) => sqliteStore(database, { now }))
  let calls = 0
  const next = (): Store => {
    calls += 1
    const store = stores[calls % stores.length]
    if (store === undefined) throw new Error('there is always a next one')
    return store
  }
  const [first] = stores
  if (first === undefined) throw new Error('there is always a first one')
  const store: Store = {
    ...first,
    sessions: {
      create: (session, policy) => next().sessions.create(session, policy),
      rotate: (presented, policy) => next().sessions.rotate(presented, policy),
      find: (id) => next().sessions.find(id),
      list: (subject) => next().sessions.list(subject),
      end: (session, policy) => next().sessions.end(session, policy),
      suspend: (session, policy) => next().sessions.suspend(session, policy),
    },
    revocations: {
      epochs: (subject) => next().revocations.epochs(subject),
      isRevoked: (token) => next().revocations.isRevoked(token),
      isRevokedAtSource: (token) => next().revocations.isRevokedAtSource(token),
      setToken: (revocation) => next().revocations.setToken(revocation),
      bump: (subject) => next().revocations.bump(subject),
      read: (cursor) => next().revocations.read(cursor),
    },
    tokens: {
      record: (records) => next().tokens.record(records),
      find: (tokenId) => next().tokens.find(tokenId),
      list: (query) => next().tokens.list(query),
    },
    singleUse: { spend: (use) => next().singleUse.spend(use) },
  }
  const close = (): void => {
    for (const database of databases) database.close()
    remove()
  }
  return { store, turn, close }
}
