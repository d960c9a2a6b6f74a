import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { importSecret } from '../../../src/core/token/secret.ts'
import { keyOf, noise, problemsOf } from './fixtures.ts'

const refusal = (secret: unknown, options = {}): string => problemsOf(importSecret(secret as string, options))

test('imports a secret for HS256 unless told otherwise, as a key that signs and verifies', () => {
  const key = keyOf(importSecret(noise('a')))
  expect(key.algorithm).toBe('HS256')
  expect(key.keyObject.type).toBe('secret')
  expect(key.privateKeyObject).toBe(key.keyObject)
  expect(keyOf(importSecret(noise('a', 64), { algorithm: 'HS512' })).algorithm).toBe('HS512')
})

test('takes a string for its UTF-8 bytes', () => {
  const text = 'ключ-который-никто-не-угадает-7f3a'
  expect(keyOf(importSecret(text)).keyObject.export()).toEqual(Buffer.from(text, 'utf8'))
})

test('derives the key ID from the secret without publishing its hash', () => {
  const secret = noise('kid')
  const { kid } = keyOf(importSecret(secret))
  expect(kid).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(keyOf(importSecret(secret)).kid).toBe(kid)
  expect(keyOf(importSecret(noise('other'))).kid).not.toBe(kid)
  const thumbprint = createHash('sha256')
    .update(`{"k":"${secret.toString('base64url')}","kty":"oct"}`)
    .digest('base64url')
  expect(thumbprint).not.toContain(kid)
  expect(createHash('sha256').update(secret).digest('base64url')).not.toContain(kid)
})

test('uses a given key ID, and refuses one that cannot be looked up or logged (N040)', () => {
  expect(keyOf(importSecret(noise('a'), { kid: 'k 1' })).kid).toBe('k 1')
  for (const kid of ['', 'k\n', 'k\0', 'ключ', 'k'.repeat(257), 7, null]) {
    expect(refusal(noise('a'), { kid })).toContain('kid')
  }
})

test.each([
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
])('%s needs %i bytes (RFC 7518 §3.2, N031)', (algorithm, bytes) => {
  expect(refusal(noise('length', bytes), { algorithm })).toBe('')
  expect(refusal(noise('length', bytes - 1), { algorithm })).toContain(`${algorithm} needs ${bytes} or more`)
})

test.each([[undefined], [null], [''], [Buffer.alloc(0)], [0], [false], [{}], [[]], [noise('a').toJSON()]])(
  'refuses what is no secret at all: %j (N032, N033)',
  (secret) => {
    expect(refusal(secret)).not.toBe('')
  },
)

test.each(['none', 'RS256', 'ES256', 'hs256', '', 'toString', null, 256])(
  'refuses the algorithm %j (N021, N022)',
  (algorithm) => {
    expect(refusal(noise('a', 64), { algorithm })).toContain('HS256')
  },
)

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
const der = publicKey.export({ format: 'der', type: 'spki' })
const ed25519 = generateKeyPairSync('ed25519').publicKey
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey

test.each<[string, string | Uint8Array]>([
  ['a public key in PEM', pem],
  ['the same with CRLF', pem.replaceAll('\n', '\r\n')],
  ['the same without its last newline', pem.trim()],
  ['the same after whitespace', `  \n${pem}`],
  ['the same after other text', `key: ${pem}`],
  ['the same as bytes', Buffer.from(pem)],
  ['a private key in PEM', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
  ['an RSA public key in PKCS#1', publicKey.export({ format: 'pem', type: 'pkcs1' }).toString()],
  ['a PEM without its line breaks', pem.replaceAll('\n', '')],
  ['the body of a PEM', pem.replaceAll(/-----.*-----|\n/g, '')],
  ['DER', der],
  ['DER of Ed25519', ed25519.export({ format: 'der', type: 'spki' })],
  ['DER of P-256', ec.export({ format: 'der', type: 'spki' })],
  ['a JWK', JSON.stringify(publicKey.export({ format: 'jwk' }))],
  ['an indented JWK', JSON.stringify(ec.export({ format: 'jwk' }), null, 2)],
  ['a JWK Set', ` ${JSON.stringify({ keys: [ed25519.export({ format: 'jwk' })] })}`],
  ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHnoise me@example'],
])('refuses %s (CVE-2016-10555, N023)', (_what, secret) => {
  expect(refusal(secret)).toMatch(/is (PEM|JSON|an SSH key|a public key)/)
})

test.each([
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'abababababababababababababababababab',
  'secretsecretsecretsecretsecretsecret',
  'x7Kq2mX7x7Kq2mX7x7Kq2mX7x7Kq2mX7',
  '0123456789abcdef0123456789abcdef',
  'abcdefghijklmnopqrstuvwxyz012345',
  'zyxwvutsrqponmlkjihgfedcba987654',
  '11111111112222222222333333333344',
  'your-256-bit-secret-your-256-bit-secret',
  'change-me-in-production-please-change-me',
  'CHANGEME_CHANGEME_CHANGEME_CHANGEME!',
  'this is a very long secret key for testing only',
  'my_super_secret_jwt_signing_key_1234567890',
  'a-string-secret-at-least-256-bits-long',
  'secret-key-must-be-at-least-32-characters',
  'replace this with a real random secret string',
])('refuses the guessable %j (RFC 8725 §3.5, N031)', (secret) => {
  expect(refusal(secret)).toMatch(/repeats itself|is a sequence|well-known words/)
})

test.each([
  ['zeros', Buffer.alloc(64)],
  ['one byte', Buffer.alloc(32, 0xa5)],
  ['a counter', Buffer.from(Array.from({ length: 64 }, (_, at) => at))],
  ['a counter downwards', Buffer.from(Array.from({ length: 64 }, (_, at) => 255 - at))],
])('refuses bytes that are %s (N031)', (_what, secret) => {
  expect(refusal(secret)).toMatch(/repeats itself|is a sequence/)
})

test('accepts random secrets in every usual form', () => {
  const secrets = Array.from({ length: 500 }, () => randomBytes(32)).flatMap((bytes) => [
    bytes,
    bytes.toString('hex'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex').slice(32),
    `my-app-${bytes.toString('base64').slice(12)}`,
  ])
  expect(secrets.filter((secret) => refusal(secret) !== '')).toEqual([])
})

test('accepts a passphrase of words that nobody lists', () => {
  expect(refusal('gravel otter saxophone lantern Umbria 1931')).toBe('')
})

test('names every problem at once, and never the secret', () => {
  const problems = refusal('-----BEGIN x', { kid: '' })
  expect(problems).toContain('12 bytes')
  expect(problems).toContain('PEM')
  expect(problems).toContain('kid')
  expect(refusal('hunter2')).not.toContain('hunter2')
})
