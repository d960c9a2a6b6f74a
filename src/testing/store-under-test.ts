import type { MaybePromise } from '../core/maybe-promise.ts'
import type { Store } from '../ports/store.ts'
import type { ConformanceTest } from './user-directory-conformance.ts'

/** An empty store, for one proof, on a clock of its own that stands still but for `turn`. */
export interface StoreUnderTest {
  readonly store: Store
  /** Moves the store's clock, back too where the number is negative. */
  turn(milliseconds: number): MaybePromise<void>
  /** Clears up. */
  close(): MaybePromise<unknown>
}

/** One promise of a port, as a sentence, and its proof. */
export interface StoreProof {
  readonly title: string
  readonly prove: (opened: StoreUnderTest) => Promise<void>
}

/** One test for each proof, each on a store of its own. */
export const proveEach = (
  test: ConformanceTest,
  open: () => MaybePromise<StoreUnderTest>,
  { name, proofs }: { readonly name: string; readonly proofs: readonly StoreProof[] },
): void => {
  for (const { title, prove } of proofs) {
    test(`${name}: ${title}`, async () => {
      const opened = await open()
      try {
        await prove(opened)
      } finally {
        await opened.close()
      }
    })
  }
}
