import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { newIdentifier } from '../../../src/core/token/identifier.ts'

test('is 24 characters of base64url, fit for URLs, headers and keys of stores', () => {
  expect(newIdentifier('ann')).toMatch(/^[\w-]{24}$/)
})

test('begins with 16 bits of the SHA-256 of its subject, so that a sharded store finds its place', () => {
  for (const subject of ['ann', 'bob', 'Zoë 🦊', 'x'.repeat(255)]) {
    const bytes = Buffer.from(newIdentifier(subject), 'base64url')
    expect(bytes.subarray(0, 2)).toEqual(createHash('sha256').update(subject, 'utf8').digest().subarray(0, 2))
  }
})

test('has 128 random bits, none of which stands still (N131)', () => {
  const ids = Array.from({ length: 200 }, () => Buffer.from(newIdentifier('ann'), 'base64url'))
  expect(ids[0]).toHaveLength(18)
  expect(new Set(ids.map(String)).size).toBe(200)
  const always = ids.reduce((left, right) => Buffer.from(left.map((byte, at) => byte & (right[at] ?? 0))))
  const ever = ids.reduce((left, right) => Buffer.from(left.map((byte, at) => byte | (right[at] ?? 0))))
  expect([...always.subarray(2)]).toEqual(Array.from({ length: 16 }, () => 0x00))
  expect([...ever.subarray(2)]).toEqual(Array.from({ length: 16 }, () => 0xff))
})
