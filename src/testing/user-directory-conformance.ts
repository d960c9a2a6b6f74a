import type { MaybePromise } from '../core/maybe-promise.ts'
import type { UserDirectory } from '../ports/user-directory.ts'
import { REPLACING, UPDATING } from './user-directory/changing.ts'
import { CREATING, FINDING } from './user-directory/creating-and-finding.ts'
import { KEEPING } from './user-directory/keeping.ts'
import { LISTING } from './user-directory/listing.ts'

/** The test runner's function: `test` of Vitest and node:test, `it` of Mocha and Jest. */
export type ConformanceTest = (title: string, run: () => Promise<void>) => unknown

/**
 * Proves that a directory keeps the promises of `UserDirectory`, one test for each.
 *
 * `create` returns a new directory without users each time; `name` stands before the titles.
 *
 * @example
 * userDirectoryConformance(test, 'our LDAP', () => ldapUserDirectory(connection()))
 */
export const userDirectoryConformance = (
  test: ConformanceTest,
  name: string,
  create: () => MaybePromise<UserDirectory>,
): void => {
  for (const { title, prove } of [CREATING, FINDING, LISTING, REPLACING, UPDATING, KEEPING].flat()) {
    test(`${name}: ${title}`, async () => prove(await create()))
  }
}
