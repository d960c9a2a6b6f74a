import { describe, expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import type { AuthEvent } from '../../src/ports/event-sink.ts'
import { openMemory, openSqliteFile } from './stores-under-test.ts'

const SESSIONS = 1_000
const PRESENTATIONS = 64

/** How often each type of event was told of each session. */
const countBySession = (events: readonly AuthEvent[], type: AuthEvent['type']): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const event of events) {
    if (event.type !== type || !('sessionId' in event)) continue
    counts.set(event.sessionId, (counts.get(event.sessionId) ?? 0) + 1)
  }
  return counts
}

describe.each([
  ['memory', openMemory],
  ['sqlite', openSqliteFile],
] as const)('%s', (_, open) => {
  test(`${SESSIONS} sessions, ${PRESENTATIONS} presentations of each token at once: one rotation each, and all answers equal (I3)`, async () => {
    const opened = open()
    const events: AuthEvent[] = []
    const onEvent = (event: AuthEvent): void => {
      events.push(event)
    }
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
      store: opened.store,
      hooks: { onEvent },
    })
    try {
      const pairs = await Promise.all(
        Array.from(Array(SESSIONS).keys(), (index) => auth.issue({ subject: `user ${index}` })),
      )
      // Not session by session: presentations of different sessions come in between one another.
      const answers = await Promise.all(
        Array.from({ length: PRESENTATIONS }, () => pairs.map(({ refreshToken }) => auth.refresh(refreshToken))).map(
          (wave) => Promise.all(wave),
        ),
      )
      const rotated = countBySession(events, 'session.refreshed')
      const replayed = countBySession(events, 'refresh.replayed')
      for (const [index, { session, refreshToken }] of pairs.entries()) {
        const successors = new Set(answers.map((wave) => wave[index]?.refreshToken))
        expect(successors.size).toBe(1)
        expect(successors.has(refreshToken)).toBe(false)
        expect(rotated.get(session.id)).toBe(1)
        expect(replayed.get(session.id)).toBe(PRESENTATIONS - 1)
      }
      expect(new Set(answers.flat().map(({ refreshToken }) => refreshToken)).size).toBe(SESSIONS)
      expect(events).toHaveLength(SESSIONS + SESSIONS * PRESENTATIONS)
      const states = await Promise.all(pairs.map(({ session }) => auth.sessions.find(session.id)))
      expect(states.every((session) => session?.state.generation === 1)).toBe(true)
    } finally {
      await opened.close()
    }
  }, 120_000)
})
