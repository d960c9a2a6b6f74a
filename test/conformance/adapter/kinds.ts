import { describe, expect, test } from 'vitest'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { Caller, Serve } from '../serve.ts'
import { bearer, createBed, forge } from './bed.ts'
import type { Claims, Permission } from './bed.ts'

/** Which of the two tokens a route takes. */

type Asked = Requirement<Permission, Claims>

const at = (path: string, token: string) => ({ path, headers: [bearer(token)] })

const STRICT = { path: '/strict', guards: [{}] }
const REFRESH = { path: '/refresh', guards: [{ requirement: { token: 'refresh' } as const }] }
const ANY = { path: '/any', guards: [{ requirement: { token: 'any' } as const }] }
const LENIENT = { path: '/lenient', guards: [{ requirement: { token: 'refresh', optional: 'lenient' } as const }] }

const tellAll = ({ principal }: Caller<Claims, Permission>) => {
  const caller = principal()
  const { subject, tokenKind, sessionId, permissions, claims, user } = caller
  return { subject, tokenKind, sessionId, permissions, role: claims.role, user, can: caller.can('invoices:read') }
}

const asking = (permission: Permission): Asked => ({ token: 'refresh', permissions: [permission] })

const begin = async (serve: Serve) => {
  const bed = createBed(serve)
  const app = await bed.open({ routes: [STRICT, REFRESH, ANY, LENIENT] })
  return { bed, app, pair: await bed.signIn({ permissions: ['clerk'] }) }
}

const judged = (serve: Serve): void => {
  test('is the one that the route asks for, and no other (S2-4, S3-12, #63, #67, #68, #70, N051, N052)', async () => {
    const { bed, app, pair } = await begin(serve)
    const { accessToken, refreshToken } = pair
    await app.refuses(at('/refresh', accessToken), 'wrong_token_type')
    await app.refuses(at('/strict', refreshToken), 'wrong_token_type')
    for (const token of [accessToken, refreshToken]) await app.enters(at('/any', token))
    await app.enters(at('/refresh', refreshToken))
    await app.enters(at('/strict', accessToken))
    expect(await app.enters(at('/lenient', accessToken)), 'of the wrong kind is bad').toEqual({ subject: null })
    expect(await app.enters(at('/lenient', refreshToken))).toEqual({ subject: 'ann' })
    bed.clock.now += 905
    await app.refuses(at('/any', accessToken), 'token_expired')
    await app.refuses(at('/refresh', accessToken), 'wrong_token_type')
  })

  test.each<readonly [title: string, make: (access: string, refresh: string) => string]>([
    [
      'a refresh token that is signed as an access token is (N051)',
      (access) => forge(access, { header: { typ: 'rt+jwt' } }),
    ],
    ['a refresh token signed with another key', (_access, refresh) => forge(refresh, {})],
    ['a token of no type', (access) => forge(access, { header: { typ: undefined } })],
    ['an access token of another audience', (access) => forge(access, { claims: { aud: 'https://x.example' } })],
    ['a word', () => 'abc'],
  ])('is neither with %s', async (_title, make) => {
    const { app, pair } = await begin(serve)
    const token = make(pair.accessToken, pair.refreshToken)
    for (const path of ['/strict', '/refresh', '/any']) {
      const { status, text } = await app.send(at(path, token))
      expect([path, status, app.entered()]).toEqual([path, 401, 0])
      expect(text).toMatch(/"code":"(?:token_invalid|wrong_token_type)"/)
    }
  })

  test('tells the handler of a refresh token whose it is, and is not spent by that', async () => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [{ ...REFRESH, enter: tellAll }] })
    const { refreshToken, session } = await bed.signIn({ permissions: ['clerk'] })
    for (let request = 0; request < 3; request++) {
      expect(await app.enters(at('/refresh', refreshToken))).toEqual({
        subject: 'ann',
        tokenKind: 'refresh',
        sessionId: session.id,
        permissions: ['clerk'],
        role: 'clerk',
        user: null,
        can: true,
      })
    }
    expect((await bed.auth.refresh(refreshToken)).session.state.generation).toBe(1)
  })
}

const refreshTokens = (serve: Serve): void => {
  test('is refused where it was superseded, beyond the grace, and ends nothing by that (S1-7)', async () => {
    const { bed, app, pair } = await begin(serve)
    const second = await bed.auth.refresh(pair.refreshToken)
    await app.enters(at('/refresh', pair.refreshToken))
    bed.clock.now += 60
    await app.refuses(at('/refresh', pair.refreshToken), 'token_revoked')
    await app.refuses(at('/any', pair.refreshToken), 'token_revoked')
    await app.enters(at('/refresh', second.refreshToken))
    await bed.auth.refresh(second.refreshToken)
  })

  test.each<readonly [title: string, end: (bed: ReturnType<typeof createBed>, token: string) => Promise<unknown>]>([
    ['signed out', ({ auth }, token) => auth.signOut(token)],
    ['signed out everywhere', ({ auth }, token) => auth.signOutEverywhere(token)],
    ['ended with everything', ({ auth }) => auth.revoke.everything()],
  ])('is refused where its session was %s (#108)', async (title, end) => {
    const { bed, app, pair } = await begin(serve)
    const [other, token] = [await bed.signIn({ subject: 'bob' }), pair.refreshToken]
    await end(bed, token)
    await app.refuses(at('/refresh', token), 'token_revoked')
    await app.refuses(at('/any', token), 'token_revoked')
    expect(await app.enters(at('/lenient', token))).toEqual({ subject: null })
    if (title !== 'ended with everything') await app.enters(at('/refresh', other.refreshToken))
  })

  test('is refused once its session is idle for too long, or at its end', async () => {
    const { bed, app } = await begin(serve)
    const [idle, old] = [await bed.signIn({ idleLifetime: '1h' }), await bed.signIn({ absoluteLifetime: '2h' })]
    bed.clock.now += 3599
    await app.enters(at('/refresh', idle.refreshToken))
    bed.clock.now += 1
    await app.refuses(at('/refresh', idle.refreshToken), 'token_revoked')
    await app.enters(at('/refresh', old.refreshToken))
    bed.clock.now += 3600
    await app.refuses(at('/refresh', old.refreshToken), 'token_revoked')
  })

  test('may be asked for permissions, which are those of the session', async () => {
    const bed = createBed(serve)
    const app = await bed.open({
      routes: [
        { path: '/yes', guards: [{ requirement: asking('invoices:read') }] },
        { path: '/no', guards: [{ requirement: asking('orders:read') }] },
      ],
    })
    const { refreshToken } = await bed.signIn({ permissions: ['clerk'] })
    await app.enters(at('/yes', refreshToken))
    await app.refuses(at('/no', refreshToken), 'insufficient_permission', { challenge: ', scope="orders:read"' })
  })
}

export const kindScenarios = (serve: Serve): void => {
  describe('the kind of a token', () => {
    judged(serve)
    refreshTokens(serve)
  })
}
