import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/core/errors.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { decodeUnverified, signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { codeOf, detailOf, HEADER, hmacKey, keySetOf, noise, seal, SECRET, signingKey } from './fixtures.ts'

const KEY = hmacKey()
const KEYS = keySetOf(KEY)
const CLAIMS = { sub: 'u1', nested: { list: [1, 'a', null, true] } }
const TOKEN = signJws({ header: { typ: 'at+jwt' }, payload: CLAIMS, key: KEY })
const [header = '', payload = '', signature = ''] = TOKEN.split('.')

const refusal = (token: unknown): string => detailOf(() => verifyJws(token, KEYS))

/** A token whose signature holds and whose header has these members besides `alg` and `kid`. */
const withHeader = (members: object): string => seal(JSON.stringify({ alg: 'HS256', kid: 'k1', ...members }), '{}')

describe('signing', () => {
  test('writes alg, kid, typ, then the rest, and compact JSON', () => {
    const token = signJws({ header: { x: 1, typ: 'at+jwt' }, payload: { b: 1, a: [] }, key: KEY })
    const texts = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString())
    expect(texts.slice(0, 2)).toEqual(['{"alg":"HS256","kid":"k1","typ":"at+jwt","x":1}', '{"b":1,"a":[]}'])
  })

  test('gives the same token for the same input with HMAC and EdDSA', () => {
    for (const key of [KEY, signingKey(generateJwk('EdDSA'))]) {
      expect(signJws({ header: {}, payload: CLAIMS, key })).toBe(signJws({ header: {}, payload: { ...CLAIMS }, key }))
    }
  })

  test('takes a payload that has been written already as it is', () => {
    const token = signJws({ header: {}, payload: '{ "sub" : "u1" }', key: KEY })
    expect(Buffer.from(token.split('.')[1]!, 'base64url').toString()).toBe('{ "sub" : "u1" }')
  })

  test('leaves undefined claims out', () => {
    const token = signJws({ header: {}, payload: { sub: 'u1', sid: undefined }, key: KEY })
    expect(verifyJws(token, KEYS).claims).toEqual({ sub: 'u1' })
  })

  test.each(['alg', 'kid', 'crit', 'b64', 'zip', 'enc'])('does not let a header set %s', (name) => {
    expect(() => signJws({ header: { [name]: 'none' }, payload: {}, key: KEY })).toThrow(ConfigError)
  })
})

describe('verifying', () => {
  test('gives back header and claims', () => {
    expect(verifyJws(TOKEN, KEYS)).toEqual({ header: { alg: 'HS256', kid: 'k1', typ: 'at+jwt' }, claims: CLAIMS })
  })

  test('takes whitespace inside of the JSON for what it is', () => {
    expect(codeOf(() => verifyJws(seal('{ "alg" : "HS256",\n\t"kid" : "k1" }', ' { } '), KEYS))).toBe('accepted')
  })

  test('ignores keys and certificates that a token brings along (CVE-2018-0114, N044, N045)', () => {
    const attacker = generateJwk('ES256')
    const { d: _d, ...jwk } = attacker
    const key = { ...signingKey(attacker), kid: 'k1' }
    for (const members of [
      { jwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example' },
      { x5c: ['AAAA'] },
    ]) {
      const forged = signJws({ header: members as JsonObject, payload: { sub: 'admin' }, key })
      expect(codeOf(() => verifyJws(forged, KEYS))).toBe('token_invalid')
      expect(codeOf(() => verifyJws(withHeader(members), KEYS))).toBe('accepted')
    }
  })

  test('a header cannot pollute anything (CWE-1321, N011)', () => {
    const token = seal(
      '{"__proto__":{"alg":"none","admin":true},"alg":"HS256","kid":"k1"}',
      '{"__proto__":{"admin":true}}',
    )
    const { header: own, claims } = verifyJws(token, KEYS)
    for (const value of [own, claims, {}] as { admin?: unknown }[]) expect(value.admin).toBeUndefined()
    expect(refusal(seal('{"__proto__":{"alg":"HS256","kid":"k1"}}', '{}'))).toContain('algorithm')
  })
})

const bump = (text: string): string => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1)

describe('structure', () => {
  test.each([
    ['nothing', ''],
    ['one segment', header],
    ['two segments', `${header}.${payload}`],
    ['four segments', `${TOKEN}.${signature}`],
    ['five segments', `${TOKEN}.${payload}.${signature}`],
    ['six segments', `${TOKEN}.${TOKEN}`],
    ['a dot before', `.${TOKEN}`],
    ['a dot behind', `${TOKEN}.`],
    ['dots alone', '..'],
    ['two dots in the middle', `${header}..${payload}.${signature}`],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', seal(HEADER, '')],
    ['an empty signature', `${header}.${payload}.`],
  ])('refuses %s (N001, N002)', (_what, token) => {
    expect(refusal(token)).toBe('not three segments')
  })

  test.each([
    [' ', ''],
    ['', ' '],
    ['\n', ''],
    ['', '\n'],
    ['', '\r\n'],
    ['\t', ''],
    ['', '\0'],
    ['\ufeff', ''],
    ['"', '"'],
    ['Bearer ', ''],
  ])('refuses %j before and %j behind it (N003)', (before, behind) => {
    expect(codeOf(() => verifyJws(before + TOKEN + behind, KEYS))).toBe('token_invalid')
  })

  test.each([' ', '\n', '\0', '=', '+', '/', '?', '\u0141'])(
    'refuses %j at any place, also where a lax decoder skips it (N003, N004)',
    (character) => {
      const inserted = (at: number): string => TOKEN.slice(0, at) + character + TOKEN.slice(at)
      const places = Array.from({ length: TOKEN.length + 1 }, (_, at) => at)
      expect(places.filter((at) => codeOf(() => verifyJws(inserted(at), KEYS)) !== 'token_invalid')).toEqual([])
    },
  )

  test('refuses a payload beyond base64url even where the signature holds over its text (N003)', () => {
    for (const text of ['e30=', 'e30 ', 'e3?0', 'e31', 'e', 'e3\u01410']) {
      const input = `${header}.${text}`
      const token = `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
      expect(refusal(token)).toContain('payload')
    }
  })

  test('refuses bits left over at the end of each segment, even where the signature holds over that text (N005)', () => {
    expect(refusal(`${header}.${payload}.${bump(signature)}`)).toBe('the signature does not hold')
    // 40 and 2 bytes: both leave four bits over.
    const [first, second] = [`${HEADER} `.slice(0, -1).replace('}', ' '.repeat(40 - (HEADER.length % 3)) + '}'), '{}']
    const segments = [first, second].map((text) => Buffer.from(text).toString('base64url'))
    expect(segments.map((text) => text.length % 4 !== 0)).toEqual([true, true])
    for (const [at, what] of ['header', 'payload'].entries()) {
      const input = segments.map((text, index) => (index === at ? bump(text) : text)).join('.')
      const mac = createHmac('sha256', SECRET).update(input).digest('base64url')
      expect(refusal(`${input}.${mac}`)).toContain(what)
    }
  })

  test.each([[undefined], [null], [0], [{}], [[TOKEN]], [Buffer.from(TOKEN)], [Object(TOKEN)]])(
    'refuses what is no string: %j',
    (token) => {
      expect(codeOf(() => verifyJws(token, KEYS))).toBe('token_invalid')
    },
  )

  test.each([
    ['general JSON', JSON.stringify({ payload, signatures: [{ protected: header, signature }] })],
    ['flattened JSON', JSON.stringify({ payload, protected: header, signature })],
    [
      'a compact token as a JSON member',
      `{"${TOKEN}":1,"payload":"","protected":"${header}","signature":"${signature}"}`,
    ],
  ])('refuses %s serialization (CVE-2022-39227, N014)', (_what, token) => {
    expect(codeOf(() => verifyJws(token, KEYS))).toBe('token_invalid')
  })
})

const padded = (length: number): string => {
  const bare = seal(HEADER, '{"p":""}').length
  const token = seal(HEADER, JSON.stringify({ p: 'x'.repeat(Math.floor(((length - bare) * 3) / 4)) }))
  return token
}

const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

describe('size', () => {
  test('takes 8192 bytes unless told otherwise, and refuses more (N012)', () => {
    const token = padded(8192)
    expect(token.length).toBeGreaterThan(8188)
    expect(token.length).toBeLessThanOrEqual(8192)
    expect(codeOf(() => verifyJws(token, KEYS))).toBe('accepted')
    expect(refusal(padded(8196))).toContain('size limit')
    expect(codeOf(() => verifyJws(padded(8196), KEYS, { maxBytes: 10_000 }))).toBe('accepted')
    expect(codeOf(() => verifyJws(TOKEN, KEYS, { maxBytes: TOKEN.length - 1 }))).toBe('token_invalid')
  })

  test('refuses a long token at once, whatever it is made of (CVE-2025-30204, N013)', () => {
    const long = ['a'.repeat(10_000_000), '.'.repeat(1_000_000), `${header}.${'a'.repeat(10_000_000)}.${signature}`]
    const started = performance.now()
    for (let round = 0; round < 100; round++) {
      for (const token of long) expect(refusal(token)).toContain('size limit')
    }
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('refuses nesting beyond 32 in header and payload (N012)', () => {
    expect(refusal(seal(HEADER, nested(32)))).toBe('accepted')
    expect(refusal(seal(HEADER, nested(33)))).toContain('payload')
    expect(refusal(seal(HEADER.replace('}', `,"x":${'['.repeat(32)}${']'.repeat(32)}}`), '{}'))).toContain('header')
    expect(codeOf(() => verifyJws(TOKEN, KEYS, { maxDepth: 2 }))).toBe('token_invalid')
  })
})

describe('taking apart without verifying', () => {
  test('shows what a token says, whoever signed it', () => {
    const token = seal(HEADER, '{"sub":"u1"}', noise('other'))
    expect(decodeUnverified(token)).toEqual({
      header: { alg: 'HS256', kid: 'k1', typ: 'at+jwt' },
      payload: { sub: 'u1' },
      signature: Buffer.from(token.split('.')[2]!, 'base64url'),
    })
  })

  test.each(['', 'a.b.c', `${TOKEN}=`, `${TOKEN}.x`, seal('{"alg":"none"}', '{}'), seal(HEADER, '[]')])(
    'refuses the malformed %j',
    (token) => {
      expect(codeOf(() => decodeUnverified(token))).toBe('token_invalid')
    },
  )
})

test('what goes to the log never holds a part of the token (N147)', () => {
  const canary = 'CANARY'
  const tokens = [
    `${canary}.${canary}.${canary}`,
    canary.repeat(2000),
    seal(`{"alg":"${canary}"}`, '{}'),
    seal(HEADER, canary),
    seal(`{"alg":"HS256","kid":"${canary}"}`, '{}'),
    withHeader({ crit: [canary] }),
    withHeader({ typ: [canary] }),
    seal(HEADER, '{}', noise(canary)),
  ]
  for (const token of tokens) {
    expect(refusal(token)).not.toBe('accepted')
    expect(refusal(token)).not.toContain(canary)
  }
})
