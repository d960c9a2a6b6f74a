import { ConfigError, StoreError } from 'jotward'
import type { ConfigProblem } from 'jotward'
import type { Secret } from '../secret.ts'

/** How a sentence of the library reads where settings are variables. */
type Wording = readonly (readonly [words: RegExp, instead: string])[]

export const reworded = (text: string, wording: Wording): string =>
  wording.reduce((words, [pattern, instead]) => words.replace(pattern, instead), text)

interface Explanation {
  readonly variable: string
  /** Must not be shown, whatever a driver says. */
  readonly passwords: readonly Secret[]
  /** What to do where the place does not answer. */
  readonly remedy: string
  readonly wording: Wording
}

/** The innermost words of a failure: what stands around them says only at what the store was. */
const reasonOf = (failure: unknown): string => {
  if (failure instanceof StoreError && failure.cause !== undefined) return reasonOf(failure.cause)
  return failure instanceof Error ? failure.message : String(failure)
}

const CENSORED = '[password]'

/** So short a password is guessed anyway, and taking each of its signs away would leave no sentence. */
const SHORTEST_CENSORED = 4

/** A text without the passwords. */
const censored = (text: string, passwords: readonly Secret[]): string =>
  passwords
    .map((password) => password.reveal())
    .reduce((rest, password) => {
      const shown = password.length < SHORTEST_CENSORED ? `:${password}@` : password
      return rest.replaceAll(shown, CENSORED)
    }, text)

/** A failure of a place as sentences of one line each that name the variable and say what to do. */
export const explain = (
  failure: unknown,
  { variable, passwords, remedy, wording }: Explanation,
): readonly ConfigProblem[] => {
  const inOurWords = (text: string): string =>
    reworded(censored(text, passwords).replaceAll(/\s+/g, ' ').trim(), wording)
  if (!(failure instanceof ConfigError)) {
    return [{ path: variable, problem: `${inOurWords(reasonOf(failure))}; ${remedy}` }]
  }
  return failure.problems.map(({ path, problem }) => ({
    path: path === 'store' || path === '' ? variable : path,
    problem: inOurWords(problem),
  }))
}
