import type { Engine } from '../engine.ts'
import type { ConfigProblem } from '../errors.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { reservedAmong } from '../token/access-token.ts'
import type { JsonObject } from '../token/json.ts'

/** What the application puts into an access token. */
export interface TokenContent {
  readonly claims: JsonObject
  readonly permissions: readonly string[]
}

/**
 * Why an access token cannot carry this. Asked before it is signed, whoever gave the content: a claim called `sub`
 * would make a token of somebody else, a name with a space in it would become two permissions.
 */
export const contentProblems = (
  { readClaims }: Engine<unknown>,
  { claims, permissions }: TokenContent,
): readonly ConfigProblem[] => {
  const problems = permissions
    .filter((name) => !isPermissionName(name))
    .map((name) => ({ path: 'permissions', problem: `${JSON.stringify(name)} is not a permission` }))
  const reserved = reservedAmong(claims)
  if (reserved.length > 0) problems.push({ path: 'claims', problem: `${reserved.join(', ')} cannot be custom claims` })
  const read = readClaims(claims)
  if ('problem' in read) problems.push({ path: 'claims', problem: read.problem })
  return problems
}
