import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import type { Session } from '../../../src/core/session/session.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { decodeUnverified, signJws } from '../../../src/core/token/jws.ts'
import { resolveKeys } from '../../../src/core/token/key-ring.ts'
import { signRefreshToken, verifyRefreshToken } from '../../../src/core/token/refresh-token.ts'
import { detailOf, hmacKey, keyOf, keySetOf, noise, seal } from './fixtures.ts'
import { importSecret } from '../../../src/core/token/secret.ts'

const ISSUER = 'https://api.example.com'
const GOLDEN_SECRET = noise('golden refresh token')
const KEY = keyOf(importSecret(GOLDEN_SECRET))
const VERIFIED = { issuer: ISSUER, keySet: keySetOf(KEY) }

const SESSION: Session = {
  id: 'AAECAwQFBgcICQoLDA0ODxAR',
  subject: 'usr_ann',
  createdAt: 1_700_000_000,
  authTime: 1_600_000_000,
  absoluteExpiresAt: 1_715_552_000,
  stamp: { subject: 5, global: 6 },
  grant: {
    permissions: ['orders:read'],
    claims: { role: 'chief' },
    audience: ['https://orders.example.com'],
    clientId: 'shop',
    accessLifetime: 900,
    idleLifetime: 2_592_000,
    credentialVersion: 1,
  },
  keyThumbprint: null,
  device: 'Firefox',
  refreshData: { team: 7 },
  state: {
    generation: 7,
    refreshKeyId: KEY.kid,
    rotatedAtMs: 1_700_000_500_000,
    graceFromMs: null,
    idleExpiresAtMs: 1_702_000_000_000,
    lateReplays: 0,
    suspendedAtMs: null,
    endedAtMs: null,
    endReason: null,
  },
}

// Written down once, from the RFCs and with nothing of ours: `{"alg":"HS256","kid":…,"typ":"rt+jwt"}`, then
// `{"iss":…,"sub":"usr_ann","sid":…,"gen":7,"jti":"….7","iat":1700000000,"exp":1715552000}`. Every refresh token at large
// must come out the same for ever, or an update of this library logs everybody out.
const GOLDEN_PAYLOAD =
  'eyJpc3MiOiJodHRwczovL2FwaS5leGFtcGxlLmNvbSIsInN1YiI6InVzcl9hbm4iLCJzaWQiOiJBQUVDQXdRRkJnY0lDUW9MREEwT0R4QVIiLCJnZW4i' +
  'OjcsImp0aSI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHhBUi43IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MTU1NTIwMDB9'
const GOLDEN =
  `eyJhbGciOiJIUzI1NiIsImtpZCI6IlFGTUJHejZ4RXRlaTRVcFFuRVhvMGciLCJ0eXAiOiJydCtqd3QifQ.${GOLDEN_PAYLOAD}.` +
  'LFyU_ocZOF94uijEQU60PUC7x-t2lqXXFUhBmf3S8hI'
const GOLDEN_DERIVED =
  `eyJhbGciOiJIUzI1NiIsImtpZCI6IjctZE04Qi1jcThRbDRodVBGSUp3X0EiLCJ0eXAiOiJydCtqd3QifQ.${GOLDEN_PAYLOAD}.` +
  '52hLrfhm0yDaxlGzM-MokxLMbrixpnFpoHkMyvccX_M'

describe('the bytes of a refresh token', () => {
  test('are these, for this key, session and generation', () => {
    expect(signRefreshToken(ISSUER, SESSION, KEY)).toBe(GOLDEN)
  })

  test('are these where its key is derived from keys.secret', () => {
    const keys = resolveKeys({ secret: GOLDEN_SECRET }, {})
    if ('problems' in keys) throw new Error('the secret is good')
    expect(signRefreshToken(ISSUER, SESSION, keys.refresh.signing)).toBe(GOLDEN_DERIVED)
  })

  test('rest on nothing else that a session holds (I1)', () => {
    const other: Session = {
      ...SESSION,
      authTime: 1,
      stamp: { subject: 0, global: 0 },
      grant: { ...SESSION.grant, permissions: [], claims: {}, audience: [], accessLifetime: 1, idleLifetime: 1 },
      device: null,
      refreshData: null,
      state: { ...SESSION.state, rotatedAtMs: 1, graceFromMs: 1, idleExpiresAtMs: 1, lateReplays: 1, endedAtMs: 1 },
    }
    expect(signRefreshToken(ISSUER, other, KEY)).toBe(GOLDEN)
  })

  test.each<readonly [string, Partial<Session>, string]>([
    ['the session', { id: 'another' }, ISSUER],
    ['the subject', { subject: 'usr_bob' }, ISSUER],
    ['the creation', { createdAt: 1_700_000_001 }, ISSUER],
    ['the end', { absoluteExpiresAt: 1_715_552_001 }, ISSUER],
    ['the generation', { state: { ...SESSION.state, generation: 8 } }, ISSUER],
    ['the issuer', {}, 'https://other.example'],
  ])('rest on %s', (_title, change, issuer) => {
    expect(signRefreshToken(issuer, { ...SESSION, ...change }, KEY)).not.toBe(GOLDEN)
  })

  test('hold no secret, nothing of the grant and nothing that was given at sign-in (N132)', () => {
    const { header, payload } = decodeUnverified(GOLDEN)
    expect(Object.keys(header)).toEqual(['alg', 'kid', 'typ'])
    expect(Object.keys(payload)).toEqual(['iss', 'sub', 'sid', 'gen', 'jti', 'iat', 'exp'])
  })
})

test('what was signed is read back', () => {
  expect(verifyRefreshToken(GOLDEN, VERIFIED)).toEqual({
    subject: 'usr_ann',
    sessionId: SESSION.id,
    generation: 7,
    createdAt: 1_700_000_000,
    keyId: KEY.kid,
  })
})

test('its times are left to the clock of the store, which alone ends sessions', () => {
  const past = signRefreshToken(ISSUER, { ...SESSION, createdAt: 1, absoluteExpiresAt: 2 }, KEY)
  expect(verifyRefreshToken(past, VERIFIED).createdAt).toBe(1)
})

describe('a refresh token is refused for', () => {
  const { payload: PAYLOAD } = decodeUnverified(GOLDEN)
  const signed = (payload: JsonObject = {}, typ = 'rt+jwt'): string =>
    signJws({ header: { typ }, payload: { ...PAYLOAD, ...payload }, key: KEY })

  test.each<readonly [string, string, string]>([
    ['another issuer', signed({ iss: 'https://other.example' }), 'iss is not this issuer'],
    ['no issuer', signed({ iss: undefined }), 'iss is not this issuer'],
    ['a subject that is no text', signed({ sub: 7 }), 'sub or sid is not a string'],
    ['no session', signed({ sid: undefined }), 'sub or sid is not a string'],
    ['a generation below 0', signed({ gen: -1, jti: `${SESSION.id}.-1` }), 'gen or iat is not a count'],
    ['a generation in a text', signed({ gen: '7' }), 'gen or iat is not a count'],
    ['a generation with a fraction', signed({ gen: 7.5, jti: `${SESSION.id}.7.5` }), 'gen or iat is not a count'],
    [
      'a generation beyond counting',
      signed({ gen: 2 ** 53, jti: `${SESSION.id}.${2 ** 53}` }),
      'gen or iat is not a count',
    ],
    ['a creation that is no date', signed({ iat: '1700000000' }), 'gen or iat is not a count'],
    ['the jti of another generation', signed({ gen: 8 }), 'jti is not that of the generation'],
    ['no jti', signed({ jti: undefined }), 'jti is not that of the generation'],
    ['the typ of an access token (N051)', signed({}, 'at+jwt'), 'typ is not that of a refresh token'],
    ['the typ of any JWT', signed({}, 'JWT'), 'typ is not that of a refresh token'],
    [
      'no kid, though its signature holds',
      seal('{"alg":"HS256","typ":"rt+jwt"}', JSON.stringify(PAYLOAD), GOLDEN_SECRET),
      'kid is missing',
    ],
    ['one byte of its signature', `${GOLDEN.slice(0, -2)}A${GOLDEN.slice(-1)}`, 'the signature does not hold'],
    ['its key', signRefreshToken(ISSUER, SESSION, hmacKey(KEY.kid)), 'the signature does not hold'],
    ['being none', 'none', 'the signature does not hold'],
    ['being empty', '', 'the signature does not hold'],
  ])('%s', (_title, token, detail) => {
    expect(detailOf(() => verifyRefreshToken(token, VERIFIED))).toBe(detail)
  })

  test.each([undefined, null, 7, {}, [GOLDEN]])('being %j', (token) => {
    // What the types forbid arrives from JavaScript all the same.
    expect(detailOf(() => verifyRefreshToken(token as string, VERIFIED))).toBe('the signature does not hold')
  })

  test('any of it with one code, whatever is the reason', () => {
    for (const token of [signed({ iss: 'other' }), signed({}, 'at+jwt'), `${GOLDEN}x`, '']) {
      expect(() => verifyRefreshToken(token, VERIFIED)).toThrow(
        expect.objectContaining({ code: 'refresh_token_invalid', constructor: AuthError }) as Error,
      )
    }
  })
})
