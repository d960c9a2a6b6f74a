import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { fragileStore } from '../fragile-store.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'

type Bed = ReturnType<typeof createBed>
type Pair = Awaited<ReturnType<Bed['signIn']>>

interface Grain {
  readonly title: string
  readonly revoke: (bed: Bed, pair: Pair) => Promise<unknown>
  /** Whether the sessions of the same subject, and of another, live on. */
  readonly spares: { readonly sibling: boolean; readonly stranger: boolean }
}

const verify = async ({ auth }: Bed, { accessToken }: Pair) => auth.verify(accessToken)

const GRAINS: readonly Grain[] = [
  {
    title: 'the token itself',
    revoke: async (bed, pair) => bed.auth.revoke.token(await verify(bed, pair)),
    spares: { sibling: true, stranger: true },
  },
  {
    title: 'its session',
    revoke: ({ auth }, { session }) => auth.revoke.session({ sessionId: session.id, subject: session.subject }),
    spares: { sibling: true, stranger: true },
  },
  {
    title: 'a sign-out with the access token',
    revoke: ({ auth }, { accessToken }) => auth.signOut(accessToken),
    spares: { sibling: true, stranger: true },
  },
  {
    title: 'a sign-out with the refresh token',
    revoke: ({ auth }, { refreshToken }) => auth.signOut(refreshToken),
    spares: { sibling: true, stranger: true },
  },
  {
    title: 'its subject',
    revoke: ({ auth }) => auth.revoke.subject('ann'),
    spares: { sibling: false, stranger: true },
  },
  {
    title: 'a sign-out everywhere',
    revoke: ({ auth }, { accessToken }) => auth.signOutEverywhere(accessToken),
    spares: { sibling: false, stranger: true },
  },
  {
    title: 'everything',
    revoke: ({ auth }) => auth.revoke.everything(),
    spares: { sibling: false, stranger: false },
  },
]

const ROUTES = {
  routes: [
    { path: '/strict', guards: [{}] },
    { path: '/optional', guards: [{ requirement: { optional: true } as const }] },
  ],
}

const at = (path: string, { accessToken }: Pair) => ({ path, headers: [bearer(accessToken)] })

/** How stores behind a network answer. */
const remote = (clock: { now: number }) => {
  const store = memoryStore({ now: () => clock.now * 1000 })
  let isDown = false
  const isRevoked = async (token: RevocableToken): Promise<boolean | 'stale'> => {
    await setImmediate()
    if (isDown) throw new StoreError('asking', new Error('connection refused'))
    return store.revocations.isRevoked(token)
  }
  const takeDown = (): void => {
    isDown = true
  }
  return { store: { ...store, revocations: { ...store.revocations, isRevoked } }, takeDown }
}

export const revocationScenarios = (serve: Serve): void => {
  describe('revocation', () => {
    test.each(GRAINS)('refuses the next request after revoking $title', async ({ revoke, spares }) => {
      const bed = createBed(serve)
      const app = await bed.open(ROUTES)
      const [pair, sibling, stranger] = [await bed.signIn(), await bed.signIn(), await bed.signIn({ subject: 'bob' })]
      await app.enters(at('/strict', pair))
      await revoke(bed, pair)
      await app.refuses(at('/strict', pair), 'token_revoked')
      await app.refuses(at('/optional', pair), 'token_revoked')
      await (spares.sibling ? app.enters(at('/strict', sibling)) : app.refuses(at('/strict', sibling), 'token_revoked'))
      await (spares.stranger
        ? app.enters(at('/strict', stranger))
        : app.refuses(at('/strict', stranger), 'token_revoked'))
      // In the very same second: no clock is compared, so a new sign-in is never caught (N130).
      await app.enters(at('/strict', await bed.signIn()))
    })

    test('asks for revocation at each request, so that an answer is never remembered (N073)', async () => {
      const bed = createBed(serve)
      const app = await bed.open(ROUTES)
      const pair = await bed.signIn()
      const sent = { path: '/strict', headers: [bearer(pair.accessToken)] }
      for (let request = 0; request < 3; request++) await app.enters(sent)
      await bed.auth.signOut(pair.accessToken)
      for (let request = 0; request < 3; request++) await app.refuses(sent, 'token_revoked')
    })
  })

  describe('a store that has to be waited for', () => {
    test('lets in, refuses and fails as one that answers at once', async () => {
      const { store, takeDown } = remote({ now: 1_800_000_000 })
      const bed = createBed(serve, { store })
      const app = await bed.open({
        routes: [
          ...ROUTES.routes,
          { path: '/orders', guards: [{ requirement: { permissions: ['orders:read'] } }, {}] },
        ],
      })
      const [revoked, good] = [await bed.signIn(), await bed.signIn({ permissions: ['orders:read'] })]
      await bed.auth.signOut(revoked.accessToken)
      await app.refuses(at('/strict', revoked), 'token_revoked')
      await app.refuses(at('/optional', revoked), 'token_revoked')
      await app.refuses(at('/orders', revoked), 'token_revoked')
      expect(await app.enters(at('/orders', good))).toEqual({ subject: 'ann' })
      expect(await app.enters({ path: '/optional' })).toEqual({ subject: null })
      takeDown()
      await app.refuses(at('/strict', good), 'store_unavailable')
      await app.refuses(at('/optional', good), 'store_unavailable')
    })
  })

  describe('a store that has gone', () => {
    test('is answered with 503 and Retry-After, never by entering the handler (N125)', async () => {
      const fragile = fragileStore(() => 1_800_000_000_000)
      const bed = createBed(serve, fragile)
      const app = await bed.open({
        routes: [...ROUTES.routes, { path: '/lenient', guards: [{ requirement: { optional: 'lenient' } }] }],
      })
      const headers = [bearer(await bed.accessToken())]
      for (const path of ['/strict', '/optional', '/lenient']) await app.enters({ path, headers })
      fragile.break()
      for (const path of ['/strict', '/optional', '/lenient']) {
        await app.refuses({ path, headers }, 'store_unavailable')
      }
      fragile.mend()
      for (const path of ['/strict', '/optional', '/lenient']) await app.enters({ path, headers })
    })

    test('is not asked about a token that is forged or absent', async () => {
      const fragile = fragileStore(() => 1_800_000_000_000)
      const bed = createBed(serve, fragile)
      const app = await bed.open(ROUTES)
      fragile.break()
      await app.refuses({ path: '/strict' }, 'missing_token')
      await app.refuses({ path: '/strict', headers: [bearer('a.b.c')] }, 'token_invalid')
      expect(await app.enters({ path: '/optional' })).toEqual({ subject: null })
    })
  })
}
