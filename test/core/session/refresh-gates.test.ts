import { describe, expect, test } from 'vitest'
import type { ClaimsContext } from '../../../src/core/hooks.ts'
import { StoreError } from '../../../src/core/errors.ts'
import type { User, UserDirectory } from '../../../src/ports/user-directory.ts'
import { claimsOf, codeOf, createBed, redeploy } from './issuer.ts'

/** What a refresh has to pass besides the rotation. */

/** A new user with these permissions. */
const userIn = async (users: UserDirectory, permissions: readonly string[]): Promise<User> => {
  const email = 'ann@example.com'
  const user = await users.create({ email, canonicalEmail: email, passwordHash: 'hash', permissions, profile: {} })
  if (user === null) throw new Error('the directory was empty')
  return user
}

/** A signed-in user of a directory. */
const signedIn = async (permissions: readonly string[] = []) => {
  const bed = createBed({ permissions: { includes: { chief: ['orders:*'] } } })
  const { users } = bed
  const auth = redeploy(bed, { users })
  const user = await userIn(users, permissions)
  const pair = await auth.issue({ subject: user.id, credentialVersion: user.credentialVersion, permissions })
  bed.events.length = 0
  return { ...bed, auth, users, user, pair }
}

describe('the user gate', () => {
  test('lets a user pass who has not changed, or only in what does not matter', async () => {
    const { auth, users, user, pair } = await signedIn()
    await users.update(user.id, { profile: { name: 'Ann' } })
    await users.replacePassword(user.id, { expected: 'hash', hash: 'rehashed', changed: false })
    expect((await auth.refresh(pair.refreshToken)).session.id).toBe(pair.session.id)
  })

  test('refuses who is disabled, and ends the session with both of its tokens (N119)', async () => {
    const { auth, users, user, pair, events } = await signedIn()
    await users.update(user.id, { active: false })
    expect(await codeOf(() => auth.refresh(pair.refreshToken))).toBe('refresh_token_invalid')
    expect(events).toEqual([
      { type: 'session.ended', subject: user.id, sessionId: pair.session.id, reason: 'user_refused' },
    ])
    await users.update(user.id, { active: true })
    expect(await codeOf(() => auth.refresh(pair.refreshToken)), 'ended is ended').toBe('refresh_token_invalid')
    expect(await codeOf(() => auth.verify(pair.accessToken))).toBe('token_revoked')
  })

  test('refuses who has other credentials since, and ends the session', async () => {
    const { auth, users, user, pair } = await signedIn()
    await users.replacePassword(user.id, { expected: 'hash', hash: 'new', changed: true })
    expect(await codeOf(() => auth.refresh(pair.refreshToken))).toBe('refresh_token_invalid')
    expect(await codeOf(() => auth.verify(pair.accessToken))).toBe('token_revoked')
    expect(await auth.sessions.find(pair.session.id)).toBeNull()
  })

  test('refuses who is not in the directory any more, and ends the session', async () => {
    const { auth, settings } = await signedIn()
    const gone = await auth.issueAfter('usr_gone', () => ({}))
    expect(await codeOf(() => auth.refresh(gone.refreshToken))).toBe('refresh_token_invalid')
    expect(await codeOf(() => auth.verify(gone.accessToken))).toBe('token_revoked')
    const ungated = redeploy({ settings }, {})
    expect(await codeOf(() => ungated.refresh(gone.refreshToken)), 'for whoever asks').toBe('refresh_token_invalid')
  })

  test('asks the directory about nobody whose token is forged (I7)', async () => {
    const { settings, users } = await signedIn()
    const asked: string[] = []
    const counting = {
      ...users,
      findById: (id: string) => {
        asked.push(id)
        return null
      },
    }
    const auth = redeploy({ settings }, { users: counting })
    expect(await codeOf(() => auth.refresh('forged'))).toBe('refresh_token_invalid')
    expect(asked).toEqual([])
  })

  test('compares credentials only where the sign-in has noted them', async () => {
    const { auth, users, user } = await signedIn()
    const { refreshToken } = await auth.issue({ subject: user.id })
    await users.replacePassword(user.id, { expected: 'hash', hash: 'new', changed: true })
    expect((await auth.refresh(refreshToken)).session.subject).toBe(user.id)
  })

  test('ends nothing when the directory fails: the failure passes, and the retry gets the same child (I9)', async () => {
    const { auth, users, pair, settings, events } = await signedIn()
    const failure = new StoreError('finding a user', new Error('disk I/O error'))
    const failing: UserDirectory = {
      ...users,
      findById: () => {
        throw failure
      },
    }
    await expect(redeploy({ settings }, { users: failing }).refresh(pair.refreshToken)).rejects.toBe(failure)
    const [first, second] = [await auth.refresh(pair.refreshToken), await auth.refresh(pair.refreshToken)]
    expect(first.refreshToken).toBe(second.refreshToken)
    expect(first.session.state.generation).toBe(1)
    expect(events.map(({ type }) => type)).toEqual(['session.refreshed', 'refresh.replayed'])
  })

  test('ends nothing when the directory lags behind the sign-in: the retry gets the same child (N127)', async () => {
    const { auth, users, user } = await signedIn()
    const changed = await users.replacePassword(user.id, { expected: 'hash', hash: 'new', changed: true })
    const credentialVersion = (changed?.credentialVersion ?? 0) + 1
    const pair = await auth.issue({ subject: user.id, credentialVersion })
    await expect(auth.refresh(pair.refreshToken)).rejects.toThrow(StoreError)
    await users.replacePassword(user.id, { expected: 'new', hash: 'newer', changed: true })
    expect((await auth.refresh(pair.refreshToken)).session.state.generation).toBe(1)
  })
})

describe('what the user has lost since the sign-in', () => {
  test('the session has lost too: each refresh grants what both have', async () => {
    const { auth, users, user, pair } = await signedIn(['orders:read', 'staff:list'])
    await users.update(user.id, { permissions: ['orders:read', 'admin'] })
    const { permissions, session } = await auth.refresh(pair.refreshToken)
    expect(permissions).toEqual(['orders:read'])
    expect(session.grant.permissions, 'the grant itself stays').toEqual(['orders:read', 'staff:list'])
  })

  test('is measured by what entitles to it, not by names', async () => {
    const { auth, users, user, pair } = await signedIn(['orders:read', 'orders:write'])
    await users.update(user.id, { permissions: ['chief'] })
    expect((await auth.refresh(pair.refreshToken)).permissions).toEqual(['orders:read', 'orders:write'])
  })

  test('does not touch a session that was not made for a user of the directory', async () => {
    const { auth, user } = await signedIn(['orders:read'])
    const { refreshToken } = await auth.issue({ subject: user.id, permissions: ['machine'] })
    expect((await auth.refresh(refreshToken)).permissions).toEqual(['machine'])
  })
})

describe('the claims hook', () => {
  test('is told for whom and why, at sign-in and at refresh', async () => {
    const contexts: ClaimsContext[] = []
    const claims = (context: ClaimsContext) => {
      contexts.push(context)
      return {}
    }
    const { auth } = createBed({ hooks: { claims } })
    const options = { permissions: ['a'], claims: { role: 'clerk' }, refreshData: { team: 7 } }
    const { refreshToken, session } = await auth.issue({ subject: 'ann', ...options })
    await auth.refresh(refreshToken)
    const context = { subject: 'ann', sessionId: session.id, ...options }
    expect(contexts).toEqual([
      { reason: 'signin', ...context },
      { reason: 'refresh', ...context },
    ])
  })

  test('replaces claims and permissions of the access token, and leaves the grant alone', async () => {
    const promotion = { claims: { role: 'chief' }, permissions: ['b'] }
    const { auth } = createBed({ hooks: { claims: async ({ reason }) => (reason === 'refresh' ? promotion : {}) } })
    const options = { permissions: ['a'], claims: { role: 'clerk', desk: 1 } }
    const { refreshToken, session } = await auth.issue({ subject: 'ann', ...options })
    const pair = await auth.refresh(refreshToken)
    expect(pair.permissions).toEqual(['b'])
    const told = claimsOf(pair.accessToken)
    expect([told['role'], told['desk'], told['scope']], 'replaced as a whole').toEqual(['chief', undefined, 'b'])
    expect((await auth.sessions.find(session.id))?.grant).toEqual(session.grant)
  })

  test.each<readonly [string, object]>([
    ['claims only', { claims: { role: 'chief' } }],
    ['permissions only', { permissions: ['b'] }],
  ])('may replace %s; the rest stays', async (_title, answer) => {
    const { auth } = createBed({ hooks: { claims: () => answer } })
    const { accessToken } = await auth.issue({ subject: 'ann', permissions: ['a'], claims: { role: 'clerk' } })
    const { scope, role } = claimsOf(accessToken)
    expect({ scope, role }).toEqual({
      role: 'claims' in answer ? 'chief' : 'clerk',
      scope: 'permissions' in answer ? 'b' : 'a',
    })
  })

  test.each<readonly [string, () => object]>([
    [
      'throws',
      () => {
        throw new Error('the directory is down')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the directory is down'))],
    ['gives a reserved claim', () => ({ claims: { sub: 'eve' } })],
    ['gives two permissions in one', () => ({ permissions: ['a b'] })],
    ['gives permissions that are no list', () => ({ permissions: 'a' })],
    ['gives claims that are no JSON', () => ({ claims: { at: new Date(0) } })],
  ])('that %s is answered with hook_failed, and the refresh token is not spent by it (I9)', async (_title, answer) => {
    let isBroken = false
    const { auth, events } = createBed({ hooks: { claims: () => (isBroken ? answer() : {}) } })
    const { refreshToken, session } = await auth.issue({ subject: 'ann' })
    events.length = 0
    isBroken = true
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('hook_failed')
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('hook_failed')
    expect(await auth.sessions.find(session.id)).toEqual(session)
    isBroken = false
    const [first, second] = [await auth.refresh(refreshToken), await auth.refresh(refreshToken)]
    expect(first.refreshToken).toBe(second.refreshToken)
    expect(first.session.state.generation).toBe(1)
    const failed = { type: 'failure', at: 'hooks.claims', error: expect.any(Error) as Error }
    const about = { subject: 'ann', sessionId: session.id, generation: 0 }
    expect(events).toEqual([
      failed,
      failed,
      { type: 'session.refreshed', ...about },
      { type: 'refresh.replayed', ...about },
    ])
  })
})
