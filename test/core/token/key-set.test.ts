import { expect, test } from 'vitest'
import { createKeySet } from '../../../src/core/token/key-set.ts'
import { describeVectors, readVectors } from '../../vectors.ts'
import { codeOf, detailOf, hmacKey, keySetOf, noise, problemsOf, seal } from './fixtures.ts'
import { verifyJws } from '../../../src/core/token/jws.ts'

const ONE = hmacKey('one', noise('one'))
const TWO = hmacKey('two', noise('two'))

test('finds the key that a header names', () => {
  const keySet = keySetOf(ONE, TWO)
  expect(keySet.find({ alg: 'HS256', kid: 'two' })).toBe(TWO)
  expect(keySet.keys).toEqual([ONE, TWO])
})

test('never answers an unknown kid with another key, not even the only one (N041)', () => {
  expect(keySetOf(ONE).find({ alg: 'HS256', kid: 'two' })).toBeNull()
  expect(keySetOf(ONE, TWO).find({ alg: 'HS256', kid: 'three' })).toBeNull()
})

test('answers a missing kid only where there is nothing to choose from (RFC 7515 §4.1.4, N043)', () => {
  expect(keySetOf(ONE).find({ alg: 'HS256' })).toBe(ONE)
  expect(keySetOf(ONE, TWO).find({ alg: 'HS256' })).toBeNull()
  expect(keySetOf(ONE, { ...TWO, algorithm: 'HS512' }).find({ alg: 'HS256' })).toBeNull()
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'keys'])(
  'knows no key called %s (N011)',
  (kid) => {
    expect(keySetOf(ONE, TWO).find({ alg: 'HS256', kid })).toBeNull()
  },
)

test('refuses two keys with one kid (N037)', () => {
  expect(problemsOf(createKeySet([ONE, TWO, { ...ONE, kid: 'two' }]))).toContain('two keys with the kid \\"two\\"')
})

test('refuses to be empty (N033)', () => {
  expect(problemsOf(createKeySet([]))).toContain('no key')
})

test('does not change with the list that it was made of', () => {
  const keys = [ONE]
  const keySet = keySetOf(...keys)
  keys.push(TWO)
  expect(keySet.keys).toEqual([ONE])
})

test.each([
  '../../etc/passwd',
  "' OR 1=1 --",
  '*)(uid=*))(|(uid=*',
  '; rm -rf /',
  'https://evil.example/jwks.json',
  'k\r\nX-Injected: 1',
  'k\0',
  'k'.repeat(4000),
  ' one',
  'one ',
  'ONE',
  '\u043ene',
])('refuses the kid %j before any signature is computed (N040)', (kid) => {
  const token = seal(JSON.stringify({ alg: 'HS256', kid }), '{}', noise('one'))
  expect(codeOf(() => verifyJws(token, keySetOf(ONE)))).toBe('token_invalid')
  expect(detailOf(() => verifyJws(token, keySetOf(ONE)))).toMatch(/names no known key|malformed kid/)
})

test.each([[{ $ne: '' }], [['one']], [1], [null], [true], ['']])('refuses a kid that is %j (N040)', (kid) => {
  const token = seal(JSON.stringify({ alg: 'HS256', kid }), '{}', noise('one'))
  expect(detailOf(() => verifyJws(token, keySetOf(ONE)))).toBe('the header has a malformed kid')
})

describeVectors('naughty strings', () => {
  const strings = readVectors('strings/blns.json') as string[]

  test('no one of them is a kid of ours, and none ends in anything but a refusal (N040)', () => {
    const outcomes = strings.map((kid) => {
      const header = JSON.stringify({ alg: 'HS256', kid })
      return codeOf(() => verifyJws(seal(header, '{}', noise('one')), keySetOf(ONE)))
    })
    expect(strings).toHaveLength(515)
    expect(new Set(outcomes)).toEqual(new Set(['token_invalid']))
  })

  test('come back from the claims as they went in (N076)', () => {
    const header = '{"alg":"HS256","kid":"one"}'
    for (const text of strings) {
      const token = seal(header, JSON.stringify({ [text]: text, list: [text] }), noise('one'))
      const { claims } = verifyJws(token, keySetOf(ONE))
      expect(Object.getOwnPropertyDescriptor(claims, text)?.value).toBe(text)
    }
  })
})
