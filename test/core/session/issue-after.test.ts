import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import { claimsOf, codeOf, createBed } from './issuer.ts'

describe('a sign-in (I13)', () => {
  test('checks the credentials again when the subject is signed out everywhere meanwhile, and the session lives', async () => {
    const { auth, events, turn } = createBed()
    const before = await auth.issue({ subject: 'ann' })
    let checks = 0
    const pair = await auth.issueAfter('ann', async () => {
      checks += 1
      if (checks === 1) await auth.revoke.subject('ann')
      return { claims: { checks } }
    })
    expect(checks).toBe(2)
    expect(claimsOf(pair.accessToken)['checks'], 'what the last check said counts').toBe(2)
    expect(await codeOf(() => auth.verify(before.accessToken))).toBe('token_revoked')
    turn(1)
    expect((await auth.verify(pair.accessToken)).sessionId).toBe(pair.session.id)
    expect((await auth.refresh(pair.refreshToken)).session.id).toBe(pair.session.id)
    expect(await auth.sessions.list('ann')).toHaveLength(1)
    expect(events.map(({ type }) => type)).toEqual([
      'session.created',
      'subject.revoked',
      'session.created',
      'session.refreshed',
    ])
  })

  test('checks them again when everybody is signed out meanwhile', async () => {
    const { auth } = createBed()
    let checks = 0
    const { accessToken } = await auth.issueAfter('ann', async () => {
      checks += 1
      if (checks === 1) await auth.revoke.everything()
      return {}
    })
    expect(checks).toBe(2)
    expect((await auth.verify(accessToken)).subject).toBe('ann')
  })

  test('is not troubled by the sign-out of somebody else', async () => {
    const { auth } = createBed()
    let checks = 0
    await auth.issueAfter('ann', async () => {
      checks += 1
      await auth.revoke.subject('bob')
      return {}
    })
    expect(checks).toBe(1)
  })

  test('makes nothing when the check throws, and passes on what it throws', async () => {
    const { auth, events } = createBed()
    const failure = new AuthError('invalid_credentials')
    await expect(
      auth.issueAfter('ann', () => {
        throw failure
      }),
    ).rejects.toBe(failure)
    await expect(auth.issueAfter('ann', async () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await auth.sessions.list('ann')).toEqual([])
    expect(events).toEqual([])
  })

  test('makes nothing when the second check finds that the password is another by now', async () => {
    const { auth } = createBed()
    let password = 'old'
    const signIn = auth.issueAfter('ann', async () => {
      if (password !== 'old') throw new AuthError('invalid_credentials')
      password = 'new'
      await auth.revoke.subject('ann')
      return {}
    })
    expect(await codeOf(() => signIn)).toBe('invalid_credentials')
    expect(await auth.sessions.list('ann')).toEqual([])
  })

  test('gives up with overloaded when the sign-outs never end', async () => {
    const { auth, events } = createBed()
    let checks = 0
    const signIn = auth.issueAfter('ann', async () => {
      checks += 1
      await auth.revoke.subject('ann')
      return {}
    })
    const failure: unknown = await signIn.catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'overloaded', status: 503, details: { retryAfter: 1 } })
    expect(checks, 'a few times, not for ever').toBe(4)
    expect(await auth.sessions.list('ann')).toEqual([])
    expect(events.filter(({ type }) => type === 'session.created')).toEqual([])
  })
})

describe('beyond the cap of sessions (N136)', () => {
  test('the least recently refreshed ends, with both of its tokens', async () => {
    const { auth, events, turn } = createBed({ refreshToken: { maxSessions: 2 } })
    const first = await auth.issue({ subject: 'ann' })
    turn(1)
    const second = await auth.issue({ subject: 'ann' })
    turn(1)
    await auth.refresh(first.refreshToken)
    await auth.issue({ subject: 'bob' })
    events.length = 0
    const third = await auth.issue({ subject: 'ann' })
    expect(await codeOf(() => auth.verify(second.accessToken))).toBe('token_revoked')
    expect(await codeOf(() => auth.refresh(second.refreshToken))).toBe('refresh_token_invalid')
    expect((await auth.sessions.list('ann')).map(({ id }) => id).toSorted()).toEqual(
      [first.session.id, third.session.id].toSorted(),
    )
    expect(await auth.sessions.list('bob')).toHaveLength(1)
    expect(events).toEqual([
      { type: 'session.created', subject: 'ann', sessionId: third.session.id },
      { type: 'session.ended', subject: 'ann', sessionId: second.session.id, reason: 'evicted' },
    ])
  })
})
