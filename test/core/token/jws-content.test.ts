import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isAlgorithm, isHmacAlgorithm } from '../../../src/core/token/algorithms.ts'
import { signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { codeOf, detailOf, HEADER, hmacKey, keySetOf, noise, seal, SECRET } from './fixtures.ts'

const KEY = hmacKey()
const KEYS = keySetOf(KEY)
const TOKEN = signJws({ header: { typ: 'at+jwt' }, payload: { sub: 'u1', list: [1, 'a', null] }, key: KEY })
const [, payload = '', signature = ''] = TOKEN.split('.')

const refusal = (token: unknown): string => detailOf(() => verifyJws(token, KEYS))

/** A token whose signature holds and whose header has these members besides `alg` and `kid`. */
const withHeader = (members: object): string => seal(JSON.stringify({ alg: 'HS256', kid: 'k1', ...members }), '{}')

describe('header', () => {
  test.each([
    '[]',
    '["HS256"]',
    'null',
    '"HS256"',
    '1',
    'true',
    '',
    ' ',
    'x',
    '{',
    '{}{}',
    '{"alg":"HS256"}x',
    '{alg:"HS256"}',
    "{'alg':'HS256'}",
  ])('refuses %j (N009, N049)', (text) => {
    expect(codeOf(() => verifyJws(seal(text, '{}'), KEYS))).toBe('token_invalid')
  })

  test('refuses an empty object (N049)', () => {
    expect(refusal(seal('{}', '{}'))).toContain('algorithm')
  })

  test.each([
    ['a member twice', '{"alg":"none","alg":"HS256","kid":"k1"}'],
    ['the same hidden by an escape', String.raw`{"alg":"none","\u0061lg":"HS256","kid":"k1"}`],
    ['two kid', '{"alg":"HS256","kid":"k2","kid":"k1"}'],
  ])('refuses %s (RFC 7515 §4, N010)', (_what, text) => {
    expect(refusal(seal(text, '{}'))).toContain('header')
  })

  test('refuses malformed UTF-8 and a byte order mark (RFC 8725 §3.7, N007)', () => {
    expect(refusal(seal(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(HEADER)]), '{}'))).toContain('header')
    expect(refusal(seal(Buffer.from(HEADER.replace('}', ',"x":"\u00e9"}'), 'latin1'), '{}'))).toContain('header')
    expect(refusal(seal(Buffer.from(HEADER, 'utf16le'), '{}'))).toContain('header')
  })

  test.each([
    ['none'],
    ['None'],
    ['NONE'],
    ['nOnE'],
    [''],
    [null],
    [undefined],
    [0],
    [256],
    [true],
    [[]],
    [['HS256']],
    [{}],
    [{ alg: 'HS256' }],
    ['hs256'],
    ['HS256 '],
    [' HS256'],
    ['HS256\0'],
    ['HS-256'],
    ['HS1'],
    ['ES256K'],
    ['RSA-OAEP'],
    ['dir'],
    ['A256GCM'],
    ['toString'],
    ['__proto__'],
    ['constructor'],
    ['hasOwnProperty'],
  ])('refuses alg %j (CVE-2015-9235, N021, N022)', (alg) => {
    expect(refusal(seal(JSON.stringify({ alg, kid: 'k1' }), '{}'))).toContain('algorithm')
    expect(isAlgorithm(alg)).toBe(false)
    expect(isHmacAlgorithm(alg)).toBe(false)
  })

  test('refuses none with every kind of signature (N016, N021)', () => {
    const bare = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}`
    for (const end of ['.', '', '.AA', `.${signature}`])
      expect(codeOf(() => verifyJws(bare + end, KEYS))).toBe('token_invalid')
  })

  test.each([[['exp']], [[]], [['alg']], [['b64']], [['x', 'x']], ['exp'], [null], [{}], [true], [['missing']]])(
    'refuses crit %j (RFC 7515 §4.1.11, N047)',
    (crit) => {
      expect(refusal(withHeader({ crit, exp: 1, x: 1 }))).toBe('the header has crit')
    },
  )

  test.each([
    [{ b64: false }, 'b64'],
    [{ b64: true }, 'b64'],
    [{ b64: false, crit: ['b64'] }, 'crit'],
    [{ zip: 'DEF' }, 'zip'],
    [{ zip: null }, 'zip'],
    [{ enc: 'A256GCM' }, 'enc'],
  ])('refuses %j (RFC 7797 §7, N015, N018, N048)', (members, name) => {
    expect(refusal(withHeader(members))).toBe(`the header has ${name}`)
  })

  test('refuses an unencoded payload even where its signature holds (RFC 7797, N048)', () => {
    const input = `${Buffer.from('{"alg":"HS256","kid":"k1","b64":false,"crit":["b64"]}').toString('base64url')}.{}`
    expect(
      codeOf(() => verifyJws(`${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`, KEYS)),
    ).toBe('token_invalid')
  })

  test.each([['JWT'], ['jwt'], ['application/jwt'], ['APPLICATION/JWT'], [1], [null], [['JWT']]])(
    'refuses cty %j (RFC 7519 §5.2, N017)',
    (cty) => {
      expect(refusal(withHeader({ cty }))).toContain('another token')
    },
  )

  test('lets any other cty pass', () => {
    expect(refusal(withHeader({ cty: 'json' }))).toBe('accepted')
  })

  test.each([[['at+jwt']], [1], [null], [{}], [true]])('refuses typ %j before the signature (N054)', (typ) => {
    expect(refusal(withHeader({ typ }))).toContain('typ')
  })
})

describe('payload', () => {
  test.each([
    '[]',
    '[{"sub":"u1"}]',
    '"text"',
    '1',
    'true',
    'null',
    '{',
    '{}{}',
    '{"a":1,}',
    '{"a":NaN}',
    'eyJ9',
    '{"a":1,"a":2}',
    String.raw`{"sub":"a","\u0073ub":"b"}`,
  ])('refuses %j after its signature held (N008, N009, N010)', (text) => {
    expect(refusal(seal(HEADER, text))).toContain('payload')
  })

  test('refuses malformed UTF-8 after its signature held (N007)', () => {
    expect(refusal(seal(HEADER, Buffer.from('{"sub":"\u00e9"}', 'latin1')))).toContain('payload')
    expect(refusal(seal(HEADER, '\ufeff{}'))).toContain('payload')
  })

  test('is not parsed before the signature holds (RFC 8725 §3.9, N034)', () => {
    const unsigned = seal(HEADER, '{"a":1,"a":2}', noise('other'))
    expect(refusal(unsigned)).toBe('the signature does not hold')
  })
})
