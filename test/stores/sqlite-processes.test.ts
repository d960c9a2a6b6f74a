import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import type { AuthEvent } from '../../src/ports/event-sink.ts'
import type { TokenRecord } from '../../src/ports/token-register.ts'
import { openSqlite } from '../../src/stores/sqlite/database.ts'
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { runUntilKilled, startService } from './processes/children.ts'
import type { Service } from './processes/children.ts'
import { temporaryFolder } from './stores-under-test.ts'

/** Processes of their own on one file, as they run in production: what is built, and nothing shared but the file. */

/** A file that there is not yet; it goes with the test. */
const newFile = (): string => {
  const { folder, remove } = temporaryFolder()
  onTestFinished(remove)
  return join(folder, 'jotward.db')
}

interface Issued {
  readonly sessionId: string
  readonly subject: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** Long enough for every process to be waiting. */
const soon = (): number => Date.now() + 100

/** What SQLite itself finds wrong with the file, and sessions of which the log tells another story than their row. */
const damage = (file: string): readonly unknown[] => {
  const database = openSqlite(file)
  try {
    const untold = `SELECT id FROM jotward_sessions WHERE (ended_at_ms IS NOT NULL) <> EXISTS
      (SELECT 1 FROM jotward_revocations WHERE key = 's:' || id AND revoked = 1)`
    const found = database.prepare('PRAGMA integrity_check').all() as readonly { readonly integrity_check: string }[]
    const words = found.map(({ integrity_check: word }) => word).filter((word) => word !== 'ok')
    return [...words, ...database.prepare(untold).all()]
  } finally {
    database.close()
  }
}

describe('what one process revokes, another refuses at the very next request (I6)', () => {
  const ALIVE = 'accepted'
  const DEAD = 'refresh_token_invalid'

  test.each<readonly [string, string, (pair: Issued) => object, string]>([
    ['a sign-out by the access token', 'signOut', ({ accessToken: token }) => ({ token }), DEAD],
    ['a sign-out by the refresh token', 'signOut', ({ refreshToken: token }) => ({ token }), DEAD],
    ['a sign-out everywhere', 'signOutEverywhere', ({ accessToken: token }) => ({ token }), DEAD],
    ['one token', 'revokeToken', ({ accessToken: token }) => ({ token }), ALIVE],
    ['one session', 'revokeSession', ({ sessionId, subject }) => ({ sessionId, subject }), DEAD],
    ['one subject', 'revokeSubject', ({ subject }) => ({ subject }), DEAD],
    ['everything', 'revokeEverything', () => ({}), DEAD],
  ])('%s', async (_title, command, parametersOf, fate) => {
    const file = newFile()
    const [first, second] = [startService(), startService()]
    for (let round = 0; round < 20; round++) {
      const pair = await first.ask<Issued>('issue', { file, subject: 'ann' })
      // The other process has seen the session alive, so it would be caught remembering.
      expect(await second.codeOf('verify', { file, token: pair.accessToken })).toBe(ALIVE)
      await first.ask(command, { file, ...parametersOf(pair) })
      expect(await second.codeOf('verify', { file, token: pair.accessToken })).toBe('token_revoked')
      expect(await second.codeOf('refresh', { file, token: pair.refreshToken })).toBe(fate)
    }
    const later = await second.ask<Issued>('issue', { file, subject: 'ann' })
    expect(await first.codeOf('verify', { file, token: later.accessToken })).toBe(ALIVE)
    expect(damage(file)).toEqual([])
  })
})

test('four processes, 100 sessions, 16 presentations of each token at once: one rotation each, all answers equal (I3, N107)', async () => {
  const [sessions, presentations] = [100, 16]
  const file = newFile()
  const services = [startService(), startService(), startService(), startService()]
  const [first] = services as [Service]
  const pairs: Issued[] = []
  for (let index = 0; index < sessions; index++) {
    pairs.push(await first.ask<Issued>('issue', { file, subject: `user ${index}` }))
  }
  // Every process has the file open before they begin.
  await Promise.all(services.map((service) => service.ask('verify', { file, token: pairs[0]?.accessToken })))
  const storm = { file, tokens: pairs.map(({ refreshToken }) => refreshToken), presentations, moment: soon() }
  const answers = await Promise.all(
    services.map((service) => service.ask<{ successors: string[][]; events: AuthEvent[] }>('storm', storm)),
  )
  const events = answers.flatMap((answer) => answer.events)
  const rotated = events.flatMap((event) => (event.type === 'session.refreshed' ? [event.sessionId] : []))
  expect(rotated.toSorted()).toEqual(pairs.map(({ sessionId }) => sessionId).toSorted())
  expect(events.filter(({ type }) => type === 'refresh.replayed')).toHaveLength(
    sessions * (services.length * presentations - 1),
  )
  expect(events).toHaveLength(sessions * services.length * presentations)
  for (const [index, { refreshToken }] of pairs.entries()) {
    const successors = new Set(answers.flatMap((answer) => answer.successors[index] ?? []))
    expect(successors.size).toBe(1)
    expect(successors.has(refreshToken)).toBe(false)
  }
  expect(damage(file)).toEqual([])
})

test('eight processes open one new file at once: each makes its tables or finds them, and all see the same', async () => {
  const services = Array.from({ length: 8 }, startService)
  const folder = newFile()
  for (let round = 0; round < 8; round++) {
    const file = `${folder}-${round}`
    const moment = soon()
    const ids = await Promise.all(services.map((service) => service.ask<string>('open', { file, moment })))
    const database = openSqlite(file)
    const rows = database.prepare('SELECT id FROM jotward_sessions').all() as readonly { readonly id: string }[]
    const sources = database.prepare("SELECT value FROM jotward_meta WHERE name = 'source'").all()
    database.close()
    expect(rows.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(sources).toHaveLength(1)
  }
})

test('four processes spend the same 300 identifiers at once: each is spent by exactly one of them', async () => {
  const file = newFile()
  const services = Array.from({ length: 4 }, startService)
  // Every process has the file open before they begin.
  for (const service of services) await service.ask('issue', { file, subject: 'ann' })
  let met = 0
  // On a busy machine one of them may have done before the others begin; then nothing has been tried.
  for (let round = 0; round < 10 && met < 2; round++) {
    const ids = Array.from({ length: 300 }, () => newIdentifier('ann'))
    const shares = await Promise.all(
      services.map((service, turn) => {
        // Half of them in the same order, so that all meet at each; half from the other end.
        const inOrder = turn < 2 ? ids : ids.toReversed()
        return service.ask<string[]>('spend', { file, ids: inOrder, moment: soon() })
      }),
    )
    expect(shares.flat().toSorted()).toEqual(ids.toSorted())
    met = shares.filter((share) => share.length > 0).length
    const again = await Promise.all(services.map((service) => service.ask<string[]>('spend', { file, ids, moment: 0 })))
    expect(again.flat()).toEqual([])
  }
  expect(met, 'they should have met').toBeGreaterThan(1)
  expect(damage(file)).toEqual([])
})

test('four processes record tokens on one file at once: none is lost, and each of those in common is there once', async () => {
  const file = newFile()
  const services = Array.from({ length: 4 }, startService)
  for (const service of services) await service.ask('issue', { file, subject: 'ann' })
  const issuedAt = Math.floor(Date.now() / 1000)
  const newRecord = (tokenId: string, sessionId: string): TokenRecord => {
    const stamp = { subject: 0, global: 0 }
    return { tokenId, kind: 'access', subject: 'ann', sessionId, stamp, issuedAt, expiresAt: issuedAt + 900 }
  }
  const common = Array.from({ length: 50 }, () => newIdentifier('ann'))
  const perProcess = services.map((_, turn) =>
    common.map((id) => [newRecord(id, `process ${turn}`), newRecord(newIdentifier('ann'), `process ${turn}`)]),
  )
  const moment = soon()
  await Promise.all(services.map((service, turn) => service.ask('record', { file, calls: perProcess[turn], moment })))
  const database = openSqlite(file)
  onTestFinished(() => {
    database.close()
  })
  const { records } = await sqliteStore(database).tokens.list({ subject: 'ann', after: null, limit: 1_000 })
  const given = new Set(perProcess.flat(2).map(({ tokenId }) => tokenId))
  expect(records.map(({ tokenId }) => tokenId).toSorted()).toEqual([...given].toSorted())
})

interface Acknowledged extends Omit<Issued, 'subject'> {
  readonly kind: 'created' | 'refreshed' | 'ended' | 'token revoked' | 'subject revoked'
}

/**
 * The last that a process has said of each of its sessions; a line that was cut off was not said. With its very last
 * session it may have gone on, and have been killed before it could say so.
 */
const lastWords = (lines: readonly string[]): readonly (Acknowledged & { readonly isCertain: boolean })[] => {
  const whole = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Acknowledged)
  const words = [...new Map(whole.map((said) => [said.sessionId, said])).values()]
  return words.map((said, index) => ({ ...said, isCertain: index < words.length - 1 }))
}

/** What the next request with each token of a session that ended so is told. */
const FATES: Readonly<Record<Acknowledged['kind'], readonly [access: string, refresh: string]>> = {
  created: ['accepted', 'accepted'],
  refreshed: ['accepted', 'accepted'],
  'token revoked': ['token_revoked', 'accepted'],
  ended: ['token_revoked', 'refresh_token_invalid'],
  'subject revoked': ['token_revoked', 'refresh_token_invalid'],
}

test('of processes that are killed with -9 in the midst of writing, everything acknowledged is there afterwards (F1)', async () => {
  const file = newFile()
  const reader = startService()
  const seen = new Set<string>()
  for (let round = 0; round < 5; round++) {
    // Two at once, each killed at another point of its work.
    const killed = ['left', 'right'].map((name, index) =>
      runUntilKilled('writer.mjs', [file, `${name} ${round}`], (lines) => lines.length >= 20 + round * 7 + index * 13),
    )
    for (const { kind, isCertain, accessToken, refreshToken } of (await Promise.all(killed)).flatMap(lastWords)) {
      const fates = [
        await reader.codeOf('verify', { file, token: accessToken }),
        await reader.codeOf('refresh', { file, token: refreshToken }),
      ]
      // What was revoked stays so, whatever came later; the rest of a last session cannot be known.
      const known = FATES[kind].map((fate, index) => (isCertain || fate !== 'accepted' ? fate : fates[index]))
      expect([kind, ...fates]).toEqual([kind, ...known])
      seen.add(kind)
    }
    expect(damage(file)).toEqual([])
  }
  expect(seen).toEqual(new Set(Object.keys(FATES)))
})
