import * as fc from 'fast-check'
import { compactVerify, importJWK, jwtVerify, SignJWT } from 'jose'
import type { JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { ALGORITHM_NAMES } from '../../../src/core/token/algorithms.ts'
import type { Algorithm } from '../../../src/core/token/algorithms.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { signJws, verifyJws } from '../../../src/core/token/jws.ts'
import { createSignature } from '../../../src/core/token/signature.ts'
import { verifyToken } from '../../../src/core/token/verify-token.ts'
import type { TokenProfile } from '../../../src/core/token/verify-token.ts'
import { codeOf, keySetOf, signingKey } from './fixtures.ts'

const NOW = 1_767_225_600
const CLAIMS = { iss: 'https://id.example', sub: 'u1', aud: 'orders', exp: NOW + 900, iat: NOW, jti: 't1' }

/** One key, as both of us hold it. */
const keyPair = (algorithm: Algorithm) => {
  const jwk = generateJwk(algorithm)
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...half } = jwk
  // The same JSON by two names.
  return { key: signingKey(jwk), jwk: jwk as JWK, publicJwk: half as JWK }
}

describe.each(ALGORITHM_NAMES)('%s', (algorithm) => {
  const { key, jwk, publicJwk } = keyPair(algorithm)

  test('jose verifies what we sign', async () => {
    const token = signJws({ header: { typ: 'at+jwt' }, payload: CLAIMS, key })
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK(publicJwk), {
      algorithms: [algorithm],
      currentDate: new Date(NOW * 1000),
      issuer: CLAIMS.iss,
      audience: CLAIMS.aud,
      typ: 'at+jwt',
    })
    expect(payload).toEqual(CLAIMS)
    expect(protectedHeader).toEqual({ alg: algorithm, kid: key.kid, typ: 'at+jwt' })
  })

  test('we verify what jose signs', async () => {
    const header = { alg: algorithm, kid: key.kid, typ: 'at+jwt' }
    const token = await new SignJWT(CLAIMS).setProtectedHeader(header).sign(await importJWK(jwk))
    expect(verifyJws(token, keySetOf(key))).toEqual({ header, claims: CLAIMS })
  })

  test('we agree on every damaged signature', async () => {
    const token = signJws({ header: { typ: 'at+jwt' }, payload: CLAIMS, key })
    const verifying = await importJWK(publicJwk)
    const joseCode = async (damaged: string): Promise<string> =>
      compactVerify(damaged, verifying).then(
        () => 'accepted',
        () => 'token_invalid',
      )
    const at = token.lastIndexOf('.') + 1
    const damage = [0, 1, 7, 20, 40].map((offset) => {
      const place = at + offset
      return token.slice(0, place) + (token[place] === 'A' ? 'Q' : 'A') + token.slice(place + 1)
    })
    for (const damaged of [token, ...damage, token.slice(0, -4), `${token}AAAA`]) {
      expect(codeOf(() => verifyJws(damaged, keySetOf(key)))).toBe(await joseCode(damaged))
    }
  })
})

const RULES = { issuer: CLAIMS.iss, audience: [CLAIMS.aud], clockTolerance: 5, maxLifetime: null }
const REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti']

const { key: KEY, publicJwk: PUBLIC } = keyPair('ES256')
const PROFILE: TokenProfile = { keySet: keySetOf(KEY), typ: 'at+jwt', rules: { ...RULES, required: REQUIRED } }

const weAccept = (token: string): boolean => codeOf(() => verifyToken(token, PROFILE, NOW)) === 'accepted'

const joseKey = await importJWK(PUBLIC)

const joseAccepts = async (token: string): Promise<boolean> =>
  jwtVerify(token, joseKey, {
    algorithms: ['ES256'],
    currentDate: new Date(NOW * 1000),
    clockTolerance: RULES.clockTolerance,
    issuer: RULES.issuer,
    audience: [...RULES.audience],
    typ: 'at+jwt',
    requiredClaims: REQUIRED,
  }).then(
    () => true,
    () => false,
  )

/** Runs both on tokens of one kind. Returns how many each accepted, having checked that jose accepts all that we do. */
const compare = async (tokens: fc.Arbitrary<string>, numRuns: number): Promise<{ ours: number; theirs: number }> => {
  const accepted = { ours: 0, theirs: 0 }
  const property = fc.asyncProperty(tokens, async (token) => {
    const [ours, theirs] = [weAccept(token), await joseAccepts(token)]
    if (ours) accepted.ours++
    if (theirs) accepted.theirs++
    expect(ours && !theirs).toBe(false)
  })
  await fc.assert(property, { numRuns })
  return accepted
}

const sealed = (header: string, payload: string): string =>
  // Signed by our key whatever the header says, so that only the rules beyond the signature are left to refuse it.
  signRaw(`${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`)

const signRaw = (input: string): string => `${input}.${createSignature(input, KEY).toString('base64url')}`

const HEADER = { alg: 'ES256', kid: KEY.kid, typ: 'at+jwt' }

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<fc.JsonValue>(
    NOW,
    NOW + 5,
    NOW - 5,
    NOW + 6,
    NOW - 4,
    0,
    -1,
    0.5,
    2 ** 53,
    '',
    'orders',
    CLAIMS.iss,
    'ES256',
  ),
  fc.constantFrom<fc.JsonValue>(
    'application/at+jwt',
    'AT+JWT',
    'JWT',
    KEY.kid,
    [],
    ['orders'],
    ['x', 'orders'],
    [1],
    {},
    null,
  ),
)

describe('we accept nothing that jose refuses', () => {
  test('among damaged tokens', async () => {
    const token = signJws({ header: { typ: 'at+jwt' }, payload: CLAIMS, key: KEY })
    const places = fc.nat(token.length - 1)
    const characters = fc.constantFrom(...'AQgwz019-_.=+/ \n\0é'.split(''))
    const edits = fc.oneof(
      fc.tuple(places, characters).map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1)),
      fc.tuple(places, characters).map(([at, character]) => token.slice(0, at) + character + token.slice(at)),
      places.map((at) => token.slice(0, at) + token.slice(at + 1)),
      fc.shuffledSubarray(token.split('.'), { minLength: 1 }).map((segments) => segments.join('.')),
    )
    const { ours } = await compare(edits, 1000)
    expect(ours).toBeGreaterThan(0)
  })

  test('among headers of all kinds under a good signature', async () => {
    const names = fc.constantFrom(
      'alg',
      'kid',
      'typ',
      'cty',
      'crit',
      'b64',
      'zip',
      'enc',
      'jwk',
      'jku',
      'x5c',
      '__proto__',
      'x',
    )
    const headers = fc
      .dictionary(names, odd, { maxKeys: 3 })
      .map((members) => sealed(JSON.stringify({ ...HEADER, ...members }), JSON.stringify(CLAIMS)))
    const { ours } = await compare(headers, 1000)
    expect(ours).toBeGreaterThan(20)
  })

  test('among claims of all kinds under a good signature', async () => {
    const names = fc.constantFrom(...REQUIRED, 'nbf', 'scope', 'auth_time', 'x')
    const claims = fc
      .tuple(fc.dictionary(names, odd, { maxKeys: 2 }), fc.option(names, { freq: 4 }))
      .map(([members, missing]) => ({ ...CLAIMS, ...members, ...(missing === null ? {} : { [missing]: undefined }) }))
    const { ours } = await compare(
      claims.map((one) => sealed(JSON.stringify(HEADER), JSON.stringify(one))),
      1500,
    )
    expect(ours).toBeGreaterThan(20)
  })

  test('among payloads that are no claims', async () => {
    const payloads = fc.oneof(fc.json({ maxDepth: 2 }), fc.string()).map((text) => sealed(JSON.stringify(HEADER), text))
    expect(await compare(payloads, 500)).toEqual({ ours: 0, theirs: 0 })
  })
})

test('we refuse double names, which jose does not (RFC 7519 §4, N010)', async () => {
  const token = sealed(JSON.stringify(HEADER), JSON.stringify(CLAIMS).replace('"sub"', '"sub":"admin","sub"'))
  expect(await joseAccepts(token)).toBe(true)
  expect(weAccept(token)).toBe(false)
})
