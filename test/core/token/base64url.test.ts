import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64url, encodeBase64url } from '../../../src/core/token/base64url.ts'

test('encodes the bytes of RFC 7515 appendix C', () => {
  expect(encodeBase64url(Uint8Array.of(3, 236, 255, 224, 193))).toBe('A-z_4ME')
  expect(decodeBase64url('A-z_4ME')).toEqual(Buffer.from([3, 236, 255, 224, 193]))
})

test('encodes a string as UTF-8, and a part of a buffer as that part', () => {
  expect(encodeBase64url('é€')).toBe('w6nigqw')
  expect(encodeBase64url(Buffer.from('xxabcyy').subarray(2, 5))).toBe('YWJj')
})

test('decodes nothing to nothing', () => {
  expect(decodeBase64url('')).toEqual(Buffer.alloc(0))
})

test.each([
  ['a space', 'QU JD'],
  ['a newline at the end', 'QUJD\n'],
  ['a tab before', '\tQUJD'],
  ['a carriage return', 'QUJ\rD'],
  ['NUL', 'QUJD\0'],
  ['a dot', 'QU.JD'],
  ['a question mark', 'QUJD?'],
  ['a letter beyond ASCII whose low byte is A', 'QUJ\u0141'],
  ['a full-width letter', 'QUJ\uff21'],
])('refuses %s (N003)', (_what, text) => {
  expect(decodeBase64url(text)).toBeNull()
})

test.each(['QQ==', 'QUI=', 'QUJD====', '=', 'QU=I', 'Pz8/', 'Pj4+'])(
  'refuses padding and the standard alphabet: %s (N004)',
  (text) => {
    expect(decodeBase64url(text)).toBeNull()
  },
)

test.each(['QR', 'QX', 'Q_', 'QUJ', 'QUL', 'QU_', 'QUJDQR'])('refuses bits left over: %s (N005)', (text) => {
  expect(decodeBase64url(text)).toBeNull()
})

test.each(['A', 'QUJDQ', 'QUJDQUJDQ'])('refuses a length that is 1 modulo 4: %s (N006)', (text) => {
  expect(decodeBase64url(text)).toBeNull()
})

test('gives back all bytes that it encodes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64url(bytes)
      expect(text).toMatch(/^[A-Za-z0-9_-]*$/)
      expect(decodeBase64url(text)).toEqual(Buffer.from(bytes))
    }),
  )
})

test('accepts exactly the canonical texts (RFC 4648 §3.5)', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('')
  // The rule as the RFC words it, bit by bit.
  const isCanonical = (text: string): boolean => {
    const bits = text
      .split('')
      .map((character) => alphabet.indexOf(character).toString(2).padStart(6, '0'))
      .join('')
    const over = bits.length % 8
    return /^[01]*$/.test(bits) && over < 6 && !bits.slice(bits.length - over).includes('1')
  }
  const character = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...alphabet) },
    fc.constantFrom(...'+/=. \n\0é\u0141'.split('')),
  )
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
      expect(decodeBase64url(text) !== null).toBe(isCanonical(text))
    }),
    { numRuns: 2000 },
  )
})
