import { ConfigError } from 'jotward'
import type { ConfigProblem } from 'jotward'
import { SETTINGS } from './settings.ts'

/** The variable behind each path of the library's configuration. */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  ...Object.values(SETTINGS).flatMap((setting) =>
    'path' in setting ? ([[setting.path, setting.variable]] as const) : [],
  ),
  // What the library makes of another setting where it is not given.
  ['accessToken.longestLifetime', SETTINGS.accessLifetime.variable],
  ['clientId', SETTINGS.issuer.variable],
  ['realm', SETTINGS.issuer.variable],
])

const SECRET_PATH = /^(?:keys|refreshToken)\.secret$/
const IN_SENTENCE = /\b(?:keys|accessToken|refreshToken)\.\w+/g

/** Tells the library's problems by the variables that they came from, and a secret's by where it was read. */
export const inVariables = (error: ConfigError, secretSource: string = SETTINGS.secret.variable): ConfigError => {
  const variableOf = (path: string): string => (SECRET_PATH.test(path) ? secretSource : (VARIABLES.get(path) ?? path))
  const translate = ({ path, problem }: ConfigProblem): ConfigProblem => {
    const words = problem
      .replaceAll(IN_SENTENCE, variableOf)
      .replace('(grace + access lifetime)', '(JOTWARD_ROTATION_GRACE + JOTWARD_ACCESS_LIFETIME)')
    const variable = variableOf(path)
    // A member of the ring in the file that the variable names.
    const [, member] = /^keys\.?(.*)$/.exec(variable) ?? []
    if (member === undefined) return { path: variable, problem: words }
    return { path: SETTINGS.signingKey.variable, problem: `${member} ${words}`.trimStart() }
  }
  return new ConfigError(error.problems.map(translate))
}
