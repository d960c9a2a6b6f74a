import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createCsrfKeys } from '../../../src/core/token/csrf-value.ts'
import type { CsrfKeys } from '../../../src/core/token/csrf-value.ts'
import type { SigningKey } from '../../../src/core/token/keys.ts'
import { hmacKey, keySetOf, noise, SECRET } from './fixtures.ts'

const keysOf = (signing: SigningKey, ...others: readonly SigningKey[]): CsrfKeys =>
  createCsrfKeys({ signing, verifying: keySetOf(signing, ...others) })

const first = hmacKey('k1', noise('first secret'))
const second = hmacKey('k2', noise('second secret'))

describe('a CSRF value (N080, N081)', () => {
  test('is an HMAC of kind and session under a key that is derived for nothing else', () => {
    const key = Buffer.from(hkdfSync('sha256', SECRET, '', 'jotward csrf', 32))
    const expected = createHmac('sha256', key).update('access\nsid').digest('base64url')
    expect(keysOf(hmacKey()).valueFor('access', 'sid')).toBe(expected)
    // Whoever held a signing key would otherwise hold values too, and the other way round.
    expect(createHmac('sha256', SECRET).update('access\nsid').digest('base64url')).not.toBe(expected)
  })

  test('is the same each time, for one session and one kind alone', () => {
    const keys = keysOf(first)
    expect(keys.valueFor('access', 'a')).toBe(keysOf(first).valueFor('access', 'a'))
    const values = [
      keys.valueFor('access', 'a'),
      keys.valueFor('refresh', 'a'),
      keys.valueFor('access', 'b'),
      keysOf(second).valueFor('access', 'a'),
    ]
    expect(new Set(values).size).toBe(4)
    expect(values.map((value) => keys.isValueFor(value, 'access', 'a'))).toEqual([true, false, false, false])
  })

  test('tells nothing apart by where the kind ends and the session begins', () => {
    const keys = keysOf(first)
    expect(keys.isValueFor(keys.valueFor('access', 'refresh\na'), 'refresh', 'a')).toBe(false)
    expect(keys.isValueFor(keys.valueFor('access', ''), 'access', '\n')).toBe(false)
  })

  test('outlives a change of the secret for as long as the former one is accepted', () => {
    const before = keysOf(first).valueFor('access', 'a')
    expect(keysOf(second, first).isValueFor(before, 'access', 'a')).toBe(true)
    expect(keysOf(second, first).valueFor('access', 'a')).not.toBe(before)
    expect(keysOf(second).isValueFor(before, 'access', 'a')).toBe(false)
  })

  test('is of a length that nothing else has to be compared', () => {
    const value = keysOf(first).valueFor('access', 'a')
    expect(value).toMatch(/^[\w-]{43}$/)
    for (const other of ['', value.slice(1), `${value}A`, 'é'.repeat(43), 'é'.repeat(21) + 'A']) {
      expect(keysOf(first).isValueFor(other, 'access', 'a')).toBe(false)
    }
  })
})
