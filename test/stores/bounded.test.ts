import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { createAuth } from '../../src/auth.ts'
import type { MaybePromise } from '../../src/core/maybe-promise.ts'
import type { Store, StoreWithUsers } from '../../src/ports/store.ts'
import { bounded } from '../../src/stores/bounded/index.ts'
import type { BoundsOptions } from '../../src/stores/bounded/index.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { singleUseConformance } from '../../src/testing/single-use-conformance.ts'
import { sessionStoreConformance } from '../../src/testing/session-store-conformance.ts'
import { noise } from '../core/token/fixtures.ts'
import { openMemory } from './stores-under-test.ts'

/** A store whose every call waits: for ever, for a while, or not at all, and fails where told. */
const unsteady = () => {
  const state = { waitMs: 0, isFailing: false, calls: 0 }
  const store = memoryStore()
  const asked = async <T>(work: () => MaybePromise<T>): Promise<T> => {
    state.calls += 1
    if (state.isFailing) throw new Error('the connection was reset')
    await (state.waitMs === Infinity ? new Promise(() => undefined) : after(state.waitMs))
    return work()
  }
  const slow: StoreWithUsers = {
    ...store,
    revocations: {
      ...store.revocations,
      epochs: (subject) => asked(() => store.revocations.epochs(subject)),
      isRevoked: (token) => asked(() => store.revocations.isRevoked(token)),
    },
    singleUse: { spend: (use) => asked(() => store.singleUse.spend(use)) },
  }
  return { state, slow }
}

const timed = async (work: () => unknown): Promise<{ readonly outcome: unknown; readonly ms: number }> => {
  const from = performance.now()
  try {
    return { outcome: await work(), ms: performance.now() - from }
  } catch (error) {
    return { outcome: error instanceof Error ? error.message : error, ms: performance.now() - from }
  }
}

const epochs = (store: Store) => timed(() => store.revocations.epochs('ann'))

describe('a bounded store', () => {
  test('answers in time where the store does not', async () => {
    const { state, slow } = unsteady()
    const store = bounded(slow, { deadlineMs: 50 })
    expect((await epochs(store)).outcome).toEqual({ subject: 0, global: 0 })
    state.waitMs = Infinity
    const { outcome, ms } = await epochs(store)
    expect(outcome).toContain('no answer within 50 ms')
    expect(ms).toBeLessThan(200)
  })

  test('gives a sign-out of everybody ten times as long, for it goes to every place of a store', async () => {
    const store = memoryStore()
    const bump = async (subject: string | null) => {
      await after(60)
      return store.revocations.bump(subject)
    }
    const tight = bounded({ ...store, revocations: { ...store.revocations, bump } }, { deadlineMs: 20 })
    expect((await timed(() => tight.revocations.bump('ann'))).outcome).toMatch(/no answer within 20 ms/)
    expect((await timed(() => tight.revocations.bump(null))).outcome).toBeGreaterThan(0)
  })

  test('lets a synchronous store answer in the same turn', () => {
    const store = bounded(memoryStore())
    expect(store.revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
  })

  test('leaves a store alone that has failed some times in a row, and tries it again by one call', async () => {
    const { state, slow } = unsteady()
    const clock = { ms: 0 }
    const store = bounded(slow, { failures: 3, pauseMs: 500, now: () => clock.ms })
    state.isFailing = true
    for (let call = 0; call < 3; call++) await epochs(store)
    state.calls = 0
    const { outcome, ms } = await epochs(store)
    expect(outcome).toContain('is left alone')
    expect([state.calls, ms < 20]).toEqual([0, true])
    clock.ms = 500
    state.isFailing = false
    state.waitMs = 30
    const [tried, refused] = await Promise.all([epochs(store), epochs(store)])
    expect([tried.outcome, refused.outcome]).toEqual([{ subject: 0, global: 0 }, expect.stringContaining('left alone')])
    expect((await epochs(store)).outcome).toEqual({ subject: 0, global: 0 })
  })

  test('waits anew after a try that failed', async () => {
    const { state, slow } = unsteady()
    const clock = { ms: 0 }
    const store = bounded(slow, { failures: 1, pauseMs: 500, now: () => clock.ms })
    state.isFailing = true
    await epochs(store)
    clock.ms = 500
    await epochs(store)
    state.calls = 0
    clock.ms = 999
    await epochs(store)
    expect(state.calls).toBe(0)
  })

  test('counts failures in a row only', async () => {
    const { state, slow } = unsteady()
    const store = bounded(slow, { failures: 2 })
    for (let round = 0; round < 4; round++) {
      state.isFailing = round % 2 === 0
      await epochs(store)
    }
    state.isFailing = false
    expect((await epochs(store)).outcome).toEqual({ subject: 0, global: 0 })
  })

  test('turns calls away at once beyond those that may be under way, and takes them again afterwards', async () => {
    const { state, slow } = unsteady()
    const store = bounded(slow, { maxCalls: 2, deadlineMs: 1000 })
    state.waitMs = 40
    const all = await Promise.all([epochs(store), epochs(store), epochs(store)])
    expect(all.filter(({ outcome }) => String(outcome).includes('under way already'))).toHaveLength(1)
    expect((await epochs(store)).outcome).toEqual({ subject: 0, global: 0 })
  })

  test('a store that hangs answers guarded routes with 503 in time, and holds up no other (F6, F10)', async () => {
    const { state, slow } = unsteady()
    const store = bounded(slow, { deadlineMs: 50 })
    const issuer = 'https://api.example.com'
    const auth = createAuth({ issuer, audience: issuer, keys: { secret: noise('bounded') }, store })
    const { accessToken } = await auth.issue({ subject: 'ann' })
    let entered = 0
    const guarded = fetchAuth(auth).protect({}, () => {
      entered += 1
      return new Response()
    })
    const send = () =>
      timed(
        async () =>
          (await guarded(new Request(issuer, { headers: { authorization: `Bearer ${accessToken}` } }))).status,
      )
    expect((await send()).outcome).toBe(200)
    state.waitMs = Infinity
    const answers = await Promise.all(Array.from({ length: 50 }, send))
    expect(answers.every(({ outcome }) => outcome === 503)).toBe(true)
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(300)
    expect(entered).toBe(1)
  })
})

const openBounded = () => {
  const opened = openMemory()
  return { ...opened, store: bounded(opened.store) }
}

sessionStoreConformance(test, 'bounded memory', openBounded)
singleUseConformance(test, 'bounded memory', openBounded)

test.each<[string, BoundsOptions, string]>([
  ['a deadline of none', { deadlineMs: 0 }, 'deadlineMs: must be a whole number from 10 to 60000'],
  ['no calls at all', { maxCalls: 0 }, 'maxCalls: must be a whole number from 1 to 100000'],
  ['half a failure', { failures: 0.5 }, 'failures: must be a whole number from 1 to 1000'],
])('%s is refused at start', (_title, options, problem) => {
  expect(() => bounded(memoryStore(), options)).toThrow(problem)
})
