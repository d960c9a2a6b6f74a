import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importJWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { ALGORITHM_NAMES, generateJwk } from '../../src/index.ts'
import type { Algorithm } from '../../src/index.ts'
import { runJotward, temporaryFolder } from './processes.ts'
import type { RunOptions } from './processes.ts'

type Jwk = ReturnType<typeof generateJwk>

const NOW = 1_800_000_000
const CLAIMS = {
  iss: 'https://id.example',
  sub: 'u1',
  aud: 'https://api.example',
  exp: NOW + 600,
  iat: NOW - 60,
  jti: 't1',
}
const KEYS = new Map(ALGORITHM_NAMES.map((algorithm) => [algorithm, generateJwk(algorithm)]))

const keyFor = (algorithm: Algorithm): Jwk => KEYS.get(algorithm) ?? generateJwk(algorithm)

interface Wanted {
  readonly algorithm?: Algorithm
  readonly jwk?: Jwk
  readonly typ?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

const sign = async ({
  algorithm = 'EdDSA',
  jwk = keyFor(algorithm),
  typ = 'at+jwt',
  claims = {},
  header = {},
}: Wanted = {}) => {
  const { kid = '' } = jwk as { readonly kid?: string }
  // Members that are not there are left out, so that a claim can be taken away.
  const payload = Object.fromEntries(
    Object.entries({ ...CLAIMS, ...claims }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, kid, typ, ...header })
    .sign(await importJWK(jwk, algorithm))
}

const keySet = (keys: readonly object[]): string => {
  const file = join(temporaryFolder(), 'keys.json')
  writeFileSync(file, JSON.stringify({ keys }))
  return file
}

const allKeys = (): string => keySet([...KEYS.values()])

const verify = (file: string, input: RunOptions['input'] = '', ...options: string[]) => {
  const expected = ['--jwks', file, '--issuer', CLAIMS.iss, '--audience', CLAIMS.aud]
  return runJotward(['token', 'verify', ...expected, '--now', String(NOW), ...options], { input })
}

const answers = (stdout: string): unknown[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('jotward token verify', () => {
  test('accepts a token of each of the thirteen algorithms, from one set with oct keys beside public ones', async () => {
    expect(ALGORITHM_NAMES).toHaveLength(13)
    const tokens = await Promise.all(ALGORITHM_NAMES.map((algorithm) => sign({ algorithm })))
    const { code, stdout, stderr } = await verify(allKeys(), `${tokens.join('\n')}\n`)
    expect(stderr).toBe('')
    expect(answers(stdout)).toEqual(
      ALGORITHM_NAMES.map((alg) => ({
        valid: true,
        header: { alg, kid: (keyFor(alg) as { kid?: string }).kid, typ: 'at+jwt' },
        claims: CLAIMS,
      })),
    )
    expect(code).toBe(0)
  })

  test('answers each kind of bad token with its code, in order, and exits with 1', async () => {
    const good = await sign()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const { kid = '' } = keyFor('EdDSA') as { readonly kid?: string }
    const publicText = JSON.stringify(keyFor('RS256'))
    const hmacInput = `${base64url({ alg: 'HS256', kid: (keyFor('RS256') as { kid?: string }).kid })}.${payload}`
    const bad: readonly (readonly [title: string, token: string, code: string])[] = [
      ['no token at all', 'hello', 'token_invalid'],
      ['alg none (N021)', `${base64url({ alg: 'none', kid, typ: 'at+jwt' })}.${payload}.`, 'token_invalid'],
      ['a flipped signature (N036)', `${header}.${payload}.${'A'.repeat(signature.length)}`, 'token_invalid'],
      ['another payload', `${header}.${base64url({ ...CLAIMS, sub: 'root' })}.${signature}`, 'token_invalid'],
      [
        'a public key used as a secret (N023)',
        `${hmacInput}.${createHmac('sha256', publicText).update(hmacInput).digest('base64url')}`,
        'token_invalid',
      ],
      ['an unknown key (N041)', await sign({ jwk: generateJwk('EdDSA') }), 'token_invalid'],
      ['no kid among many keys (N043)', await sign({ header: { kid: undefined } }), 'token_invalid'],
      ['white space before it (N003)', ` ${good}`, 'token_invalid'],
      ['a carriage return in it', `${header}\r.${payload}.${signature}`, 'token_invalid'],
      ['a character beyond ASCII (N003)', `${good}\u{FFFD}`, 'token_invalid'],
      ['another type (N053)', await sign({ typ: 'JWT' }), 'wrong_token_type'],
      ['an expired one (N060)', await sign({ claims: { exp: NOW - 5 } }), 'token_expired'],
      ['one from the future (N062)', await sign({ claims: { nbf: NOW + 60 } }), 'token_not_yet_valid'],
      ['another issuer (N066)', await sign({ claims: { iss: 'https://id.example/' } }), 'token_invalid'],
      ['another audience (N067)', await sign({ claims: { aud: ['https://other.example'] } }), 'token_invalid'],
      ['no subject (N068)', await sign({ claims: { sub: undefined } }), 'token_invalid'],
      ['no jti', await sign({ claims: { jti: undefined } }), 'token_invalid'],
      ['more than 8 KiB (N013)', await sign({ claims: { note: 'x'.repeat(9000) } }), 'token_invalid'],
    ]
    const { code, stdout } = await verify(allKeys(), bad.map(([, token]) => token).join('\n'))
    const titled = answers(stdout).map((answer, at) => [bad[at]?.[0], answer])
    expect(titled).toEqual(bad.map(([title, , expected]) => [title, { valid: false, code: expected }]))
    expect(code).toBe(1)
  })

  test('skips blank lines, takes CRLF as a line end, and needs none after the last token', async () => {
    const good = await sign()
    const { code, stdout } = await verify(allKeys(), `\n${good}\r\n \t\r\n\r\n\n${good}`)
    expect(answers(stdout)).toMatchObject([{ valid: true }, { valid: true }])
    expect(code).toBe(0)
  })

  test('says nothing and exits with 0 where there is no token', async () => {
    expect(await verify(allKeys(), '\n\r\n')).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('reads each line as a JSON string with --json', async () => {
    const good = await sign()
    const lines = [good, `${good}\n`, '', '\u2028'].map((token) => JSON.stringify(token))
    const input = [...lines, '"', '{"token":1}', '17'].join('\n')
    const { code, stdout } = await verify(allKeys(), input, '--json')
    const invalid = { valid: false, code: 'token_invalid' }
    expect(answers(stdout)).toEqual([
      expect.objectContaining({ valid: true }),
      ...Array.from({ length: 6 }, () => invalid),
    ])
    expect(code).toBe(1)
  })

  test('takes U+2028 and a lone CR for parts of a token, not for line ends', async () => {
    const good = await sign()
    const { stdout } = await verify(allKeys(), `${good}\u2028${good}\r${good}\n`)
    expect(answers(stdout)).toEqual([{ valid: false, code: 'token_invalid' }])
  })

  test('refuses bytes that are not UTF-8 (N007)', async () => {
    const input = Buffer.concat([Buffer.from(await sign()), Buffer.from([0xff, 0xc0, 0x80])])
    expect(answers((await verify(allKeys(), input)).stdout)).toEqual([{ valid: false, code: 'token_invalid' }])
  })

  test.each([
    ['--clock-tolerance', ['--clock-tolerance', '0'], { exp: NOW }, 'token_expired'],
    ['--clock-tolerance', ['--clock-tolerance', '300'], { iat: NOW - 900, exp: NOW - 299 }, null],
    ['--max-lifetime', ['--max-lifetime', '600'], { iat: NOW, exp: NOW + 601 }, 'token_invalid'],
    ['--max-lifetime', ['--max-lifetime', '601'], { iat: NOW, exp: NOW + 601 }, null],
    ['--max-token-bytes', ['--max-token-bytes', '16384'], { note: 'x'.repeat(9000) }, null],
    ['--max-token-bytes', ['--max-token-bytes', '200'], {}, 'token_invalid'],
    ['--require', ['--require', 'iss,aud,tenant'], {}, 'token_invalid'],
    ['--require', ['--require', 'iss,aud'], { sub: undefined, jti: undefined, iat: undefined }, null],
    ['--require', ['--require='], { sub: undefined, exp: undefined }, null],
    ['--now', [`--now=${NOW + 604}.5`], {}, null],
    ['--now', [`--now=${NOW + 605}`], {}, 'token_expired'],
  ])('obeys %s (%j, %j)', async (_option, options, claims, refusal) => {
    // Each option once: what the test gives stands instead of the time that `verify` adds.
    const args = ['token', 'verify', '--jwks', allKeys(), '--issuer', CLAIMS.iss, '--audience', CLAIMS.aud]
    const now = options.some((option) => option.startsWith('--now')) ? [] : ['--now', String(NOW)]
    const { code, stdout } = await runJotward([...args, ...now, ...options], { input: await sign({ claims }) })
    expect(answers(stdout)).toMatchObject([refusal === null ? { valid: true } : { valid: false, code: refusal }])
    expect(code).toBe(refusal === null ? 0 : 1)
  })

  test('obeys --typ', async () => {
    const { stdout } = await verify(allKeys(), await sign({ typ: 'rt+jwt' }), '--typ', 'rt+jwt')
    expect(answers(stdout)).toMatchObject([{ valid: true }])
  })

  test("takes --typ '' for tokens that have no type", async () => {
    const [none, typed] = [await sign({ header: { typ: undefined } }), await sign()]
    const { stdout } = await verify(allKeys(), `${none}\n${typed}`, '--typ', '')
    expect(answers(stdout)).toMatchObject([{ valid: true }, { valid: false, code: 'wrong_token_type' }])
  })

  test('gives a reason for each token on standard error with --explain, and nothing else differs', async () => {
    const tokens = [
      await sign(),
      await sign({ claims: { sub: undefined } }),
      await sign({ typ: 'JWT' }),
      await sign({ claims: { iss: 'a\nb\u2028' } }),
    ].join('\n')
    const plain = await verify(allKeys(), tokens)
    const explained = await verify(allKeys(), tokens, '--explain')
    expect(explained).toMatchObject({ code: 1, stdout: plain.stdout })
    const reasons = explained.stderr.trimEnd().split('\n')
    expect(reasons).toEqual([
      'valid',
      expect.stringMatching(/^token_invalid: .*sub/),
      expect.stringMatching(/^wrong_token_type: ./),
      expect.stringMatching(/^token_invalid: .*iss/),
    ])
    expect(plain.stderr).toBe('')
  })

  test('binds keys that name no algorithm to --alg, and never to what a token says (N026)', async () => {
    const { alg: _alg, ...nameless } = keyFor('PS256')
    const file = keySet([nameless])
    const token = await sign({ algorithm: 'PS256' })
    expect(answers((await verify(file, token, '--alg', 'PS256')).stdout)).toMatchObject([{ valid: true }])
    expect(answers((await verify(file, token, '--alg', 'RS256')).stdout)).toMatchObject([{ valid: false }])
    expect(await verify(file, token)).toMatchObject({ code: 2, stdout: '' })
  })

  test('reads the clock where --now is not given', async () => {
    const now = Math.floor(Date.now() / 1000)
    const token = await sign({ claims: { iat: now, exp: now + 60 } })
    const expected = ['--jwks', allKeys(), '--issuer', CLAIMS.iss, '--audience', CLAIMS.aud]
    expect((await runJotward(['token', 'verify', ...expected], { input: token })).code).toBe(0)
  })

  test('judges a flood of lines in order, and a line without end in bounded memory (N012)', async () => {
    const good = await sign()
    const input = `${`${good}\n`.repeat(20_000)}${'a'.repeat(30_000_000)}\n${good}\n`
    const { code, stdout } = await verify(allKeys(), input)
    const verdicts = stdout.split('\n').map((line) => line.slice(0, 13))
    expect(verdicts).toHaveLength(20_003)
    expect(verdicts.filter((verdict) => verdict !== '{"valid":true')).toEqual(['{"valid":fals', ''])
    expect(code).toBe(1)
  })
})

describe('jotward token verify exits with 2 and one line', () => {
  const secret = randomBytes(32).toString('base64url')

  test.each([
    ['no key set', ['--issuer', 'i', '--audience', 'a'], /--jwks is required/],
    ['a missing file', ['--jwks', 'nowhere.json'], /--jwks: nowhere\.json cannot be read \(ENOENT\)/],
    [
      'a set behind a URL',
      ['--jwks', 'https://id.example/jwks.json'],
      /--jwks: a set behind a URL is not supported yet/,
    ],
    [
      'an unknown option',
      ['--jwks', 'k', '--max-lifetme', '5'],
      /no option --max-lifetme; did you mean --max-lifetime\?/,
    ],
    ['an option without its value', ['--jwks'], /--jwks needs a value/],
    ['an option that another option follows', ['--jwks', '--json'], /--jwks needs a value/],
    ['an option given twice', ['--jwks', 'a', '--jwks', 'b'], /--jwks is given twice/],
    ['a switch with a value', ['--jwks', 'k', '--json=no'], /--json takes no value/],
    ['a negated switch', ['--jwks', 'k', '--no-json'], /there is no option --no-json/],
    ['a token as an argument', ['--jwks', 'k', 'eyJ'], /no place for the argument "eyJ"/],
  ])('for %s', async (_title, options, words) => {
    const named = options.includes('--issuer') ? [] : ['--issuer', 'i', '--audience', 'a']
    const { code, stdout, stderr } = await runJotward(['token', 'verify', ...named, ...options])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(words)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test.each([
    ['a number that is none', ['--now', '1e9'], /--now: "1e9" is not a number/],
    ['a tolerance that is none', ['--clock-tolerance', 'NaN'], /--clock-tolerance: "NaN" is not a number/],
    ['too much tolerance (N064)', ['--clock-tolerance', '301'], /--clock-tolerance: 301 is out of range/],
    ['no lifetime', ['--max-lifetime', '0'], /--max-lifetime: 0 is out of range/],
    ['an unknown algorithm', ['--alg', 'none'], /--alg: "none" is not one of HS256/],
    ['an empty issuer', ['--issuer', ''], /--issuer: is not a non-empty string/],
  ])('for %s', async (_title, options, words) => {
    const file = keySet([keyFor('EdDSA')])
    const issuer = options.includes('--issuer') ? [] : ['--issuer', 'i']
    const { code, stderr } = await runJotward([
      'token',
      'verify',
      '--jwks',
      file,
      '--audience',
      'a',
      ...issuer,
      ...options,
    ])
    expect(code).toBe(2)
    expect(stderr).toMatch(words)
  })

  test.each([
    ['no JSON', `{"keys":[{"k":"${secret}"`, /is not JSON/],
    [
      'no key set',
      JSON.stringify({ kty: 'oct', k: secret }),
      /--jwks: is not a JWK Set but one key; wrap it: \{"keys":\[…\]\}/,
    ],
    ['no usable key', JSON.stringify({ keys: [] }), /holds no usable key/],
    [
      'a short secret (N031)',
      JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k: 'c2hvcnQ' }] }),
      /keys\[0\] .*5 bytes/,
    ],
    [
      'two keys of one name',
      JSON.stringify({ keys: [1, 2].map(() => ({ kty: 'oct', alg: 'HS256', kid: 'a', k: secret })) }),
      /two keys with the kid "a"/,
    ],
  ])('for a file that holds %s, and never quotes it', async (_title, text, words) => {
    const file = join(temporaryFolder(), 'keys.json')
    writeFileSync(file, text)
    const { code, stdout, stderr } = await verify(file)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(words)
    expect(stderr).not.toContain(secret)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
