import { describe, expect, test } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import { AUTH_ERRORS, AuthError, StoreError } from '../../../src/core/errors.ts'
import { plainRefusal, toAuthError } from '../../../src/core/request/refusal.ts'

// Object.keys forgets that the keys are those of the table.
const CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[]

const REALM = 'https://api.example.com'

const refuse = (failure: unknown) => plainRefusal(toAuthError(failure), { realm: REALM, body: 'oauth' })

const challengeOf = (error: AuthError): string | undefined => refuse(error).headers['www-authenticate']

test.each(CODES)('%s is answered as the table says, in JSON that nobody keeps', (code) => {
  const { status, wire, message } = AUTH_ERRORS[code]
  const refusal = refuse(new AuthError(code, { detail: 'for the log', cause: new Error('for the log') }))
  expect(refusal.status).toBe(status)
  expect(refusal.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  expect(JSON.parse(refusal.body)).toEqual({
    ...(wire === null ? {} : { error: wire }),
    code,
    error_description: message,
  })
  expect(`${refusal.body}${JSON.stringify(refusal.headers)}`).not.toContain('for the log')
})

test.each(CODES.filter((code) => AUTH_ERRORS[code].status === 401))(
  '%s comes with a challenge (RFC 9110 §15.5.2)',
  (code) => {
    expect(challengeOf(new AuthError(code))).toMatch(/^Bearer realm="https:\/\/api\.example\.com"/)
  },
)

test.each(CODES.filter((code) => AUTH_ERRORS[code].status === 503))(
  '%s says when to try again (RFC 9110 §10.2.3)',
  (code) => {
    const { headers } = refuse(new AuthError(code))
    expect(headers['retry-after']).toBe('1')
    expect(headers['www-authenticate']).toBeUndefined()
  },
)

describe('a challenge', () => {
  test('has the realm and nothing else where there was no token (RFC 6750 §3)', () => {
    expect(challengeOf(new AuthError('missing_token'))).toBe(`Bearer realm="${REALM}"`)
  })

  test('names the error where there was one (RFC 6750 §3.1)', () => {
    expect(challengeOf(new AuthError('token_expired'))).toBe(
      `Bearer realm="${REALM}", error="invalid_token", error_description="The token has expired."`,
    )
  })

  test('names what would have sufficed (RFC 6750 §3)', () => {
    expect(challengeOf(new AuthError('insufficient_permission', { permissions: ['a', 'b:*'] }))).toBe(
      `Bearer realm="${REALM}", error="insufficient_scope", error_description="The token lacks a permission.", scope="a b:*"`,
    )
  })

  test.each([0, 300])('names how recent the authentication must be: %i s (RFC 9470 §3)', (maxAge) => {
    expect(challengeOf(new AuthError('reauthentication_required', { maxAge }))).toBe(
      `Bearer realm="${REALM}", error="insufficient_user_authentication", ` +
        `error_description="A more recent authentication is required.", max_age="${maxAge}"`,
    )
  })
})

test('names the members that were refused, the methods that are not, and the time to wait', () => {
  const problems = [{ path: 'email', problem: 'is missing' }]
  expect(JSON.parse(refuse(new AuthError('invalid_body', { problems })).body)).toMatchObject({ problems })
  expect(refuse(new AuthError('method_not_allowed', { allow: ['GET', 'HEAD'] })).headers['allow']).toBe('GET, HEAD')
  expect(refuse(new AuthError('rate_limited', { retryAfter: 30 })).headers['retry-after']).toBe('30')
})

test.each<readonly [string, unknown]>([
  ['a failing store', new StoreError('ending a session', new Error('disk full'))],
  ['a fault of the program', new TypeError('x is not a function')],
  ['what is no error', 'oops'],
  ['nothing', undefined],
])('%s is answered 503 and told to the caller in no other words (N125)', (_title, failure) => {
  const refusal = refuse(failure)
  expect(refusal.status).toBe(503)
  expect(refusal.headers['retry-after']).toBe('1')
  expect(JSON.parse(refusal.body)).toEqual({
    error: 'temporarily_unavailable',
    code: 'store_unavailable',
    error_description: 'The service is not available.',
  })
})
