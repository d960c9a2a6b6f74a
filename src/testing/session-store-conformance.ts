import type { MaybePromise } from '../core/maybe-promise.ts'
import { CAPPING, CREATING } from './session-store/creating.ts'
import { ENDING, SUSPENDING } from './session-store/ending.ts'
import { FINDING } from './session-store/finding.ts'
import { KEEPING } from './session-store/keeping.ts'
import { OTHER_RACES, ROTATION_RACES } from './session-store/racing.ts'
import { REFUSING } from './session-store/refusing.ts'
import { RULES } from './session-store/rotating.ts'
import { SEQUENCES } from './session-store/rotating-on.ts'
import { proveEach } from './store-under-test.ts'
import type { StoreUnderTest } from './store-under-test.ts'
import type { ConformanceTest } from './user-directory-conformance.ts'

const PROOFS = [
  CREATING,
  CAPPING,
  REFUSING,
  RULES,
  SEQUENCES,
  ENDING,
  SUSPENDING,
  FINDING,
  KEEPING,
  ROTATION_RACES,
  OTHER_RACES,
].flat()

/**
 * Proves that a store keeps the promises of `SessionStore`, one test for each.
 *
 * `open` returns a new, empty store each time, on a clock that only `turn` moves; `name` stands before the titles.
 *
 * @example
 * sessionStoreConformance(test, 'our store', () => {
 *   let nowMs = Date.now()
 *   const store = ourStore({ now: () => nowMs })
 *   return { store, turn: (milliseconds) => void (nowMs += milliseconds), close: () => store.close() }
 * })
 */
export const sessionStoreConformance = (
  test: ConformanceTest,
  name: string,
  open: () => MaybePromise<StoreUnderTest>,
): void => proveEach(test, open, { name, proofs: PROOFS })
