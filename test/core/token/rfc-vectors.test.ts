import type { JsonWebKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Algorithm } from '../../../src/core/token/algorithms.ts'
import { importJwk } from '../../../src/core/token/jwk.ts'
import { importJwks } from '../../../src/core/token/jwks.ts'
import { verifyJws } from '../../../src/core/token/jws.ts'
import { createSignature, verifySignature } from '../../../src/core/token/signature.ts'
import { describeVectors, readVectors } from '../../vectors.ts'
import { detailOf, hmacKey, keyOf, keySetOf, problemsOf, signingKey } from './fixtures.ts'

/** Takes a compact JWS apart and verifies its signature over whatever payload it has. */
const holds = (compact: string, jwk: JsonWebKey, algorithm: Algorithm): boolean => {
  const at = compact.lastIndexOf('.')
  const key = keyOf(importJwk(jwk, { algorithm }))
  return (
    key.algorithm === algorithm &&
    verifySignature(compact.slice(0, at), Buffer.from(compact.slice(at + 1), 'base64url'), key)
  )
}

describeVectors('RFC 7515, RFC 7517', () => {
  const vectors = readVectors('rfc/rfc7515_7517_7638.json') as Record<string, JsonWebKey & string>
  const jwk = (name: string): JsonWebKey => vectors[`${name}.jwk`]!
  const compact = (name: string): string => vectors[`${name}.jwsc`]!

  test('has all of its items', () => expect(Object.keys(vectors)).toHaveLength(21))

  test.each<[string, Algorithm]>([
    ['rfc7515_A.1', 'HS256'],
    ['rfc7515_A.2', 'RS256'],
    ['rfc7515_A.3', 'ES256'],
    ['rfc7515_A.4', 'ES512'],
  ])('%s holds by %s', (name, algorithm) => {
    expect(holds(compact(name), jwk(name), algorithm)).toBe(true)
  })

  test.each<[string, Algorithm]>([
    ['rfc7515_A.1', 'HS256'],
    ['rfc7515_A.2', 'RS256'],
    ['rfc7515_A.3', 'ES256'],
  ])('the claims of %s come out', (name, algorithm) => {
    const keySet = keySetOf(keyOf(importJwk(jwk(name), { algorithm })))
    const { claims } = verifyJws(compact(name), keySet)
    expect(claims).toEqual({ iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true })
  })

  test.each<[string, Algorithm]>([
    ['rfc7515_A.1', 'HS256'],
    ['rfc7515_A.2', 'RS256'],
  ])('we write the signature of %s, which leaves no choice', (name, algorithm) => {
    const [input, signature] = compact(name).split(/\.(?=[^.]*$)/)
    const key = signingKey(jwk(name), { algorithm })
    expect(createSignature(input!, key).toString('base64url')).toBe(signature)
  })

  test('the payload of A.4 is no JSON, so it is no JWT (N008)', () => {
    const keySet = keySetOf(keyOf(importJwk(jwk('rfc7515_A.4'))))
    expect(detailOf(() => verifyJws(compact('rfc7515_A.4'), keySet))).toContain('payload')
  })

  test('the unsecured A.5 is refused (N021)', () => {
    expect(detailOf(() => verifyJws(compact('rfc7515_A.5'), keySetOf(hmacKey())))).toBe('not three segments')
    expect(detailOf(() => verifyJws(`${compact('rfc7515_A.5')}AA`, keySetOf(hmacKey())))).toContain('algorithm')
  })

  test('the JSON serializations A.6 and A.7 are refused (N014)', () => {
    for (const name of ['rfc7515_A.6.jwsg', 'rfc7515_A.7.jwsf']) {
      expect(vectors[name]).toBeDefined()
      expect(detailOf(() => verifyJws(vectors[name], keySetOf(hmacKey())))).not.toBe('accepted')
      expect(detailOf(() => verifyJws(JSON.stringify(vectors[name]), keySetOf(hmacKey())))).not.toBe('accepted')
    }
  })

  test('of the set A.1 the key for encryption is skipped, and the private set A.2 is refused in public', () => {
    const published = importJwks(vectors['rfc7517_A.1.jwkset'], { allowSymmetric: false, algorithm: 'RS256' })
    expect('keys' in published && published.keys.map(({ kid }) => kid)).toEqual(['2011-04-29'])
    expect('skipped' in published && published.skipped).toEqual([{ index: 0, reason: 'has a "use" other than "sig"' }])
    expect(
      problemsOf(importJwks(vectors['rfc7517_A.2.jwkset'], { allowSymmetric: false, algorithm: 'RS256' })),
    ).toContain('must not')
  })

  test('the secret for key wrapping of A.3 is skipped', () => {
    const own = importJwks(vectors['rfc7517_A.3.jwkset'], { allowSymmetric: true, algorithm: 'HS256' })
    expect('keys' in own && own.keys).toHaveLength(1)
    expect('skipped' in own && own.skipped).toHaveLength(1)
  })

  test('the key of appendix B with its certificate is imported for what it is', () => {
    expect(keyOf(importJwk(jwk('rfc7517_B'), { algorithm: 'RS256' }))).toMatchObject({
      kid: '1b94c',
      algorithm: 'RS256',
    })
  })
})

interface Cookbook {
  readonly input: { readonly key: JsonWebKey; readonly alg: Algorithm }
  readonly reproducible?: boolean
  readonly output: { readonly compact?: string; readonly json?: object; readonly json_flat?: object }
}

const cookbook = (path: string): Cookbook => readVectors(`jose-cookbook/${path}.json`) as Cookbook

const chapter3 = (name: string): unknown => readVectors(`jose-cookbook/jwk/${name}.json`)

describeVectors('RFC 7520, RFC 8037, RFC 7797', () => {
  test.each([
    'jws/4_1.rsa_v15_signature',
    'jws/4_2.rsa-pss_signature',
    'jws/4_3.ecdsa_signature',
    'jws/4_4.hmac-sha2_integrity_protection',
    'curve25519/jws',
  ])('%s holds', (path) => {
    const { input, output, reproducible = false } = cookbook(path)
    const compact = output.compact!
    expect(holds(compact, input.key, input.alg)).toBe(true)
    expect(holds(`${compact.slice(0, 60)}x${compact.slice(61)}`, input.key, input.alg)).toBe(false)
    const [signed, signature] = compact.split(/\.(?=[^.]*$)/)
    const written = createSignature(signed!, signingKey(input.key, { algorithm: input.alg })).toString('base64url')
    expect(written === signature).toBe(reproducible)
  })

  describe('what is no compact JWS of JSON', () => {
    test.each([
      'jws/4_5.signature_with_detached_content',
      'jws/4_6.protecting_specific_header_fields',
      'jws/4_7.protecting_content_only',
      'jws/4_8.multiple_signatures',
      'rfc7797/4.2.hmac-sha2_b64_false',
      'rfc7797/hmac-sha2_b64_false',
      'curve25519/ecdh-es',
      '6.nesting_signatures_and_encryption',
    ])('%s is refused in every serialization (N001, N014 to N017, N048)', (path) => {
      const forms = Object.values((cookbook(path) as { output?: object }).output ?? cookbook(path))
      const secret = {
        kty: 'oct',
        kid: '018c0ae5-4d9b-471b-bfd6-eef314bc7037',
        alg: 'HS256',
        k: 'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
      }
      const keySet = keySetOf(signingKey(secret))
      const accepted = forms
        .flatMap((form: unknown) => [form, JSON.stringify(form)])
        .filter((form) => detailOf(() => verifyJws(form, keySet)) === 'accepted')
      expect(forms.length).toBeGreaterThan(0)
      expect(accepted).toEqual([])
    })
  })

  test('keys of chapter 3 are imported by what they are for', () => {
    expect(keyOf(importJwk(chapter3('3_1.ec_public_key')))).toMatchObject({ algorithm: 'ES512' })
    expect(signingKey(chapter3('3_2.ec_private_key'))).toMatchObject({ algorithm: 'ES512' })
    expect(keyOf(importJwk(chapter3('3_3.rsa_public_key'), { algorithm: 'PS384' }))).toMatchObject({
      algorithm: 'PS384',
    })
    expect(signingKey(chapter3('3_4.rsa_private_key'), { algorithm: 'RS256' })).toMatchObject({ algorithm: 'RS256' })
    expect(signingKey(chapter3('3_5.symmetric_key_mac_computation'))).toMatchObject({ algorithm: 'HS256' })
    expect(problemsOf(importJwk(chapter3('3_6.symmetric_key_encryption')))).toContain('use')
  })
})
