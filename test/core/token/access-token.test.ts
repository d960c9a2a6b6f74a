import { describe, expect, test } from 'vitest'
import type { AccessTokenContent } from '../../../src/core/token/access-token.ts'
import { readAccessToken, reservedAmong, signAccessToken } from '../../../src/core/token/access-token.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { decodeUnverified } from '../../../src/core/token/jws.ts'
import { codeOf, detailOf, hmacKey, noise, signingKey } from './fixtures.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'

const CONTENT: AccessTokenContent = {
  subject: 'ann',
  tokenId: 't1',
  sessionId: 's1',
  audience: ['https://orders.example.com'],
  clientId: 'shop',
  issuedAt: 1_700_000_000,
  expiresAt: 1_700_000_900,
  authTime: 1_699_999_000,
  permissions: ['orders:read', 'orders:write'],
  stamp: { subject: 3, global: 4 },
  claims: { role: 'chief', limit: { day: [1, 2] } },
}

const payloadOf = (change: Partial<AccessTokenContent> = {}): JsonObject =>
  decodeUnverified(signAccessToken('https://api.example.com', { ...CONTENT, ...change }, hmacKey())).payload

describe('signing', () => {
  test('writes the claims of RFC 9068 §2.2 and ours in one order, the custom ones last', () => {
    expect(Object.entries(payloadOf())).toEqual([
      ['iss', 'https://api.example.com'],
      ['sub', 'ann'],
      ['aud', 'https://orders.example.com'],
      ['client_id', 'shop'],
      ['exp', 1_700_000_900],
      ['iat', 1_700_000_000],
      ['jti', 't1'],
      ['sid', 's1'],
      ['auth_time', 1_699_999_000],
      ['scope', 'orders:read orders:write'],
      ['stamp', [3, 4]],
      ['role', 'chief'],
      ['limit', { day: [1, 2] }],
    ])
  })

  test('says at+jwt and the key in the header (RFC 9068 §2.1)', () => {
    const token = signAccessToken('https://api.example.com', CONTENT, hmacKey('k7'))
    expect(decodeUnverified(token).header).toEqual({ alg: 'HS256', kid: 'k7', typ: 'at+jwt' })
  })

  test('takes the algorithm from the key', () => {
    const key = signingKey(generateJwk('EdDSA'))
    expect(decodeUnverified(signAccessToken('i', CONTENT, key)).header.alg).toBe('EdDSA')
  })

  test('leaves out what there is not', () => {
    const payload = payloadOf({ sessionId: null, authTime: null, permissions: [], claims: {} })
    expect(Object.keys(payload)).toEqual(['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti', 'stamp'])
  })

  test('writes several audiences as a list (RFC 7519 §4.1.3)', () => {
    expect(payloadOf({ audience: ['a', 'b'] })['aud']).toEqual(['a', 'b'])
  })
})

describe('reading', () => {
  test('gives back what was signed', () => {
    expect(readAccessToken(payloadOf())).toEqual(CONTENT)
    const bare = { ...CONTENT, sessionId: null, authTime: null, permissions: [], claims: {}, audience: ['a', 'b'] }
    expect(readAccessToken(payloadOf(bare))).toEqual(bare)
  })

  test('keeps a custom claim called __proto__ as one of its own (N150)', () => {
    const claims = JSON.parse('{"__proto__":{"role":"god"}}') as JsonObject
    const read = readAccessToken(payloadOf({ claims })).claims
    expect(Object.keys(read)).toEqual(['__proto__'])
    expect(read['role']).toBeUndefined()
  })

  test('gives no claim of its own meaning out as a custom one', () => {
    const { claims } = readAccessToken({ ...payloadOf(), nbf: 1, cnf: {}, act: {}, permissions: ['x'], plain: true })
    expect(claims).toEqual({ ...CONTENT.claims, plain: true })
  })

  test('takes a token of another issuer of the same key without our own claims', () => {
    const { sid: _sid, stamp: _stamp, client_id: _client, auth_time: _time, scope: _scope, ...foreign } = payloadOf()
    expect(readAccessToken(foreign)).toMatchObject({
      sessionId: null,
      stamp: { subject: 0, global: 0 },
      clientId: '',
      authTime: null,
      permissions: [],
    })
  })

  test('splits scope at spaces, however many (RFC 6749 §3.3)', () => {
    expect(readAccessToken({ ...payloadOf(), scope: ' a  b ' }).permissions).toEqual(['a', 'b'])
  })

  test.each<readonly [string, JsonObject, string]>([
    ['sub', { sub: 7 }, 'sub is not a string'],
    ['sub, empty', { sub: '' }, 'sub is not a string'],
    ['jti', { jti: undefined }, 'jti is not a string'],
    ['sid', { sid: ['s1'] }, 'sid is not a string'],
    ['client_id', { client_id: null }, 'client_id is not a string'],
    ['scope', { scope: ['a'] }, 'scope is not a string'],
    ['iat', { iat: '1' }, 'iat is not a NumericDate'],
    ['exp', { exp: -1 }, 'exp is not a NumericDate'],
    ['auth_time', { auth_time: true }, 'auth_time is not a NumericDate'],
    ['stamp, no list', { stamp: 3 }, 'stamp is not a pair of counters'],
    ['stamp, too short', { stamp: [3] }, 'stamp is not a pair of counters'],
    ['stamp, too long', { stamp: [3, 4, 5] }, 'stamp is not a pair of counters'],
    ['stamp, negative', { stamp: [-1, 4] }, 'stamp is not a pair of counters'],
    ['stamp, with a fraction', { stamp: [3, 4.5] }, 'stamp is not a pair of counters'],
    ['stamp, in texts', { stamp: ['3', '4'] }, 'stamp is not a pair of counters'],
    ['stamp, null', { stamp: null }, 'stamp is not a pair of counters'],
    ['stamp, an object', { stamp: { subject: 3, global: 4 } }, 'stamp is not a pair of counters'],
  ])('refuses a claim of the wrong type: %s', (_title, change, detail) => {
    const claims = { ...payloadOf(), ...change }
    expect(codeOf(() => readAccessToken(claims))).toBe('token_invalid')
    expect(detailOf(() => readAccessToken(claims))).toBe(detail)
  })
})

test('names every reserved claim among custom ones, and no other', () => {
  const names = Object.keys(payloadOf({ claims: {} }))
  expect(reservedAmong(Object.fromEntries(names.map((name) => [name, 1])))).toEqual(names)
  expect(reservedAmong({ role: 1, Sub: 1, subject: 1, toString: 1 })).toEqual([])
})

test('two secrets make two tokens, one secret makes one', () => {
  const [first, again, other] = ['a', 'a', 'b'].map((name) => signAccessToken('i', CONTENT, hmacKey('k', noise(name))))
  expect(first).toBe(again)
  expect(first).not.toBe(other)
})
