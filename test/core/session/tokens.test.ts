import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../../src/config.ts'
import type { ClaimsContext } from '../../../src/core/engine.ts'
import type { MintOptions } from '../../../src/core/session/tokens.ts'
import { mintAccessToken, mintPair } from '../../../src/core/session/tokens.ts'
import { claimsOf, codeOf, createBed, START } from './issuer.ts'

const MINT: MintOptions = { reason: 'signin', issuedAt: START, scope: null }

/** A session, and the engine that mints for it. */
const minting = async (permissions: readonly string[] = ['a', 'b'], contexts: ClaimsContext[] = []) => {
  const claims = (context: ClaimsContext) => {
    contexts.push(context)
    return {}
  }
  const { auth, settings } = createBed({ hooks: { claims } })
  const { session } = await auth.issue({ subject: 'ann', permissions, claims: { role: 'chief' } })
  contexts.length = 0
  return { session, engine: resolveConfig(settings) }
}

describe('an access token', () => {
  test('lives for as long as the session grants', async () => {
    const { engine, session } = await minting()
    const { accessToken, expiresIn } = await mintAccessToken(engine, session, MINT)
    expect([expiresIn, claimsOf(accessToken)['exp']]).toEqual([900, START + 900])
  })

  test.each([
    [900, 900],
    [899, 899],
    [1, 1],
  ])('made %i s before the end of its session lives for %i s', async (before, lifetime) => {
    const { engine, session } = await minting()
    const issuedAt = session.absoluteExpiresAt - before
    const { accessToken, expiresIn } = await mintAccessToken(engine, session, { ...MINT, issuedAt })
    expect([expiresIn, claimsOf(accessToken)['exp']]).toEqual([lifetime, session.absoluteExpiresAt])
  })

  test('tells the authentication of its session, or a later one where it is told so', async () => {
    const { engine, session } = await minting()
    const { accessToken } = await mintAccessToken(engine, session, MINT)
    expect(claimsOf(accessToken)['auth_time']).toBe(session.authTime)
    const again = await mintAccessToken(engine, session, { ...MINT, authTime: START + 60 })
    expect(claimsOf(again.accessToken)['auth_time']).toBe(START + 60)
  })

  test('holds what was asked of the granted permissions, and tells so', async () => {
    const { engine, session } = await minting()
    const { accessToken, permissions } = await mintAccessToken(engine, session, { ...MINT, scope: ['b'] })
    expect([permissions, claimsOf(accessToken)['scope']]).toEqual([['b'], 'b'])
    expect(await codeOf(() => mintAccessToken(engine, session, { ...MINT, scope: ['c'] }))).toBe('invalid_scope')
  })

  test('is asked for with its reason', async () => {
    const contexts: ClaimsContext[] = []
    const { engine, session } = await minting(['a'], contexts)
    await mintAccessToken(engine, session, { ...MINT, reason: 'reauthentication' })
    expect(contexts).toEqual([
      {
        reason: 'reauthentication',
        subject: 'ann',
        sessionId: session.id,
        claims: { role: 'chief' },
        permissions: ['a'],
        refreshData: null,
      },
    ])
  })

  test('is another one each time, beside a refresh token that is the same each time', async () => {
    const { engine, session } = await minting()
    const [first, second] = [await mintPair(engine, session, MINT), await mintPair(engine, session, MINT)]
    expect(first.accessToken).not.toBe(second.accessToken)
    expect(first.refreshToken).toBe(second.refreshToken)
    expect(first.session).toBe(session)
  })

  test('comes with the refresh token of the generation in which the session is', async () => {
    const { engine, session } = await minting()
    const next = { ...session, state: { ...session.state, generation: 1 } }
    const [first, second] = [await mintPair(engine, session, MINT), await mintPair(engine, next, MINT)]
    expect(first.refreshToken).not.toBe(second.refreshToken)
    expect([first, second].map(({ refreshToken }) => claimsOf(refreshToken)['gen'])).toEqual([0, 1])
  })
})
