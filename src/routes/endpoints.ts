import type { ConfigProblem } from '../core/errors.ts'
import { unknownKeys } from '../core/unknown-keys.ts'
import type { Route } from './route.ts'
import type { Aliases, RouteContext } from './route-context.ts'

/** A route at a path: its own, or the further one that an application has given it. */
export interface Endpoint {
  readonly route: Route
  /** From the root. */
  readonly path: string
  readonly isAlias: boolean
}

/** One part of a path, or a name in braces that stands for one. */
const ALIAS = /^(?:\/(?:(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+|\{\w+\}))+$/

/** Where the document is, beside the routes. */
export const DOCUMENT_PATH = '/openapi.json'

const isName = (part: string): boolean => part.startsWith('{')

const namesIn = (path: string): string => path.split('/').filter(isName).toSorted().join(', ')

/** Whether every path that fits the second one fits the first one too. */
const covers = (general: string, special: string): boolean => {
  const [left, right] = [general.split('/'), special.split('/')]
  return left.length === right.length && left.every((part, index) => isName(part) || part === right[index])
}

const isClash = (left: string, right: string): boolean => covers(left, right) || covers(right, left)

/** What is taken already, with the name of who has it. */
type Taken = readonly (readonly [path: string, holder: string])[]

const pathProblem = (alias: unknown, { path }: Route, taken: Taken): string | null => {
  if (typeof alias !== 'string' || !ALIAS.test(alias)) return 'must be a path below basePath, like "/login"'
  if (namesIn(alias) !== namesIn(path)) {
    return namesIn(path) === '' ? 'must have no part in braces' : `must have ${namesIn(path)} in it, and no other`
  }
  const holder = taken.find(([other]) => isClash(alias, other))?.[1]
  return holder === undefined ? null : `cannot be told from the path of ${holder}`
}

const absenceOf = ({ needsUsers }: Route): string =>
  `names an endpoint that is not there; it needs ${needsUsers === true ? 'users' : 'trackTokens'} in the configuration`

/** What is wrong with the option `aliases`. */
export const aliasProblems = (
  aliases: Aliases,
  present: readonly Route[],
  all: readonly Route[],
): readonly ConfigProblem[] => {
  const operations = all.map(({ operation }) => operation)
  const problems: ConfigProblem[] = [...unknownKeys('aliases', aliases, operations)]
  const own = present.filter(({ fromRoot }) => fromRoot !== true)
  const taken: (readonly [string, string])[] = [
    ...own.map(({ path, operation }) => [path, operation] as const),
    [DOCUMENT_PATH, 'the OpenAPI document'],
  ]
  for (const [operation, alias] of Object.entries(aliases)) {
    const route = all.find((candidate) => candidate.operation === operation)
    if (route === undefined) continue
    const problem = present.includes(route) ? pathProblem(alias, route, taken) : absenceOf(route)
    if (problem !== null) problems.push({ path: `aliases.${operation}`, problem })
    taken.push([String(alias), `aliases.${operation}`])
  }
  return problems
}

/** Every path that is answered: first those of the routes, so that an alias never takes one of them. */
export const endpointsOf = (
  routes: readonly Route[],
  { basePath, aliases }: Pick<RouteContext, 'basePath' | 'aliases'>,
): readonly Endpoint[] => {
  const own = routes.map((route) => {
    const path = route.fromRoot === true ? route.path : `${basePath}${route.path}`
    return { route, path, isAlias: false }
  })
  const further = routes.flatMap((route) => {
    const alias = aliases[route.operation]
    return alias === undefined ? [] : [{ route, path: `${basePath}${alias}`, isAlias: true }]
  })
  return [...own, ...further]
}
