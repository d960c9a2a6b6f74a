import { describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { TokenPair } from '../../../src/core/session/tokens.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { Store } from '../../../src/ports/store.ts'
import { forge } from '../../conformance/adapter/bed.ts'
import { noise } from '../token/fixtures.ts'
import { codeOf, createBed, redeploy, SECRET } from './issuer.ts'
import type { Bed } from './issuer.ts'

/** Three sessions: two of ann, one of bob. */
const signedIn = async () => {
  const bed = createBed()
  const issue = (subject: string): Promise<TokenPair> => bed.auth.issue({ subject })
  const [ann, again, bob] = [await issue('ann'), await issue('ann'), await issue('bob')]
  bed.events.length = 0
  return { bed, ann, again, bob }
}

/** What the next request with each token of a pair is told. */
const fateOf = async ({ auth }: Bed, { accessToken, refreshToken }: TokenPair): Promise<readonly string[]> => [
  await codeOf(() => auth.verify(accessToken)),
  await codeOf(() => auth.refresh(refreshToken)),
]

/** The service after its process has died: nothing is left but the tokens at large. */
const restarted = (bed: Bed) => redeploy(bed, { store: memoryStore({ now: bed.now }) })

const OTHER_AUDIENCE = { claims: { aud: 'https://other.example' }, secret: SECRET }

const ALIVE = ['accepted', 'accepted']
const DEAD = ['token_revoked', 'refresh_token_invalid']

describe('each grain refuses the very next request (I6), and no more than it says', () => {
  test('one token: its session lives', async () => {
    const { bed, ann, again, bob } = await signedIn()
    const principal = await bed.auth.verify(ann.accessToken)
    await bed.auth.revoke.token(principal)
    expect(await codeOf(() => bed.auth.verify(ann.accessToken))).toBe('token_revoked')
    const next = await bed.auth.refresh(ann.refreshToken)
    expect(await fateOf(bed, next)).toEqual(ALIVE)
    expect(await fateOf(bed, again)).toEqual(ALIVE)
    expect(await fateOf(bed, bob)).toEqual(ALIVE)
    expect(bed.events[0]).toEqual({ type: 'token.revoked', subject: 'ann', tokenId: principal.tokenId })
  })

  test('one session, with every token of it', async () => {
    const { bed, ann, again, bob } = await signedIn()
    const second = await bed.auth.refresh(ann.refreshToken)
    bed.events.length = 0
    const { id: sessionId, subject } = ann.session
    await bed.auth.revoke.session({ sessionId, subject })
    expect(bed.events).toEqual([{ type: 'session.ended', subject: 'ann', sessionId, reason: 'revoked' }])
    expect(await fateOf(bed, ann)).toEqual(DEAD)
    expect(await fateOf(bed, second)).toEqual(DEAD)
    expect(await fateOf(bed, again)).toEqual(ALIVE)
    expect(await fateOf(bed, bob)).toEqual(ALIVE)
    expect(await bed.auth.sessions.find(sessionId)).toBeNull()
  })

  test('one session of the subject that is named with it: that of another one is not found, and lives', async () => {
    const { bed, ann } = await signedIn()
    const session = { sessionId: ann.session.id, subject: 'bob' }
    expect(await codeOf(() => bed.auth.revoke.session(session))).toBe('not_found')
    expect(bed.events).toEqual([])
    expect(await fateOf(bed, ann)).toEqual(ALIVE)
  })

  test.each(['', 'x'.repeat(256), 'a\u0000b', '\ud800'])(
    'asks no store for what can be nobody’s identifier: %j',
    async (id) => {
      const asked: string[] = []
      const store = memoryStore()
      const sessions = {
        ...store.sessions,
        end: (...given: Parameters<typeof store.sessions.end>) => {
          asked.push('end')
          return store.sessions.end(...given)
        },
      }
      const revocations = {
        ...store.revocations,
        setToken: (...given: Parameters<typeof store.revocations.setToken>) => {
          asked.push('setToken')
          return store.revocations.setToken(...given)
        },
      }
      const { auth } = createBed({ store: { ...store, sessions, revocations } })
      expect(await codeOf(() => auth.revoke.session({ sessionId: id, subject: 'ann' }))).toBe('not_found')
      expect(await codeOf(() => auth.revoke.token({ tokenId: id, subject: 'ann' }))).toBe('not_found')
      expect(asked).toEqual([])
      await auth.revoke.token({ tokenId: 'x'.repeat(255), subject: 'ann' })
      expect(asked).toEqual(['setToken'])
    },
  )

  test('one subject: who signs in afterwards lives, in the same millisecond too (N129, N130)', async () => {
    const { bed, ann, again, bob } = await signedIn()
    await bed.auth.revoke.subject('ann')
    expect(bed.events).toEqual([{ type: 'subject.revoked', subject: 'ann' }])
    const later = await bed.auth.issue({ subject: 'ann' })
    expect(await fateOf(bed, ann)).toEqual(DEAD)
    expect(await fateOf(bed, again)).toEqual(DEAD)
    expect(await fateOf(bed, bob)).toEqual(ALIVE)
    expect(await fateOf(bed, later)).toEqual(ALIVE)
    expect((await bed.auth.sessions.list('ann')).map(({ id }) => id)).toEqual([later.session.id])
  })

  test('everything: who signs in afterwards lives (N128)', async () => {
    const { bed, ann, bob } = await signedIn()
    await bed.auth.revoke.everything()
    expect(bed.events).toEqual([{ type: 'everything.revoked' }])
    const later = await bed.auth.issue({ subject: 'bob' })
    expect(await fateOf(bed, ann)).toEqual(DEAD)
    expect(await fateOf(bed, bob)).toEqual(DEAD)
    expect(await fateOf(bed, later)).toEqual(ALIVE)
  })

  test.each(['token', 'session', 'subject', 'everything'] as const)(
    '%s stays revoked for as long as its tokens could pass (N124)',
    async (grain) => {
      const { bed, ann } = await signedIn()
      const principal = await bed.auth.verify(ann.accessToken)
      await bed.auth.revoke.token({ ...principal, tokenId: grain === 'token' ? principal.tokenId : 'another' })
      if (grain === 'session') await bed.auth.revoke.session({ sessionId: ann.session.id, subject: 'ann' })
      if (grain === 'subject') await bed.auth.revoke.subject('ann')
      if (grain === 'everything') await bed.auth.revoke.everything()
      // The last moment at which the token could pass: its expiry, and the tolerance.
      bed.turn((900 + 5) * 1000 - 501)
      expect(await codeOf(() => bed.auth.verify(ann.accessToken))).toBe('token_revoked')
      bed.turn(1)
      expect(await codeOf(() => bed.auth.verify(ann.accessToken))).toBe('token_expired')
    },
  )
})

describe('revoking a session', () => {
  test('that has ended changes nothing, and tells nothing twice', async () => {
    const { bed, ann } = await signedIn()
    const session = { sessionId: ann.session.id, subject: 'ann' }
    await bed.auth.revoke.session(session)
    await bed.auth.revoke.session(session)
    await bed.auth.signOut(ann.refreshToken)
    expect(bed.events).toHaveLength(1)
  })

  test('refuses the access tokens of a session whose row the store has lost', async () => {
    const { bed, ann } = await signedIn()
    const restored = restarted(bed)
    const session = { sessionId: ann.session.id, subject: 'ann' }
    expect(await codeOf(() => restored.verify(ann.accessToken))).toBe('accepted')
    await restored.revoke.session(session)
    expect(bed.events).toEqual([{ type: 'session.ended', ...session, reason: 'revoked' }])
    expect(await codeOf(() => restored.verify(ann.accessToken))).toBe('token_revoked')
  })
})

describe('a sign-out', () => {
  test.each<readonly [string, (pair: TokenPair, bed: Bed) => string]>([
    ['the access token', ({ accessToken }) => accessToken],
    ['the refresh token', ({ refreshToken }) => refreshToken],
    ['an access token for another service of ours', ({ accessToken }) => forge(accessToken, OTHER_AUDIENCE)],
    [
      'an access token that has expired (N120)',
      ({ accessToken }, { turn }) => {
        turn(3_600_000)
        return accessToken
      },
    ],
  ])('by %s ends the session, with both of its tokens', async (_title, tokenOf) => {
    const { bed, ann, again, bob } = await signedIn()
    const token = tokenOf(ann, bed)
    await bed.auth.signOut(token)
    const sessionId = ann.session.id
    expect(bed.events).toEqual([{ type: 'session.ended', subject: 'ann', sessionId, reason: 'signout' }])
    expect((await fateOf(bed, ann))[1]).toBe('refresh_token_invalid')
    expect(await bed.auth.sessions.find(again.session.id)).not.toBeNull()
    expect(await bed.auth.sessions.find(bob.session.id)).not.toBeNull()
    // Again is as good as once (N120).
    await bed.auth.signOut(token)
    expect(bed.events.filter(({ type }) => type === 'session.ended')).toHaveLength(1)
  })

  test('by a superseded refresh token ends the session too, and is no reuse', async () => {
    const { bed, ann } = await signedIn()
    const second = await bed.auth.refresh(ann.refreshToken)
    bed.turn(3_600_000)
    bed.events.length = 0
    await bed.auth.signOut(ann.refreshToken)
    expect(bed.events.map(({ type }) => type)).toEqual(['session.ended'])
    expect(await codeOf(() => bed.auth.refresh(second.refreshToken))).toBe('refresh_token_invalid')
  })

  test('by an access token that belongs to no session revokes that token', async () => {
    const { bed, ann } = await signedIn()
    const alone = forge(ann.accessToken, { claims: { sid: undefined }, secret: SECRET })
    const { sessionId, tokenId } = await bed.auth.verify(alone)
    expect(sessionId).toBeNull()
    await bed.auth.signOut(alone)
    expect(bed.events).toEqual([{ type: 'token.revoked', subject: 'ann', tokenId }])
    expect(await codeOf(() => bed.auth.verify(alone))).toBe('token_revoked')
    expect(await codeOf(() => bed.auth.refresh(ann.refreshToken))).toBe('accepted')
  })

  test('acknowledges nothing that the store has not done (N121)', async () => {
    const { bed, ann } = await signedIn()
    const failure = new StoreError('ending a session', new Error('disk full'))
    const fail = (): never => {
      throw failure
    }
    const { sessions, revocations } = bed.settings.store
    const store: Store = {
      ...bed.settings.store,
      sessions: { ...sessions, end: fail },
      revocations: { ...revocations, bump: fail, setToken: fail },
    }
    const auth = redeploy(bed, { store })
    await expect(auth.signOut(ann.accessToken)).rejects.toBe(failure)
    await expect(auth.signOutEverywhere(ann.accessToken)).rejects.toBe(failure)
    await expect(auth.revoke.token({ tokenId: 't', subject: 'ann' })).rejects.toBe(failure)
    await expect(auth.revoke.session({ sessionId: ann.session.id, subject: 'ann' })).rejects.toBe(failure)
    await expect(auth.revoke.subject('ann')).rejects.toBe(failure)
    await expect(auth.revoke.everything()).rejects.toBe(failure)
    expect(bed.events, 'nothing is told that has not happened').toEqual([])
  })
})

describe('a sign-out everywhere', () => {
  test.each(['accessToken', 'refreshToken'] as const)('by the %s ends every session of the subject', async (kind) => {
    const { bed, ann, again, bob } = await signedIn()
    await bed.auth.signOutEverywhere(ann[kind])
    expect(bed.events).toEqual([{ type: 'subject.revoked', subject: 'ann' }])
    expect(await fateOf(bed, ann)).toEqual(DEAD)
    expect(await fateOf(bed, again)).toEqual(DEAD)
    expect(await fateOf(bed, bob)).toEqual(ALIVE)
  })

  test('by an access token that has expired, of a session that lives', async () => {
    const { bed, ann, again } = await signedIn()
    bed.turn(3_600_000)
    await bed.auth.signOutEverywhere(ann.accessToken)
    expect(await codeOf(() => bed.auth.refresh(again.refreshToken))).toBe('refresh_token_invalid')
  })

  test.each<readonly [string, (bed: Bed, pair: TokenPair) => Promise<void>]>([
    ['was signed out', ({ auth }, { refreshToken }) => auth.signOut(refreshToken)],
    ['was signed out everywhere', ({ auth }, { refreshToken }) => auth.signOutEverywhere(refreshToken)],
    ['was revoked', ({ auth }, { session: { id: sessionId, subject } }) => auth.revoke.session({ sessionId, subject })],
    ['has run out', async ({ turn }) => turn(31 * 86_400_000)],
  ])('is refused for the tokens of a session that %s: a thief of old tokens disturbs nobody', async (_title, end) => {
    const { bed, ann } = await signedIn()
    await end(bed, ann)
    const later = await bed.auth.issue({ subject: 'ann' })
    bed.events.length = 0
    expect(await codeOf(() => bed.auth.signOutEverywhere(ann.accessToken))).toBe('token_revoked')
    expect(await codeOf(() => bed.auth.signOutEverywhere(ann.refreshToken))).toBe('token_revoked')
    expect(bed.events).toEqual([])
    expect(await fateOf(bed, later)).toEqual(ALIVE)
  })

  test('is refused for an access token that was revoked, though its session lives', async () => {
    const { bed, ann } = await signedIn()
    await bed.auth.revoke.token(await bed.auth.verify(ann.accessToken))
    expect(await codeOf(() => bed.auth.signOutEverywhere(ann.accessToken))).toBe('token_revoked')
    expect(await codeOf(() => bed.auth.refresh(ann.refreshToken))).toBe('accepted')
  })
})

describe('a token that is not ours signs nobody out', () => {
  const other = noise('another secret')

  test.each<readonly [string, (bed: Bed, pair: TokenPair) => Promise<string>, string]>([
    [
      'a forged access token (N112)',
      async (_bed, { accessToken }) => forge(accessToken, { secret: other }),
      'token_invalid',
    ],
    [
      'a forged refresh token (N112)',
      async (_bed, { refreshToken }) => forge(refreshToken, { secret: other }),
      'token_invalid',
    ],
    [
      'a refresh token signed with the key of access tokens',
      async (_bed, { refreshToken }) => forge(refreshToken, { secret: SECRET }),
      'token_invalid',
    ],
    [
      'an access token of another issuer',
      async (_bed, { accessToken }) => forge(accessToken, { claims: { iss: 'https://other.example' }, secret: SECRET }),
      'token_invalid',
    ],
    [
      'a token of another type',
      async (_bed, { accessToken }) => forge(accessToken, { header: { typ: 'JWT' }, secret: SECRET }),
      'wrong_token_type',
    ],
    [
      'an access token to come',
      async (_bed, { accessToken }) => forge(accessToken, { claims: { nbf: 4_000_000_000 }, secret: SECRET }),
      'token_not_yet_valid',
    ],
    [
      'a refresh token of another issuer over the same store',
      async (bed) =>
        (await redeploy(bed, { issuer: 'https://other.example', hooks: {} }).issue({ subject: 'ann' })).refreshToken,
      'token_invalid',
    ],
    ['what is no token', async () => 'none', 'token_invalid'],
  ])('%s', async (_title, tokenFrom, code) => {
    const { bed, ann, again } = await signedIn()
    const token = await tokenFrom(bed, ann)
    expect(await codeOf(() => bed.auth.signOut(token))).toBe(code)
    expect(await codeOf(() => bed.auth.signOutEverywhere(token))).toBe(code)
    expect(bed.events).toEqual([])
    expect(await fateOf(bed, ann)).toEqual(ALIVE)
    expect(await fateOf(bed, again)).toEqual(ALIVE)
  })
})

describe('a memory store that was built from nothing', () => {
  test('takes a lost epoch of a subject back from the stamp of an authentic token', async () => {
    const { bed, ann } = await signedIn()
    await bed.auth.revoke.subject('ann')
    const later = await bed.auth.issue({ subject: 'ann' })
    const auth = restarted(bed)
    expect(await codeOf(() => auth.verify(ann.accessToken)), 'the epoch is lost').toBe('accepted')
    expect(await codeOf(() => auth.verify(later.accessToken))).toBe('accepted')
    expect(await codeOf(() => auth.verify(ann.accessToken)), 'and is back').toBe('token_revoked')
    expect((await auth.issue({ subject: 'ann' })).session.stamp).toEqual(later.session.stamp)
  })

  test('takes a lost epoch of everybody back too', async () => {
    const { bed, ann, bob } = await signedIn()
    await bed.auth.revoke.everything()
    const later = await bed.auth.issue({ subject: 'ann' })
    const auth = restarted(bed)
    expect(await codeOf(() => auth.verify(later.accessToken))).toBe('accepted')
    expect(await codeOf(() => auth.verify(ann.accessToken))).toBe('token_revoked')
    expect(await codeOf(() => auth.verify(bob.accessToken))).toBe('token_revoked')
  })

  test('refuses the refresh tokens of sessions that it has forgotten', async () => {
    const { bed, ann } = await signedIn()
    expect(await codeOf(() => restarted(bed).refresh(ann.refreshToken))).toBe('refresh_token_invalid')
  })
})
