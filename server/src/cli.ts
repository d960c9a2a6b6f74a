import { createRequire } from 'node:module'
import { ConfigError, didYouMean, StoreError } from 'jotward'
import type { Command, ExitCode } from './commands/command.ts'
import { print } from './commands/output.ts'
import { UsageError } from './usage-error.ts'

interface Entry {
  readonly description: string
  /** Loaded when it is called: a filter in a pipe must not wait for a web server to load. */
  readonly load: () => Promise<Command>
}

const COMMANDS: ReadonlyMap<string, Entry> = new Map([
  ['serve', { description: 'Start the server', load: async () => (await import('./commands/serve.ts')).serve }],
  ['doctor', { description: 'Check the store', load: async () => (await import('./commands/doctor.ts')).doctor }],
  [
    'user create',
    { description: 'Add a user', load: async () => (await import('./commands/user-create.ts')).userCreate },
  ],
  [
    'user list',
    { description: 'List the users', load: async () => (await import('./commands/user-list.ts')).userList },
  ],
  [
    'user disable',
    {
      description: 'Keep a user out, at once',
      load: async () => (await import('./commands/user-change.ts')).userDisable,
    },
  ],
  [
    'user enable',
    {
      description: 'Let a user sign in again',
      load: async () => (await import('./commands/user-change.ts')).userEnable,
    },
  ],
  [
    'user password',
    {
      description: 'Give a user another password',
      load: async () => (await import('./commands/user-change.ts')).userPassword,
    },
  ],
  [
    'session revoke',
    { description: 'End sessions', load: async () => (await import('./commands/session-revoke.ts')).sessionRevoke },
  ],
  [
    'keys generate',
    {
      description: 'Make a key for signing',
      load: async () => (await import('./commands/keys-generate.ts')).keysGenerate,
    },
  ],
  [
    'keys public',
    {
      description: 'Show the public half of a key',
      load: async () => (await import('./commands/keys-public.ts')).keysPublic,
    },
  ],
  [
    'token verify',
    {
      description: 'Verify tokens, one a line',
      load: async () => (await import('./commands/token-verify.ts')).tokenVerify,
    },
  ],
  [
    'token decode',
    {
      description: 'Show tokens unverified',
      load: async () => (await import('./commands/token-decode.ts')).tokenDecode,
    },
  ],
])

const HELP = new Set(['--help', '-h'])
const VERSION = new Set(['--version', '-v'])

const overview = (): string => {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length))
  const lines = [...COMMANDS].map(([name, { description }]) => `  jotward ${name.padEnd(width)}  ${description}`)
  return `JWT authentication: the standalone server and its tools\n\n${lines.join('\n')}\n\nEach of them says more with --help.\n`
}

const version = (): string => {
  // The package's own manifest: npm does not publish one without a version.
  const { version: text } = createRequire(import.meta.url)('../package.json') as { readonly version: string }
  return `${text}\n`
}

/** The words before the first option: a command, perhaps, and its arguments. */
const leadingWords = (argv: readonly string[]): string[] => {
  const end = argv.findIndex((word) => word.startsWith('-'))
  return argv.slice(0, end === -1 ? argv.length : end)
}

const unknownCommand = (words: readonly string[]): UsageError => {
  const named = words.slice(0, 2).join(' ')
  const group = [...COMMANDS.keys()].filter((name) => name.startsWith(`${named} `))
  if (group.length > 0) return new UsageError(`${named} is not a whole command; there are ${group.join(' and ')}`)
  const meant = didYouMean(named, [...COMMANDS.keys()])
  const remedy = meant === null ? 'see jotward --help' : `did you mean ${meant}?`
  return new UsageError(`there is no command ${JSON.stringify(named)}; ${remedy}`)
}

const dispatch = async (argv: readonly string[]): Promise<ExitCode> => {
  const words = leadingWords(argv)
  const name = [words.slice(0, 2), words.slice(0, 1)].map((part) => part.join(' ')).find((part) => COMMANDS.has(part))
  const entry = name === undefined ? undefined : COMMANDS.get(name)
  if (name === undefined || entry === undefined) {
    const [first = ''] = argv.slice(words.length)
    if (words.length === 0 && VERSION.has(first)) await print(version())
    else if (HELP.has(first) || argv.length === 0) await print(overview())
    else
      throw words.length > 0 ? unknownCommand(words) : new UsageError(`there is no option ${first}; see jotward --help`)
    return argv.length === 0 ? 2 : 0
  }
  const rest = argv.slice(name.split(' ').length)
  const command = await entry.load()
  const end = rest.indexOf('--')
  if (!rest.slice(0, end === -1 ? rest.length : end).some((word) => HELP.has(word))) return command.run(rest)
  await print(await command.usage())
  return 0
}

/** One line each, for whoever has to act on it. */
const sentencesOf = (error: unknown): string[] => {
  if (error instanceof ConfigError) return error.message.split('\n')
  if (error instanceof UsageError || error instanceof StoreError) return [error.message]
  return [`unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
}

/** Runs a command line (without `node` and the script) and tells with which code the process should end. */
export const runCommandLine = async (argv: readonly string[]): Promise<ExitCode> => {
  try {
    return await dispatch(argv)
  } catch (error) {
    process.stderr.write(
      sentencesOf(error)
        .map((sentence) => `jotward: ${sentence}\n`)
        .join(''),
    )
    return error instanceof UsageError ? 2 : 1
  }
}
