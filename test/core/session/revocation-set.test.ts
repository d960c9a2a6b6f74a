import { describe, expect, test } from 'vitest'
import { EPOCH_RETENTION } from '../../../src/core/session/lifecycle.ts'
import { createRevocationSet, lostEpochs, subjectEntry } from '../../../src/core/session/revocation-set.ts'
import { newToken } from '../../../src/testing/revocation-log/fixtures.ts'

const DAY_MS = 86_400_000

describe('the set of everything revoked', () => {
  test('forgets an entry within the second in which no token of it can be accepted any more, not before', () => {
    const set = createRevocationSet()
    const token = newToken()
    set.apply({ kind: 'token', id: token.tokenId, revoked: true, expiresAtMs: 1_000, version: 1 })
    set.apply({ kind: 'session', id: token.sessionId ?? '', revoked: true, expiresAtMs: 1_001, version: 2 })
    set.prune(999)
    expect(set.size).toBe(2)
    set.prune(1_000)
    expect(set.size).toBe(1)
    expect(set.isRevoked(token)).toBe(true)
    set.prune(1_999)
    expect(set.isRevoked(token)).toBe(true)
    set.prune(2_000)
    expect(set.size).toBe(0)
    expect(set.isRevoked(token)).toBe(false)
  })

  test('keeps the longer of two revocations, and none after a restoration', () => {
    const set = createRevocationSet()
    const token = newToken()
    const entry = { kind: 'token', id: token.tokenId, revoked: true } as const
    set.apply({ ...entry, expiresAtMs: 2_000, version: 1 })
    set.apply({ ...entry, expiresAtMs: 1_000, version: 2 })
    set.prune(1_999)
    expect(set.isRevoked(token)).toBe(true)
    set.apply({ ...entry, revoked: false, expiresAtMs: 3_000, version: 3 })
    expect(set.isRevoked(token)).toBe(false)
  })

  test('lets no late or repeated entry undo a later one, be that a revocation or a restoration', () => {
    const set = createRevocationSet()
    const token = newToken()
    const entry = { kind: 'session', id: token.sessionId ?? '', expiresAtMs: 2_000 } as const
    set.apply({ ...entry, revoked: true, version: 1 })
    set.apply({ ...entry, revoked: false, version: 2 })
    set.apply({ ...entry, revoked: true, version: 1 })
    expect(set.isRevoked(token)).toBe(false)
    set.apply({ ...entry, revoked: true, version: 4 })
    set.apply({ ...entry, revoked: false, version: 3 })
    expect(set.isRevoked(token)).toBe(true)
  })

  test('lets no late or repeated entry lower an epoch (I2)', () => {
    const set = createRevocationSet()
    set.apply(subjectEntry('ann', 20))
    set.apply(subjectEntry('ann', 10))
    set.apply({ kind: 'all', epoch: 7 })
    set.apply({ kind: 'all', epoch: 6 })
    expect(set.epochs('ann')).toEqual({ subject: 20, global: 7 })
    expect(set.epochs('bob')).toEqual({ subject: 0, global: 7 })
  })

  test('remembers a subject’s epoch for longer than any session lives, and everybody’s for ever', () => {
    const set = createRevocationSet()
    set.apply(subjectEntry('ann', 1_000))
    set.apply({ kind: 'all', epoch: 500 })
    set.prune(1_000 + EPOCH_RETENTION * 1000 - 1)
    expect(set.epochs('ann')).toEqual({ subject: 1_000, global: 500 })
    set.prune(1_000 + EPOCH_RETENTION * 1000)
    expect(set.epochs('ann')).toEqual({ subject: 0, global: 500 })
    expect(EPOCH_RETENTION).toBeGreaterThan(365 * 86_400)
  })
})

describe('epochs that a store has lost', () => {
  const stamp = { subject: 20 * DAY_MS, global: 30 * DAY_MS }
  const token = newToken({ stamp })

  test('are those of a stamp that is ahead', () => {
    expect(lostEpochs(token, { subject: 0, global: 0 }, 40 * DAY_MS)).toEqual([
      subjectEntry('ann', stamp.subject),
      { kind: 'all', epoch: stamp.global },
    ])
    expect(lostEpochs(token, { ...stamp, subject: stamp.subject + 1 }, 40 * DAY_MS)).toEqual([])
    expect(lostEpochs(token, stamp, 40 * DAY_MS)).toEqual([])
  })

  test('are not those that were forgotten in their time: sessions made since then carry no stamp of them (I5)', () => {
    const forgottenAtMs = stamp.subject + EPOCH_RETENTION * 1000
    const epochs = { subject: 0, global: stamp.global }
    expect(lostEpochs(token, epochs, forgottenAtMs - 1)).toEqual([subjectEntry('ann', stamp.subject)])
    expect(lostEpochs(token, epochs, forgottenAtMs)).toEqual([])
  })
})

test('forgets epochs in parts, a few subjects at each look, and all of them in the end', () => {
  const set = createRevocationSet()
  const count = 5_000
  for (let index = 0; index < count; index++) set.apply(subjectEntry(`user ${index}`, index < count / 2 ? 1 : 9e15))
  const nowMs = EPOCH_RETENTION * 1000 + 2
  const sizes = [set.size]
  for (let look = 0; look < 12; look++) {
    set.prune(nowMs, 2)
    sizes.push(set.size)
  }
  expect(sizes.slice(0, 6)).toEqual([5_000, 4_488, 3_976, 3_464, 2_952, 2_500])
  expect(set.size).toBe(count / 2)
  expect(set.epochs('user 1')).toEqual({ subject: 0, global: 0 })
  expect(set.epochs('user 4999')).toEqual({ subject: 9e15, global: 0 })
  for (let index = 0; index < 10; index++) set.apply(subjectEntry(`late ${index}`, 1))
  set.prune(nowMs)
  expect(set.size).toBe(count / 2)
})
