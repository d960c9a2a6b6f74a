import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** Public test vectors (Wycheproof, RFC 7520 and others) beside the repository; they are not part of it. */
const folder = process.env['JOTWARD_VECTORS'] ?? fileURLToPath(new URL('../../shared/vectors', import.meta.url))

const present = existsSync(folder)

// A suite that reads nothing proves nothing: where everything has to run, their absence is a failure.
if (!present && process.env['CI'] === 'true') throw new Error(`there are no test vectors at ${folder}`)

/** Reads one file of the vectors. */
export const readVectors = (path: string): unknown => JSON.parse(readFileSync(`${folder}/${path}`, 'utf8'))

const leaveOut = (title: string): void => {
  process.stderr.write(`left out: ${title} (there are no test vectors at ${folder})\n`)
  test.runIf(present)('has its test vectors', () => expect(present).toBe(true))
}

/** A suite over the vectors; where their folder is absent it is left out and says so in one line. */
export const describeVectors = (title: string, suite: () => void): void => {
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both are the caller's
  describe(title, present ? suite : () => leaveOut(title))
}
