import { expect, test } from 'vitest'
import { didYouMean, unknownKeys } from '../../src/core/unknown-keys.ts'

const NAMES = ['issuer', 'audience', 'keys', 'clockTolerance', 'typ']

test.each([
  ['isuer', 'issuer'],
  ['isseur', 'issuer'],
  ['Audience', 'audience'],
  ['clocktolerance', 'clockTolerance'],
  ['clockTollerance', 'clockTolerance'],
  ['key', 'keys'],
  ['type', 'typ'],
])('%s probably means %s', (word, meant) => {
  expect(didYouMean(word, NAMES)).toBe(meant)
})

test.each(['', 'x', 'secret', 'leeway', 'toString', '__proto__', 'k'.repeat(10_000)])(
  '%.20s resembles nothing',
  (word) => {
    expect(didYouMean(word, NAMES)).toBeNull()
  },
)

test('names the nearest of several candidates', () => {
  expect(didYouMean('maxAge', ['maxPage', 'maxAges', 'maxage'])).toBe('maxage')
})

test('lists every unknown key with its path and what was meant', () => {
  expect(unknownKeys('', { issuer: 'i', isuer: 'i', zzz: 1 }, NAMES)).toEqual([
    { path: 'isuer', problem: 'is not a setting; did you mean "issuer"?' },
    { path: 'zzz', problem: 'is not a setting; the settings are issuer, audience, keys, clockTolerance, typ' },
  ])
  expect(unknownKeys('keys', { secrt: '' }, ['secret'])).toEqual([
    { path: 'keys.secrt', problem: 'is not a setting; did you mean "secret"?' },
  ])
})

test('takes names of the prototype for unknown', () => {
  expect(unknownKeys('', JSON.parse('{"__proto__":1,"constructor":1}'), NAMES)).toHaveLength(2)
})

test('finds nothing wrong with known keys, nor with none', () => {
  expect(unknownKeys('', { issuer: 'i', typ: undefined }, NAMES)).toEqual([])
  expect(unknownKeys('', {}, NAMES)).toEqual([])
})
