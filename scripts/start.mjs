/** `npm start`: the server from a checkout, also from a fresh clone. Runs in this process, so that a signal reaches it. */
import { build, ensureInstalled } from './prepare.mjs'

try {
  await ensureInstalled('serve')
  await build()
} catch (error) {
  process.stderr.write(`jotward: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

const { runCommandLine } = await import('../server/dist/cli.js')
process.exitCode = await runCommandLine(['serve', ...process.argv.slice(2)])
