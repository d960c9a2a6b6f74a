import type { MaybePromise } from '../core/maybe-promise.ts'
import { proveEach } from './store-under-test.ts'
import type { StoreUnderTest } from './store-under-test.ts'
import { EXPIRING } from './token-register/expiring.ts'
import { KEEPING } from './token-register/keeping.ts'
import { LISTING } from './token-register/listing.ts'
import { RECORDING, RECORDING_RACES } from './token-register/recording.ts'
import type { ConformanceTest } from './user-directory-conformance.ts'

const PROOFS = [RECORDING, LISTING, EXPIRING, KEEPING, RECORDING_RACES].flat()

/**
 * Proves that a store keeps the promises of `TokenRegister`, one test for each. A session tells the store's time, so it
 * is the whole store that is proved.
 *
 * `open` returns a new, empty store each time, on a clock that only `turn` moves; `name` stands before the titles.
 */
export const tokenRegisterConformance = (
  test: ConformanceTest,
  name: string,
  open: () => MaybePromise<StoreUnderTest>,
): void => proveEach(test, open, { name, proofs: PROOFS })
