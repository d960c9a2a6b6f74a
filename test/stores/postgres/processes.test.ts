import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import { newIdentifier } from '../../../src/core/token/identifier.ts'
import type { AuthEvent } from '../../../src/ports/event-sink.ts'
import { describePostgres, openRunning, useDatabase } from '../postgres-server.ts'

/** Processes of their own on one database, as they run in production: what is built, and nothing shared but the database. */

const service = fileURLToPath(new URL('processes/service.mjs', import.meta.url))

/** Lets so many processes do one thing at the same moment; their answers. */
const together = async <T>(count: number, command: object): Promise<readonly T[]> => {
  // Long enough for every process to have begun, on a machine that is busy.
  const moment = Date.now() + 1_500 + count * 250
  const given = JSON.stringify({ ...command, moment })
  const runs = Array.from({ length: count }, () =>
    promisify(execFile)(process.execPath, [service, given], { maxBuffer: 256 * 1024 * 1024 }),
  )
  const outputs = await Promise.all(runs)
  // The answers of service.mjs, which each test knows.
  return outputs.map(({ stdout }) => JSON.parse(stdout) as T)
}

describePostgres('ten processes that start at once on an empty database', () => {
  const database = useDatabase()

  test('make the schema once, and all see the same', async () => {
    for (let round = 0; round < 3; round++) {
      const ids = await together<string>(10, { name: 'migrate', url: database.url })
      const rows = await database.query('SELECT id FROM jotward.sessions')
      expect(rows.map(({ id }) => String(id)).toSorted()).toEqual(ids.toSorted())
      expect(await database.query('SELECT version FROM jotward.meta')).toEqual([{ version: 1 }])
      await database.query('DROP SCHEMA jotward CASCADE')
    }
  }, 120_000)
})

describePostgres('sixteen processes on one database', () => {
  const database = useDatabase()

  test('present each of 40 tokens 12 times at once: one rotation each, and all answers equal (I3, N107)', async () => {
    const [processes, sessions, presentations] = [16, 40, 12]
    const { store, end } = await openRunning('pg', { url: database.url, max: 2 })
    const auth = createAuth({
      issuer: 'https://id.example',
      audience: 'https://api.example',
      keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
      store,
    })
    const indexes = Array.from({ length: sessions }, (_, index) => index)
    const pairs = await Promise.all(indexes.map((index) => auth.issue({ subject: `user ${index}` })))
    const tokens = pairs.map(({ refreshToken }) => refreshToken)
    interface Stormed {
      readonly successors: string[][]
      readonly events: AuthEvent[]
    }
    const answers = await together<Stormed>(processes, { name: 'storm', url: database.url, tokens, presentations })
    const events = answers.flatMap((answer) => answer.events)
    const rotated = events.flatMap((event) => (event.type === 'session.refreshed' ? [event.sessionId] : []))
    expect(rotated.toSorted()).toEqual(pairs.map(({ session }) => session.id).toSorted())
    expect(events).toHaveLength(processes * sessions * presentations)
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['session.refreshed', 'refresh.replayed']))
    for (const [index, token] of tokens.entries()) {
      const successors = new Set(answers.flatMap((answer) => answer.successors[index] ?? []))
      expect(successors.size).toBe(1)
      expect(successors.has(token)).toBe(false)
    }
    const generations = await database.query('SELECT DISTINCT generation::integer FROM jotward.sessions')
    expect(generations).toEqual([{ generation: 1 }])
    await end()
  }, 120_000)

  test('spend the same 200 identifiers at once: each is spent by exactly one of them', async () => {
    const { end } = await openRunning('pg', { url: database.url, max: 1 })
    await end()
    const ids = Array.from({ length: 200 }, () => newIdentifier('ann'))
    const shares = await together<string[]>(16, { name: 'spend', url: database.url, ids })
    expect(shares.flat().toSorted()).toEqual(ids.toSorted())
    expect(shares.filter((share) => share.length > 0).length, 'they should have met').toBeGreaterThan(1)
  }, 120_000)
})
