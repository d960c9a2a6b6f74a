/** `npm start`: the server from a checkout, also from a fresh clone. Runs in this process, so that a signal reaches it. */
import { build, ensureInstalled } from './prepare.mjs'

const PARENT_CHECK_MS = 250

/**
 * Ends with npm: it passes a signal on to its shell, and that dies without a word to us. Whoever has stopped npm wants
 * the port back.
 */
const stopWithParent = () => {
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    process.kill(process.pid, 'SIGTERM')
  }, PARENT_CHECK_MS)
  check.unref()
}

if (process.env.npm_lifecycle_event === 'start') stopWithParent()
try {
  await ensureInstalled('serve')
  await build()
} catch (error) {
  process.stderr.write(`jotward: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

const { runCommandLine } = await import('../server/dist/cli.js')
process.exitCode = Number(await runCommandLine(['serve', ...process.argv.slice(2)]))
