import type { Buckets } from './buckets.ts'
import type { Runner } from './runner.ts'

/** What the parts of a Redis store stand on. */
export interface StoreParts {
  readonly runner: Runner
  readonly buckets: Buckets
}
