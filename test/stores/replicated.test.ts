import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RevocableToken } from '../../src/core/session/revocation-set.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { RevocationPage } from '../../src/ports/revocation-log.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { replicated } from '../../src/stores/replicated/index.ts'
import type { ReplicationOptions } from '../../src/stores/replicated/index.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from './stores-under-test.ts'

const SUBJECT = 'ann'

const newToken = (stamp = { subject: 0, global: 0 }): RevocableToken => ({
  tokenId: newIdentifier(SUBJECT),
  sessionId: newIdentifier(SUBJECT),
  subject: SUBJECT,
  stamp,
})

/** Both clocks of a process, turned by hand. */
const handClocks = () => {
  const state = { monotonic: 1_000, wall: 1_700_000_000_000 }
  return {
    clocks: { monotonic: () => state.monotonic, wall: () => state.wall },
    turn: (milliseconds: number): void => {
      state.monotonic += milliseconds
      state.wall += milliseconds
    },
    moveWall: (milliseconds: number): void => {
      state.wall += milliseconds
    },
  }
}

/** How many calls went to the store itself, and a switch that cuts it off. */
const watched = (store: Store) => {
  const state = { asked: 0, reads: 0, isCut: false }
  const cut = (): void => {
    if (state.isCut) throw new Error('the store cannot be reached')
  }
  const watching: Store = {
    ...store,
    revocations: {
      ...store.revocations,
      isRevokedAtSource: (token) => {
        cut()
        state.asked += 1
        return store.revocations.isRevokedAtSource(token)
      },
      read: (cursor) => {
        cut()
        state.reads += 1
        return store.revocations.read(cursor)
      },
    },
  }
  return { store: watching, state }
}

/** A process with a copy of its own over a store that others write too. It polls so seldom that only calls move it. */
const open = async (source: Store = memoryStore()) => {
  const hand = handClocks()
  const { store, state } = watched(source)
  const failures: unknown[] = []
  const copy = replicated(store, { pollMs: 1000, clocks: hand.clocks, onFailure: (error) => failures.push(error) })
  onTestFinished(async () => copy.close())
  return { ...hand, source, copy, state, failures }
}

const revoke = (store: Store, { tokenId, subject }: RevocableToken) =>
  store.revocations.setToken({ tokenId, subject, revoked: true, retention: 3_600 })

describe('a copy of everything revoked', () => {
  test('answers by itself once it stands, and asks the store until then', async () => {
    const { copy, state } = await open()
    expect(await copy.revocations.isRevoked(newToken())).toBe(false)
    expect(state.asked).toBe(1)
    await copy.ready()
    expect(copy.revocations.isRevoked(newToken()), 'in the same turn').toBe(false)
    expect(state.asked).toBe(1)
  })

  test('begins with what was revoked before it', async () => {
    const source = memoryStore()
    const token = newToken()
    await revoke(source, token)
    const { copy } = await open(source)
    await copy.ready()
    expect(copy.revocations.isRevoked(token)).toBe(true)
  })

  test('knows at once what its own process revokes: a token, a session, a subject, everybody', async () => {
    const { copy } = await open()
    await copy.ready()
    const [one, two, three] = [newToken(), newToken(), newToken()]
    await revoke(copy, one)
    expect([one, two, three].map((token) => copy.revocations.isRevoked(token))).toEqual([true, false, false])
    await copy.sessions.end({ id: two.sessionId ?? '', subject: SUBJECT, reason: 'signout' }, { retention: 3_600 })
    expect([one, two, three].map((token) => copy.revocations.isRevoked(token))).toEqual([true, true, false])
    await copy.revocations.bump(SUBJECT)
    expect(copy.revocations.isRevoked(three)).toBe(true)
    const other = { ...newToken(), subject: 'bob' }
    expect(copy.revocations.isRevoked(other)).toBe(false)
    await copy.revocations.bump(null)
    expect(copy.revocations.isRevoked(other)).toBe(true)
  })

  test('takes back what was restored', async () => {
    const { copy } = await open()
    await copy.ready()
    const token = newToken()
    await revoke(copy, token)
    await copy.revocations.setToken({ tokenId: token.tokenId, subject: SUBJECT, revoked: false, retention: 3_600 })
    expect(copy.revocations.isRevoked(token)).toBe(false)
  })

  test('asks the store about a token whose epoch has not reached it', async () => {
    const { copy, source, state } = await open()
    await copy.ready()
    const epoch = await source.revocations.bump(SUBJECT)
    expect(await copy.revocations.isRevoked(newToken({ subject: epoch, global: 0 }))).toBe(false)
    expect(state.asked).toBe(1)
  })
})

describe('the lease (rotation.md 4)', () => {
  test('lapses where no news come, and what is revoked stays so', async () => {
    const { copy, state, turn, source } = await open()
    const token = newToken()
    await revoke(source, token)
    await copy.ready()
    state.isCut = true
    turn(4_999)
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
    turn(1)
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
    expect(copy.revocations.isRevoked(token)).toBe(true)
  })

  test('lapses where the process was stopped, whatever its timers say (F16)', async () => {
    const { copy, turn } = await open()
    await copy.ready()
    turn(60_000)
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
  })

  test.each([
    ['forward by more than the lease', 5_001, 'stale'],
    ['forward by less', 4_000, false],
    ['back', -2_000, 'stale'],
    ['back by what a correction takes', -500, false],
  ])('judges a wall clock that was moved %s', async (_title, moved, answer) => {
    const { copy, moveWall } = await open()
    await copy.ready()
    // Only the wall clock moves: a machine that slept, or was set.
    moveWall(moved)
    expect(copy.revocations.isRevoked(newToken())).toBe(answer)
  })

  test('runs from before the log was asked, not from when it answered', async () => {
    const source = memoryStore()
    const hand = handClocks()
    const slow: Store = {
      ...source,
      revocations: {
        ...source.revocations,
        read: async (cursor) => {
          const page = await source.revocations.read(cursor)
          hand.turn(4_000)
          return page
        },
      },
    }
    const copy = replicated(slow, { pollMs: 1000, clocks: hand.clocks })
    onTestFinished(async () => copy.close())
    await copy.ready()
    hand.turn(999)
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
    hand.turn(1)
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
  })
})

describe('clocks', () => {
  test('that were ahead and are put right cost nothing of what is revoked: the log is read anew', async () => {
    const source = memoryStore({ now: () => 1_700_000_000_000 })
    const { copy, moveWall, turn } = await open(source)
    moveWall(3_600_000)
    await copy.ready()
    const tokens = Array.from({ length: 200 }, () => newToken())
    for (const { tokenId, subject } of tokens) {
      await source.revocations.setToken({ tokenId, subject, revoked: true, retention: 900 })
    }
    // By this clock all of it has lapsed, and is forgotten, a part at each reading.
    for (let reading = 0; reading < 40; reading++) await copy.ready()
    expect(
      tokens.some((token) => copy.revocations.isRevoked(token) === false),
      'forgotten',
    ).toBe(true)
    moveWall(-3_600_000)
    turn(100)
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
    await copy.ready()
    expect(tokens.every((token) => copy.revocations.isRevoked(token) === true)).toBe(true)
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
  })

  test.each([
    [59_000, false],
    [-59_000, false],
    [61_000, 'stale'],
    [-3_600_000, 'stale'],
  ])('that are %i ms away from the store’s count, or not (F9)', async (awayMs, answer) => {
    const source = memoryStore()
    const hand = handClocks()
    const read = async (cursor: string | null) => ({
      ...(await source.revocations.read(cursor)),
      nowMs: hand.clocks.wall() - awayMs,
    })
    const store: Store = { ...source, revocations: { ...source.revocations, read } }
    const failures: unknown[] = []
    const copy = replicated(store, { clocks: hand.clocks, pollMs: 20, onFailure: (error) => failures.push(error) })
    onTestFinished(async () => copy.close())
    const token = newToken()
    await revoke(source, token)
    await Promise.resolve(copy.ready()).catch((error: unknown) => failures.push(error))
    expect(copy.revocations.isRevoked(newToken())).toBe(answer)
    expect(copy.revocations.isRevoked(token), 'is known all the same').toBe(true)
    expect(failures.map(String).join()).toMatch(answer === false ? /^$/ : /clock is \d+ s away from the store's/)
  })
})

describe('the log', () => {
  test('is read in pages, to its end', async () => {
    const source = memoryStore()
    const tokens = Array.from({ length: 50 }, () => newToken())
    for (const token of tokens) await revoke(source, token)
    const whole = await source.revocations.read(null)
    const paged = (cursor: string | null): RevocationPage => {
      const from = cursor === null ? 0 : Number(cursor)
      const entries = whole.entries.slice(from, from + 7)
      return { entries, cursor: String(from + entries.length), atEnd: from + 7 >= 50, source: 'one' }
    }
    const { copy } = await open({ ...source, revocations: { ...source.revocations, read: paged } })
    await copy.ready()
    expect(tokens.every((token) => copy.revocations.isRevoked(token) === true)).toBe(true)
  })

  test('of another incarnation is read anew, while the old copy goes on answering (F3)', async () => {
    const [first, second] = [memoryStore(), memoryStore()]
    const [kept, lost, own] = [newToken(), newToken(), newToken()]
    for (const token of [kept, lost]) await revoke(first, token)
    for (const token of [kept, own]) await revoke(second, token)
    const state = { log: first.revocations, source: 'one' }
    const read = async (cursor: string | null) => ({ ...(await state.log.read(cursor)), source: state.source })
    const { copy } = await open({ ...first, revocations: { ...first.revocations, read } })
    await copy.ready()
    expect([kept, lost, own].map((token) => copy.revocations.isRevoked(token))).toEqual([true, true, false])
    Object.assign(state, { log: second.revocations, source: 'two' })
    await copy.ready()
    expect([kept, own].map((token) => copy.revocations.isRevoked(token))).toEqual([true, true])
  })

  test('that fails is told, tried again, and never taken for good news', async () => {
    const source = memoryStore()
    const { store, state } = watched(source)
    const failures: unknown[] = []
    const copy = replicated(store, { pollMs: 20, lease: '1s', onFailure: (error) => failures.push(error) })
    onTestFinished(async () => copy.close())
    await copy.ready()
    state.isCut = true
    await after(1_200)
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
    expect(failures.length).toBeGreaterThan(5)
    state.isCut = false
    await after(200)
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
    await copy.close()
    const { reads } = state
    await after(100)
    expect(state.reads, 'closed').toBe(reads)
  })
})

describe('two processes on one SQLite file', () => {
  test('each knows within moments what the other has revoked, without asking for it', async () => {
    const { folder, remove } = temporaryFolder()
    const databases = [openSqlite(`${folder}/jotward.db`), openSqlite(`${folder}/jotward.db`)] as const
    const [mine, theirs] = databases.map((database) => replicated(sqliteStore(database), { pollMs: 20 }))
    if (mine === undefined || theirs === undefined) throw new Error('both are there')
    onTestFinished(async () => {
      await Promise.all([mine.close(), theirs.close()])
      for (const database of databases) database.close()
      remove()
    })
    await Promise.all([mine.ready(), theirs.ready()])
    const token = newToken()
    expect(theirs.revocations.isRevoked(token)).toBe(false)
    await revoke(mine, token)
    await after(150)
    expect(theirs.revocations.isRevoked(token)).toBe(true)
  })
})

test.each<[string, ReplicationOptions, string]>([
  ['a lease of a minute and more', { lease: '61s' }, 'lease'],
  ['a lease of none', { lease: 0 }, 'lease'],
  ['a clock that may be a day away', { maxClockDifference: '1d' }, 'maxClockDifference'],
  ['polling without a pause', { pollMs: 1 }, 'pollMs: must be a whole number from 20 to 1000'],
])('%s is refused at start', (_title, options, problem) => {
  expect(() => replicated(memoryStore(), options)).toThrow(problem)
})
