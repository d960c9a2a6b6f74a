import { expect, test } from 'vitest'
import { ROTATION_RACES } from '../../src/testing/session-store/racing.ts'
import { sessionStoreConformance } from '../../src/testing/session-store-conformance.ts'
import { brokenPromises, rotateReadThenWrite } from './broken-store.ts'
import type { Spoiler } from './broken-store.ts'

const broken = (spoil: Spoiler): Promise<string[]> => brokenPromises(sessionStoreConformance, spoil)

test('finds nothing wrong with a store that keeps its promises', async () => {
  expect(await broken(() => ({}))).toEqual([])
})

test('finds a rotation that reads first and writes later, by its races and by nothing else (N107)', async () => {
  const found = await broken(({ sessions }, tables) => ({
    sessions: { ...sessions, rotate: rotateReadThenWrite(tables) },
  }))
  expect(found).toEqual(ROTATION_RACES.map(({ title }) => title))
})

test('finds a cap that is checked before the insertion, where others come in between', async () => {
  const found = await broken(({ sessions }) => ({
    sessions: {
      ...sessions,
      create: async (wanted, policy) => {
        const living = await sessions.list(wanted.subject)
        await Promise.resolve()
        const isFull = living.length >= policy.maxPerSubject
        return sessions.create(wanted, isFull ? policy : { ...policy, maxPerSubject: Number.MAX_SAFE_INTEGER })
      },
    },
  }))
  expect(found).toEqual([
    'create keeps within the cap where twenty are made at once, and enters every eviction once (N136)',
  ])
})

test('finds an identifier and a stamp that are checked by nobody', async () => {
  const found = await broken(({ sessions, revocations }, tables) => ({
    sessions: {
      ...sessions,
      create: async (wanted, policy) => {
        const current = { ...wanted, stamp: await revocations.epochs(wanted.subject) }
        const creation = await sessions.create({ ...current, id: `${wanted.id}.${Math.random()}` }, policy)
        if (creation.outcome !== 'created') return creation
        tables.write(creation.session.id, { ...creation.session.state, endedAtMs: 1 })
        const session = { ...creation.session, id: wanted.id }
        tables.insert(session)
        return { ...creation, session }
      },
    },
  }))
  expect(found).toContain('create inserts only where the identifier is free, also of one that has ended')
  expect(found).toContain('create lets exactly one of twenty with one identifier win')
  expect(found).toContain(
    'create refuses a stamp that the subject’s epoch has outrun, and makes one under the new epoch (I13)',
  )
  expect(found).toContain('create refuses a stamp that the global epoch has outrun (I13)')
})

test('finds a grace that is 1 ms too short or too long, by its boundaries', async () => {
  for (const [error, rules] of [
    [-1, ['rule 6', 'rule 7', 'rule 8']],
    [1, ['rule 5', 'rule 8', 'rule 9']],
  ] as const) {
    // The two stores are proved one after the other.
    const found = await broken(({ sessions }) => ({
      sessions: {
        ...sessions,
        rotate: (presented, policy) => {
          const graceMs = policy.graceMs === 0 ? 0 : policy.graceMs + error
          return sessions.rotate(presented, { ...policy, graceMs })
        },
      },
    }))
    for (const rule of rules) expect(found.filter((title) => title.includes(`rotate, ${rule}`))).not.toEqual([])
  }
})

test('finds a store that forgets to bind, to count, or to compare the moment of creation', async () => {
  const bound = await broken(({ sessions }) => ({
    sessions: { ...sessions, create: (wanted, policy) => sessions.create({ ...wanted, keyThumbprint: null }, policy) },
  }))
  expect(bound.join()).toContain('rule 3')
  const counted = await broken(({ sessions }, tables) => ({
    sessions: {
      ...sessions,
      rotate: async (presented, policy) => {
        const rotation = await sessions.rotate(presented, policy)
        if (rotation.outcome !== 'replayed_late') return rotation
        const { session } = rotation
        tables.write(session.id, { ...session.state, lateReplays: 0 })
        return rotation
      },
    },
  }))
  expect(counted.join()).toContain('the next incident ends the session')
  const compared = await broken(({ sessions }, tables) => ({
    sessions: {
      ...sessions,
      rotate: (presented, policy) => {
        const createdAt = tables.get(presented.sessionId)?.createdAt ?? presented.createdAt
        return sessions.rotate({ ...presented, createdAt }, policy)
      },
    },
  }))
  expect(compared).toEqual([
    'rotate, rule 1: a token whose iat is not the session’s creation is unknown and changes nothing',
  ])
})

test('finds ends and evictions of which the log is not told', async () => {
  const found = await broken((store) => ({
    revocations: {
      ...store.revocations,
      isRevoked: () => false,
      isRevokedAtSource: () => false,
      read: () => ({ entries: [], cursor: '', atEnd: true, source: 's' }),
    },
  }))
  expect(found.join()).toMatch(/end ends a session for good and enters it/)
  expect(found.join()).toMatch(/suspend suspends a session and enters it/)
  expect(found.join()).toMatch(/beyond the cap, and enters it/)
  expect(found.join()).toMatch(/a reuse ends the session and enters it/)
})

test('finds a suspension that brings an ended session back', async () => {
  const found = await broken(({ sessions }, tables) => ({
    sessions: {
      ...sessions,
      suspend: (reference, policy) => {
        const session = tables.get(reference.id)
        if (session?.subject === reference.subject && !reference.suspended) {
          tables.write(reference.id, { ...session.state, endedAtMs: null, endReason: null })
        }
        return sessions.suspend(reference, policy)
      },
    },
  }))
  expect(found).toEqual([
    'suspend never brings an ended session back, whether it was suspended before or is afterwards',
  ])
})

test('finds a list in another order, and objects that the store shares with its callers', async () => {
  const listed = await broken(({ sessions }) => ({
    sessions: { ...sessions, list: async (subject) => (await sessions.list(subject)).toReversed() },
  }))
  expect(listed.join()).toContain('the most recently refreshed first')
  const shared = await broken(({ sessions }, tables) => ({
    sessions: {
      ...sessions,
      find: async (id) => {
        const session = await sessions.find(id)
        // Writes what was handed out, so that a caller's change of it is a change of the store's.
        if (session !== null) tables.write(id, session.state)
        return session
      },
    },
  }))
  expect(shared).toEqual(['changing an object that was given or returned does not change the session'])
})
