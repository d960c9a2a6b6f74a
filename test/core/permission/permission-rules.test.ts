import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PermissionsConfig } from '../../../src/core/permission/permission-rules.ts'
import {
  createPermissionRules,
  isPermissionName,
  permissionProblems,
} from '../../../src/core/permission/permission-rules.ts'

const can = (granted: readonly string[], required: string, config: PermissionsConfig<string> = {}): boolean =>
  createPermissionRules(config).satisfies(granted, required)

describe('a name of a permission', () => {
  test.each(['a', 'orders:read', 'orders:*', '*', 'https://x.example/orders.read', '!', '~', 'x'.repeat(128)])(
    'may be %s (RFC 6749 §3.3)',
    (name) => {
      expect(isPermissionName(name)).toBe(true)
    },
  )

  test.each(['', ' ', 'a b', 'a"b', 'a\\b', 'a\tb', 'a\n', 'a\0', 'é', '\u007f', 'x'.repeat(129), 7, null, ['a']])(
    'may not be %j',
    (name) => {
      expect(isPermissionName(name)).toBe(false)
    },
  )
})

describe('a permission', () => {
  test('entitles to itself and to nothing that resembles it', () => {
    expect(can(['orders:read'], 'orders:read')).toBe(true)
    for (const other of ['orders', 'orders:', 'orders:rea', 'orders:reads', 'Orders:read', 'orders:read:own', '']) {
      expect(can(['orders:read'], other)).toBe(false)
    }
  })

  test('is not there where nothing is granted', () => {
    expect(can([], 'orders:read', { superPermission: 'admin' })).toBe(false)
  })

  test('may be one of several that were granted', () => {
    expect(can(['a', 'b', 'c'], 'c')).toBe(true)
  })

  test.each(['toString', '__proto__', 'constructor', 'hasOwnProperty'])(
    'called %s entitles to no more than others do (N150)',
    (name) => {
      const config = { includes: { a: ['b'] } }
      expect(can([name], 'b', config)).toBe(false)
      expect(can([name], name, config)).toBe(true)
      expect(can([name], 'b', JSON.parse(`{"includes":{"${name}":["b"]}}`) as PermissionsConfig<string>)).toBe(true)
    },
  )
})

describe('a wildcard', () => {
  test.each(['orders:read', 'orders:read:own', 'orders:*', 'orders:read:*', 'orders:x'])('covers %s', (required) => {
    expect(can(['orders:*'], required)).toBe(true)
  })

  test.each(['orders', 'orders:', 'ordersx:read', 'order', 'invoices:read', '*', '', 'ORDERS:read'])(
    'does not cover %j',
    (required) => {
      expect(can(['orders:*'], required)).toBe(false)
    },
  )

  test('is covered by a wider one and not by a narrower one', () => {
    expect(can(['orders:*'], 'orders:read:*')).toBe(true)
    expect(can(['orders:read:*'], 'orders:*')).toBe(false)
  })

  test.each(['*', 'orders*', 'orders:*:read', '*:read', 'orders:re*'])('is not spelt %s', (name) => {
    expect(can([name], 'orders:read')).toBe(false)
    expect(can([name], name)).toBe(true)
  })
})

describe('inclusion', () => {
  test('leads along a chain, one way', () => {
    const includes = { admin: ['writer'], writer: ['reader'], reader: ['list'] }
    expect(can(['admin'], 'list', { includes })).toBe(true)
    expect(can(['reader'], 'writer', { includes })).toBe(false)
    expect(can(['list'], 'admin', { includes })).toBe(false)
  })

  test('may run in a circle, which makes equals', () => {
    const includes = { a: ['b'], b: ['c'], c: ['a'], self: ['self'] }
    for (const held of ['a', 'b', 'c'])
      for (const asked of ['a', 'b', 'c']) expect(can([held], asked, { includes })).toBe(true)
    expect(can(['a'], 'self', { includes })).toBe(false)
    expect(can(['self'], 'a', { includes })).toBe(false)
  })

  test('may lead to a wildcard, and on from what that covers', () => {
    const includes = { clerk: ['orders:*'], 'orders:write': ['invoices:read'] }
    expect(can(['clerk'], 'orders:anything', { includes })).toBe(true)
    expect(can(['clerk'], 'invoices:read', { includes })).toBe(true)
  })

  test('leads on from a wildcard that was granted, for what it covers entitles to no more than itself', () => {
    // Else a refresh that asks for orders:write alone would gain invoices:read.
    const includes = { 'orders:write': ['invoices:read'], 'invoices:read': ['staff:list'] }
    expect(can(['orders:*'], 'invoices:read', { includes })).toBe(true)
    expect(can(['orders:*'], 'staff:list', { includes })).toBe(true)
    expect(can(['orders:write:*'], 'invoices:read', { includes })).toBe(false)
  })

  test('is read from its own members alone', () => {
    const includes = Object.create({ a: ['b'] }) as Record<string, string[]>
    expect(can(['a'], 'b', { includes })).toBe(false)
  })
})

describe('the super-permission', () => {
  const config = { superPermission: 'site:admin', includes: { owner: ['site:admin'], caretaker: ['site:*'] } }

  test.each(['site:admin', 'owner', 'caretaker', 'site:*'])('is held by %s, and entitles to everything', (held) => {
    for (const asked of ['anything', 'orders:*', 'site:admin']) expect(can([held], asked, config)).toBe(true)
  })

  test.each(['site:adm', 'site', 'admin', 'site:admin:x', 'site:admin:*'])('is not held by %s', (held) => {
    expect(can([held], 'anything', config)).toBe(false)
  })

  test('is nothing special where none is configured', () => {
    expect(can(['admin'], 'anything')).toBe(false)
    expect(can(['undefined'], 'anything')).toBe(false)
  })
})

test('who may do b, where a entitles to b, may do nothing that a does not entitle to', () => {
  const name = fc.constantFrom('a', 'b', 'x:a', 'x:b', 'x:y:a', 'x:*', 'x:y:*', 'admin', 'admin:*', 'admin:all')
  const graph = fc.dictionary(name, fc.array(name, { maxLength: 3 }), { maxKeys: 6 })
  const superPermission = fc.option(fc.constantFrom('admin', 'admin:all', 'x:a'), { nil: undefined })
  const entailment = fc.property(
    graph,
    superPermission,
    fc.tuple(name, name, name),
    (includes, top, [first, second, third]) => {
      const config = top === undefined ? { includes } : { includes, superPermission: top }
      const leads = can([first], second, config) && can([second], third, config)
      return !leads || can([first], third, config)
    },
  )
  expect(() => fc.assert(entailment, { numRuns: 3000 })).not.toThrow()
})

const problems = (config: object): readonly string[] =>
  permissionProblems(config).map(({ path, problem }) => `${path}: ${problem}`)

describe('what is wrong with a permissions setting', () => {
  const remedy = 'use at most 128 printable characters without space, quote or backslash'

  test('is nothing with none, and with a good one', () => {
    expect(problems({})).toEqual([])
    const names = ['orders:read', 'orders:write', 'clerk', 'admin']
    const includes = { clerk: ['orders:*'], 'orders:write': ['orders:read'], admin: undefined }
    expect(problems({ names, includes, superPermission: 'admin' })).toEqual([])
    expect(problems({ includes: { a: ['b'] }, superPermission: 'c' }), 'nothing has to be declared').toEqual([])
  })

  test.each<readonly [string, object, string]>([
    ['a name with a space', { names: ['a', 'b c'] }, `permissions.names[1]: "b c" is not a permission; ${remedy}`],
    ['an empty name', { names: [''] }, `permissions.names[0]: "" is not a permission; ${remedy}`],
    [
      'a name that is no text',
      { names: [7n] },
      `permissions.names[0]: what is not a string is not a permission; ${remedy}`,
    ],
    ['names in a text', { names: 'a b' }, 'permissions.names: must be a list of permissions'],
    ['names that are null', { names: null }, 'permissions.names: must be a list of permissions'],
    [
      'who includes and is not declared',
      { names: ['b'], includes: { a: ['b'] } },
      'permissions.includes: "a" is not among permissions.names; declare it there',
    ],
    [
      'what is included and not declared',
      { names: ['a'], includes: { a: ['b'] } },
      'permissions.includes["a"]: "b" is not among permissions.names; declare it there',
    ],
    [
      'what is included in a text',
      { includes: { a: 'b' } },
      'permissions.includes["a"]: must be a list of permissions',
    ],
    [
      'inclusion in a list',
      { includes: [['a', 'b']] },
      'permissions.includes: must be an object of lists, { permission: [included] }',
    ],
    [
      'inclusion that is null',
      { includes: null },
      'permissions.includes: must be an object of lists, { permission: [included] }',
    ],
    [
      'a super-permission that is not declared',
      { names: ['a'], superPermission: 'admin' },
      'permissions.superPermission: "admin" is not among permissions.names; declare it there',
    ],
    [
      'a super-permission that is no text',
      { superPermission: true },
      `permissions.superPermission: what is not a string is not a permission; ${remedy}`,
    ],
  ])('%s', (_title, config, problem) => {
    expect(problems(config)).toEqual([problem])
  })

  test('all of it is told at once', () => {
    expect(problems({ names: ['a b'], includes: { c: ['d'] }, superPermission: 'e' })).toHaveLength(4)
  })
})
