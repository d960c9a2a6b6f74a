import { expect, onTestFinished, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { StoreError } from '../../../src/core/errors.ts'
import { describePostgres, DRIVERS, openRunning, useDatabase } from '../postgres-server.ts'

/** Connections that the server cuts in the midst of a storm, as an operator, a failover or a network does (F5, I9). */

const SESSIONS = 60
const PRESENTATIONS = 10

describePostgres.each(DRIVERS)('connections that are cut, through %s', (driver) => {
  const database = useDatabase()

  test('fail with StoreError at most; tried again, each token gets the one successor that it had (I3, I9, N115)', async () => {
    const { store, end } = await openRunning(driver, { url: database.url, max: 8 })
    onTestFinished(end)
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
      store,
    })
    const indexes = Array.from({ length: SESSIONS }, (_, index) => index)
    const pairs = await Promise.all(indexes.map((index) => auth.issue({ subject: `user ${index}` })))
    const storm = { isOver: false }
    let cuts = 0
    const cut = async (): Promise<void> => {
      while (!storm.isOver) {
        const rows = await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE '%rotate_session%' AND pid <> pg_backend_pid() LIMIT 2`,
        )
        cuts += rows.length
        await new Promise((resolve) => {
          setTimeout(resolve, 15)
        })
      }
    }
    const cutting = cut()
    let failures = 0
    /** Until it is answered, as a client tries. */
    const refreshed = async (token: string): Promise<string> => {
      for (let attempt = 0; attempt < 200; attempt++) {
        try {
          return (await auth.refresh(token)).refreshToken
        } catch (error) {
          if (!(error instanceof StoreError)) throw error
          failures += 1
        }
      }
      throw new Error('no answer after 200 attempts')
    }
    const waves = Array.from({ length: PRESENTATIONS }, () =>
      pairs.map(async ({ refreshToken }) => refreshed(refreshToken)),
    )
    const answers = await Promise.all(waves.map((wave) => Promise.all(wave))).finally(() => {
      storm.isOver = true
    })
    await cutting
    for (const index of indexes) expect(new Set(answers.map((wave) => wave[index])).size).toBe(1)
    const generations = await database.query('SELECT DISTINCT generation::integer FROM jotward.sessions')
    expect(generations).toEqual([{ generation: 1 }])
    expect(cuts).toBeGreaterThan(0)
    expect(failures, 'the storm should have been hit').toBeGreaterThan(0)
  }, 60_000)

  test('lose nothing that was acknowledged, and half of nothing (I6)', async () => {
    const { store, end } = await openRunning(driver, { url: database.url, max: 6 })
    onTestFinished(end)
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
      store,
    })
    const pairs = await Promise.all(
      Array.from({ length: SESSIONS }, (_, index) => auth.issue({ subject: `other ${index}` })),
    )
    const ended = pairs.map(async ({ session }) => {
      try {
        await auth.revoke.session({ sessionId: session.id, subject: session.subject })
        return session
      } catch (error) {
        if (error instanceof StoreError) return null
        throw error
      }
    })
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE '%settle_session%' AND pid <> pg_backend_pid()`,
    )
    const acknowledged = (await Promise.all(ended)).filter((session) => session !== null)
    // Asked through connections that nobody has cut.
    const reader = await openRunning('pg', { url: database.url, max: 1 })
    onTestFinished(() => reader.end())
    for (const { id: sessionId, subject, stamp } of acknowledged) {
      const token = { tokenId: 'any', sessionId, subject, stamp }
      expect(await reader.store.revocations.isRevokedAtSource(token)).toBe(true)
      expect(await reader.store.sessions.find(sessionId)).toBeNull()
    }
    const untold = await database.query(
      `SELECT id FROM jotward.sessions AS s WHERE (ended_at_ms IS NOT NULL) <> EXISTS
         (SELECT FROM jotward.revocations WHERE key = 's:' || s.id AND revoked)`,
    )
    expect(untold).toEqual([])
  })
})
