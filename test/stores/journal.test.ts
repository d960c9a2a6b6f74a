import { describe, expect, test } from 'vitest'
import type { RevocableToken } from '../../src/core/session/revocation-set.ts'
import { newIdentifier } from '../../src/core/token/identifier.ts'
import { createJournal } from '../../src/stores/replicated/journal.ts'
import type { Journal, OwnRevocation } from '../../src/stores/replicated/journal.ts'

const newToken = (subject = 'ann', stamp = { subject: 0, global: 0 }): RevocableToken => ({
  tokenId: newIdentifier(subject),
  sessionId: newIdentifier(subject),
  subject,
  stamp,
})

const token = (id: string, retention = 60): OwnRevocation => ({ kind: 'token', id, subject: 'ann', retention })

/** Names of what a journal owes. */
const owedBy = ({ owed }: Pick<Journal, 'owed'>): readonly string[] =>
  owed().map(({ revocation }) => (revocation.kind === 'epoch' ? 'epoch' : revocation.id))

describe('the journal', () => {
  test('forgets what has lapsed, and beyond its limit the oldest, of what is owed and of what the store has', () => {
    let now = 0
    const journal = createJournal(() => now, 3)
    for (const id of ['w', 'x', 'y', 'z']) journal.owe(journal.ask(token(id)))
    for (const id of ['a', 'b', 'c', 'd']) journal.keep(journal.ask(token(id)))
    expect(owedBy(journal)).toEqual(['x', 'y', 'z'])
    expect(journal.size).toBe(6)
    expect(journal.oweAll(), 'the latest').toBe(3)
    expect(owedBy(journal)).toEqual(['b', 'c', 'd'])
    now = 60_000
    journal.owe(journal.ask(token('e')))
    expect(owedBy(journal)).toEqual(['e'])
  })

  test('keeps the end of a session above its suspension, whichever comes later, and for longer than its tokens live', () => {
    let now = 0
    const journal = createJournal(() => now)
    const end: OwnRevocation = { kind: 'session', id: 's', subject: 'ann', reason: 'signout', retention: 60 }
    journal.keep(journal.ask(end))
    journal.keep(journal.ask({ ...end, reason: null }))
    journal.restore('session', 's')
    journal.hearRestored('session', 's')
    now = 3_599_000
    journal.keep(journal.ask(token('other')))
    journal.oweAll()
    expect(journal.owed().map(({ revocation }) => revocation)).toEqual([end, token('other')])
  })

  test('still owes what another incarnation was asked for', () => {
    const journal = createJournal(() => 0)
    const asked = journal.ask(token('a'))
    journal.oweAll()
    journal.keep(asked)
    expect(owedBy(journal)).toEqual(['a'])
    const [owed] = journal.owed()
    if (owed !== undefined) journal.keep(owed)
    expect(owedBy(journal)).toEqual([])
  })

  test('owes nothing that was taken back while the store was asked, and forgets what others took back', () => {
    const journal = createJournal(() => 0)
    const [asked, kept, owed] = ['asked', 'kept', 'owed'].map((id) => journal.ask(token(id)))
    if (asked === undefined || kept === undefined || owed === undefined) throw new Error('three')
    journal.restore('token', 'asked')
    journal.owe(asked)
    journal.keep(kept)
    journal.owe(owed)
    for (const id of ['kept', 'owed']) journal.hearRestored('token', id)
    journal.oweAll()
    expect(owedBy(journal), 'what this process still wants').toEqual(['owed'])
  })

  test('goes on refusing what is owed while the store is asked for it anew', () => {
    const journal = createJournal(() => 0)
    const stolen = { ...newToken(), tokenId: 'a' }
    journal.owe(journal.ask(token('a')))
    const again = journal.ask(token('a'))
    expect(journal.isRevoked(stolen)).toBe(true)
    journal.keep(again)
    expect(journal.isRevoked(stolen)).toBe(false)
  })

  test('takes for dead below an epoch that is not known only who was there before', () => {
    const journal = createJournal(() => 0)
    journal.owe(journal.ask({ kind: 'epoch', subject: 'ann', floor: 7, epoch: null }))
    expect(journal.isRevoked(newToken('ann', { subject: 7, global: 0 }))).toBe(true)
    expect(journal.isRevoked(newToken('ann', { subject: 8, global: 0 }))).toBe(false)
    expect(journal.isRevoked(newToken('bob'))).toBe(false)
    journal.owe(journal.ask({ kind: 'epoch', subject: null, floor: 0, epoch: 9 }))
    expect(journal.isRevoked(newToken('bob', { subject: 0, global: 8 }))).toBe(true)
    expect(journal.isRevoked(newToken('bob', { subject: 0, global: 9 }))).toBe(false)
  })
})
