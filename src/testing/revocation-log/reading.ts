import assert from 'node:assert/strict'
import { created, CREATION, crowd, outcomeOf, STRICT } from '../session-store/fixtures.ts'
import type { StoreProof, StoreUnderTest } from '../store-under-test.ts'
import { createFollower, entriesOf, isRevoked, newToken, readOn, setToken } from './fixtures.ts'

const isKept = (revoked: boolean) => (entry: { readonly kind: string; readonly revoked?: boolean }) =>
  entry.kind === 'session' && entry.revoked === revoked

/** One of everything that a log can tell of. */
const writeEverything = async (opened: StoreUnderTest) => {
  const { sessions, revocations } = opened.store
  const [ended, suspended, resumed, reused] = [
    await created(opened),
    await created(opened),
    await created(opened),
    await created(opened),
  ]
  await sessions.end({ id: ended.id, subject: 'ann', reason: 'signout' }, CREATION)
  await sessions.suspend({ id: suspended.id, subject: 'ann', suspended: true }, CREATION)
  await sessions.suspend({ id: resumed.id, subject: 'ann', suspended: true }, CREATION)
  await sessions.suspend({ id: resumed.id, subject: 'ann', suspended: false }, CREATION)
  await outcomeOf(opened, reused, 0, STRICT)
  await outcomeOf(opened, reused, 0, STRICT)
  const [revoked, restored] = [newToken(), newToken()]
  await setToken(opened, revoked)
  await setToken(opened, restored)
  await setToken(opened, restored, { revoked: false })
  await revocations.bump('bob')
  const ofSessions = [ended, suspended, resumed, reused].map(({ id }) => newToken({ sessionId: id }))
  return [...ofSessions, revoked, restored, newToken({ subject: 'bob' }), newToken({ subject: 'eve' })]
}

export const READING: readonly StoreProof[] = [
  {
    title: 'read from the beginning tells a follower everything that isRevoked knows',
    prove: async (opened) => {
      const tokens = await writeEverything(opened)
      const follower = createFollower(opened)
      await follower.catchUp()
      for (const token of tokens) {
        // One after another: asking may write.
        assert.equal(follower.known.isRevoked(token), await isRevoked(opened, token))
      }
      assert.deepStrictEqual(follower.known.epochs('bob'), await opened.store.revocations.epochs('bob'))
      await opened.store.revocations.bump(null)
      await follower.catchUp()
      assert.ok(tokens.every((token) => follower.known.isRevoked(token)))
    },
  },
  {
    title: 'read tells in order: what was settled last is applied last',
    prove: async (opened) => {
      const token = newToken()
      const follower = createFollower(opened)
      for (const revoked of [false, true, false, true]) {
        // One after another: the order is what is proved.
        await setToken(opened, token, { revoked })
      }
      await follower.catchUp()
      assert.equal(follower.known.isRevoked(token), true)
      await setToken(opened, token, { revoked: false })
      await follower.catchUp()
      assert.equal(follower.known.isRevoked(token), false)
    },
  },
  {
    title: 'read may be applied twice without harm, as a follower does that reads from the beginning again',
    prove: async (opened) => {
      const tokens = await writeEverything(opened)
      const follower = createFollower(opened)
      await follower.catchUp()
      const once = tokens.map((token) => follower.known.isRevoked(token))
      const { entries } = await readOn(opened, null)
      for (const entry of entries) follower.known.apply(entry)
      assert.deepStrictEqual(
        tokens.map((token) => follower.known.isRevoked(token)),
        once,
      )
    },
  },
  {
    title: 'read from a cursor returns what was appended since, and at the end nothing is left to tell',
    prove: async (opened) => {
      const follower = createFollower(opened)
      const [first, second] = [newToken(), newToken()]
      await setToken(opened, first)
      await follower.catchUp()
      await setToken(opened, second)
      const { entries } = await follower.catchUp()
      assert.ok(entries.some((entry) => 'id' in entry && entry.id === second.tokenId))
      assert.equal(follower.known.isRevoked(second), true)
      const { known } = createFollower(opened)
      for (const entry of (await follower.catchUp()).entries) known.apply(entry)
      // Repeats are allowed; something new is not.
      assert.equal(known.isRevoked(newToken()), false)
    },
  },
  {
    title: 'read misses nothing of what is written while it follows',
    prove: async (opened) => {
      const follower = createFollower(opened)
      const tokens = Array.from({ length: 200 }, () => newToken())
      const writing = Promise.all(tokens.map((token) => setToken(opened, token)))
      for (let turn = 0; turn < 20; turn++) {
        // One after another: each goes on from the cursor of the one before.
        await follower.catchUp()
      }
      await writing
      await follower.catchUp()
      assert.deepStrictEqual(
        tokens.filter((token) => !follower.known.isRevoked(token)),
        [],
      )
    },
  },
  {
    title: 'read tells which of two entries of one identifier counts, in whatever order they are applied',
    prove: async (opened) => {
      const tokens = await writeEverything(opened)
      const [forwards, backwards] = [createFollower(opened), createFollower(opened)]
      await forwards.catchUp()
      for (const entry of (await readOn(opened, null)).entries.toReversed()) backwards.known.apply(entry)
      assert.deepStrictEqual(
        tokens.map((token) => backwards.known.isRevoked(token)),
        tokens.map((token) => forwards.known.isRevoked(token)),
      )
    },
  },
  {
    title: 'read begins anew where the cursor is of another shape, or ahead of the log',
    prove: async (opened) => {
      const token = newToken()
      await setToken(opened, token)
      const { cursor } = await readOn(opened, null)
      for (const strange of ['', 'x', '-1', '1e3', '9'.repeat(15), '9'.repeat(40), `${cursor}x`, '💥']) {
        // One after another: none may disturb the log.
        const { entries } = await readOn(opened, strange)
        assert.ok(entries.some((entry) => 'id' in entry && entry.id === token.tokenId))
      }
    },
  },
  {
    title: 'read names one incarnation of the log as long as it lasts',
    prove: async (opened) => {
      const { source } = await opened.store.revocations.read(null)
      assert.ok(source.length > 0)
      await setToken(opened, newToken())
      const later = await opened.store.revocations.read(null)
      assert.equal(later.source, source)
      assert.equal((await opened.store.revocations.read(later.cursor)).source, source)
    },
  },
  {
    title: 'read tells of ends, suspensions, evictions and reuse, each once, and of a suspension taken back',
    prove: async (opened) => {
      await writeEverything(opened)
      const entries = await entriesOf(opened)
      assert.equal(entries.filter(isKept(true)).length, 4)
      assert.equal(entries.filter(isKept(false)).length, 1)
      await created(opened, {}, { ...CREATION, maxPerSubject: 1 })
      assert.equal((await entriesOf(opened)).filter(isKept(true)).length, 5)
    },
  },
  {
    title: 'twenty different writes at once are all told of',
    prove: async (opened) => {
      const { revocations } = opened.store
      await crowd((index) => {
        if (index % 4 === 0) return revocations.bump(`user ${index}`)
        return setToken(opened, newToken({ subject: `user ${index}` }))
      })
      assert.equal((await entriesOf(opened)).length, 20)
    },
  },
]
