import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** Public test vectors (Wycheproof, RFC 7520 and others) beside the repository; they are not part of it. */
const folder = process.env['JOTWARD_VECTORS'] ?? fileURLToPath(new URL('../../shared/vectors', import.meta.url))

const present = existsSync(folder)

/** Reads one file of the vectors. The type is the caller's word for what the file holds. */
export const readVectors = <T>(path: string): T => JSON.parse(readFileSync(`${folder}/${path}`, 'utf8')) as T

/**
 * A suite over the vectors. Where their folder is absent it is left out with one line, except in CI, where that fails:
 * a suite that reads nothing proves nothing.
 */
export const describeVectors = (title: string, suite: () => void): void => {
  if (present) {
    describe(title, suite)
    return
  }
  if (process.env['CI'] !== 'true') process.stderr.write(`left out: ${title} (no test vectors at ${folder})\n`)
  describe.runIf(process.env['CI'] === 'true')(title, () => {
    test('has its test vectors', () => expect(present, folder).toBe(true))
  })
}
