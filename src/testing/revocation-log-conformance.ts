import type { MaybePromise } from '../core/maybe-promise.ts'
import { EPOCHS, LOST_EPOCHS } from './revocation-log/epochs.ts'
import { READING } from './revocation-log/reading.ts'
import { TOKENS } from './revocation-log/tokens.ts'
import { proveEach } from './store-under-test.ts'
import type { StoreUnderTest } from './store-under-test.ts'
import type { ConformanceTest } from './user-directory-conformance.ts'

const PROOFS = [EPOCHS, LOST_EPOCHS, TOKENS, READING].flat()

/**
 * Proves that a store keeps the promises of `RevocationLog`, one test for each. Some are about what the sessions of
 * the same store tell the log, so it is the whole store that is proved.
 *
 * `open` returns a new, empty store each time, on a clock that only `turn` moves; `name` stands before the titles.
 */
export const revocationLogConformance = (
  test: ConformanceTest,
  name: string,
  open: () => MaybePromise<StoreUnderTest>,
): void => proveEach(test, open, { name, proofs: PROOFS })
