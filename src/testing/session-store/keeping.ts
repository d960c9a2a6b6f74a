import assert from 'node:assert/strict'
import type { JsonObject, JsonValue } from '../../core/token/json.ts'
import type { StoreProof } from '../store-under-test.ts'
import { created, newSession, present, standing } from './fixtures.ts'

/** Texts that break what is joined, encoded, cut or compared carelessly. */
const HOSTILE_TEXTS = ["'); DROP TABLE sessions;--", '"\\\n\u2028', 'é ≠ e\u0301', '𝒜🏳️‍🌈', 'שלום', ' ', '*', '']

/** What is kept must come back as it was given, whatever it is called and whoever changes it elsewhere. */
export const KEEPING: readonly StoreProof[] = [
  {
    title: 'every text and every kind of JSON value of a session comes back as it was given',
    prove: async (opened) => {
      const refreshData: JsonValue = {
        texts: Object.fromEntries(HOSTILE_TEXTS.map((text) => [`key ${text}`, text])),
        // The rest is kept as text, where some clients of databases end at a NUL; JSON escapes it.
        nul: '\u0000',
        number: -1.5,
        big: 2 ** 53 - 1,
        list: [true, false, null, [{}], []],
      }
      const subject = `ann ${HOSTILE_TEXTS.join(' ')}`
      const grant = { ...newSession().grant, claims: { refreshData }, permissions: HOSTILE_TEXTS }
      const session = await created(opened, { subject, device: HOSTILE_TEXTS.join(''), refreshData, grant })
      assert.deepStrictEqual(session.refreshData, refreshData)
      assert.deepStrictEqual(session.grant, grant)
      assert.deepStrictEqual(await standing(opened, session), session)
      assert.deepStrictEqual(await opened.store.sessions.list(subject), [session])
    },
  },
  {
    title: 'what is not there stays null, and refresh data may be any JSON value',
    prove: async (opened) => {
      for (const refreshData of [null, false, 0, '', []]) {
        // One after another: all are of one subject.
        const session = await created(opened, { device: null, refreshData })
        assert.deepStrictEqual(await standing(opened, session), { ...session, device: null, refreshData })
      }
    },
  },
  {
    title: 'claims are data: members named like parts of an object survive as own members (N011)',
    prove: async (opened) => {
      const text = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1}'
      // JSON.parse is declared to return any; the text is an object.
      const claims = JSON.parse(text) as JsonObject
      const session = await created(opened, { grant: { ...newSession().grant, claims }, refreshData: claims })
      const { grant, refreshData } = await standing(opened, session)
      assert.equal(JSON.stringify(grant.claims), text)
      assert.equal(JSON.stringify(refreshData), text)
      assert.equal(Reflect.get({}, 'admin'), undefined)
    },
  },
  {
    title: 'changing an object that was given or returned does not change the session',
    prove: async (opened) => {
      const claims: Record<string, JsonValue> = { role: 'reader' }
      const refreshData: Record<string, JsonValue> = { theme: 'dark' }
      const session = await created(opened, { grant: { ...newSession().grant, claims }, refreshData })
      claims['role'] = 'admin'
      refreshData['theme'] = 'light'
      const found = await standing(opened, session)
      assert.deepStrictEqual(found.grant.claims, { role: 'reader' })
      assert.deepStrictEqual(found.refreshData, { theme: 'dark' })
      Reflect.set(found.grant.claims, 'role', 'admin')
      Reflect.set(found.state, 'generation', 7)
      const rotation = await present(opened, session, 0)
      assert.ok('session' in rotation)
      Reflect.set(rotation.session.grant.claims, 'role', 'admin')
      const { grant, state } = await standing(opened, session)
      assert.deepStrictEqual(grant.claims, { role: 'reader' })
      assert.equal(state.generation, 1)
    },
  },
  {
    title: 'times and stamps come back exactly',
    prove: async (opened) => {
      await opened.store.revocations.bump('ann')
      await opened.store.revocations.bump(null)
      const stamp = await opened.store.revocations.epochs('ann')
      const session = await created(opened, { absoluteLifetime: 365 * 86_400, stamp, authTime: 0 })
      const { absoluteExpiresAt, createdAt, authTime, ...found } = await standing(opened, session)
      assert.deepStrictEqual(found.stamp, stamp)
      assert.equal(absoluteExpiresAt, createdAt + 365 * 86_400)
      assert.equal(authTime, 0)
    },
  },
]
