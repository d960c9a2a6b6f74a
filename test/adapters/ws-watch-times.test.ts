import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { wsAuth } from '../../src/adapters/ws.ts'
import { createWatch } from '../../src/adapters/ws/watch.ts'
import type { WatchTimes } from '../../src/adapters/ws/watch.ts'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import { AuthError } from '../../src/core/errors.ts'
import { memoryStore } from '../../src/index.ts'
import type { RevocationLog } from '../../src/ports/revocation-log.ts'
import type { Store } from '../../src/ports/store.ts'
import { fragileStore } from '../conformance/fragile-store.ts'
import { createIssuer, until } from './ws-bed.ts'

/** The watch by itself, with times so short that a test need not wait. */

const EVERY_MS = 20

const withLog = (changes: Partial<RevocationLog>): Store => {
  const store = memoryStore()
  return { ...store, revocations: { ...store.revocations, ...changes } }
}

const begin = async (config: Parameters<typeof createIssuer>[0] = {}, times: Partial<WatchTimes> = {}) => {
  const issuer = createIssuer(config)
  const { watch, close } = createWatch(issuer.auth, { everyMs: EVERY_MS, patienceMs: 200, ...times })
  onTestFinished(close)
  const told: AuthErrorCode[] = []
  const onEnd = (code: AuthErrorCode): void => {
    told.push(code)
  }
  const good = await issuer.token()
  const caller = await issuer.auth.verify(good)
  const failures = (): number => issuer.events.filter(({ type }) => type === 'failure').length
  return { ...issuer, good, caller, watch, close, told, onEnd, failures }
}

/** Some rounds. */
const rounds = (): Promise<void> => sleep(5 * EVERY_MS)

describe('the watch over callers who stay (N093, N094)', () => {
  test('tells whatever lasts that its caller has to go, once', async () => {
    const { auth, good, caller, watch, told, onEnd } = await begin()
    watch(caller, onEnd)
    const stop = watch(caller, onEnd)
    stop()
    stop()
    await rounds()
    expect(told).toEqual([])
    await auth.signOut(good)
    await until(() => told.length > 0)
    await rounds()
    expect(told).toEqual(['token_revoked'])
  })

  test('of one whose token is past already ends at once, whatever the store says', async () => {
    const store = withLog({ isRevokedAtSource: () => new Promise(() => undefined) })
    const { caller, clock, watch, told, onEnd } = await begin({ store }, { everyMs: 60_000 })
    clock.ahead = 3600
    watch(caller, onEnd, 'strict')
    await until(() => told.length > 0)
    expect(told).toEqual(['token_expired'])
  })

  test('of a token that never expires by itself ends when guards would refuse it', async () => {
    const { auth, clock, watch, told, onEnd } = await begin({ accessToken: { dangerouslyAllowNoExpiry: true } })
    const { accessToken } = await auth.tokens.sign({ subject: 'bot', lifetime: null })
    watch(await auth.verify(accessToken), onEnd)
    clock.ahead = 364 * 86_400
    await rounds()
    expect(told).toEqual([])
    clock.ahead = 366 * 86_400
    await until(() => told.length > 0)
    expect(told).toEqual(['token_expired'])
  })

  test('asks nobody, the store as it answers, or its source, as the route says', async () => {
    const asked: string[] = []
    const isRevoked = () => {
      asked.push('usual')
      return false
    }
    const isRevokedAtSource = async () => {
      asked.push('source')
      return false
    }
    const { caller, watch, onEnd } = await begin({ store: withLog({ isRevoked, isRevokedAtSource }) })
    for (const [how, expected] of [
      ['skip', []],
      ['usual', ['usual']],
      ['strict', ['source']],
    ] as const) {
      asked.length = 0
      const stop = watch(caller, onEnd, how)
      await (how === 'skip' ? rounds() : until(() => asked.length > 1))
      stop()
      expect([...new Set(asked)]).toEqual(expected)
    }
  })

  test('asks the source where this process’s own copy is stale', async () => {
    const state = { isStale: false, isRevoked: false }
    const { caller, watch, told, onEnd } = await begin({
      store: withLog({
        isRevoked: () => (state.isStale ? 'stale' : false),
        isRevokedAtSource: async () => state.isRevoked,
      }),
    })
    watch(caller, onEnd)
    state.isStale = true
    await rounds()
    expect(told).toEqual([])
    state.isRevoked = true
    await until(() => told.length > 0)
    expect(told).toEqual(['token_revoked'])
  })

  test('asks a list of the application’s own too, and takes its refusal for an end', async () => {
    const state: { answer: () => boolean } = { answer: () => false }
    const { caller, watch, told, onEnd, failures } = await begin({ hooks: { isRevoked: async () => state.answer() } })
    watch(caller, onEnd)
    await rounds()
    expect(told).toEqual([])
    state.answer = () => true
    await until(() => told.length > 0)
    state.answer = () => {
      throw new AuthError('verification_failed')
    }
    watch(caller, onEnd)
    await until(() => told.length > 1)
    expect([told, failures()]).toEqual([['token_revoked', 'verification_failed'], 0])
  })

  test('outlasts a store that fails for less than the patience, and tells the operator once', async () => {
    const fragile = fragileStore(() => Date.now())
    const { auth, good, caller, watch, told, onEnd, failures } = await begin(
      { store: fragile.store },
      { patienceMs: 5_000 },
    )
    watch(caller, onEnd)
    watch(caller, onEnd)
    fragile.break()
    await until(() => failures() > 0)
    await rounds()
    fragile.mend()
    await rounds()
    expect(told).toEqual([])
    await auth.signOut(good)
    await until(() => told.length === 2)
    expect(failures()).toBe(1)
  })

  test.each([
    ['fails', () => Promise.reject(new Error('gone'))],
    ['does not answer', () => new Promise<boolean>(() => undefined)],
    ['answers what is no answer', () => Promise.resolve('no' as never)],
    [
      'throws',
      () => {
        throw new Error('gone')
      },
    ],
  ])('ends all, and in time, where the store %s for longer, and bears with the next ones', async (_how, fail) => {
    const state = { isFailing: false }
    const store = withLog({ isRevoked: () => (state.isFailing ? fail() : false) })
    const { caller, watch, told, onEnd } = await begin({ store })
    state.isFailing = true
    // More than are asked at once: most answers are owed by questions that were never put.
    for (let index = 0; index < 500; index++) watch(caller, onEnd)
    const begun = performance.now()
    await until(() => told.length === 500)
    expect(new Set(told)).toEqual(new Set(['store_unavailable']))
    expect(performance.now() - begun).toBeGreaterThan(200)
    expect(performance.now() - begun).toBeLessThan(4_000)
    state.isFailing = false
    watch(caller, onEnd)
    await sleep(300)
    expect(told).toHaveLength(500)
  })

  test('asks about everybody, though some answers take their time', async () => {
    let isSlow = false
    const isRevoked = async () => {
      if (isSlow) await sleep(10)
      return isSlow
    }
    const { caller, watch, told, onEnd } = await begin({ store: withLog({ isRevoked }) }, { patienceMs: 30_000 })
    isSlow = true
    for (let index = 0; index < 300; index++) watch(caller, onEnd)
    await until(() => told.length === 300)
    expect(new Set(told)).toEqual(new Set(['token_revoked']))
  })

  test('outlives a listener that fails', async () => {
    const { auth, caller, watch, told, onEnd, failures } = await begin()
    watch(caller, () => {
      throw new Error('no luck')
    })
    watch(caller, onEnd)
    await auth.revoke.subject('ann')
    await until(() => told.length > 0)
    expect(failures()).toBe(1)
  })

  test('keeps no timer where nobody is watched over, and no process alive where somebody is', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => set.mockRestore())
    const { auth } = createIssuer()
    const caller = await auth.verify((await auth.issue({ subject: 'ann' })).accessToken)
    const { watch, close } = wsAuth(auth, { checkEvery: 1 })
    set.mockClear()
    const stop = watch(caller, () => undefined)
    watch(caller, () => undefined)
    const timers = () => set.mock.results.map(({ value }) => value as NodeJS.Timeout)
    expect(timers().map((timer) => timer.hasRef())).toEqual([false])
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    onTestFinished(() => cleared.mockRestore())
    stop()
    expect(cleared).not.toHaveBeenCalled()
    close()
    expect(cleared.mock.calls).toEqual([[timers()[0]]])
  })

  test('asks about thousands in pieces, between which others have their turn', async () => {
    const asked = { inTurn: 0, most: 0, all: 0 }
    const isRevoked = () => {
      asked.inTurn += 1
      asked.all += 1
      return false
    }
    const { caller, watch, onEnd } = await begin({ store: withLog({ isRevoked }) })
    for (let index = 0; index < 5_000; index++) watch(caller, onEnd)
    const endTurn = (): void => {
      asked.most = Math.max(asked.most, asked.inTurn)
      asked.inTurn = 0
      if (asked.all < 5_000) setImmediate(endTurn)
    }
    asked.all = 0
    endTurn()
    await until(() => asked.all >= 5_000)
    expect(asked.most).toBeGreaterThan(0)
    expect(asked.most).toBeLessThanOrEqual(200)
  })
})
