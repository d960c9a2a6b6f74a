import assert from 'node:assert/strict'
import { newIdentifier } from '../../core/token/identifier.ts'
import type { StoreProof } from '../store-under-test.ts'
import { createIssuer, find, listed, record } from './fixtures.ts'

/** Texts that break what is joined, encoded or cut carelessly. */
const HOSTILE_TEXTS = ["'); DROP TABLE tokens;--", '"\\', 'é ≠ e\u0301', '𝒜🏳️‍🌈', 'שלום', ' ', '*', '%', '\u2028']

export const KEEPING: readonly StoreProof[] = [
  {
    title: 'find returns null for a token that was never recorded, and for the id of a session that is no token',
    prove: async (opened) => {
      const token = (await createIssuer(opened))()
      await record(opened, token)
      const others = ['', `${token.tokenId}x`, token.tokenId.slice(0, -1), token.sessionId ?? '', newIdentifier('ann')]
      const found = await Promise.all(others.map(async (tokenId) => opened.store.tokens.find(tokenId)))
      assert.deepStrictEqual(
        found,
        others.map(() => null),
      )
    },
  },
  {
    title: 'every text comes back as it was given, and is compared code point by code point',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const texts = [...HOSTILE_TEXTS, 'a', 'A', 'a ', 'é', 'e\u0301', 'ß', 'ss']
      for (const text of texts) {
        // One after another: all are of one kind, and each is a subject of its own.
        const tokenId = `${newIdentifier(text)}${text}`
        await record(opened, issue({ tokenId, subject: text, sessionId: text }))
        assert.deepStrictEqual(await listed(opened, text), [issue({ tokenId, subject: text, sessionId: text })])
      }
      assert.equal((await listed(opened, null)).length, texts.length)
      const place = newIdentifier('ann')
      const tokens = texts.map((text) => issue({ tokenId: `${place}${text}` }))
      await record(opened, ...tokens)
      assert.deepStrictEqual(await Promise.all(tokens.map(async (token) => find(opened, token))), tokens)
    },
  },
  {
    title: 'what is not there stays null, and times and stamps come back exactly',
    prove: async (opened) => {
      const issue = await createIssuer(opened)
      const { issuedAt } = issue()
      const bare = issue({ sessionId: null, expiresAt: null })
      const stamp = { subject: 2 ** 53 - 1, global: 2 ** 53 - 2 }
      const exact = issue({ kind: 'refresh', stamp, issuedAt: issuedAt - 1, expiresAt: issuedAt + 1 })
      await record(opened, bare, exact)
      assert.deepStrictEqual(await find(opened, bare), bare)
      assert.deepStrictEqual(await find(opened, exact), exact)
    },
  },
  {
    title: 'a record tells nothing of revocation, and no revocation changes a record',
    prove: async (opened) => {
      const token = (await createIssuer(opened))()
      const { tokenId, subject, sessionId } = token
      await record(opened, token)
      const { revocations, sessions } = opened.store
      await revocations.setToken({ tokenId, subject, revoked: true, retention: 906 })
      await sessions.end({ id: sessionId ?? '', subject, reason: 'revoked' }, { retention: 906 })
      await revocations.bump(subject)
      await revocations.bump(null)
      assert.deepStrictEqual(await find(opened, token), token)
      assert.deepStrictEqual(await listed(opened), [token])
    },
  },
  {
    title: 'changing an object that was given or returned does not change a record',
    prove: async (opened) => {
      const token = (await createIssuer(opened))()
      const given = structuredClone(token)
      await record(opened, given)
      Reflect.set(given, 'subject', 'eve')
      Reflect.set(given.stamp, 'subject', 9)
      const found = await find(opened, token)
      assert.deepStrictEqual(found, token)
      Reflect.set(found ?? {}, 'expiresAt', null)
      const [shown] = await listed(opened)
      assert.deepStrictEqual(shown, token)
      Reflect.set(shown.stamp, 'global', 9)
      assert.deepStrictEqual(await find(opened, token), token)
    },
  },
]
