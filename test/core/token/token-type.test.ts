import { expect, test } from 'vitest'
import { isTokenType } from '../../../src/core/token/token-type.ts'

test.each(['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'APPLICATION/AT+JWT', 'application/At+jwt'])(
  '%s is the type at+jwt, however it is expected (RFC 7515 §4.1.9)',
  (typ) => {
    expect(isTokenType(typ, 'at+jwt')).toBe(true)
    expect(isTokenType(typ, 'application/at+jwt')).toBe(true)
    expect(isTokenType(typ, 'AT+JWT')).toBe(true)
  },
)

test.each([
  '',
  ' at+jwt',
  'at+jwt ',
  'at+jwt\n',
  'at+jwt;q=1',
  'at+jwt; charset=utf-8',
  'application/at+jwt;v=1',
  'text/at+jwt',
  '/at+jwt',
  'application//at+jwt',
  'application/application/at+jwt',
  'application /at+jwt',
  'at+jwt,rt+jwt',
  'at jwt',
  'at%2Bjwt',
  'at+jw\u0442',
  'rt+jwt',
  'JWT',
  'jwt',
  'logout+jwt',
  'dpop+jwt',
  'secevent+jwt',
])('%j is another type (N051, N053, N054)', (typ) => {
  expect(isTokenType(typ, 'at+jwt')).toBe(false)
})

test('letters beyond ASCII that lower-case to ASCII are other letters (N054)', () => {
  expect('\u212a'.toLowerCase()).toBe('k')
  expect(isTokenType('\u212ay+jwt', 'ky+jwt')).toBe(false)
})

test('no type is a type only where none is expected', () => {
  expect(isTokenType(undefined, 'at+jwt')).toBe(false)
  expect(isTokenType(undefined, null)).toBe(true)
  expect(isTokenType('at+jwt', null)).toBe(false)
  expect(isTokenType('', null)).toBe(false)
})
