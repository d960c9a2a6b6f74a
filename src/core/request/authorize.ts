import type { Engine } from '../engine.ts'
import { AuthError } from '../errors.ts'
import type { Seconds } from '../duration.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import { isPermissionName } from '../permission/permission-rules.ts'
import { askHook } from './ask-hook.ts'
import type { Principal } from './principal.ts'
import type { RequestView } from './request-view.ts'
import type { ResolvedPermissions, ResolvedRequirement } from './requirement.ts'

const isFresh = ({ authTime, issuedAt }: Principal<unknown>, window: Seconds | 'login', now: number): boolean => {
  if (authTime === null) return false
  return window === 'login' ? authTime === issuedAt : now - authTime <= window
}

const isText = (value: unknown): value is string => typeof value === 'string'

/**
 * A list that a function built: an empty one would open the route, so it is as bad as none. Text that is no name is the
 * request's doing, like a space in a path: nobody can hold such a permission.
 */
const checkNames = (names: unknown): readonly string[] => {
  if (!Array.isArray(names) || names.length === 0 || !names.every(isText)) {
    const cause = new Error('it returned no list of permissions')
    throw new AuthError('hook_failed', { detail: 'permissions of a route', cause })
  }
  if (names.every(isPermissionName)) return names
  throw new AuthError('insufficient_permission', { detail: 'the request makes no name of a permission' })
}

const namesFor = (permissions: ResolvedPermissions, request: RequestView): MaybePromise<readonly string[]> => {
  if (typeof permissions !== 'function') return permissions
  return whenReady(
    askHook('permissions of a route', () => permissions(request)),
    checkNames,
  )
}

/**
 * Checks what a route asks of a verified caller.
 *
 * @throws AuthError `reauthentication_required` (RFC 9470 §3) | `insufficient_permission` (RFC 6750 §3.1) |
 *   `hook_failed` where a function builds no list
 */
export const authorize = <Claims, P extends string>(
  { permissions: rules, now }: Engine<Claims>,
  principal: Principal<Claims, P>,
  request: RequestView,
  { fresh, permissions, anyOf }: Pick<ResolvedRequirement<P, Claims>, 'fresh' | 'permissions' | 'anyOf'>,
): MaybePromise<void> => {
  if (fresh !== null && !isFresh(principal, fresh, now())) {
    throw new AuthError('reauthentication_required', { maxAge: fresh === 'login' ? 0 : fresh })
  }
  const has = (permission: string): boolean => rules.satisfies(principal.permissions, permission)
  return whenReady(namesFor(permissions, request), (all) => {
    if (!all.every(has)) throw new AuthError('insufficient_permission', { permissions: all })
    return whenReady(namesFor(anyOf, request), (any) => {
      if (any.length > 0 && !any.some(has)) throw new AuthError('insufficient_permission', { permissions: any })
    })
  })
}
