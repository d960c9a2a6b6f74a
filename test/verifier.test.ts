import { describe, expect, test } from 'vitest'
import { ConfigError } from '../src/core/errors.ts'
import type { JsonObject } from '../src/core/token/json.ts'
import { generateJwk } from '../src/core/token/generate-key.ts'
import { publicJwks } from '../src/core/token/jwks.ts'
import { signJws } from '../src/core/token/jws.ts'
import type { SigningKey } from '../src/core/token/keys.ts'
import { importSecret } from '../src/core/token/secret.ts'
import { createVerifier } from '../src/verifier.ts'
import type { VerifierConfig } from '../src/verifier.ts'
import { codeOf, keyOf, noise, signingKey } from './core/token/fixtures.ts'

const NOW = 1_767_225_600
const SECRET = noise('verifier').toString('base64url')
const KEY = keyOf(importSecret(SECRET))
const CONFIG: VerifierConfig = {
  issuer: 'https://id.example',
  audience: 'orders',
  keys: { secret: SECRET },
  clock: () => NOW,
}
const CLAIMS = { iss: 'https://id.example', sub: 'u1', aud: 'orders', exp: NOW + 900, iat: NOW, jti: 't1' }

const sign = (claims: object = {}, header: JsonObject = { typ: 'at+jwt' }, key: SigningKey = KEY): string =>
  signJws({ header, payload: { ...CLAIMS, ...claims }, key })

const judge = (token: string, config: Partial<VerifierConfig> = {}): string =>
  codeOf(() => createVerifier({ ...CONFIG, ...config }).verify(token))

/** Problems of a configuration as `path: problem`, whatever its types forbid. */
const problems = (config: object): string[] => {
  try {
    createVerifier({ ...CONFIG, ...config })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
    throw error
  }
}

test('verifies synchronously and gives back header and claims', () => {
  expect(createVerifier(CONFIG).verify(sign({ role: 'admin' }))).toEqual({
    header: { alg: 'HS256', kid: KEY.kid, typ: 'at+jwt' },
    claims: { ...CLAIMS, role: 'admin' },
  })
})

test('takes the time from the system unless given a clock', () => {
  const { clock: _clock, ...config } = CONFIG
  const now = Math.floor(Date.now() / 1000)
  const verifier = createVerifier(config)
  expect(codeOf(() => verifier.verify(sign({ iat: now, exp: now + 60 })))).toBe('accepted')
  expect(codeOf(() => verifier.verify(sign({ iat: now - 60, exp: now - 30 })))).toBe('token_expired')
})

test('wants at+jwt unless told otherwise (RFC 9068 §4)', () => {
  expect(judge(sign({}, { typ: 'JWT' }))).toBe('wrong_token_type')
  expect(judge(sign({}, { typ: 'JWT' }), { typ: 'jwt' })).toBe('accepted')
  expect(judge(sign({}, {}))).toBe('wrong_token_type')
  expect(judge(sign({}, {}), { typ: null })).toBe('accepted')
})

test('tolerates 5 seconds of clock unless told otherwise', () => {
  expect(judge(sign({ exp: NOW - 4, iat: NOW - 60 }))).toBe('accepted')
  expect(judge(sign({ exp: NOW - 5, iat: NOW - 60 }))).toBe('token_expired')
  expect(judge(sign({ exp: NOW - 1, iat: NOW - 60 }), { clockTolerance: 0 })).toBe('token_expired')
  expect(judge(sign({ exp: NOW - 59, iat: NOW - 600 }), { clockTolerance: '1m' })).toBe('accepted')
})

test('passes its other settings on', () => {
  expect(judge(sign(), { audience: ['other', 'orders'] })).toBe('accepted')
  expect(judge(sign(), { audience: ['other'] })).toBe('token_invalid')
  expect(judge(sign(), { maxLifetime: '15m' })).toBe('accepted')
  expect(judge(sign(), { maxLifetime: 899 })).toBe('token_invalid')
  expect(judge(sign(), { maxTokenBytes: 128 })).toBe('token_invalid')
  expect(judge(sign({ jti: undefined }), { required: ['sub'] })).toBe('accepted')
  expect(judge(sign(), { required: ['nonce'] })).toBe('token_invalid')
})

describe('keys', () => {
  const EC = generateJwk('ES256')
  const RSA = generateJwk('PS256')
  const document = publicJwks([signingKey(EC), signingKey(RSA)])
  const { alg: _alg, ...unnamed } = document.keys[1]!

  test('may be a JWK Set document', () => {
    for (const jwk of [EC, RSA]) {
      const token = sign({}, { typ: 'at+jwt' }, signingKey(jwk))
      expect(judge(token, { keys: document })).toBe('accepted')
      expect(judge(token)).toBe('token_invalid')
    }
  })

  test('may be a JWK Set whose keys name no algorithm, with the one to use', () => {
    const token = sign({}, { typ: 'at+jwt' }, signingKey(RSA))
    expect(problems({ keys: { keys: [unnamed] } }).join('\n')).toContain('keys.keys[0]: has no "alg"')
    expect(judge(token, { keys: { jwks: { keys: [unnamed] }, algorithm: 'PS256' } })).toBe('accepted')
    expect(judge(token, { keys: { jwks: { keys: [unnamed] }, algorithm: 'RS256' } })).toBe('token_invalid')
  })

  test('may hold secrets only where that is said (N037)', () => {
    const jwks = { keys: [generateJwk('HS256'), ...document.keys] }
    expect(problems({ keys: jwks }).join()).toContain('must not')
    expect(problems({ keys: { jwks, allowSymmetric: true } })).toEqual([])
    expect(problems({ keys: { jwks, allowSymmetric: 'yes' } }).join()).toContain('keys.allowSymmetric')
  })

  test('may be a secret for another hash', () => {
    const secret = noise('long', 64)
    const key = keyOf(importSecret(secret, { algorithm: 'HS512' }))
    expect(judge(sign({}, { typ: 'at+jwt' }, key), { keys: { secret, algorithm: 'HS512' } })).toBe('accepted')
    expect(judge(sign({}, { typ: 'at+jwt' }, key), { keys: { secret } })).toBe('token_invalid')
  })

  test.each([
    [undefined, 'keys: '],
    [null, 'keys: '],
    ['secret', 'keys: '],
    [{}, 'keys: '],
    [{ keys: [] }, 'keys.keys: '],
    [{ keys: [{}] }, 'keys.keys: '],
    [{ keys: [document.keys[0], document.keys[0]] }, 'keys: holds two keys'],
    [{ secret: undefined }, 'keys.secret: '],
    [{ secret: '' }, 'keys.secret: '],
    [{ secret: 'short' }, 'keys.secret: has 5 bytes'],
    [{ secret: SECRET, algorithm: 'RS256' }, 'keys.secret: '],
    [{ secret: SECRET, algoritm: 'HS256' }, 'keys.algoritm: is not a setting; did you mean "algorithm"?'],
    [{ jwks: document, algorithm: 'none' }, 'keys.algorithm: '],
    [{ jwks: null }, 'keys.jwks: '],
    [{ jwks: document, alowSymmetric: true }, 'keys.alowSymmetric: '],
  ])('cannot be %j (N032, N033)', (keys, problem) => {
    expect(problems({ keys }).join('\n')).toContain(problem)
  })
})

describe('settings', () => {
  test.each([
    ['issuer', ['', null, undefined, 1, /id/, ['https://id.example'], {}]],
    ['audience', ['', null, undefined, 1, [], [''], [1], /orders/, [/orders/], {}]],
    ['typ', ['', 1, [], ['at+jwt'], /at/, {}]],
    ['clockTolerance', [-1, 301, Number.NaN, Number.POSITIVE_INFINITY, 1e9, '5', '-5s', '6m', '', null, [], 0.5, true]],
    ['maxLifetime', [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '', '900', 'long', true, {}]],
    ['maxTokenBytes', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 20_000_000, '8192', null]],
    ['required', ['sub', null, 1, [1], [''], {}]],
    ['clock', [NOW, null, 'now', {}]],
  ])('%s is checked at construction (N064, N065, N071)', (name, values) => {
    for (const value of values) {
      const found = problems({ [name]: value })
      expect(found).toHaveLength(1)
      expect(found[0]).toContain(`${name}: `)
    }
  })

  test.each([
    ['isuer', 'issuer'],
    ['audiences', 'audience'],
    ['clockTolerence', 'clockTolerance'],
    ['type', 'typ'],
  ])('%s is unknown; %s was meant', (name, meant) => {
    expect(problems({ [name]: 1 })).toEqual([`${name}: is not a setting; did you mean "${meant}"?`])
  })

  test('cannot switch algorithms or checks off: there is no such setting (N021, N045)', () => {
    for (const name of ['algorithms', 'alg', 'ignoreExpiration', 'complete', 'cache', 'jku', 'jwksUri']) {
      expect(problems({ [name]: true })).toHaveLength(1)
    }
  })

  test('report every problem at once, and never a secret', () => {
    const found = problems({ issuer: '', audience: [], keys: { secret: 'hunter2' }, clockTolerance: -1, typo: 1 })
    expect(found).toHaveLength(5)
    expect(found.join()).not.toContain('hunter2')
  })

  test.each([[undefined], [null], ['x'], [[]]])('%j is no configuration', (config) => {
    expect(() => createVerifier(config as unknown as VerifierConfig)).toThrow(ConfigError)
  })
})

test.each([[undefined], [null], [1], [{}], [[]], ['']])('a token that is %j is refused as any other', (token) => {
  expect(judge(token as string)).toBe('token_invalid')
})
