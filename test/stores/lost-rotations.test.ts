import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import type { SessionState } from '../../src/core/session/session.ts'
import { decodeUnverified } from '../../src/core/token/jws.ts'
import type { StoreWithUsers as Store } from '../../src/ports/store.ts'
import { localSessionStore } from '../../src/stores/local-session-store.ts'
import { createMemoryState } from '../../src/stores/memory/memory-state.ts'
import { memoryRevocationLog } from '../../src/stores/memory/revocation-log.ts'
import { memorySessionTables } from '../../src/stores/memory/session-tables.ts'
import { memorySingleUse } from '../../src/stores/memory/single-use.ts'
import { memoryTokenRegister } from '../../src/stores/memory/token-register.ts'
import { memoryUserDirectory } from '../../src/stores/memory/user-directory.ts'
import { standingClock } from './stores-under-test.ts'

const GRACE_MS = 30_000

/** A memory store whose rows can be put back to what they were, as a failover to a replica that lags does. */
const createBed = () => {
  const { now, turn } = standingClock()
  const state = createMemoryState(now)
  const tables = memorySessionTables(state)
  const written: SessionState[] = []
  const remembering = {
    ...tables,
    write: (id: string, next: SessionState): void => {
      written.push(next)
      tables.write(id, next)
    },
  }
  const store: Store = {
    sessions: localSessionStore(remembering),
    revocations: memoryRevocationLog(state),
    tokens: memoryTokenRegister({ now }),
    singleUse: memorySingleUse({ now }),
    users: memoryUserDirectory({ now }),
    ready: () => undefined,
    promises: () => ({ crash: false, powerLoss: false, failover: null, remarks: [] }),
    close: () => undefined,
  }
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
    store,
  })
  /** The last rotations are gone, and what they said. */
  const lose = (id: string, first: SessionState, rotations: number): void => {
    const kept = Math.max(0, written.length - rotations)
    written.splice(kept)
    tables.write(id, written.at(-1) ?? first)
  }
  return { auth, turn, lose }
}

test('I12: after the loss of the last rotations every token has the bytes it had, and nobody is signed out', async () => {
  const rotationsLost = new Set<number>()
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        rotations: fc.integer({ min: 1, max: 5 }),
        lost: fc.integer({ min: 1, max: 5 }),
        pauseMs: fc.nat({ max: GRACE_MS }),
        presentations: fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 6 }),
        after: fc.nat({ max: 3 }),
      }),
      async ({ rotations, lost, pauseMs, presentations, after }) => {
        const { auth, turn, lose } = createBed()
        const bytes = new Map<unknown, string>()
        const refresh = async (token: string): Promise<string> => {
          const { refreshToken } = await auth.refresh(token)
          const { jti } = decodeUnverified(refreshToken).payload
          expect(refreshToken).toBe(bytes.get(jti) ?? refreshToken)
          bytes.set(jti, refreshToken)
          return refreshToken
        }
        const first = await auth.issue({ subject: 'ann' })
        const tokens = [first.refreshToken]
        for (let rotation = 0; rotation < rotations; rotation++) {
          turn(GRACE_MS + 1)
          tokens.push(await refresh(tokens.at(-1) ?? ''))
        }
        turn(pauseMs)
        lose(first.session.id, first.session.state, lost)
        rotationsLost.add(Math.min(lost, rotations))
        // The newest token, and the one before it in a tab that has not heard of it yet, both within the grace.
        for (const behind of presentations) await refresh(tokens.at(-1 - behind) ?? '')
        let newest = await refresh(tokens.at(-1) ?? '')
        for (let rotation = 0; rotation < after; rotation++) {
          turn(GRACE_MS + 1)
          newest = await refresh(newest)
        }
        const [session] = await auth.sessions.list('ann')
        expect(session?.state.generation).toBe(rotations + after)
      },
    ),
    { numRuns: 500 },
  )
  expect(rotationsLost).toEqual(new Set([1, 2, 3, 4, 5]))
})
