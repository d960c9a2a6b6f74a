import { randomBytes } from 'node:crypto'
import { AuthError } from '../core/errors.ts'
import { isPasswordTooLong, normalizePassword } from '../core/user/password-policy.ts'
import type { PasswordHasher } from '../ports/password-hasher.ts'
import type { User } from '../ports/user-directory.ts'

/** What a password turned out to be. */
export interface PasswordVerdict {
  readonly matches: boolean
  /** True where it matches a hash weaker than today's: hash the password anew and replace it. */
  readonly needsRehash: boolean
}

/** The one way from a typed password to a hash and back, so that sign-up and sign-in can never normalise differently. */
export interface PasswordCheck {
  /**
   * Hashes a password as it will be checked.
   *
   * @throws AuthError `password_rejected` beyond 4,096 bytes | `overloaded`
   */
  readonly hash: (password: string) => Promise<string>
  /**
   * Tells whether a password is the user's, in the same time whether there is such a user, they have no password, or
   * it is the wrong one. Whether the user is active is not asked here.
   *
   * @throws AuthError `overloaded`
   */
  readonly check: (user: Pick<User, 'passwordHash'> | null, password: string) => Promise<PasswordVerdict>
}

const NO_MATCH: PasswordVerdict = { matches: false, needsRehash: false }

/** A hash of equal cost that nobody has the password of; made when it is first asked for. */
const createDecoy = (hasher: PasswordHasher): (() => Promise<string>) => {
  let decoy: Promise<string> | null = null
  return () => {
    decoy ??= hasher.hash(randomBytes(32).toString('base64')).catch((cause: unknown) => {
      // One overloaded moment must not refuse every sign-in from then on.
      decoy = null
      throw cause
    })
    return decoy
  }
}

/**
 * Checks passwords so that time does not tell who has an account (OWASP ASVS 5.0 §6.3.8): where there is no hash, one
 * of equal cost is verified instead.
 *
 * The times are equal for hashes made with the hasher's own settings. Hashes of another kind or cost, imported or
 * older than a change of settings, take their own time until their owners sign in again.
 */
export const createPasswordCheck = (hasher: PasswordHasher): PasswordCheck => {
  const decoyHash = createDecoy(hasher)
  return {
    hash: async (password) => {
      if (isPasswordTooLong(password)) throw new AuthError('password_rejected', { detail: 'more than 4096 bytes' })
      return hasher.hash(normalizePassword(password))
    },
    check: async (user, password) => {
      // Before anything is known of the user: the answer is the same for everybody, and costs nothing.
      if (isPasswordTooLong(password)) return NO_MATCH
      // Also where it will not be needed: the first check after a start must not tell by the time of making it.
      const decoy = await decoyHash()
      const stored = user?.passwordHash ?? null
      const verified = await hasher.verify(normalizePassword(password), stored ?? decoy)
      // Nothing but a plain yes: an object that says no is true as well, and hashers come from elsewhere.
      const said: unknown = verified
      if (said !== true || stored === null) return NO_MATCH
      return { matches: true, needsRehash: await hasher.needsRehash(stored) }
    },
  }
}
