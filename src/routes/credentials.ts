import { AuthError } from '../core/errors.ts'
import type { IssueOptions } from '../core/session/issue.ts'
import type { TokenPair } from '../core/session/tokens.ts'
import { canonicalEmail } from '../core/user/email.ts'
import { checkPassword } from '../core/user/password-policy.ts'
import type { User } from '../ports/user-directory.ts'
import { callHook } from './call-hook.ts'
import { usersOf } from './route-context.ts'
import type { RouteContext } from './route-context.ts'

/** What the routes that deal with passwords share. */

/**
 * The user whose password this is, or null. They come back with the very hash that the password was checked against
 * (or with today's, where it was weaker), so that whoever replaces it can expect that one and no later one.
 */
export const provePassword = async (
  context: RouteContext,
  user: User | null,
  password: string,
): Promise<User | null> => {
  const { matches, needsRehash } = await context.passwords.check(user, password)
  if (!matches || user === null) return null
  if (!needsRehash) return user
  const hash = await context.passwords.hash(password)
  const replacement = { expected: user.passwordHash, hash, changed: false }
  return (await usersOf(context).replacePassword(user.id, replacement)) ?? user
}

/** @throws AuthError `password_rejected`, with the reason */
export const requireGoodPassword = (context: RouteContext, password: string, email: string): void => {
  const reason = checkPassword(password, { minLength: context.minPasswordLength, context: [email, context.auth.realm] })
  if (reason !== null) throw new AuthError('password_rejected', { problems: [{ path: 'password', problem: reason }] })
}

/** What a session of this user is made with. */
export const sessionOf = async (
  context: RouteContext,
  user: User,
  request: Request,
): Promise<IssueOptions & { readonly permissions: readonly string[] }> => {
  const device = request.headers.get('user-agent')
  const { claims } = context
  return {
    permissions: user.permissions,
    claims: claims === null ? {} : await callHook(context, 'authRoutes.claims', () => claims(user)),
    credentialVersion: user.credentialVersion,
    ...(device === null ? {} : { device }),
  }
}

export interface PasswordSignIn {
  readonly email: string
  readonly password: string
  readonly request: Request
  /** Fewer permissions than the user has, or null for all. */
  readonly scope: readonly string[] | null
}

const narrow = ({ auth }: RouteContext, granted: readonly string[], scope: readonly string[]): readonly string[] => {
  if (scope.every((name) => auth.permissions.satisfies(granted, name))) return scope
  throw new AuthError('invalid_scope')
}

/**
 * Signs a user in. An unknown address, a wrong password and a disabled user get the same answer in the same time.
 *
 * @throws AuthError `invalid_credentials` | `invalid_scope` | `overloaded` | `hook_failed`
 */
export const signInWithPassword = async (
  context: RouteContext,
  { email, password, request, scope }: PasswordSignIn,
): Promise<TokenPair> => {
  const { auth, passwords } = context
  const users = usersOf(context)
  const canonical = canonicalEmail(email)
  const found = canonical === null ? null : await users.findByEmail(canonical)
  if (found === null) {
    await passwords.check(null, password)
    auth.emit({ type: 'signin.failed', subject: null })
    throw new AuthError('invalid_credentials', { detail: 'no such user' })
  }
  const pair = await auth.issueAfter(found.id, async () => {
    // Read again: the user may have changed since the epochs were read, and the old password must not count.
    const user = await provePassword(context, await users.findById(found.id), password)
    if (user?.active !== true) {
      auth.emit({ type: 'signin.failed', subject: found.id })
      throw new AuthError('invalid_credentials', { detail: user === null ? 'wrong password' : 'the user is disabled' })
    }
    const session = await sessionOf(context, user, request)
    return scope === null ? session : { ...session, permissions: narrow(context, session.permissions, scope) }
  })
  auth.emit({ type: 'signin.succeeded', subject: found.id })
  return pair
}
