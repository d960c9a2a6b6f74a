import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { Principal } from './principal.ts'
import type { ResolvedRequirement } from './requirement.ts'

const isFresh = (
  { authTime, issuedAt }: Principal<unknown>,
  window: NonNullable<ResolvedRequirement['fresh']>,
  now: number,
): boolean => {
  if (authTime === null) return false
  return window === 'login' ? authTime === issuedAt : now - authTime <= window
}

/**
 * Checks what a route asks of a verified caller.
 *
 * @throws AuthError `reauthentication_required` (RFC 9470 §3) | `insufficient_permission` (RFC 6750 §3.1)
 */
export const authorize = <Claims>(
  { permissions: rules, now }: Engine<Claims>,
  principal: Principal<Claims>,
  { fresh, permissions, anyOf }: ResolvedRequirement,
): void => {
  if (fresh !== null && !isFresh(principal, fresh, now())) {
    throw new AuthError('reauthentication_required', { maxAge: fresh === 'login' ? 0 : fresh })
  }
  const has = (permission: string): boolean => rules.satisfies(principal.permissions, permission)
  if (!permissions.every(has)) throw new AuthError('insufficient_permission', { permissions })
  if (anyOf.length > 0 && !anyOf.some(has)) throw new AuthError('insufficient_permission', { permissions: anyOf })
}
