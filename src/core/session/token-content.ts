import type { Engine } from '../engine.ts'
import type { ConfigProblem } from '../errors.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { reservedAmong } from '../token/access-token.ts'
import { isJsonObject } from '../token/json.ts'
import type { JsonObject, JsonValue } from '../token/json.ts'

/** What the application puts into an access token. */
export interface TokenContent {
  readonly claims: JsonObject
  readonly permissions: readonly string[]
  /** Members of the token's header besides `alg`, `kid` and `typ`. */
  readonly headers: JsonObject
}

/** Parameters of a header that have a meaning of their own (RFC 7515 §4.1, RFC 7516 §4.1). */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'alg',
  'kid',
  'typ',
  'cty',
  'crit',
  'b64',
  'jku',
  'jwk',
  'x5u',
  'x5c',
  'x5t',
  'x5t#S256',
  'enc',
  'zip',
])

/** As deep as a verifier looks; a value that holds itself is deeper than any. */
const MAX_DEPTH = 32

/**
 * Whether JSON can hold a value and give it back. A date or a map comes back as something else, and NaN as null: one
 * store would keep it and another would not.
 */
export const isJson = (value: unknown, depth = MAX_DEPTH): value is JsonValue => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth === 0) return false
  if (Array.isArray(value)) return Array.from(value).every((item) => isJson(item, depth - 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return false
  // A member that is undefined is one that is not there.
  return Object.values(value).every((item) => item === undefined || isJson(item, depth - 1))
}

const permissionProblems = (permissions: unknown): readonly ConfigProblem[] => {
  if (!Array.isArray(permissions)) return [{ path: 'permissions', problem: 'must be a list of permissions' }]
  return permissions
    .filter((name) => !isPermissionName(name))
    .map((name) => ({
      path: 'permissions',
      problem: `${typeof name === 'string' ? JSON.stringify(name) : 'what is not a string'} is not a permission`,
    }))
}

export const headerProblems = (headers: unknown): readonly ConfigProblem[] => {
  if (!isJsonObject(headers) || !isJson(headers)) {
    return [{ path: 'headers', problem: 'must be an object of JSON values' }]
  }
  const reserved = Object.keys(headers).filter((name) => RESERVED_HEADERS.has(name))
  return reserved.length === 0
    ? []
    : [{ path: 'headers', problem: `${reserved.join(', ')} cannot be set in the header of a token` }]
}

/**
 * Why an access token cannot carry this. Asked before it is signed, whoever gave the content: a claim called `sub`
 * would make a token of somebody else, a name with a space in it would become two permissions.
 */
export const contentProblems = (
  { readClaims }: Pick<Engine<unknown>, 'readClaims'>,
  { claims, permissions, headers }: { readonly [member in keyof TokenContent]: unknown },
): readonly ConfigProblem[] => {
  const problems = [...permissionProblems(permissions), ...headerProblems(headers)]
  if (!isJsonObject(claims) || !isJson(claims)) {
    return [...problems, { path: 'claims', problem: 'must be an object of JSON values' }]
  }
  const reserved = reservedAmong(claims)
  if (reserved.length > 0) problems.push({ path: 'claims', problem: `${reserved.join(', ')} cannot be custom claims` })
  const read = readClaims(claims)
  if ('problem' in read) problems.push({ path: 'claims', problem: read.problem })
  return problems
}
