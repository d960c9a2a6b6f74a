import { setImmediate as nextTurn } from 'node:timers/promises'
import { decideRotation } from '../../src/core/session/rotation.ts'
import type { StoreWithUsers as Store } from '../../src/ports/store.ts'
import type { SessionStore } from '../../src/ports/session-store.ts'
import { localSessionStore } from '../../src/stores/local-session-store.ts'
import type { LocalTables } from '../../src/stores/local-session-store.ts'
import { createMemoryState } from '../../src/stores/memory/memory-state.ts'
import { memoryRevocationLog } from '../../src/stores/memory/revocation-log.ts'
import { memorySessionTables } from '../../src/stores/memory/session-tables.ts'
import { memorySingleUse } from '../../src/stores/memory/single-use.ts'
import { memoryTokenRegister } from '../../src/stores/memory/token-register.ts'
import { memoryUserDirectory } from '../../src/stores/memory/user-directory.ts'
import type { StoreUnderTest } from '../../src/testing/store-under-test.ts'
import type { ConformanceTest } from '../../src/testing/user-directory-conformance.ts'
import { standingClock } from '../stores/stores-under-test.ts'

/** Stores that break a promise on purpose, to see that the suites notice. */

type Suite = (test: ConformanceTest, name: string, open: () => StoreUnderTest) => void

/** What a spoiler may replace, and what it has to do so: the store that is right, and what lies beneath. */
export type Spoiler = (store: Store, tables: LocalTables) => Partial<Omit<Store, 'users'>>

const openSpoilt = (spoil: Spoiler): StoreUnderTest => {
  const { now, turn } = standingClock()
  const state = createMemoryState(now)
  const tables = memorySessionTables(state)
  const store: Store = {
    sessions: localSessionStore(tables),
    revocations: memoryRevocationLog(state),
    tokens: memoryTokenRegister({ now }),
    singleUse: memorySingleUse({ now }),
    users: memoryUserDirectory({ now }),
    ready: () => undefined,
    promises: () => ({ crash: false, powerLoss: false, failover: null, remarks: [] }),
    close: () => undefined,
  }
  return { store: { ...store, ...spoil(store, tables) }, turn, close: () => undefined }
}

/** Titles of the promises that a store breaks. */
export const brokenPromises = async (suite: Suite, spoil: Spoiler): Promise<string[]> => {
  const runs: { readonly title: string; readonly run: () => Promise<void> }[] = []
  suite(
    (title, run) => runs.push({ title, run }),
    'spoilt',
    () => openSpoilt(spoil),
  )
  const outcomes = await Promise.allSettled(runs.map(async ({ run }) => run()))
  return runs
    .filter((_, index) => outcomes[index]?.status === 'rejected')
    .map(({ title }) => title.replace('spoilt: ', ''))
}

/** The mistake of the field: the row is read, others come in between, and what was decided is written. */
export const rotateReadThenWrite =
  (tables: LocalTables): SessionStore['rotate'] =>
  async (presented, policy) => {
    const session = tables.get(presented.sessionId)
    const nowMs = tables.now()
    if (session === null) return { outcome: 'unknown' }
    const snapshot = { session, epochs: tables.epochs(session.subject), nowMs }
    const { outcome, next } = decideRotation(snapshot, presented, policy)
    await nextTurn()
    if (next !== null) tables.write(session.id, next)
    if (outcome === 'reused') tables.announce(session.id, true, nowMs + policy.retention * 1000)
    if (outcome === 'unknown' || outcome === 'revoked' || outcome === 'key_mismatch') return { outcome }
    return { outcome, session: next === null ? session : { ...session, state: next }, nowMs }
  }
