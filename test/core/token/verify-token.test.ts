import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import { signJws } from '../../../src/core/token/jws.ts'
import { verifyToken } from '../../../src/core/token/verify-token.ts'
import type { TokenProfile } from '../../../src/core/token/verify-token.ts'
import { codeOf, hmacKey, keySetOf, noise, seal } from './fixtures.ts'

const NOW = 1_767_225_600
const KEY = hmacKey()
const PROFILE: TokenProfile = {
  keySet: keySetOf(KEY),
  typ: 'at+jwt',
  rules: {
    issuer: 'https://id.example',
    audience: ['orders'],
    clockTolerance: 5,
    maxLifetime: null,
    required: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  },
}
const CLAIMS = { iss: 'https://id.example', sub: 'u1', aud: 'orders', exp: NOW + 900, iat: NOW, jti: 't1' }

const sign = (claims: object = {}, typ = 'at+jwt', key = KEY): string =>
  signJws({ header: { typ }, payload: { ...CLAIMS, ...claims }, key })

const judge = (token: unknown, profile: Partial<TokenProfile> = {}): string =>
  codeOf(() => verifyToken(token, { ...PROFILE, ...profile }, NOW))

test('gives back the header and the claims of a good token', () => {
  expect(verifyToken(sign({ role: 'admin' }), PROFILE, NOW)).toEqual({
    header: { alg: 'HS256', kid: 'k1', typ: 'at+jwt' },
    claims: { ...CLAIMS, role: 'admin' },
  })
})

test('has one code for everything before the signature holds (RFC 8725 §3.9, N038)', () => {
  const foreign = hmacKey('k1', noise('foreign'))
  const forged = [
    sign({}, 'at+jwt', foreign),
    sign({}, 'rt+jwt', foreign),
    sign({ exp: 0, iat: 0 }, 'at+jwt', foreign),
    sign({ nbf: NOW + 900 }, 'at+jwt', foreign),
    sign({ aud: 'other' }, 'JWT', hmacKey('k2')),
    'no token',
    '',
  ]
  expect(forged.map((token) => judge(token))).toEqual(forged.map(() => 'token_invalid'))
})

test('says the same to the caller, whichever check failed (N038)', () => {
  const messages = [sign({ aud: 'other' }), sign({ sub: 1 }), sign({}, 'at+jwt', hmacKey('k1', noise('x'))), 'x'].map(
    (token) => {
      try {
        verifyToken(token, PROFILE, NOW)
        return 'accepted'
      } catch (error) {
        return error instanceof AuthError ? error.message : String(error)
      }
    },
  )
  expect(new Set(messages)).toEqual(new Set(['The token is not valid.']))
})

describe('the type of a token', () => {
  test.each([
    'rt+jwt',
    'JWT',
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'reset+jwt',
    'at+jwt;v=1',
    'text/at+jwt',
    ' at+jwt',
    '',
  ])('cannot be %j (RFC 8725 §3.11, RFC 9068 §4, N051, N053 to N055)', (typ) => {
    expect(judge(sign({}, typ))).toBe('wrong_token_type')
  })

  test('must be there (N053)', () => {
    expect(judge(seal('{"alg":"HS256","kid":"k1"}', JSON.stringify(CLAIMS)))).toBe('wrong_token_type')
  })

  test('is judged before the claims', () => {
    expect(judge(sign({ exp: 0, iat: 0 }, 'rt+jwt'))).toBe('wrong_token_type')
  })

  test('may be written as a media type in any case (RFC 7515 §4.1.9)', () => {
    expect(judge(sign({}, 'APPLICATION/AT+JWT'))).toBe('accepted')
  })

  test('an access token is no refresh token (N052)', () => {
    expect(judge(sign(), { typ: 'rt+jwt' })).toBe('wrong_token_type')
  })

  test('may be absent where the issuer gives none, and then must be', () => {
    expect(judge(seal('{"alg":"HS256","kid":"k1"}', JSON.stringify(CLAIMS)), { typ: null })).toBe('accepted')
    expect(judge(sign(), { typ: null })).toBe('wrong_token_type')
  })
})

test.each([
  [{ exp: NOW - 5 }, 'token_invalid'],
  [{ exp: NOW - 5, iat: NOW - 60 }, 'token_expired'],
  [{ nbf: NOW + 6 }, 'token_not_yet_valid'],
  [{ iat: NOW + 6 }, 'token_not_yet_valid'],
  [{ iss: 'https://other.example' }, 'token_invalid'],
  [{ aud: 'other' }, 'token_invalid'],
  [{ jti: 7 }, 'token_invalid'],
])('tells what is wrong with the claims once the signature holds: %j', (claims, code) => {
  expect(judge(sign(claims))).toBe(code)
})

test('a token of another tenant under a shared key is refused (RFC 8725 §3.8, N056)', () => {
  expect(judge(sign({ iss: 'https://tenant-b.example' }))).toBe('token_invalid')
  expect(judge(sign({ aud: 'tenant-b' }))).toBe('token_invalid')
})

test('keeps to its limits', () => {
  expect(judge(sign(), { limits: { maxBytes: 100 } })).toBe('token_invalid')
  expect(judge(sign({ a: [[[]]] }), { limits: { maxDepth: 3 } })).toBe('token_invalid')
})

test('a verdict never comes from an earlier token (CVE-2026-35039, N072)', () => {
  const [one, other] = [sign({ sub: 'u1' }), sign({ sub: 'u2' })]
  for (let round = 0; round < 3; round++) {
    expect(verifyToken(one, PROFILE, NOW).claims.sub).toBe('u1')
    expect(verifyToken(other, PROFILE, NOW).claims.sub).toBe('u2')
    expect(judge(`${one.slice(0, one.lastIndexOf('.'))}${other.slice(other.lastIndexOf('.'))}`)).toBe('token_invalid')
  }
})

test('whoever changes what it returns changes nothing else', () => {
  const token = sign({ roles: ['user'] })
  const { claims } = verifyToken(token, PROFILE, NOW)
  Object.assign(claims, { sub: 'admin' })
  expect(verifyToken(token, PROFILE, NOW).claims.sub).toBe('u1')
})
