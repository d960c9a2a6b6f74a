import { parseArgs } from 'node:util'
import type { ArgsDef } from 'citty'
import { didYouMean } from 'jotward'
import { UsageError } from '../usage-error.ts'

type OptionType = 'boolean' | 'string'

const optionTypes = (args: ArgsDef): Map<string, OptionType> =>
  new Map(
    Object.entries(args)
      .filter(([, { type }]) => type !== 'positional')
      .map(([name, { type }]) => [name, type === 'boolean' ? 'boolean' : 'string']),
  )

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

/** What to do instead of an unknown option, by its name. */
type Advice = (name: string) => string | null

const unknownOption = ({ rawName, name }: OptionToken, known: readonly string[], advise: Advice): UsageError => {
  const advice = advise(name)
  if (advice !== null) return new UsageError(`there is no option ${rawName}; ${advice}`)
  const meant = didYouMean(name, known)
  const remedy = meant === null ? '' : `; did you mean --${meant}?`
  return new UsageError(`there is no option ${rawName}${remedy}`)
}

const checkOption = (option: OptionToken, types: ReadonlyMap<string, OptionType>, advise: Advice): void => {
  const { name, rawName, value, inlineValue = false } = option
  const type = types.get(name)
  // A short option of the same letters is another option, and we have none.
  if (type === undefined || rawName !== `--${name}`) throw unknownOption(option, [...types.keys()], advise)
  if (type === 'boolean') {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`)
  } else if (value === undefined || (!inlineValue && value.startsWith('-'))) {
    throw new UsageError(`--${name} needs a value; write --${name}=VALUE where the value begins with a dash`)
  }
}

/**
 * Checks that a command line holds what a command takes, each option once: the parser itself drops what it does not
 * know, and a misspelt `--max-lifetime` must not silently mean that there is none.
 *
 * @throws UsageError
 */
export const checkArguments = (args: ArgsDef, rawArguments: readonly string[], advise: Advice = () => null): void => {
  const types = optionTypes(args)
  const options = Object.fromEntries([...types].map(([name, type]) => [name, { type }]))
  const { tokens } = parseArgs({
    args: [...rawArguments],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    checkOption(token, types, advise)
    if (seen.has(token.name)) throw new UsageError(`--${token.name} is given twice`)
    seen.add(token.name)
  }
  const positionals = tokens.filter(({ kind }) => kind === 'positional')
  const places = Object.values(args).filter(({ type }) => type === 'positional').length
  const surplus = positionals[places]
  if (surplus?.kind === 'positional')
    throw new UsageError(`there is no place for the argument ${JSON.stringify(surplus.value)}`)
  for (const [name, { type, required }] of Object.entries(args)) {
    if (required !== true) continue
    if (type === 'positional' ? positionals.length === 0 : !seen.has(name)) {
      throw new UsageError(type === 'positional' ? `${name.toUpperCase()} is missing` : `--${name} is required`)
    }
  }
}
