import { describe, expect, test } from 'vitest'
import type { Session } from '../../src/core/session/session.ts'
import { newToken, setToken } from '../../src/testing/revocation-log/fixtures.ts'
import { created, CREATION, newSession, present } from '../../src/testing/session-store/fixtures.ts'
import type { StoreUnderTest } from '../../src/testing/store-under-test.ts'
import { openMemory, openHastySqliteFile } from './stores-under-test.ts'

/** Stores forget what can matter no more; they do so while they write, so these tests write a lot. */

const DAY_MS = 86_400_000

/** More sessions made, and more of them ended, than stores let pass before they look for what to forget. */
const makeMany = async (opened: StoreUnderTest): Promise<void> => {
  const stamp = await opened.store.revocations.epochs('many')
  const only = { ...CREATION, maxPerSubject: 1 }
  for (let made = 0; made < 1_030; made++) await created(opened, { subject: 'many', stamp }, only)
}

const entriesOf = async ({ store }: StoreUnderTest) => (await store.revocations.read(null)).entries

/** `unknown` where the store has forgotten the session, `revoked` where its tombstone stands. */
const fateOf = async (opened: StoreUnderTest, session: Session): Promise<string> =>
  (await present(opened, session, session.state.generation + 1)).outcome

describe.each([
  ['memory', openMemory],
  ['sqlite', openHastySqliteFile],
] as const)('%s', (_, open) => {
  const prove = async (work: (opened: StoreUnderTest) => Promise<void>): Promise<void> => {
    const opened = open()
    try {
      await work(opened)
    } finally {
      await opened.close()
    }
  }

  test('drops entries of the log that can concern no token any more, and keeps the others', async () => {
    await prove(async (opened) => {
      const [old, young] = [newToken(), newToken()]
      await setToken(opened, old, { retention: 60 })
      await opened.store.revocations.bump('ann')
      await opened.store.revocations.bump(null)
      await opened.turn(60_000)
      await setToken(opened, young)
      await makeMany(opened)
      const entries = await entriesOf(opened)
      const ids = entries.map((entry) => ('id' in entry ? entry.id : entry.kind))
      expect(ids).not.toContain(old.tokenId)
      expect(ids).toContain(young.tokenId)
      expect(ids).toContain('ann')
      expect(ids).toContain('all')
      expect(await opened.store.revocations.isRevoked(newToken())).toBe(true)
    })
  })

  test('keeps a tombstone to its absolute expiry, and forgets it then', async () => {
    await prove(async (opened) => {
      const session = await created(opened, { absoluteLifetime: 86_400 })
      const { id, subject } = session
      await opened.store.sessions.end({ id, subject, reason: 'signout' }, CREATION)
      await opened.turn(DAY_MS - 1_000)
      await makeMany(opened)
      expect(await fateOf(opened, session)).toBe('revoked')
      expect(await opened.store.sessions.create(newSession({ id }), CREATION)).toEqual({ outcome: 'exists' })
      await opened.turn(1_000)
      await makeMany(opened)
      expect(await fateOf(opened, session)).toBe('unknown')
    })
  })

  test('never lets a revocation come back because its restoration was to be kept for a shorter time', async () => {
    await prove(async (opened) => {
      const token = newToken()
      await setToken(opened, token, { retention: 906 })
      await setToken(opened, token, { revoked: false, retention: 60 })
      await opened.turn(60_000)
      await makeMany(opened)
      expect(await opened.store.revocations.isRevoked(token)).toBe(false)
    })
  })

  test('a subject’s epoch forgotten after its time ends nobody who signed in since (I5)', async () => {
    await prove(async (opened) => {
      const { revocations } = opened.store
      await revocations.bump('ann')
      const stamp = await revocations.epochs('ann')
      await opened.turn(390 * DAY_MS)
      const long = await created(opened, { stamp })
      await opened.turn(11 * DAY_MS)
      await makeMany(opened)
      expect(await revocations.epochs('ann')).toEqual({ subject: 0, global: 0 })
      const later = await created(opened)
      const access = newToken({ sessionId: long.id, stamp })
      expect(await revocations.isRevoked(access)).toBe(false)
      expect((await present(opened, later, 0)).outcome).toBe('rotated')
      expect((await present(opened, long, 0)).outcome).toBe('rotated')
    })
  })
})
