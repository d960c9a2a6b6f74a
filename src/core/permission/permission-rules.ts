import type { ConfigProblem } from '../errors.ts'

/** How permissions relate to one another. A role is a permission that includes others. */
export interface PermissionsConfig<P extends string> {
  /** Every permission there is; they become a literal type, so that a misspelt one does not compile. */
  readonly names?: readonly P[]
  /** What holding a permission entitles to besides itself; wildcards (`orders:*`) may stand on the right. */
  readonly includes?: { readonly [name in P]?: readonly (P | `${string}:*`)[] }
  /** Entitles to everything. */
  readonly superPermission?: P
}

/** Answers whether granted permissions entitle to a required one. */
export interface PermissionRules {
  satisfies(granted: readonly string[], required: string): boolean
}

/** A scope token (RFC 6749 §3.3): no space, quote or backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

export const isPermissionName = (value: unknown): value is string =>
  typeof value === 'string' && SCOPE_TOKEN.test(value)

/** Everything that `name` leads to in the graph, itself first. Cycles are harmless: they make equals. */
const closure = (name: string, includes: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> => {
  const reached = new Set([name])
  // A Set's iteration also visits what is added on the way.
  for (const current of reached) for (const next of includes.get(current) ?? []) reached.add(next)
  return reached
}

/** `orders:*` covers `orders:read` and `orders:read:own`, and not `orders` itself. */
const covers = (held: string, required: string): boolean =>
  held === required || (held.endsWith(':*') && required.startsWith(held.slice(0, -1)) && required.length >= held.length)

export const createPermissionRules = (config: PermissionsConfig<string> = {}): PermissionRules => {
  const includes = new Map(Object.entries(config.includes ?? {}).map(([name, held]) => [name, held ?? []]))
  const closures = new Map([...includes.keys()].map((name) => [name, closure(name, includes)]))
  const entitles = (held: string, required: string): boolean => {
    if (held === config.superPermission || covers(held, required)) return true
    for (const reached of closures.get(held) ?? []) {
      if (reached === config.superPermission || covers(reached, required)) return true
    }
    return false
  }
  return { satisfies: (granted, required) => granted.some((held) => entitles(held, required)) }
}

/** What is wrong with a permissions setting. */
export const permissionProblems = (config: PermissionsConfig<string>): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  const declared = config.names === undefined ? null : new Set(config.names)
  const check = (path: string, name: unknown): void => {
    if (!isPermissionName(name)) {
      problems.push({
        path,
        problem: `${JSON.stringify(name)} is not a permission; use printable characters without space, quote or backslash`,
      })
    } else if (declared !== null && !declared.has(name) && !name.endsWith(':*')) {
      problems.push({ path, problem: `"${name}" is not among permissions.names; declare it there` })
    }
  }
  config.names?.forEach((name, index) => check(`permissions.names[${index}]`, name))
  for (const [name, held] of Object.entries(config.includes ?? {})) {
    check(`permissions.includes`, name)
    held?.forEach((included) => check(`permissions.includes["${name}"]`, included))
  }
  if (config.superPermission !== undefined) check('permissions.superPermission', config.superPermission)
  return problems
}
