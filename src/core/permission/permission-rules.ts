import type { ConfigProblem } from '../errors.ts'

/** A declared permission, or one below it that is bound to a resource: `trial:read`, `trial:read:17`. */
export type BoundPermission<P extends string> = P | `${P}:${string}`

/**
 * How permissions relate to one another. `names` and the roles are what the types are made of: nothing else may add a
 * name by misspelling one.
 */
export interface PermissionsConfig<P extends string, R extends string = P> {
  /** Every permission there is; they become a literal type, so that a misspelt one does not compile. */
  readonly names?: readonly P[]
  /** What holding a permission entitles to besides itself; wildcards (`orders:*`) may stand on the right. */
  readonly includes?: {
    readonly [name in NoInfer<P | R>]?: readonly (NoInfer<P | R> | `${string}:*`)[]
  }
  /** Roles, and the permissions that each stands for. A role is granted, asked for and carried like a permission. */
  readonly roles?: { readonly [role in R]?: readonly (NoInfer<P | R> | `${string}:*`)[] }
  /** Entitles to everything. */
  readonly superPermission?: NoInfer<P | R>
}

/** Answers whether granted permissions entitle to a required one. */
export interface PermissionRules {
  satisfies(granted: readonly string[], required: string): boolean
  /** Names and all that they lead to in the graph. */
  expand(names: readonly string[]): readonly string[]
}

/** A scope token (RFC 6749 §3.3): no space, quote or backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

export const isPermissionName = (value: unknown): value is string =>
  typeof value === 'string' && SCOPE_TOKEN.test(value)

/** `orders:*` covers `orders:read` and `orders:read:own`, and not `orders` itself. */
const covers = (held: string, required: string): boolean =>
  held === required || (held.endsWith(':*') && required.startsWith(held.slice(0, -1)) && required.length >= held.length)

type Inclusions = ReadonlyMap<string, readonly string[]>

/** The names in the graph from which holding `name` leads on: itself, or all that a wildcard covers. */
const begins = (name: string, includes: Inclusions): readonly string[] =>
  name.endsWith(':*') ? [...includes.keys()].filter((including) => covers(name, including)) : [name]

/**
 * Everything that `name` leads to in the graph, itself first. A wildcard leads on from every name that it covers, or
 * asking for less of it at a refresh would give more. Cycles are harmless: they make equals.
 */
const closure = (name: string, includes: Inclusions): ReadonlySet<string> => {
  const reached = new Set([name])
  // A Set's iteration also visits what is added on the way.
  for (const current of reached) {
    const included = begins(current, includes).flatMap((including) => includes.get(including) ?? [])
    for (const next of included) reached.add(next)
  }
  return reached
}

export const createPermissionRules = ({
  includes: graph = {},
  roles = {},
  superPermission,
}: PermissionsConfig<string> = {}): PermissionRules => {
  const includes = new Map(
    [...Object.entries(graph), ...Object.entries(roles)].map(([name, held]) => [name, held ?? []]),
  )
  const closures = new Map([...includes.keys()].map((name) => [name, closure(name, includes)]))
  const grants = (held: string, required: string): boolean =>
    covers(held, required) || (superPermission !== undefined && covers(held, superPermission))
  const entitles = (held: string, required: string): boolean => {
    if (grants(held, required)) return true
    for (const name of begins(held, includes)) {
      for (const reached of closures.get(name) ?? []) if (grants(reached, required)) return true
    }
    return false
  }
  return {
    satisfies: (granted, required) => granted.some((held) => entitles(held, required)),
    expand: (names) => [...new Set(names.flatMap((name) => [...closure(name, includes)]))],
  }
}

const isNames = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const isGraph = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with a permissions setting. */
export const permissionProblems = (config: PermissionsConfig<string>): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  const roles = isGraph(config.roles) ? Object.keys(config.roles) : []
  const declared = isNames(config.names) ? new Set<unknown>([...config.names, ...roles]) : null
  const check = (path: string, name: unknown): void => {
    if (!isPermissionName(name)) {
      const shown = typeof name === 'string' ? JSON.stringify(name) : 'what is not a string'
      const remedy = 'use at most 128 printable characters without space, quote or backslash'
      problems.push({ path, problem: `${shown} is not a permission; ${remedy}` })
    } else if (declared !== null && !declared.has(name) && !name.endsWith(':*')) {
      problems.push({
        path,
        problem: `"${name}" is not among permissions.names; declare it there`,
      })
    }
  }
  const checkList = (path: string, names: unknown, pathOf: (index: number) => string): void => {
    if (names === undefined) return
    if (isNames(names)) names.forEach((name, index) => check(pathOf(index), name))
    else problems.push({ path, problem: 'must be a list of permissions' })
  }
  checkList('permissions.names', config.names, (index) => `permissions.names[${index}]`)
  for (const setting of ['includes', 'roles'] as const) {
    const graph: unknown = config[setting] === undefined ? {} : config[setting]
    if (!isGraph(graph)) {
      const member = setting === 'roles' ? 'role' : 'permission'
      problems.push({
        path: `permissions.${setting}`,
        problem: `must be an object of lists, { ${member}: [included] }`,
      })
    }
    for (const [name, held] of Object.entries(isGraph(graph) ? graph : {})) {
      const path = `permissions.${setting}["${name}"]`
      check(`permissions.${setting}`, name)
      checkList(path, held, () => path)
    }
  }
  const twice = roles.find((role) => Object.hasOwn(config.includes ?? {}, role))
  if (twice !== undefined) {
    problems.push({
      path: 'permissions.roles',
      problem: `"${twice}" stands in permissions.includes too; leave one`,
    })
  }
  if (config.superPermission !== undefined) check('permissions.superPermission', config.superPermission)
  return problems
}
