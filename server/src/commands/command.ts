import { stripVTControlCharacters } from 'node:util'
import { parseArgs, renderUsage } from 'citty'
import type { ArgsDef, ParsedArgs } from 'citty'
import { checkArguments } from './check-arguments.ts'

/** What a process tells its caller: 0 for success, 2 for bad usage, 1 for everything else. */
export type ExitCode = 0 | 1 | 2

/** A command, ready to be run with what follows its name. */
export interface Command {
  /** @throws UsageError where the arguments are not its own */
  run(rawArguments: readonly string[]): Promise<ExitCode>
  usage(): Promise<string>
}

interface CommandDefinition<T extends ArgsDef> {
  /** As it is called: `jotward token verify`. */
  readonly name: string
  readonly description: string
  readonly args: T
  readonly run: (args: ParsedArgs<T>) => Promise<ExitCode>
  /** What to do instead of an option that there is not; null where nothing is known. */
  readonly unknownOption?: (name: string) => string | null
  /** What the usage ends with. */
  readonly epilogue?: string
}

/** Makes a command of its options and of what it does with them. */
export const command = <const T extends ArgsDef>(definition: CommandDefinition<T>): Command => {
  const { name, description, args, run, epilogue, unknownOption } = definition
  return {
    run: async (rawArguments) => {
      checkArguments(args, rawArguments, unknownOption)
      return run(parseArgs<T>([...rawArguments], args))
    },
    usage: async () => {
      const usage = await renderUsage({ meta: { name, description }, args })
      const text = `${usage.replaceAll(/[ \t]+$/gm, '').trimEnd()}\n${epilogue === undefined ? '' : `\n${epilogue}\n`}`
      return process.stdout.isTTY ? text : stripVTControlCharacters(text)
    },
  }
}
