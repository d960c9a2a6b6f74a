import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { resolveConfig } from '../../../src/config.ts'
import type { ClaimsContext } from '../../../src/core/hooks.ts'
import { mintAccessToken, mintPair, draftAccessToken } from '../../../src/core/session/tokens.ts'
import type { Draft } from '../../../src/core/session/tokens.ts'
import { newIdentifier } from '../../../src/core/token/identifier.ts'
import { claimsOf, codeOf, createBed, redeploy, START } from './issuer.ts'

/** What is to be signed, each time under an identifier of its own. */
const draftOf = ({ keys }: ReturnType<typeof resolveConfig>): Draft => ({
  claims: { role: 'chief' },
  permissions: ['a', 'b'],
  headers: {},
  tokenId: newIdentifier('ann'),
  key: keys.signing,
})

const MOMENT = { issuedAt: START }
const WANTED = { reason: 'refresh', scope: null, held: null, ceiling: null } as const

/** A session, and the engine that mints for it. */
const minting = async (change: Partial<AuthConfig> = {}) => {
  const { auth, settings, events } = createBed(change)
  const { session } = await auth.issue({ subject: 'ann', permissions: ['a', 'b'], claims: { role: 'chief' } })
  events.length = 0
  return { session, engine: resolveConfig(settings), events }
}

describe('an access token', () => {
  test('lives for as long as configured', async () => {
    const { engine, session } = await minting()
    const { accessToken, expiresIn } = mintAccessToken(engine, session, draftOf(engine), MOMENT)
    expect([expiresIn, claimsOf(accessToken)['exp']]).toEqual([900, START + 900])
  })

  test('lives for as long as its sign-in asked, but never longer than is accepted today', async () => {
    const { engine, session } = await minting()
    const expiresIn = (accessLifetime: number): number =>
      mintAccessToken(engine, { ...session, grant: { ...session.grant, accessLifetime } }, draftOf(engine), MOMENT)
        .expiresIn
    expect([300, 3600, 7200].map(expiresIn)).toEqual([300, 3600, 3600])
  })

  test.each([
    [900, 900],
    [899, 899],
    [1, 1],
  ])('made %i s before the end of its session lives for %i s', async (before, lifetime) => {
    const { engine, session } = await minting()
    const issuedAt = session.absoluteExpiresAt - before
    const { accessToken, expiresIn } = mintAccessToken(engine, session, draftOf(engine), { issuedAt })
    expect([expiresIn, claimsOf(accessToken)['exp']]).toEqual([lifetime, session.absoluteExpiresAt])
  })

  test('tells the authentication of its session, or a later one where it is told so', async () => {
    const { engine, session } = await minting()
    const [first, second] = [
      mintAccessToken(engine, session, draftOf(engine), MOMENT),
      mintAccessToken(engine, session, draftOf(engine), { ...MOMENT, authTime: START + 60 }),
    ]
    expect(claimsOf(first.accessToken)['auth_time']).toBe(session.authTime)
    expect(claimsOf(second.accessToken)['auth_time']).toBe(START + 60)
  })

  test('is another one each time, beside a refresh token that is the same each time', async () => {
    const { engine, session } = await minting()
    const [first, second] = [
      mintPair(engine, session, draftOf(engine), MOMENT),
      mintPair(engine, session, draftOf(engine), { issuedAt: START + 60 }),
    ]
    expect(first.accessToken).not.toBe(second.accessToken)
    expect(first.refreshToken).toBe(second.refreshToken)
    expect(first.session).toBe(session)
  })

  test('comes with the refresh token of the generation in which the session is', async () => {
    const { engine, session } = await minting()
    const generations = [0, 1, 7].map((generation) => {
      const { refreshToken } = mintPair(
        engine,
        { ...session, state: { ...session.state, generation } },
        draftOf(engine),
        MOMENT,
      )
      return claimsOf(refreshToken)['gen']
    })
    expect(generations).toEqual([0, 1, 7])
  })
})

describe('the content of an access token', () => {
  test('is what the session was granted', async () => {
    const { engine, session } = await minting()
    const { tokenId: _own, ...wanted } = draftOf(engine)
    expect(await draftAccessToken(engine, session, WANTED)).toMatchObject(wanted)
  })

  test('is narrowed to what is asked', async () => {
    const { engine, session } = await minting()
    expect((await draftAccessToken(engine, session, { ...WANTED, scope: ['b'] })).permissions).toEqual(['b'])
    expect(await codeOf(() => draftAccessToken(engine, session, { ...WANTED, scope: ['c'] }))).toBe('invalid_scope')
  })

  test('is held below a ceiling, beyond which nothing may be asked either', async () => {
    const { engine, session } = await minting()
    const limit = ['a', 'c']
    expect((await draftAccessToken(engine, session, { ...WANTED, held: limit })).permissions).toEqual(['a'])
    expect((await draftAccessToken(engine, session, { ...WANTED, ceiling: limit })).permissions).toEqual(['a'])
    const beyond = { ...WANTED, held: limit, scope: ['b'] }
    expect(await codeOf(() => draftAccessToken(engine, session, beyond))).toBe('invalid_scope')
  })

  test('is asked of the hook, with the reason', async () => {
    const contexts: ClaimsContext[] = []
    const claims = (context: ClaimsContext) => {
      contexts.push(context)
      return { permissions: ['hooked'] }
    }
    const { engine, session } = await minting({ hooks: { claims } })
    contexts.length = 0
    const reason = 'reauthentication' as const
    const content = await draftAccessToken(engine, session, { ...WANTED, reason, held: ['a'] })
    expect(content).toMatchObject({ claims: { role: 'chief' }, permissions: ['hooked'] })
    const capped = await draftAccessToken(engine, session, { ...WANTED, reason, ceiling: ['a'] })
    expect(capped.permissions, 'not beyond the caller’s own token').toEqual([])
    contexts.pop()
    const about = { subject: 'ann', sessionId: session.id, refreshData: null }
    expect(contexts).toEqual([{ reason: 'reauthentication', claims: { role: 'chief' }, permissions: ['a'], ...about }])
  })

  test.each([
    ['signin', 'hook_failed'],
    ['refresh', 'hook_failed'],
    ['reauthentication', 'token_invalid'],
  ] as const)('that does not fit the schema of today is refused at %s with %s', async (reason, code) => {
    const { session, events } = await minting()
    const bed = createBed<{ desk: number }>({ accessToken: { claims: z.object({ desk: z.number() }) } })
    const engine = { ...resolveConfig(bed.settings), emit: (event: (typeof events)[number]) => events.push(event) }
    expect(await codeOf(() => draftAccessToken(engine, session, { ...WANTED, reason }))).toBe(code)
    expect(events).toMatchObject([{ type: 'failure', error: { name: 'ConfigError' } }])
  })
})

describe('a token longer than its own issuer accepts is not made', () => {
  const accessToken = { maxBytes: 1024 }

  test('at sign-in: no session comes of it', async () => {
    const { auth, events } = createBed({ accessToken })
    const claims = { note: 'x'.repeat(1024) }
    expect(await codeOf(() => auth.issue({ subject: 'ann', claims }))).toBe('hook_failed')
    expect(await auth.sessions.list('ann')).toEqual([])
    expect(events.map(({ type }) => type)).toEqual(['failure'])
  })

  test('up to the limit it is, and is accepted', async () => {
    const bed = createBed({ accessToken })
    let longest = 0
    for (let length = 0; length < 1024; length += 1) {
      const claims = { note: 'x'.repeat(length) }
      // One after another: the first that is refused ends it.
      const token = await bed.auth.issue({ subject: 'ann', claims }).then(
        (pair) => pair.accessToken,
        () => null,
      )
      if (token === null) break
      expect(await codeOf(() => redeploy(bed, {}).verify(token))).toBe('accepted')
      longest = token.length
    }
    expect(longest).toBeLessThanOrEqual(1024)
    expect(longest, 'little is given away').toBeGreaterThan(950)
  })
})
