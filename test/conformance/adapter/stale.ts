import { test } from 'vitest'
import { StoreError } from '../../../src/core/errors.ts'
import type { RevocableToken } from '../../../src/core/session/revocation-set.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'

/** A store whose copy has lost its lease: it knows what it knew before, and nothing since. */
const stale = () => {
  const store = memoryStore({ now: () => 1_800_000_000_000 })
  const state = { isDown: false }
  const revocations = {
    ...store.revocations,
    isRevoked: () => 'stale' as const,
    isRevokedAtSource: (token: RevocableToken) => {
      if (state.isDown) throw new StoreError('checking a token', new Error('nobody answers'))
      return store.revocations.isRevokedAtSource(token)
    },
  }
  return { store: { ...store, revocations }, state }
}

const at = (path: string, token: string) => ({ path, headers: [bearer(token)] })

export const staleScenarios = (serve: Serve): void => {
  test('of a copy that is too old to say: refused, asked at the source, or served, as the route says (N125)', async () => {
    const { store, state } = stale()
    const bed = createBed(serve, { store })
    const app = await bed.open({
      routes: [
        { path: '/usual', guards: [{}] },
        { path: '/refuse', guards: [{ requirement: { whenStale: 'refuse' } }] },
        { path: '/ask', guards: [{ requirement: { whenStale: 'ask' } }] },
        { path: '/serve', guards: [{ requirement: { whenStale: 'serve' } }] },
      ],
    })
    const { accessToken } = await bed.signIn()
    for (const path of ['/ask', '/serve']) await app.enters(at(path, accessToken))
    for (const path of ['/usual', '/refuse']) await app.refuses(at(path, accessToken), 'store_unavailable')
    state.isDown = true
    await app.enters(at('/serve', accessToken))
    await app.refuses(at('/ask', accessToken), 'store_unavailable')
    state.isDown = false
    await bed.auth.signOut(accessToken)
    await app.refuses(at('/ask', accessToken), 'token_revoked')
  })
}
