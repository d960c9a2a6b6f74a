import { describe, expect, test } from 'vitest'
import { findBreaches, tally } from './harness/checker.ts'
import type { Bounds, BreachKind } from './harness/checker.ts'
import type { Operation } from './harness/history.ts'

/** Histories made by hand: each rule of the checker is broken once, and what looks like it is let pass. */

const BOUNDS: Bounds = { leaseMs: 1000, toleranceMs: 5000 }

const USUAL: Operation = {
  client: 'c1',
  process: 'p1',
  kind: 'check',
  subject: 'ann',
  sessionId: 's1',
  tokenId: null,
  generation: null,
  expiresAtMs: null,
  begunMs: 0,
  endedMs: 0,
  outcome: 'ok',
  code: null,
  child: null,
  isHonest: true,
}

/** An operation that took 10 ms. */
const at = (begunMs: number, changed: Partial<Operation>): Operation => ({
  ...USUAL,
  begunMs,
  endedMs: begunMs + 10,
  ...changed,
})

const signIn = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'signin', ...changed })
const check = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { tokenId: 't1', ...changed })
const refused = { outcome: 'refused', code: 'token_revoked' } as const
const gaveUp = { outcome: 'refused', code: 'refresh_token_invalid' } as const
const refresh = (begunMs: number, to: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'refresh', generation: to - 1, child: { generation: to, digest: `value ${to}` }, ...changed })
const noRefresh = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'refresh', generation: 0, ...gaveUp, ...changed })
const revokeToken = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'revokeToken', tokenId: 't1', ...changed })
const revokeSession = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'revokeSession', ...changed })
const signOut = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'signout', ...changed })
const revokeSubject = (begunMs: number, changed: Partial<Operation> = {}): Operation =>
  at(begunMs, { kind: 'revokeSubject', sessionId: null, ...changed })

const kindsOf = (operations: readonly Operation[], bounds = BOUNDS): readonly BreachKind[] =>
  findBreaches({ operations }, bounds).map(({ kind }) => kind)

describe('finds', () => {
  test.each<readonly [string, BreachKind, readonly Operation[]]>([
    ['a token accepted after its revocation', 'revoked_accepted', [signIn(0), revokeToken(100), check(1200)]],
    ['a token accepted after the end of its session', 'revoked_accepted', [signIn(0), revokeSession(100), check(1200)]],
    ['a token accepted after the sign-out of its session', 'revoked_accepted', [signIn(0), signOut(100), check(1200)]],
    [
      'a token accepted after its subject was revoked',
      'revoked_accepted',
      [signIn(0), revokeSubject(100), check(1200)],
    ],
    ['a refresh after the end of the session', 'revoked_refreshed', [signIn(0), revokeSession(100), refresh(120, 1)]],
    ['a refresh after the subject was revoked', 'revoked_refreshed', [signIn(0), revokeSubject(100), refresh(120, 1)]],
    ['a refresh refused without a reason', 'false_logout', [signIn(0), noRefresh(100)]],
    [
      'a reuse found with an honest client',
      'false_logout',
      [signIn(0), noRefresh(100, { code: 'refresh_token_reused' })],
    ],
    [
      'a refusal that a revocation of the token alone does not explain',
      'false_logout',
      [signIn(0), revokeToken(50), noRefresh(100)],
    ],
    [
      'a session ended by a revocation that came before it',
      'false_logout',
      [signIn(100), revokeSubject(0), noRefresh(300)],
    ],
    [
      'a session ended by a revocation that was refused',
      'false_logout',
      [signIn(0), revokeSession(50, { outcome: 'refused', code: 'not_found' }), noRefresh(300)],
    ],
    ['a live token that is called revoked', 'false_refusal', [signIn(0), check(100, refused)]],
    [
      'two values of one generation',
      'forked',
      [refresh(0, 1), refresh(50, 1, { child: { generation: 1, digest: 'another' } })],
    ],
    [
      'a generation that does not follow',
      'forked',
      [refresh(0, 1, { generation: 3, child: { generation: 1, digest: 'value 1' } })],
    ],
    ['a token accepted beyond its expiry', 'expired_accepted', [check(6001, { expiresAtMs: 1000 })]],
    [
      'the same on a route that asks nothing about revocation',
      'expired_accepted',
      [check(6001, { kind: 'open', expiresAtMs: 1000 })],
    ],
  ])('%s', (_, kind, operations) => {
    expect(kindsOf(operations)).toEqual([kind])
  })

  test('a refresh late by the lease of a store that may itself be behind', () => {
    const operations = [signIn(0), revokeSession(100), refresh(500, 1)]
    expect(kindsOf(operations, { ...BOUNDS, refreshLeaseMs: 1000 })).toEqual([])
    expect(kindsOf(operations)).toEqual(['revoked_refreshed'])
  })

  test('shows the operations together, in the order of time', () => {
    const [end, late] = [revokeSession(100), check(1200)]
    const [breach] = findBreaches({ operations: [late, signIn(0), end] }, BOUNDS)
    expect(breach?.evidence).toEqual([end, late])
  })
})

describe('lets pass', () => {
  test.each<readonly [string, readonly Operation[]]>([
    ['nothing at all', []],
    ['a token accepted within the lease', [signIn(0), revokeSession(100), check(1109)]],
    ['a check that had begun within the lease', [signIn(0), revokeSession(100), check(1100, { endedMs: 9000 })]],
    ['a refresh that had begun before the acknowledgement', [signIn(0), revokeSession(100), refresh(105, 1)]],
    ['a refusal after a revocation', [signIn(0), revokeSession(100), check(105, refused), noRefresh(300)]],
    ['a refusal at the same time as a revocation', [signIn(0), revokeSession(100), noRefresh(95)]],
    ['a session begun after its subject was revoked', [revokeSubject(0), signIn(100), check(2000), refresh(2100, 1)]],
    ['a sign-in at the same time as the revocation, alive', [revokeSubject(0), signIn(5), check(2000)]],
    ['a sign-in at the same time as the revocation, dead', [revokeSubject(0), signIn(5), noRefresh(2000)]],
    [
      'a revocation that was not answered, not done',
      [signIn(0), revokeSession(100, { outcome: 'failed' }), check(2000), refresh(2100, 1)],
    ],
    [
      'a revocation that was not answered, done later',
      [signIn(0), revokeSession(100, { outcome: 'failed' }), check(200), noRefresh(5000)],
    ],
    [
      'a revocation answered 503, done later, and after another sign-in',
      [
        signIn(0),
        revokeSubject(100, { outcome: 'unavailable' }),
        signIn(200, { sessionId: 's2' }),
        noRefresh(5000, { sessionId: 's2' }),
      ],
    ],
    [
      'no answer and 503 to an honest client',
      [
        signIn(0),
        noRefresh(100, { outcome: 'failed' }),
        noRefresh(200, { outcome: 'unavailable', code: 'store_unavailable' }),
      ],
    ],
    ['a refusal to somebody who presents what is long gone', [signIn(0), noRefresh(100, { isHonest: false })]],
    [
      'a revoked token where nothing is asked about revocation',
      [signIn(0), revokeToken(100), check(2000, { kind: 'open' })],
    ],
    [
      'the end of another session, token or subject',
      [
        signIn(0),
        revokeSession(100, { sessionId: 's2' }),
        revokeToken(100, { tokenId: 't2' }),
        revokeSubject(100, { subject: 'bob' }),
        check(2000),
        refresh(2100, 1),
      ],
    ],
    [
      'the same generation given again, and the one after it',
      [refresh(0, 1), refresh(50, 1, { generation: 1 }), refresh(90, 2, { generation: 0 })],
    ],
    [
      'equal generations of two sessions',
      [refresh(0, 1), refresh(50, 1, { sessionId: 's2', child: { generation: 1, digest: 'another' } })],
    ],
    ['a token within the tolerance', [check(5999, { expiresAtMs: 1000 })]],
    [
      'an expired token that is refused',
      [signIn(0), check(9000, { expiresAtMs: 1000, outcome: 'refused', code: 'token_expired' })],
    ],
  ])('%s', (_, operations) => {
    expect(kindsOf(operations)).toEqual([])
  })
})

test('counts what a history holds, so that an empty one is not taken for a good one', () => {
  const operations = [
    signIn(0),
    check(10),
    refresh(20, 1),
    revokeSession(30),
    revokeSession(40, { outcome: 'unavailable' }),
    check(50, refused),
    noRefresh(60),
    check(70, { outcome: 'failed' }),
  ]
  const expected = { operations: 8, refreshes: 1, checks: 1, revocations: 1, refusals: 2, unavailable: 1, failed: 1 }
  expect(tally({ operations })).toEqual(expected)
})
