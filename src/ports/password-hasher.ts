import type { MaybePromise } from '../core/maybe-promise.ts'

/** Hashes passwords slowly, into PHC strings that name their own parameters. */
export interface PasswordHasher {
  hash(password: string): Promise<string>
  /** Tells whether the password is the one hashed; false too for a hash that it does not understand. */
  verify(password: string, hash: string): Promise<boolean>
  /** Tells whether a hash was made with weaker settings than today's, so that the next sign-in replaces it. */
  needsRehash(hash: string): MaybePromise<boolean>
}
