import { createLog } from '../log.ts'
import { readEnvironment } from '../environment.ts'
import { startServer } from '../serve.ts'
import type { RunningServer } from '../serve.ts'
import { readSettings, SETTINGS } from '../settings.ts'
import { command } from './command.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** npm passes on a Ctrl-C that the terminal has sent to this process too: that is one wish, not two. */
const SAME_WISH_MS = 500

/** Resolves at the first signal to stop; the second ends the process at once. */
const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    let first = 0
    const onSignal = (): void => {
      if (first === 0) {
        first = performance.now()
        resolve()
      } else if (performance.now() - first > SAME_WISH_MS) process.exit(1)
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
  })

const greeting = ({ url, issuer, firstAdministrator, warnings }: RunningServer): string => {
  const lines = [`Jotward serves ${url} (issuer ${issuer}, API page ${url}/docs)`]
  lines.unshift(...warnings.map((warning) => `Warning: ${warning}`))
  if (firstAdministrator !== null) {
    const { email, password } = firstAdministrator
    lines.unshift(
      'The first administrator, shown this once and kept nowhere:',
      `  e-mail    ${email}`,
      `  password  ${password}`,
    )
  }
  return `${lines.join('\n')}\n`
}

const settingsTable = (): string =>
  Object.values(SETTINGS)
    .map(({ variable, fallback, words }) => `  ${variable}${fallback === null ? '' : ` (${fallback})`}: ${words}`)
    .join('\n')

/** For whoever takes a setting for an option. */
const variableFor = (option: string): string | null => {
  const setting = Object.values(SETTINGS).find(
    ({ variable }) => variable.replace('JOTWARD_', '').replaceAll('_', '-').toLowerCase() === option,
  )
  return setting === undefined ? null : `set ${setting.variable} in the environment`
}

/** `jotward serve`: the standalone server, until a signal ends it. */
export const serve = command({
  name: 'jotward serve',
  description: 'Starts the server',
  args: {},
  unknownOption: variableFor,
  epilogue: `SETTINGS, from the environment or a file .env in the current folder\n\n${settingsTable()}`,
  run: async () => {
    // Everything that the server writes holds secrets or what belongs to its users.
    process.umask(0o077)
    // A terminal that goes away must not take the server with it.
    process.stdout.on('error', () => undefined)
    const settings = readSettings(readEnvironment(process.cwd(), process.env))
    const signalled = stopSignal()
    const server = await startServer(settings, createLog(settings.logLevel))
    process.stdout.write(greeting(server))
    await signalled
    return (await server.stop()) ? 0 : 1
  },
})
