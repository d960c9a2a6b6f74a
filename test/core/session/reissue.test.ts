import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError } from '../../../src/core/errors.ts'
import type { IssueOptions } from '../../../src/core/session/issue-options.ts'
import type { UserDirectory } from '../../../src/ports/user-directory.ts'
import { claimsOf, codeOf, createBed, redeploy, START } from './issuer.ts'

/** Signed in a while ago, with the principal of then. */
const begin = async (config: Partial<AuthConfig> = {}, options: IssueOptions = { permissions: ['a', 'b'] }) => {
  const bed = createBed(config)
  const pair = await bed.auth.issue({ subject: 'ann', ...options })
  const principal = await bed.auth.verify(pair.accessToken)
  bed.turn(600_000)
  return { ...bed, ...pair, principal }
}

describe('a further access token of a session', () => {
  test('is as fresh as a new authentication, or as old as the caller’s own', async () => {
    const { auth, principal, session } = await begin()
    const fresh = await auth.reissue(principal, { fresh: true })
    expect(claimsOf(fresh.accessToken)).toMatchObject({
      iat: START + 600,
      auth_time: START + 600,
      exp: START + 1500,
      sid: session.id,
    })
    const old = await auth.reissue(principal)
    expect(claimsOf(old.accessToken), 'unless asked').toMatchObject({ iat: START + 600, auth_time: START })
    expect(fresh.tokenId).not.toBe(old.tokenId)
  })

  test('that is not fresh never becomes it where the caller’s token tells no authentication', async () => {
    const { auth, principal } = await begin()
    const { accessToken } = await auth.reissue({ ...principal, authTime: null }, { fresh: false })
    expect(claimsOf(accessToken)).not.toHaveProperty('auth_time')
  })

  test('does not refresh the session, nor prolong it', async () => {
    const { auth, principal, session, refreshToken, turn } = await begin({}, { absoluteLifetime: '1h' })
    await auth.reissue(principal)
    expect(await auth.sessions.find(session.id)).toEqual(session)
    turn(2_900_000)
    const { expiresIn } = await auth.reissue(principal)
    expect(expiresIn).toBe(100)
    expect((await auth.refresh(refreshToken)).session.state.generation).toBe(1)
  })

  test('never goes beyond what the caller’s token holds, or the session was granted (N134)', async () => {
    const { auth, principal, refreshToken } = await begin()
    const narrow = await auth.verify((await auth.refresh(refreshToken, { scope: ['a'] })).accessToken)
    expect((await auth.reissue(narrow)).permissions).toEqual(['a'])
    expect((await auth.reissue({ ...principal, permissions: ['a', 'root'] })).permissions).toEqual(['a'])
    expect((await auth.reissue({ ...principal, permissions: [] })).permissions).toEqual([])
  })

  test.each([
    ['its session was signed out', ({ auth, accessToken }) => auth.signOut(accessToken)],
    ['its subject was', ({ auth }) => auth.revoke.subject('ann')],
    ['everybody was', ({ auth }) => auth.revoke.everything()],
    [
      'its session has run out',
      async ({ turn }) => {
        turn(200 * 86_400_000)
      },
    ],
  ] satisfies readonly (readonly [string, (bed: Awaited<ReturnType<typeof begin>>) => Promise<void>])[])(
    'is not made after %s',
    async (_title, end) => {
      const bed = await begin()
      await end(bed)
      expect(await codeOf(() => bed.auth.reissue(bed.principal))).toBe('token_revoked')
    },
  )

  test('is not made of a token without a session', async () => {
    const { auth } = createBed()
    const principal = await auth.verify((await auth.tokens.sign({ subject: 'ann' })).accessToken)
    expect(await codeOf(() => auth.reissue(principal))).toBe('token_revoked')
  })

  test('loses what the user has lost, and ends nothing where the user may not be signed in', async () => {
    const bed = await begin({}, { permissions: ['a', 'b'], credentialVersion: 1 })
    const outcome = async (user: object | null) => {
      // Of a user nothing else is looked at.
      const users = { ...bed.users, findById: () => user } as unknown as UserDirectory
      const { permissions } = await redeploy(bed, { users }).reissue(bed.principal)
      return permissions
    }
    const user = { active: true, credentialVersion: 1, permissions: ['b', 'c'] }
    expect(await outcome(user)).toEqual(['b'])
    for (const refused of [null, { ...user, active: false }, { ...user, credentialVersion: 2 }]) {
      expect(await codeOf(() => outcome(refused))).toBe('token_revoked')
    }
    expect(await bed.auth.sessions.find(bed.session.id)).not.toBeNull()
  })

  test('is asked of the hooks, which may refuse in their own words', async () => {
    const reasons: string[] = []
    let thrown: Error | null = null
    const claims = async ({ reason }: { readonly reason: string }) => {
      reasons.push(reason)
      if (thrown !== null) throw thrown
      return { claims: { desk: 9 } }
    }
    const { auth, principal, events } = await begin({ hooks: { claims } })
    const { accessToken } = await auth.reissue(principal)
    expect(claimsOf(accessToken)).toMatchObject({ desk: 9 })
    expect(reasons).toEqual(['signin', 'reauthentication'])
    events.length = 0
    thrown = new AuthError('rate_limited')
    expect(await codeOf(() => auth.reissue(principal))).toBe('rate_limited')
    expect(events).toEqual([])
    thrown = new Error('no answer')
    expect(await codeOf(() => auth.reissue(principal))).toBe('hook_failed')
    expect(events).toEqual([{ type: 'failure', at: 'hooks.claims', error: thrown }])
  })
})
