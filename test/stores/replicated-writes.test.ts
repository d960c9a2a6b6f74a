import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import type { RevocableToken } from '../../src/core/session/revocation-set.ts'
import type { MaybePromise } from '../../src/core/maybe-promise.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { TokenRevocation } from '../../src/ports/revocation-log.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { replicated } from '../../src/stores/replicated/index.ts'
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
      const bumps = lost === 'before' ? 2 : 1
      await vi.waitFor(() => expect(state.bumps).toBe(bumps))
      // Once acknowledged it is asked for no more.
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      expect(state.bumps, 'raised once').toBe(bumps)
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

describe('what others do meanwhile', () => {
  test('a revocation that another process has taken back is not told again after a failover', async () => {
    const { copy, store, state, changeOver, changes } = await open()
    const other = replicated(store, { pollMs: 20 })
    onTestFinished(async () => other.close())
    await other.ready()
    const [token, again] = [newToken(), newToken('eve')]
    const suspended = { ...newToken(), sessionId: (await sessionIn(copy)).id }
    await copy.revocations.setToken(revocationOf(token))
    await copy.revocations.setToken(revocationOf(again))
    await copy.sessions.suspend({ ...endOf(suspended), suspended: true }, RETENTION)
    await other.revocations.setToken({ ...revocationOf(token), revoked: false })
    await other.revocations.setToken({ ...revocationOf(again), revoked: false })
    await other.sessions.suspend({ ...endOf(suspended), suspended: false }, RETENTION)
    for (const one of [token, suspended, again]) {
      await vi.waitFor(() => expect(copy.revocations.isRevoked(one)).toBe(false))
    }
    await copy.revocations.setToken(revocationOf(again))
    changeOver()
    await vi.waitFor(() => expect(changes).toEqual([1]))
    await vi.waitFor(async () => expect(await listed(state.current)).toEqual([again.tokenId]))
  })

  test('what can never be written holds up nothing else, and the latest is told first', async () => {
    const { copy, store, state, failures } = await open()
    const tokens = Array.from({ length: 40 }, () => newToken())
    state.lost = 'before'
    for (const token of tokens)
      await Promise.resolve(copy.revocations.setToken(revocationOf(token))).catch(() => undefined)
    const poison = tokens[39]?.tokenId
    const told: string[] = []
    const { current } = state
    const setToken = (revocation: TokenRevocation) => {
      if (revocation.tokenId === poison) throw new StoreError('revoking a token', new Error('too long'))
      told.push(revocation.tokenId)
      return current.revocations.setToken(revocation)
    }
    state.current = { ...current, revocations: { ...current.revocations, setToken } }
    state.lost = 'none'
    await vi.waitFor(async () => expect(await listed(store)).toHaveLength(39))
    expect(told.slice(0, 15).toSorted()).toEqual(
      tokens
        .slice(24, 39)
        .map(({ tokenId }) => tokenId)
        .toSorted(),
    )
    await vi.waitFor(() => expect(failures.map(String).join()).toContain('too long'))
    expect(copy.revocations.isRevoked({ ...newToken(), tokenId: poison ?? '' })).toBe(true)
  })

  test('a store that lets live what this process knows to be revoked is not believed', async () => {
    const { copy, changeOver, state } = await open(true, { pollMs: 1_000 })
    const session = await sessionIn(copy)
    await copy.sessions.end({ id: session.id, subject: 'ann', reason: 'signout' }, RETENTION)
    changeOver()
    // On the standby it lives: the end was lost, and nobody has noticed yet that another server answers.
    const standby = await state.current.sessions.create({ ...newSession(), id: session.id }, CREATION)
    if (standby.outcome !== 'created') throw new Error(standby.outcome)
    const rotate = Promise.resolve(copy.sessions.rotate(presented(standby.session, 0), POLICY))
    await expect(rotate).rejects.toThrow('does not know that it was revoked')
  })
})

describe('what the store says of itself', () => {
  test('is remembered while its standby cannot be seen: that is when it is promoted', async () => {
    const clock = { monotonic: 1_000, wall: 1_700_000_000_000 }
    const clocks = { monotonic: () => clock.monotonic, wall: () => clock.wall }
    const source = changing(false)
    const promises = { failover: false as boolean | null, asked: 0 }
    const store: Store = {
      ...source.store,
      promises: () => {
        promises.asked += 1
        return { crash: true, powerLoss: true, failover: promises.failover, remarks: [] }
      },
    }
    const copy = replicated(store, { pollMs: 20, clocks })
    onTestFinished(async () => copy.close())
    await copy.ready()
    promises.failover = null
    Object.assign(clock, { monotonic: 40_000, wall: 1_700_000_039_000 })
    await vi.waitFor(() => expect(promises.asked).toBe(2))
    source.changeOver()
    await vi.waitFor(() => expect(copy.revocations.isRevoked(newToken())).toBe('stale'))
    await expect(sessionIn(copy), 'nobody signs in either').rejects.toThrow('changed over')
  })

  test('is not waited for', async () => {
    const source = changing()
    let asked = 0
    const never = new Promise<never>(() => undefined)
    const promises = () => {
      asked += 1
      return asked === 1 ? source.store.promises() : never
    }
    const clock = { monotonic: 1_000, wall: 1_700_000_000_000 }
    const clocks = { monotonic: () => clock.monotonic, wall: () => clock.wall }
    const copy = replicated({ ...source.store, promises }, { pollMs: 20, clocks })
    onTestFinished(async () => copy.close())
    await copy.ready()
    Object.assign(clock, { monotonic: 40_000, wall: 1_700_000_039_000 })
    await vi.waitFor(() => expect(asked).toBe(2))
    const token = newToken()
    await source.store.revocations.setToken(revocationOf(token))
    await vi.waitFor(() => expect(copy.revocations.isRevoked(token)).toBe(true))
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
