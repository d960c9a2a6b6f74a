import type { Engine } from '../engine.ts'
import { AuthError, StoreError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { User } from '../../ports/user-directory.ts'
import { askHook } from './ask-hook.ts'
import { authorize } from './authorize.ts'
import type { Principal } from './principal.ts'
import type { RequestView } from './request-view.ts'
import type { ResolvedPermissions, ResolvedRequirement } from './requirement.ts'

/** One question to a verified caller: returns the principal, perhaps with more to it, or throws AuthError. */
export type Check<Claims, P extends string> = (
  principal: Principal<Claims, P>,
  request: RequestView,
) => MaybePromise<Principal<Claims, P>>

/** A check of the application's own, refused with `code` where its answer is not `wanted`. */
const ownCheck = <Claims, P extends string>(
  at: string,
  question: (principal: Principal<Claims, P>, request: RequestView) => unknown,
  { wanted, code }: { readonly wanted: boolean; readonly code: AuthError['code'] },
): Check<Claims, P> => {
  return (principal, request) =>
    whenReady(
      askHook(at, () => question(principal, request)),
      (answer) => {
        // A question without an answer must let nobody pass, and must not be taken for a plain no either.
        if (typeof answer !== 'boolean') {
          throw new AuthError('hook_failed', { detail: at, cause: new Error('it answered neither true nor false') })
        }
        if (answer !== wanted) throw new AuthError(code, { detail: at })
        return principal
      },
    )
}

const refuseUser = (detail: string): AuthError => new AuthError('user_refused', { detail })

/** The credentials under which the session was made; null where none were noted, or the token has no session. */
const versionAtSignIn = (
  { store }: Engine<unknown>,
  { sessionId }: Principal<unknown>,
): MaybePromise<number | null> => {
  if (sessionId === null) return null
  return whenReady(store.sessions.find(sessionId), (session) => {
    if (session === null) throw new AuthError('token_revoked', { detail: 'the session has ended' })
    return session.grant.credentialVersion
  })
}

/**
 * Loads the user of the token.
 *
 * @throws AuthError `user_refused` for one who is gone, disabled, or has other credentials by now
 * @throws StoreError where the directory is behind the session, as at a refresh
 */
const loadUser = <Claims, P extends string>(engine: Engine<Claims>): Check<Claims, P> => {
  const { users } = engine
  if (users === null) throw new Error('A route that loads users was made without a directory.')
  return (principal) =>
    whenReady(users.findById(principal.subject), (user: User | null | undefined) => {
      if (user?.active !== true) throw refuseUser('the user is gone or disabled')
      return whenReady(versionAtSignIn(engine, principal), (version) => {
        if (version === null || version === user.credentialVersion) return { ...principal, user }
        if (version < user.credentialVersion) throw refuseUser('the credentials have changed')
        throw new StoreError('reading the user', new Error('the directory is behind the session'))
      })
    })
}

/** A function has a length too, which is that of its parameters. */
const asksFor = (permissions: ResolvedPermissions): boolean =>
  typeof permissions === 'function' || permissions.length > 0

/** What the application asks of every caller, wherever the token came from: they know of no request. */
export const createOwnChecks = <Claims, P extends string>(
  { hooks }: Engine<Claims>,
  { revocation }: Pick<ResolvedRequirement<P, Claims>, 'revocation'>,
): readonly Check<Claims, P>[] => {
  const checks: Check<Claims, P>[] = []
  if (hooks.isRevoked !== undefined && revocation !== 'skip') {
    const isRevoked = (principal: Principal<Claims, P>) => hooks.isRevoked?.(principal)
    checks.push(ownCheck('hooks.isRevoked', isRevoked, { wanted: false, code: 'token_revoked' }))
  }
  if (hooks.verify !== undefined) {
    const verify = (principal: Principal<Claims, P>) => hooks.verify?.(principal)
    checks.push(ownCheck('hooks.verify', verify, { wanted: true, code: 'verification_failed' }))
  }
  return checks
}

/** Everything that is asked after revocation, in order. A plain route asks for nothing but its permissions. */
export const createChecks = <Claims, P extends string>(
  engine: Engine<Claims>,
  requirement: ResolvedRequirement<P, Claims>,
): readonly Check<Claims, P>[] => {
  const { user, check, fresh, permissions, anyOf } = requirement
  const checks = [...createOwnChecks<Claims, P>(engine, requirement)]
  if (user) checks.push(loadUser(engine))
  if (fresh !== null || asksFor(permissions) || asksFor(anyOf)) {
    checks.push((principal, request) => whenReady(authorize(engine, principal, request, requirement), () => principal))
  }
  if (check !== null) checks.push(ownCheck('check of a route', check, { wanted: true, code: 'access_denied' }))
  return checks
}

/** Asks one check after the other. */
export const runChecks = <Claims, P extends string>(
  checks: readonly Check<Claims, P>[],
  principal: Principal<Claims, P>,
  request: RequestView,
): MaybePromise<Principal<Claims, P>> => {
  let caller: MaybePromise<Principal<Claims, P>> = principal
  for (const check of checks) caller = whenReady(caller, (known) => check(known, request))
  return caller
}
