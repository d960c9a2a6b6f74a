/** A command line that says what cannot be done; answered with one sentence and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
