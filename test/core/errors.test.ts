import { describe, expect, test } from 'vitest'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import { AUTH_ERRORS, AuthError, ConfigError, StoreError } from '../../src/core/errors.ts'

// Object.keys forgets that the keys are those of the table.
const CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[]

/** Of the RFCs, and two of ours for what they have no word for. */
const WIRE_ERRORS: readonly unknown[] = [
  null,
  // RFC 6749 §4.1.2.1, §5.2
  'invalid_request',
  'invalid_grant',
  'invalid_scope',
  'unsupported_grant_type',
  'temporarily_unavailable',
  // RFC 6750 §3.1
  'invalid_token',
  'insufficient_scope',
  // RFC 6749 §4.1.2.1
  'access_denied',
  // RFC 9470 §3
  'insufficient_user_authentication',
  'rate_limited',
]

describe('the table of refusals', () => {
  test.each(CODES)('%s is a client error, or 503, in words of the RFCs', (code) => {
    const { status, wire, message } = AUTH_ERRORS[code]
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(status === 503 || (status >= 400 && status < 500)).toBe(true)
    expect(WIRE_ERRORS).toContain(wire)
    // It stands between quotes in a challenge (RFC 6749 §5.2: no quote, no backslash).
    expect(message).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+\.$/)
  })

  test('answers 401 with a code of RFC 6750 wherever a token is refused', () => {
    const tokens = CODES.filter((code) => AUTH_ERRORS[code].wire === 'invalid_token')
    expect(tokens.map((code) => AUTH_ERRORS[code].status)).toEqual(tokens.map(() => 401))
    expect(tokens).toEqual(
      expect.arrayContaining(['token_invalid', 'token_expired', 'token_not_yet_valid', 'token_revoked']),
    )
  })

  test('does not tell whether a refresh token was forged or stolen', () => {
    expect(AUTH_ERRORS.refresh_token_reused).toEqual(AUTH_ERRORS.refresh_token_invalid)
  })

  test('says nothing to who sends no token (RFC 6750 §3.1)', () => {
    expect(AUTH_ERRORS.missing_token.wire).toBeNull()
  })
})

describe('AuthError', () => {
  test('has the public words of its code, and keeps the private ones apart', () => {
    const cause = new Error('private cause')
    const error = new AuthError('token_expired', { detail: 'private detail', cause })
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.code, error.status]).toEqual(['AuthError', 'token_expired', 401])
    expect(error.message).toBe('The token has expired.')
    expect([error.detail, error.cause]).toEqual(['private detail', cause])
  })

  test('has neither detail nor cause where none is given', () => {
    const error = new AuthError('token_invalid')
    expect(error.detail).toBeNull()
    expect(Object.hasOwn(error, 'cause')).toBe(false)
  })
})

describe('ConfigError', () => {
  test('says every problem in a line of its own, with its path', () => {
    const problems = [
      { path: 'issuer', problem: 'is missing' },
      { path: '', problem: 'needs an object' },
    ]
    const error = new ConfigError(problems)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('ConfigError')
    expect(error.message).toBe('issuer: is missing\nneeds an object')
    expect(error.problems).toEqual(problems)
  })
})

describe('StoreError', () => {
  test('names the operation and what the client said', () => {
    const cause = new Error('disk I/O error')
    const error = new StoreError('ending a session', cause)
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.message]).toEqual(['StoreError', 'The store failed at ending a session: disk I/O error'])
    expect(error.cause).toBe(cause)
  })

  test('copes with clients that throw what is no error', () => {
    expect(new StoreError('reading', 'SQLITE_FULL').message).toBe('The store failed at reading: SQLITE_FULL')
  })
})
