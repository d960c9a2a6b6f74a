import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../../src/config.ts'
import { AuthError } from '../../../src/core/errors.ts'
import { authorize } from '../../../src/core/request/authorize.ts'
import { toPrincipal } from '../../../src/core/request/principal.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import { resolveRequirement } from '../../../src/core/request/requirement.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import { createBed, START } from '../session/issuer.ts'
import { codeOf } from '../token/fixtures.ts'

const PERMISSIONS = { includes: { chief: ['orders:*'], 'orders:write': ['orders:read'] }, superPermission: 'admin' }

const CONTENT = {
  subject: 'ann',
  tokenId: 't1',
  sessionId: 's1',
  audience: ['a'],
  clientId: 'c',
  issuedAt: START,
  expiresAt: START + 900,
  authTime: START,
  permissions: [],
  stamp: { subject: 0, global: 0 },
  claims: {},
}

const REQUEST: RequestView = {
  method: 'GET',
  path: '/',
  parameter: () => null,
  header: () => null,
  query: () => [],
  body: () => null,
}

const { settings } = createBed({ permissions: PERMISSIONS })

/** Asks something of a caller at a moment. */
const ask = (caller: Partial<typeof CONTENT> | { authTime: null }, requirement: Requirement, now = START): void => {
  const engine = { ...resolveConfig(settings), now: () => now }
  const arrival = { tokenKind: 'access', location: null } as const
  const principal = toPrincipal(engine, { ...CONTENT, ...caller }, arrival)
  void authorize(engine, principal, REQUEST, resolveRequirement(requirement, engine))
}

const holding = (permissions: readonly string[]) => ({ permissions: [...permissions] as never[] })

/** The permissions that a refusal says would have sufficed. */
const lacking = (held: readonly string[], requirement: Requirement): readonly string[] => {
  try {
    ask(holding(held), requirement)
  } catch (error) {
    if (error instanceof AuthError) return error.details.permissions ?? []
  }
  return []
}

describe('permissions', () => {
  const name = fc.constantFrom('orders:read', 'orders:write', 'orders:*', 'chief', 'staff:list', 'admin')
  const names = fc.uniqueArray(name, { minLength: 1 })

  test('are granted where each of them is, and one of anyOf', () => {
    const rules = resolveConfig(settings).permissions
    const property = fc.property(fc.uniqueArray(name), names, names, (held, permissions, anyOf) => {
      const has = (required: string): boolean => rules.satisfies(held, required)
      const expected = permissions.every(has) && anyOf.some(has) ? 'accepted' : 'insufficient_permission'
      return codeOf(() => ask(holding(held), { permissions, anyOf })) === expected
    })
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow()
  })

  test('that are lacking are named, those of anyOf only where that is what is lacking', () => {
    expect(lacking([], { permissions: ['chief', 'staff:list'] })).toEqual(['chief', 'staff:list'])
    expect(lacking(['chief'], { permissions: ['chief'], anyOf: ['staff:list'] })).toEqual(['staff:list'])
    expect(lacking(['chief'], { permissions: ['orders:read'], anyOf: ['orders:write', 'staff:list'] })).toEqual([])
  })
})

describe('freshness', () => {
  test.each<readonly [string, Requirement, number, string]>([
    ['within the access token lifetime, to the second', { fresh: true }, 900, 'accepted'],
    ['beyond it', { fresh: true }, 901, 'reauthentication_required'],
    ['within a span', { fresh: '5m' }, 300, 'accepted'],
    ['beyond it by part of a second', { fresh: '5m' }, 300.5, 'reauthentication_required'],
    ['of no time at all', { fresh: 0 }, 0, 'accepted'],
    ['not asked for', { fresh: false }, 86_400, 'accepted'],
    ['of the sign-in itself, however long ago', { fresh: 'login' }, 800, 'accepted'],
  ])('%s', (_title, requirement, age, code) => {
    expect(codeOf(() => ask({}, requirement, START + age))).toBe(code)
  })

  test('is no matter of the token’s age but of the authentication’s (N057)', () => {
    const refreshed = { issuedAt: START, authTime: START - 600 }
    expect(codeOf(() => ask(refreshed, { fresh: '5m' }))).toBe('reauthentication_required')
    expect(codeOf(() => ask(refreshed, { fresh: 'login' }))).toBe('reauthentication_required')
  })

  test('cannot be told of a token that says nothing of it', () => {
    for (const fresh of [true, 'login', '365d'] as const) {
      expect(codeOf(() => ask({ authTime: null }, { fresh }))).toBe('reauthentication_required')
    }
  })

  test('is asked for before permissions, so that who authenticates again learns all the rest', () => {
    expect(codeOf(() => ask({}, { fresh: '5m', permissions: ['chief'] }, START + 600))).toBe(
      'reauthentication_required',
    )
  })

  test('is refused where the clock is none', () => {
    expect(codeOf(() => ask({}, { fresh: true }, Number.NaN))).toBe('reauthentication_required')
  })
})
