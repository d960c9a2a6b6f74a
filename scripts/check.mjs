/**
 * `npm run check`: everything about the sources that a machine can judge without running them. Each check is a line of
 * the table; all of them run, so that one report shows everything, and the last line counts them.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build, ensureInstalled } from './prepare.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @type {readonly (readonly [name: string, script: string])[]} */
const CHECKS = [
  ['types', 'check:types'],
  ['lint', 'check:lint'],
  ['format', 'check:format'],
  ['docs in step with the source', 'check:docs'],
  ['the packed tarballs', 'test:package'],
]

await ensureInstalled('all')
await build()
const failed = CHECKS.filter(([name, script]) => {
  console.log(`\n— ${name}`)
  return spawnSync('npm', ['run', '--silent', script], { cwd: root, stdio: 'inherit' }).status !== 0
})
for (const [name] of failed) console.error(`failed: ${name}`)
console.log(`${CHECKS.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
