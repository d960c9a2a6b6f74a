import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import type { RevocableToken } from '../../src/core/session/revocation-set.ts'
import type { MaybePromise } from '../../src/core/maybe-promise.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { replicated } from '../../src/stores/replicated/index.ts'
import { createJournal } from '../../src/stores/replicated/journal.ts'
import type { OwnRevocation } from '../../src/stores/replicated/journal.ts'
import { CREATION, newSession, POLICY, presented } from '../../src/testing/session-store/fixtures.ts'

/** What a process makes of its own revocations whose acknowledgement it lost, or which a failover of the store lost. */

const RETENTION = { retention: 3_600 }

/** A session of ann's. */
const sessionIn = async ({ sessions, revocations }: Store) => {
  const creation = await sessions.create(newSession({ stamp: await revocations.epochs('ann') }), CREATION)
  if (creation.outcome !== 'created') throw new Error(creation.outcome)
  return creation.session
}

const newToken = (subject = 'ann', stamp = { subject: 0, global: 0 }): RevocableToken => ({
  tokenId: newIdentifier(subject),
  sessionId: newIdentifier(subject),
  subject,
  stamp,
})

const revocationOf = ({ tokenId, subject }: RevocableToken) => ({ tokenId, subject, revoked: true, ...RETENTION })
const endOf = (token: RevocableToken) => ({
  id: token.sessionId ?? '',
  subject: token.subject,
  reason: 'signout' as const,
})

/**
 * A store that can change over to another one, which knows nothing of what the first was told last, and whose answers can
 * be lost: before the store was asked, or after it has done what it was asked for.
 */
const changing = (failover: boolean | null = true) => {
  const state = { current: memoryStore(), source: 'one', lost: 'none' as 'none' | 'before' | 'after', bumps: 0 }
  const answer = async <T>(work: () => MaybePromise<T>): Promise<T> => {
    const gone = new StoreError('writing', new Error('the connection was lost'))
    if (state.lost === 'before') throw gone
    const done = await work()
    if (state.lost === 'after') throw gone
    return done
  }
  const store: Store = {
    ...state.current,
    sessions: {
      create: (session, policy) => answer(() => state.current.sessions.create(session, policy)),
      rotate: (presentation, policy) => answer(() => state.current.sessions.rotate(presentation, policy)),
      find: (id) => state.current.sessions.find(id),
      list: (subject) => state.current.sessions.list(subject),
      end: (session, policy) => answer(() => state.current.sessions.end(session, policy)),
      suspend: (session, policy) => answer(() => state.current.sessions.suspend(session, policy)),
    },
    revocations: {
      epochs: (subject) => state.current.revocations.epochs(subject),
      isRevoked: (token) => state.current.revocations.isRevoked(token),
      isRevokedAtSource: (token) => state.current.revocations.isRevokedAtSource(token),
      setToken: (revocation) => answer(() => state.current.revocations.setToken(revocation)),
      bump: (subject) => {
        state.bumps += 1
        return answer(() => state.current.revocations.bump(subject))
      },
      read: async (cursor) => ({ ...(await state.current.revocations.read(cursor)), source: state.source }),
    },
    promises: () => ({ crash: true, powerLoss: true, failover, remarks: [] }),
  }
  const changeOver = (): Store => {
    const former = state.current
    Object.assign(state, { current: memoryStore(), source: `after ${state.source}` })
    return former
  }
  return { store, state, changeOver }
}

const open = async (failover: boolean | null = true, options: object = {}) => {
  const source = changing(failover)
  const failures: unknown[] = []
  const changes: number[] = []
  const copy = replicated(source.store, {
    pollMs: 20,
    onFailure: (error) => failures.push(error),
    onNewSource: ({ owed }) => changes.push(owed),
    ...options,
  })
  onTestFinished(async () => copy.close())
  await copy.ready()
  return { ...source, copy, failures, changes }
}

/** Tokens and sessions that the log of a store names. */
const listed = async (store: Store): Promise<readonly string[]> => {
  const { entries } = await store.revocations.read(null)
  return entries.flatMap((entry) => ('revoked' in entry && entry.revoked ? [entry.id] : [])).toSorted()
}

const atSource = (store: Store, token: RevocableToken) => store.revocations.isRevokedAtSource(token)

describe('a revocation whose acknowledgement was lost', () => {
  test.each(['before', 'after'] as const)(
    'is told as unknown, in force here at once, and asked for until the store has it (lost %s it was done)',
    async (lost) => {
      const { copy, state, store } = await open()
      const [one, two, three, four] = [newToken(), newToken(), newToken('bob'), newToken('eve')]
      state.lost = lost
      const asked = [
        () => copy.revocations.setToken(revocationOf(one)),
        () => copy.sessions.end(endOf(two), RETENTION),
        () => copy.sessions.suspend({ ...endOf(three), suspended: true }, RETENTION),
        () => copy.revocations.bump('eve'),
      ]
      for (const ask of asked) await expect(Promise.resolve(ask())).rejects.toBeInstanceOf(StoreError)
      for (const token of [one, two, three, four]) expect(copy.revocations.isRevoked(token)).toBe(true)
      expect(copy.revocations.isRevoked(newToken('dan'))).toBe(false)
      state.lost = 'none'
      for (const token of [one, two, three, four]) {
        await vi.waitFor(async () => expect(await atSource(store, token)).toBe(true))
      }
      await vi.waitFor(() => expect(state.bumps).toBe(2))
      // Once acknowledged it is asked for no more.
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      expect(state.bumps).toBe(2)
    },
  )

  test('that was taken back meanwhile is not asked for', async () => {
    const { copy, state, store } = await open()
    const [token, suspended] = [newToken(), newToken('bob')]
    state.lost = 'before'
    await expect(Promise.resolve(copy.revocations.setToken(revocationOf(token)))).rejects.toThrow('connection')
    await expect(
      Promise.resolve(copy.sessions.suspend({ ...endOf(suspended), suspended: true }, RETENTION)),
    ).rejects.toThrow('connection')
    state.lost = 'none'
    await copy.revocations.setToken({ ...revocationOf(token), revoked: false })
    await copy.sessions.suspend({ ...endOf(suspended), suspended: false }, RETENTION)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    for (const back of [token, suspended]) {
      expect(copy.revocations.isRevoked(back)).toBe(false)
      expect(await atSource(store, back)).toBe(false)
    }
  })

  test('that the store refuses as no store failure does is asked for no more', async () => {
    const { copy, state, failures } = await open()
    const session = await sessionIn(copy)
    expect(await copy.sessions.end({ id: session.id, subject: 'bob', reason: 'signout' }, RETENTION)).toBe('foreign')
    await new Promise((resolve) => {
      setTimeout(resolve, 60)
    })
    state.lost = 'before'
    expect(copy.revocations.isRevoked({ ...newToken(), sessionId: session.id })).toBe(false)
    expect(failures).toEqual([])
  })
})

describe('a failover of the store that lost what it had acknowledged (rotation.md 5 d)', () => {
  test('is told all that this process has revoked once more: tokens, sessions, reuse, evictions, epochs', async () => {
    const { copy, state, changeOver, changes } = await open()
    const [one, two, three] = [newToken(), newToken(), newToken('bob')]
    await copy.revocations.setToken(revocationOf(one))
    await copy.sessions.end(endOf(two), RETENTION)
    await copy.sessions.suspend({ ...endOf(three), suspended: true }, RETENTION)
    const epoch = await copy.revocations.bump('eve')
    const everybody = await copy.revocations.bump(null)
    const reused = await sessionIn(copy)
    for (const generation of [0, 1, 0]) {
      await copy.sessions.rotate(presented(reused, generation), { ...POLICY, graceMs: 0, lateReplays: 0 })
    }
    changeOver()
    await vi.waitFor(() => expect(changes).toEqual([6]))
    const store = state.current
    const ids = [one.tokenId, two.sessionId, three.sessionId, reused.id].map(String)
    await vi.waitFor(async () => expect(await listed(store)).toEqual(ids.toSorted()))
    await vi.waitFor(async () => {
      expect(await store.revocations.epochs('eve')).toEqual({ subject: epoch, global: everybody })
    })
    expect(await store.revocations.epochs('bob')).toEqual({ subject: 0, global: everybody })
  })

  test('raises no epoch above what it was, and none that stands higher already', async () => {
    const { copy, state, changeOver } = await open()
    await copy.revocations.bump('ann')
    changeOver()
    const higher = await state.current.revocations.bump('ann')
    await vi.waitFor(() => expect(copy.revocations.isRevoked(newToken('ann'))).toBe(true))
    expect(await state.current.revocations.epochs('ann')).toEqual({ subject: higher, global: 0 })
    expect(state.bumps, 'only the first').toBe(1)
  })

  test('makes this process serve nobody for one lease where it may have lost something (F4)', async () => {
    const clock = { monotonic: 1_000, wall: 1_700_000_000_000 }
    const clocks = { monotonic: () => clock.monotonic, wall: () => clock.wall }
    const { copy, changeOver, changes } = await open(false, { clocks })
    const session = await sessionIn(copy)
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
    changeOver()
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    expect(copy.revocations.isRevoked(newToken())).toBe('stale')
    const rotate = () => Promise.resolve(copy.sessions.rotate(presented(session, 0), POLICY))
    await expect(rotate()).rejects.toBeInstanceOf(StoreError)
    clock.monotonic += 5_000
    clock.wall += 5_000
    await vi.waitFor(() => expect(copy.revocations.isRevoked(newToken())).toBe(false))
    expect((await rotate()).outcome).toBe('unknown')
  })

  test('lets it go on at once where the store keeps what it acknowledges', async () => {
    const { copy, changeOver, changes } = await open(true)
    changeOver()
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    expect(copy.revocations.isRevoked(newToken())).toBe(false)
  })
})

describe('a refresh needs a live lease (I6, F18)', () => {
  test('fails while the log cannot be read, and spends nothing; afterwards it succeeds', async () => {
    const clock = { monotonic: 1_000, wall: 1_700_000_000_000 }
    const clocks = { monotonic: () => clock.monotonic, wall: () => clock.wall }
    const source = memoryStore()
    const state = { isCut: false }
    const cut: Store = {
      ...source,
      revocations: {
        ...source.revocations,
        read: (cursor) => {
          if (state.isCut) throw new StoreError('reading the log', new Error('cut off'))
          return source.revocations.read(cursor)
        },
      },
    }
    const copy = replicated(cut, { pollMs: 1_000, clocks })
    onTestFinished(async () => copy.close())
    await copy.ready()
    const session = await sessionIn(copy)
    state.isCut = true
    expect((await copy.sessions.rotate(presented(session, 0), POLICY)).outcome).toBe('rotated')
    clock.monotonic += 5_000
    clock.wall += 5_000
    await expect(Promise.resolve(copy.sessions.rotate(presented(session, 1), POLICY))).rejects.toThrow('cut off')
    expect((await source.sessions.find(session.id))?.state.generation).toBe(1)
    state.isCut = false
    expect((await copy.sessions.rotate(presented(session, 1), POLICY)).outcome).toMatch(/rotated|replayed/)
  })
})

const token = (id: string, retention = 60): OwnRevocation => ({ kind: 'token', id, subject: 'ann', retention })

describe('the journal', () => {
  test('forgets what has lapsed, and beyond its limit the oldest that the store has, but nothing owed', () => {
    let now = 0
    const journal = createJournal(() => now, 3)
    journal.owe(token('owed'))
    for (const id of ['a', 'b', 'c', 'd']) journal.keep(token(id))
    expect(journal.size).toBe(3)
    expect(journal.oweAll()).toBe(3)
    expect(journal.owed(9).map((entry) => ('id' in entry ? entry.id : ''))).toEqual(['owed', 'c', 'd'])
    now = 60_000
    journal.keep(token('e', 1))
    expect(journal.size).toBe(1)
    expect(journal.owed(9)).toEqual([])
    expect(journal.isRevoked({ ...newToken(), tokenId: 'owed' })).toBe(false)
  })

  test('keeps the end of a session above its suspension, whichever comes later', () => {
    const journal = createJournal(() => 0)
    const end: OwnRevocation = { kind: 'session', id: 's', subject: 'ann', reason: 'signout', retention: 60 }
    const suspension: OwnRevocation = { ...end, reason: null }
    journal.keep(end)
    journal.keep(suspension)
    journal.drop(suspension)
    journal.oweAll()
    expect(journal.owed(9)).toEqual([end])
  })

  test('still owes what another incarnation was asked for', () => {
    const journal = createJournal(() => 0)
    journal.ask(token('a'))
    journal.oweAll()
    journal.keep(token('a'))
    expect(journal.owed(9)).toEqual([token('a')])
    journal.settle(token('a'), token('a'))
    expect(journal.owed(9), 'of another object nothing is known').toEqual([token('a')])
    const [owed = token('none')] = journal.owed(9)
    journal.settle(owed, owed)
    expect(journal.owed(9)).toEqual([])
  })
})
