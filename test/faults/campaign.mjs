/**
 * `npm run test:faults`: every fault of docs/reliability.md for minutes, against real processes and servers, and the table
 * of that page from it. Builds first. Apart from `npm test`, because it takes long and wants a quiet machine.
 *
 *   --only F2,F5   these alone (`latency` for the measurements)
 *   --minutes 20   for all together, not counting starts and pauses
 *   --keep         keeps every history in test/.results/faults, not only those in which something is wrong
 *   --no-write     leaves the page as it is
 *   --json         prints the results as JSON; all else goes to standard error
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    minutes: { type: 'string', default: '20' },
    keep: { type: 'boolean', default: false },
    'no-write': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const run = (args, env = {}) => {
  // Standard output is for the results alone.
  const options = { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, ...env } }
  return spawnSync(process.execPath, args, options).status ?? 1
}

const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is no number of minutes; write 20 or 0.5`)

for (const project of ['tsconfig.build.json', 'server/tsconfig.build.json']) {
  const status = run(['node_modules/typescript/bin/tsc', '-p', project])
  if (status !== 0) process.exit(status)
}

const folder = mkdtempSync(join(tmpdir(), 'jotward-faults-'))
const results = join(folder, 'results.json')
try {
  const asked = { minutes, results, write: !values['no-write'], only: values.only?.split(',') }
  const env = { JOTWARD_FAULTS: JSON.stringify(asked), ...(values.keep ? { JOTWARD_FAULTS_KEEP: '1' } : {}) }
  process.exitCode = run(['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/faults/vitest.config.ts'], env)
  if (values.json) process.stdout.write(`${readFileSync(results, 'utf8')}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
