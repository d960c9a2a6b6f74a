/**
 * `npm test`: the whole suite, also in a fresh clone. Installs what is missing, runs vitest (which builds first, see
 * test/globals.ts), prints the conformance table and closes with `N passed, N failed` alone on a line, for programs.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './prepare.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

// First, so that what failed is printed below the table and not far above it.
const CONFORMANCE_TABLE = '--reporter=./test/conformance-table.ts'

/** @param {string} report @returns {Promise<number>} vitest's exit code */
const runVitest = (report) =>
  new Promise((resolve, reject) => {
    const reporters = [CONFORMANCE_TABLE, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const asked = process.argv.slice(2)
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...asked], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, TEST_RUN: asked.length === 0 ? 'everything' : 'part' },
    })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })

await ensureInstalled('all')
const folder = mkdtempSync(join(tmpdir(), 'jotward-test-'))
const report = join(folder, 'report.json')
try {
  const code = await runVitest(report)
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'))
  const leftOut = numPendingTests + numTodoTests
  // On a developer's machine a missing server or folder is said loudly by its suite; in CI nothing may be left out.
  if (leftOut > 0) console.log(`${leftOut} tests were left out${process.env.CI ? ', which CI does not allow' : ''}`)
  const isComplete = leftOut === 0 || !process.env.CI
  const failed = numFailedTests + (isComplete ? 0 : leftOut)
  // A suite that cannot even be loaded has no failed test.
  console.log(`${numPassedTests} passed, ${failed === 0 && code !== 0 ? 1 : failed} failed`)
  process.exitCode = code === 0 && isComplete ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
