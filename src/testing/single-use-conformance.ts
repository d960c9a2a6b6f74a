import type { MaybePromise } from '../core/maybe-promise.ts'
import { LAPSING, SPENDING, SPENDING_RACES } from './single-use/spending.ts'
import { proveEach } from './store-under-test.ts'
import type { StoreUnderTest } from './store-under-test.ts'
import type { ConformanceTest } from './user-directory-conformance.ts'

const PROOFS = [SPENDING, LAPSING, SPENDING_RACES].flat()

/**
 * Proves that a store keeps the promise of `SingleUse`, one test for each part of it.
 *
 * `open` returns a new, empty store each time, on a clock that only `turn` moves; `name` stands before the titles.
 */
export const singleUseConformance = (
  test: ConformanceTest,
  name: string,
  open: () => MaybePromise<StoreUnderTest>,
): void => proveEach(test, open, { name, proofs: PROOFS })
