import { describe, expect, test } from 'vitest'
import { AuthError, StoreError } from '../../../src/core/errors.ts'
import type { Guard } from '../../../src/core/request/guard.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { RevocationLog } from '../../../src/ports/revocation-log.ts'
import { createBed, redeploy } from '../session/issuer.ts'

/** What the conformance suite of the adapters cannot see from outside: whether a guard waits, and what it throws. */

const request = (authorization: string | null, changes: Partial<RequestView> = {}): RequestView => ({
  method: 'GET',
  path: '/',
  parameter: () => null,
  header: (name) => (name === 'authorization' ? authorization : null),
  query: () => [],
  body: () => null,
  ...changes,
})

const signedIn = async () => {
  const bed = createBed()
  const { accessToken } = await bed.auth.issue({ subject: 'ann' })
  /** A guard over a store that answers otherwise. */
  const guardOver = (isRevoked: RevocationLog['isRevoked'], requirement: Requirement = {}) => {
    const { store } = bed.settings
    return redeploy(bed, { store: { ...store, revocations: { ...store.revocations, isRevoked } } }).guard(requirement)
  }
  return { ...bed, sent: request(`Bearer ${accessToken}`), guardOver }
}

/** The status of a refusal, or the subject that was let in. */
const verdictOf = async (guard: Guard<unknown, string>, sent: RequestView): Promise<unknown> => {
  const verdict = await guard(sent)
  return 'refusal' in verdict ? verdict.refusal.status : (verdict.principal?.subject ?? null)
}

describe('a guard', () => {
  test('decides in the same turn where the store answers at once', async () => {
    const { auth, sent } = await signedIn()
    for (const [asked, inside] of [
      [sent, true],
      [request(null), false],
      [request('Bearer forged'), false],
    ] as const) {
      const verdict = auth.guard()(asked)
      expect(verdict).not.toBeInstanceOf(Promise)
      expect('principal' in (await verdict)).toBe(inside)
    }
  })

  test('waits where the store has to be asked, and for nothing else', async () => {
    const { sent, guardOver } = await signedIn()
    const guard = guardOver(async () => false)
    expect(guard(sent)).toBeInstanceOf(Promise)
    expect(guard(request('Bearer forged'))).not.toBeInstanceOf(Promise)
    expect(await verdictOf(guard, sent)).toBe('ann')
  })

  const failure = new StoreError('checking a token', new Error('disk I/O error'))

  test.each<readonly [string, RevocationLog['isRevoked']]>([
    [
      'throws',
      () => {
        throw failure
      },
    ],
    ['rejects', async () => Promise.reject(failure)],
  ])(
    'refuses with 503 where the store %s, also the lenient one, and tells the operator (N125)',
    async (_title, isRevoked) => {
      const { sent, guardOver, events } = await signedIn()
      events.length = 0
      expect(await verdictOf(guardOver(isRevoked), sent)).toBe(503)
      expect(await verdictOf(guardOver(isRevoked, { optional: 'lenient' }), sent)).toBe(503)
      const told = { type: 'failure', at: 'guard', error: failure }
      expect(events).toEqual([told, told])
    },
  )

  test('that is lenient makes nobody anonymous where a store asks to come again later', async () => {
    const { sent, guardOver } = await signedIn()
    const busy = new AuthError('overloaded', { retryAfter: 7 })
    const verdict = await guardOver(async () => Promise.reject(busy), { optional: 'lenient' })(sent)
    expect(verdict).toMatchObject({ refusal: { status: 503, headers: { 'retry-after': '7' } } })
  })

  test('refuses with 503 where the request itself cannot be read, and never throws', async () => {
    const { auth, events } = await signedIn()
    events.length = 0
    const broken = request(null, {
      header: () => {
        throw new Error('the socket is gone')
      },
    })
    expect(await verdictOf(auth.guard(), broken)).toBe(503)
    expect(events).toMatchObject([{ type: 'failure', at: 'guard' }])
  })

  test('tells the operator nothing of callers who are refused', async () => {
    const { auth, events } = await signedIn()
    events.length = 0
    for (const authorization of [null, 'Bearer', 'Bearer forged', 'Bearer a b']) {
      expect(await verdictOf(auth.guard(), request(authorization))).toBeGreaterThanOrEqual(400)
    }
    expect(events).toEqual([])
  })

  test('that is lenient makes nobody anonymous for want of a permission', async () => {
    const { auth, sent } = await signedIn()
    expect(await verdictOf(auth.guard({ optional: 'lenient', permissions: ['a'] }), sent)).toBe(403)
    expect(
      await verdictOf(auth.guard({ optional: 'lenient', permissions: ['a'] }), request('Bearer forged')),
    ).toBeNull()
  })
})
