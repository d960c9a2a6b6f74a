import { AuthError } from '../core/errors.ts'
import type { IssueOptions } from '../core/session/issue-options.ts'
import { narrowPermissions } from '../core/session/tokens.ts'
import type { TokenPair } from '../core/session/tokens.ts'
import type { JsonObject } from '../core/token/json.ts'
import { canonicalEmail } from '../core/user/email.ts'
import { checkPassword, isPasswordTooLong } from '../core/user/password-policy.ts'
import type { User } from '../ports/user-directory.ts'
import { callHook } from './call-hook.ts'
import { usersOf } from './route-context.ts'
import type { RouteContext } from './route-context.ts'
import { withinLimits } from './throttle.ts'

/** What the routes that deal with passwords share. */

/**
 * The active user whose password this is, or null, which is told as a failed sign-in. They come back with the very hash that the password was checked against
 * (or with today's, where it was weaker), so that whoever replaces it can expect that one and no later one.
 */
const provePassword = async (context: RouteContext, user: User | null, password: string): Promise<User | null> => {
  const { matches, needsRehash } = await context.passwords.check(user, password)
  if (!matches || user?.active !== true) {
    context.auth.emit({ type: 'signin.failed', subject: user?.id ?? null })
    return null
  }
  if (!needsRehash) return user
  const hash = await context.passwords.hash(password).catch(() => null)
  // Too busy to hash it anew: the next sign-in will, and this one is right.
  if (hash === null) return user
  const replacement = { expected: user.passwordHash, hash, changed: false }
  return (await usersOf(context).replacePassword(user.id, replacement)) ?? user
}

/**
 * The active user of a session, once the password has proven that it is they who ask.
 *
 * @throws AuthError `invalid_credentials` | `rate_limited` | `overloaded`
 */
export const requirePassword = (
  context: RouteContext,
  { subject, password, request }: { readonly subject: string; readonly password: string; readonly request: Request },
): Promise<User> =>
  withinLimits(context, { request, account: { kind: 'subject', name: subject } }, async () => {
    const user = await provePassword(context, await usersOf(context).findById(subject), password)
    if (user === null) throw new AuthError('invalid_credentials')
    return user
  })

/** @throws AuthError `password_rejected`, with the reason */
export const requireGoodPassword = (
  context: RouteContext,
  { path, password, email }: { readonly path: string; readonly password: string; readonly email: string },
): void => {
  const reason = checkPassword(password, { minLength: context.minPasswordLength, context: [email, context.auth.realm] })
  if (reason !== null) throw new AuthError('password_rejected', { problems: [{ path, problem: reason }] })
}

const checked = (auth: RouteContext['auth'], claims: JsonObject): JsonObject => {
  const problem = auth.claimsProblem(claims)
  if (problem !== null) throw new Error(`accessToken.claims refuses them: ${problem}`)
  return claims
}

/** What a session of this user is made with. */
export const sessionOf = async (
  context: RouteContext,
  user: User,
  request: Request,
): Promise<IssueOptions & { readonly permissions: readonly string[] }> => {
  const device = request.headers.get('user-agent')
  const { auth, claims } = context
  return {
    permissions: user.permissions,
    claims:
      claims === null
        ? {}
        : await callHook(context, 'authRoutes.claims', async () => checked(auth, await claims(user))),
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

const refuse = (detail: string): AuthError => new AuthError('invalid_credentials', { detail })

/** Stand for an address that is no address, and for its subject, so that the same calls are made for everybody. */
const NO_ADDRESS = 'nobody@invalid.invalid'
const NOBODY = 'nobody'

const signIn = async (
  context: RouteContext,
  { email, password, request, scope }: PasswordSignIn,
): Promise<TokenPair> => {
  const { auth } = context
  const users = usersOf(context)
  const canonical = canonicalEmail(email) ?? NO_ADDRESS
  const found = (await users.findByEmail(canonical)) ?? null
  const subject = found?.id ?? NOBODY
  const pair = await auth.issueAfter(subject, async () => {
    // Read again: the user may have changed since the epochs were read, and the old password must not count.
    const today = (await users.findByEmail(canonical)) ?? null
    const user = await provePassword(context, today?.id === subject ? today : null, password)
    if (user === null) throw refuse(found === null ? 'no such user' : 'wrong password, or disabled')
    const session = await sessionOf(context, user, request)
    return { ...session, permissions: narrowPermissions(auth, session.permissions, scope) }
  })
  auth.emit({ type: 'signin.succeeded', subject })
  return pair
}

/**
 * Signs a user in. An unknown address, a wrong password and a disabled user get the same answer in the same time, and
 * are counted alike.
 *
 * @throws AuthError `invalid_credentials` | `rate_limited` | `invalid_scope` | `overloaded` | `hook_failed`
 */
export const signInWithPassword = async (context: RouteContext, attempt: PasswordSignIn): Promise<TokenPair> => {
  const { email, password, request } = attempt
  // Before anything is looked up, for a password that is never hashed would not hide how long that takes; and before it is
  // counted, for what costs no hash could fill whatever counts.
  if (isPasswordTooLong(password)) throw refuse('the password is too long')
  // Under its canonical form, or each spelling of an address would be guesses of its own.
  const account = { kind: 'email', name: canonicalEmail(email) ?? NO_ADDRESS } as const
  return withinLimits(context, { request, account }, () => signIn(context, attempt))
}
