import { inspect } from 'node:util'
import type { RequestView } from '../src/core/request/request-view.ts'
import { describe, expect, test } from 'vitest'
import { createAuth } from '../src/auth.ts'
import type { AuthEvent } from '../src/ports/event-sink.ts'
import { StoreError } from '../src/core/errors.ts'
import type { Store } from '../src/ports/store.ts'
import { forge } from './conformance/adapter/bed.ts'
import {
  AUDIENCE,
  claimsOf,
  codeOf,
  createBed,
  GRACE_MS,
  ISSUER,
  problemsOf,
  redeploy,
  START,
} from './core/session/issuer.ts'
import type { Bed } from './core/session/issuer.ts'
import { noise } from './core/token/fixtures.ts'

const view = (authorization: string): RequestView => ({
  method: 'GET',
  path: '/',
  parameter: () => null,
  header: (name) => (name === 'authorization' ? authorization : null),
  query: () => [],
  body: () => null,
})

const storeOf = ({ settings: { store } }: Bed, changes: Partial<Store> = {}): Store => ({ ...store, ...changes })

describe('verify', () => {
  test('answers at once where the store does, with everything that the token tells', async () => {
    const { auth } = createBed({ permissions: { includes: { chief: ['orders:*'] } } })
    const { accessToken, session } = await auth.issue({ subject: 'ann', permissions: ['chief'], claims: { desk: 7 } })
    const principal = auth.verify(accessToken)
    expect(principal).not.toBeInstanceOf(Promise)
    expect(await principal).toEqual({
      subject: 'ann',
      tokenId: claimsOf(accessToken)['jti'],
      tokenKind: 'access',
      location: null,
      sessionId: session.id,
      issuer: ISSUER,
      clientId: ISSUER,
      permissions: ['chief'],
      can: expect.any(Function) as () => boolean,
      claims: { desk: 7 },
      user: null,
      issuedAt: START,
      expiresAt: START + 900,
      authTime: START,
      stamp: { subject: 0, global: 0 },
    })
    expect((await principal).can('orders:read')).toBe(true)
    expect((await principal).can('staff:list')).toBe(false)
  })

  test('waits where the store has to be asked', async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    const asking = (answer: boolean) =>
      redeploy(bed, {
        store: storeOf(bed, { revocations: { ...bed.settings.store.revocations, isRevoked: async () => answer } }),
      })
    expect(asking(false).verify(accessToken)).toBeInstanceOf(Promise)
    expect((await asking(false).verify(accessToken)).subject).toBe('ann')
    expect(await codeOf(() => asking(true).verify(accessToken))).toBe('token_revoked')
  })

  test('asks nobody about a token that is forged', async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    let asked = 0
    const isRevoked = () => {
      asked += 1
      return false
    }
    const auth = redeploy(bed, {
      store: storeOf(bed, { revocations: { ...bed.settings.store.revocations, isRevoked } }),
    })
    expect(await codeOf(() => auth.verify(forge(accessToken, { secret: noise('another') })))).toBe('token_invalid')
    expect(asked).toBe(0)
    expect((await auth.verify(accessToken)).subject).toBe('ann')
    expect(asked).toBe(1)
  })

  test('takes an answer that is none for a failure of the store, not for a no', async () => {
    const bed = createBed()
    const { accessToken } = await bed.auth.issue({ subject: 'ann' })
    // What the types forbid comes from stores of others all the same.
    const nothing: unknown = undefined
    const isRevoked = () => nothing as boolean
    const auth = redeploy(bed, {
      store: storeOf(bed, { revocations: { ...bed.settings.store.revocations, isRevoked } }),
    })
    await expect(async () => auth.verify(accessToken)).rejects.toThrow(StoreError)
  })
})

describe('reissue', () => {
  test('gives an access token of the same session, whose authentication is of now (RFC 9470)', async () => {
    const { auth, turn } = createBed()
    const pair = await auth.issue({ subject: 'ann', permissions: ['a'], claims: { desk: 7 } })
    turn(600_000)
    const again = await auth.reissue(await auth.verify(pair.accessToken), { fresh: true })
    expect(Object.keys(again).toSorted()).toEqual(['accessToken', 'expiresIn', 'permissions', 'sessionId', 'tokenId'])
    const [before, after] = [claimsOf(pair.accessToken), claimsOf(again.accessToken)]
    const [iat, exp] = [START + 600, START + 1500]
    expect(after).toEqual({ ...before, iat, exp, auth_time: iat, jti: after['jti'] })
    expect(after['jti']).not.toBe(before['jti'])
    expect(await auth.sessions.find(pair.session.id), 'nothing was rotated').toEqual(pair.session)
  })

  test('gives back nothing that the token in hand had given up (RFC 6749 §6)', async () => {
    const { auth } = createBed()
    const pair = await auth.issue({ subject: 'ann', permissions: ['a', 'b'] })
    const narrow = await auth.refresh(pair.refreshToken, { scope: ['b'] })
    expect((await auth.reissue(await auth.verify(narrow.accessToken))).permissions).toEqual(['b'])
  })

  test('is refused once the session has ended', async () => {
    const { auth } = createBed()
    const { accessToken } = await auth.issue({ subject: 'ann' })
    const principal = await auth.verify(accessToken)
    await auth.signOut(accessToken)
    expect(await codeOf(() => auth.reissue(principal))).toBe('token_revoked')
  })

  test('is refused for a token without a session', async () => {
    const { auth } = createBed()
    const principal = await auth.verify((await auth.issue({ subject: 'ann' })).accessToken)
    expect(await codeOf(() => auth.reissue({ ...principal, sessionId: null }))).toBe('token_revoked')
  })
})

test('sessions are listed as they were last refreshed, and found while they live', async () => {
  const { auth, turn } = createBed()
  const [first, second, third] = [
    await auth.issue({ subject: 'ann', device: 'first' }),
    await auth.issue({ subject: 'ann', device: 'second' }),
    await auth.issue({ subject: 'ann', device: 'third' }),
  ]
  turn(1000)
  await auth.refresh(first.refreshToken)
  await auth.signOut(third.refreshToken)
  expect((await auth.sessions.list('ann')).map(({ device }) => device)).toEqual(['first', 'second'])
  expect(await auth.sessions.list('bob')).toEqual([])
  expect((await auth.sessions.find(second.session.id))?.device).toBe('second')
  expect(await auth.sessions.find(third.session.id)).toBeNull()
  expect(await auth.sessions.find('never')).toBeNull()
})

test('ready and close are those of the store, failures too', async () => {
  const calls: string[] = []
  const failure = new StoreError('connecting', new Error('refused'))
  const bed = createBed()
  const ready = async () => {
    calls.push('ready')
    throw failure
  }
  const close = () => {
    calls.push('close')
  }
  const auth = redeploy(bed, { store: storeOf(bed, { ready, close }) })
  await expect(auth.ready()).rejects.toBe(failure)
  await auth.close()
  expect(calls).toEqual(['ready', 'close'])
})

/** Everything that an engine tells of, one thing after another, and who it was about. */
const live = async (bed: Bed) => {
  const { auth, turn, events } = bed
  const first = await auth.issue({ subject: 'ann' })
  const { refreshToken } = await auth.refresh(first.refreshToken)
  await auth.refresh(first.refreshToken)
  turn(GRACE_MS + 1)
  await auth.refresh(first.refreshToken)
  turn(GRACE_MS + 1)
  await auth.refresh(first.refreshToken).catch(() => undefined)
  const second = await auth.issue({ subject: 'ann' })
  const principal = await auth.verify(second.accessToken)
  await auth.revoke.token(principal)
  await auth.signOut(second.refreshToken)
  await auth.revoke.subject('ann')
  await auth.revoke.everything()
  return {
    events,
    ids: { sessionId: first.session.id, other: second.session.id, tokenId: principal.tokenId },
    refreshToken,
  }
}

describe('events', () => {
  test('tell of each thing exactly once, in order, by ids only', async () => {
    const { events, ids } = await live(createBed())
    const { sessionId, other, tokenId } = ids
    const [subject, generation] = ['ann', 0]
    expect(events).toEqual([
      { type: 'session.created', subject, sessionId },
      { type: 'session.refreshed', subject, sessionId, generation },
      { type: 'refresh.replayed', subject, sessionId, generation },
      { type: 'refresh.replayed_late', subject, sessionId, generation },
      { type: 'refresh.reused', subject, sessionId, generation },
      { type: 'session.ended', subject, sessionId, reason: 'reused' },
      { type: 'session.created', subject, sessionId: other },
      { type: 'token.revoked', subject, tokenId },
      { type: 'session.ended', subject, sessionId: other, reason: 'signout' },
      { type: 'subject.revoked', subject },
      { type: 'everything.revoked' },
    ])
  })

  test('are told when it has happened: who asks the store then finds it done', async () => {
    const found: unknown[] = []
    const bed = createBed()
    const auth = redeploy(bed, {
      hooks: {
        onEvent: (event) => {
          if ('sessionId' in event) found.push([event.type, bed.settings.store.sessions.find(event.sessionId) !== null])
        },
      },
    })
    const { accessToken } = await auth.issue({ subject: 'ann' })
    await auth.signOut(accessToken)
    expect(found).toEqual([
      ['session.created', true],
      ['session.ended', false],
    ])
  })

  test.each<readonly [string, (event: AuthEvent) => void]>([
    [
      'throws',
      () => {
        throw new Error('the log is full')
      },
    ],
    // A promise that nobody awaits would end the process; the test runner reports it.
    ['rejects', async () => Promise.reject(new Error('the log is full'))],
  ])('may go to a sink that %s: nothing changes by it', async (_title, fail) => {
    const told: string[] = []
    const onEvent = (event: AuthEvent): void => {
      told.push(event.type)
      return fail(event)
    }
    const { ids, refreshToken } = await live(createBed({ hooks: { onEvent } }))
    const { events: expected } = await live(createBed())
    expect(told).toEqual(expected.map(({ type }) => type))
    expect(ids.sessionId).not.toBe(ids.other)
    expect(refreshToken).not.toBe('')
    // Until the rejections would have been reported.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  })
})

/** Everything that somebody could log of a value: members hidden and shown, causes, stacks. */
const everythingOf = (value: unknown): string =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })

describe('no token, secret or password is told to anybody but its holder (N147, N148)', () => {
  const CANARIES = ['secret', 'previous', 'refresh', 'refresh before'].map((name) =>
    noise(`canary ${name}`).toString('hex'),
  )
  const [secret = '', previous = '', own = '', ownBefore = ''] = CANARIES
  const config = {
    keys: { secret, previousSecrets: [previous] },
    refreshToken: { secret: own, previousSecrets: [ownBefore] },
  }

  test('by errors, their causes and details, by events, and by refusals', async () => {
    const bed = createBed(config)
    const { auth, events, turn } = bed
    const pair = await auth.issue({ subject: 'ann', refreshData: { canary: previous } })
    const tokens = [pair.accessToken, pair.refreshToken]
    const forged = tokens.map((token) => forge(token, { secret: noise('another') }))
    const expired = forge(pair.accessToken, {
      claims: { iat: START - 2000, exp: START - 1000 },
      secret: Buffer.from(secret),
    })
    const mangled = tokens.flatMap((token) => [
      `${token}A`,
      token.slice(0, -2),
      token.replace('.', '..'),
      `Bearer ${token}`,
    ])
    const told: unknown[] = []
    const provoke = async (work: () => unknown): Promise<void> => {
      try {
        await work()
      } catch (error) {
        told.push(error)
      }
    }
    const failing = redeploy(bed, {
      hooks: {
        ...bed.settings.hooks,
        claims: () => {
          throw new Error('the hook fails')
        },
      },
    })
    for (const token of [...tokens, ...forged, ...mangled, expired]) {
      await provoke(() => auth.verify(token))
      await provoke(() => failing.refresh(token))
      await provoke(() => auth.refresh(token, { scope: ['not granted'] }))
      await provoke(() => auth.guard()(view(`Bearer ${token}`)))
      told.push(await auth.guard()(view(`Bearer ${token} x`)))
    }
    turn(86_400_000)
    for (const token of tokens) await provoke(() => auth.refresh(token))
    for (const token of [...forged, ...mangled, expired, ...tokens]) await provoke(() => auth.signOutEverywhere(token))
    await provoke(() => auth.refresh(pair.refreshToken))
    await provoke(() => auth.issue({ subject: `a\0${secret}` }))
    expect(told.length).toBeGreaterThan(30)
    expect(events.length).toBeGreaterThan(2)
    const text = everythingOf([told, events])
    // Signatures, for headers and payloads of tokens are no secrets.
    const signatures = [...tokens, ...forged, expired].map((token) => token.slice(token.lastIndexOf('.') + 1))
    for (const canary of [...CANARIES, ...signatures, ...tokens]) expect(text).not.toContain(canary)
  })

  test('by a configuration that is refused', async () => {
    const keys = { secret: secret.slice(0, 20), previousSecrets: [secret.slice(0, 20)] }
    const problems = await problemsOf(() =>
      createAuth({ issuer: ISSUER, audience: AUDIENCE, keys, store: createBed().settings.store }),
    )
    expect(problems).toHaveLength(2)
    expect(problems.join()).not.toContain(secret.slice(0, 20))
  })

  test('by the issuer itself, when somebody prints it', () => {
    const { auth } = createBed(config)
    const text = `${everythingOf(auth)}${JSON.stringify(auth)}`
    for (const canary of CANARIES) {
      expect(text).not.toContain(canary)
      expect(text).not.toContain(Buffer.from(canary).toString('base64url'))
    }
  })
})

describe('verify with hooks of the application', () => {
  test('asks both of them, of whatever token (S3-5)', async () => {
    const asked: string[] = []
    const answers = { isRevoked: false, verify: true }
    const { auth } = createBed({
      hooks: {
        isRevoked: ({ subject }) => {
          asked.push(`isRevoked ${subject}`)
          return answers.isRevoked
        },
        verify: async ({ subject }) => {
          asked.push(`verify ${subject}`)
          return answers.verify
        },
      },
    })
    const { accessToken } = await auth.issue({ subject: 'ann' })
    expect((await auth.verify(accessToken)).subject).toBe('ann')
    expect(asked).toEqual(['isRevoked ann', 'verify ann'])
    answers.verify = false
    expect(await codeOf(() => auth.verify(accessToken))).toBe('verification_failed')
    answers.isRevoked = true
    expect(await codeOf(() => auth.verify(accessToken))).toBe('token_revoked')
  })
})
