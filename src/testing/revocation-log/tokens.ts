import assert from 'node:assert/strict'
import { created, crowd } from '../session-store/fixtures.ts'
import type { StoreProof } from '../store-under-test.ts'
import { entriesOf, isRevoked, newToken, setToken } from './fixtures.ts'

export const TOKENS: readonly StoreProof[] = [
  {
    title: 'setToken revokes one access token, and no other of its session',
    prove: async (opened) => {
      const token = newToken()
      const sibling = newToken({ sessionId: token.sessionId })
      assert.equal(await isRevoked(opened, token), false)
      await setToken(opened, token)
      assert.equal(await isRevoked(opened, token), true)
      assert.equal(await isRevoked(opened, sibling), false)
    },
  },
  {
    title: 'setToken restores it, and revokes it again',
    prove: async (opened) => {
      const token = newToken()
      await setToken(opened, token)
      await setToken(opened, token, { revoked: false })
      assert.equal(await isRevoked(opened, token), false)
      await setToken(opened, token)
      assert.equal(await isRevoked(opened, token), true)
    },
  },
  {
    title: 'setToken may be repeated, and restore what was never revoked',
    prove: async (opened) => {
      const token = newToken()
      await setToken(opened, token, { revoked: false })
      assert.equal(await isRevoked(opened, token), false)
      await setToken(opened, token)
      await setToken(opened, token)
      assert.equal(await isRevoked(opened, token), true)
      await setToken(opened, token, { revoked: false })
      assert.equal(await isRevoked(opened, token), false)
    },
  },
  {
    title: 'restoring a token restores neither its session nor its subject',
    prove: async (opened) => {
      const session = await created(opened)
      const token = newToken({ sessionId: session.id })
      const reference = { id: session.id, subject: session.subject, reason: 'signout' as const }
      await opened.store.sessions.end(reference, { retention: 906 })
      await setToken(opened, token, { revoked: false })
      assert.equal(await isRevoked(opened, token), true)
      const other = newToken({ subject: 'bob' })
      await opened.store.revocations.bump('bob')
      await setToken(opened, other, { revoked: false })
      assert.equal(await isRevoked(opened, other), true)
    },
  },
  {
    title: 'isRevoked tells tokens of no session apart by their own entry alone',
    prove: async (opened) => {
      const [token, other] = [newToken({ sessionId: null }), newToken({ sessionId: null })]
      await setToken(opened, token)
      // A session without a name would stand for every token that has none.
      await opened.store.sessions.end({ id: '', subject: 'ann', reason: 'revoked' }, { retention: 906 })
      assert.equal(await isRevoked(opened, token), true)
      assert.equal(await isRevoked(opened, other), false)
    },
  },
  {
    title: 'an identifier of a token never stands for a session, nor the other way round',
    prove: async (opened) => {
      const [token, session] = [newToken(), await created(opened)]
      await setToken(opened, token)
      await opened.store.sessions.end({ id: session.id, subject: 'ann', reason: 'signout' }, { retention: 906 })
      assert.equal(await isRevoked(opened, newToken({ sessionId: token.tokenId })), false)
      assert.equal(await isRevoked(opened, newToken({ tokenId: session.id })), false)
    },
  },
  {
    title: 'an entry is kept for its whole retention, however much is written meanwhile (N124)',
    prove: async (opened) => {
      const token = newToken()
      await setToken(opened, token, { retention: 60 })
      await opened.turn(59_999)
      await crowd(() => setToken(opened, newToken()))
      assert.equal(await isRevoked(opened, token), true)
    },
  },
  {
    title: 'a repeated revocation never shortens the first',
    prove: async (opened) => {
      const token = newToken()
      await setToken(opened, token, { retention: 60 })
      await setToken(opened, token, { retention: 1 })
      await opened.turn(59_999)
      await crowd(() => setToken(opened, newToken()))
      assert.equal(await isRevoked(opened, token), true)
    },
  },
  {
    title: 'an entry tells until when it matters, on the store’s clock',
    prove: async (opened) => {
      const { state } = await created(opened)
      const token = newToken()
      await opened.turn(7)
      await setToken(opened, token, { retention: 60 })
      const expiresAtMs = state.rotatedAtMs + 7 + 60_000
      const entry = { kind: 'token', id: token.tokenId, revoked: true, expiresAtMs }
      assert.deepStrictEqual(await entriesOf(opened), [entry])
    },
  },
]
