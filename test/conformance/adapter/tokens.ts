import { describe, test } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import { noise } from '../../core/token/fixtures.ts'
import type { Serve } from '../serve.ts'
import { AUDIENCE, bearer, createBed, forge, ISSUER } from './bed.ts'

interface Tokens {
  readonly access: string
  readonly refresh: string
  /** NumericDate of the moment. */
  readonly now: number
}

type Row = readonly [title: string, make: (tokens: Tokens) => string, code: AuthErrorCode]

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

const claims = (access: string): string => access.split('.')[1] ?? ''

const unsigned = (alg: string, { access }: Tokens): string =>
  `${base64url(JSON.stringify({ alg, typ: 'at+jwt' }))}.${claims(access)}.`

const flip = (token: string): string => {
  const at = token.length - 10
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

const forged =
  (changes: (now: number) => Parameters<typeof forge>[1]) =>
  ({ access, now }: Tokens): string =>
    forge(access, changes(now))

const FORGERIES: readonly Row[] = [
  ['a word', () => 'abc', 'token_invalid'],
  ['two segments (N001)', ({ access }) => access.split('.').slice(0, 2).join('.'), 'token_invalid'],
  ['four segments (N001)', ({ access }) => `${access}.AAAA`, 'token_invalid'],
  ['an empty signature (N002)', ({ access }) => access.slice(0, access.lastIndexOf('.') + 1), 'token_invalid'],
  ['a signature with one bit changed (N036)', ({ access }) => flip(access), 'token_invalid'],
  ['alg none (N021)', (tokens) => unsigned('none', tokens), 'token_invalid'],
  ['alg None (N021)', (tokens) => unsigned('None', tokens), 'token_invalid'],
  ['alg none with the signature left on (N021)', forged(() => ({ header: { alg: 'none' } })), 'token_invalid'],
  ['another secret under the right kid (N041)', forged(() => ({ secret: noise('a stranger') })), 'token_invalid'],
  ['another HMAC than the key has (N024)', forged(() => ({ header: { alg: 'HS512' } })), 'token_invalid'],
  ['a kid that is not known (N041)', forged(() => ({ header: { kid: 'unknown' } })), 'token_invalid'],
  ['a critical extension (N047)', forged(() => ({ header: { crit: ['exp'] } })), 'token_invalid'],
  ['ten thousand characters (N013)', ({ access }) => access + 'A'.repeat(10_000), 'token_invalid'],
]

const MISUSES: readonly Row[] = [
  ['a refresh token used as an access token (N051, RFC 8725 §3.11)', ({ refresh }) => refresh, 'wrong_token_type'],
  [
    'the typ of a refresh token under the access key (N051)',
    forged(() => ({ header: { typ: 'rt+jwt' } })),
    'wrong_token_type',
  ],
  ['the typ of an ID token (N053, RFC 9068 §4)', forged(() => ({ header: { typ: 'JWT' } })), 'wrong_token_type'],
  ['a typ of its own purpose (N055)', forged(() => ({ header: { typ: 'reset+jwt' } })), 'wrong_token_type'],
  ['no typ at all', forged(() => ({ header: { typ: undefined } })), 'wrong_token_type'],
  ['another issuer (N066)', forged(() => ({ claims: { iss: `${ISSUER}/` } })), 'token_invalid'],
  ['another audience (N067)', forged(() => ({ claims: { aud: `${AUDIENCE}.evil.example` } })), 'token_invalid'],
  ['no audience (N067)', forged(() => ({ claims: { aud: undefined } })), 'token_invalid'],
  ['no subject (N068)', forged(() => ({ claims: { sub: undefined } })), 'token_invalid'],
  ['no expiry (N060)', forged(() => ({ claims: { exp: undefined } })), 'token_invalid'],
  ['no token id (N069)', forged(() => ({ claims: { jti: undefined } })), 'token_invalid'],
  ['a life longer than is ever issued (N061)', forged((now) => ({ claims: { exp: now + 86_400 } })), 'token_invalid'],
  ['an expiry that is text (N060)', forged((now) => ({ claims: { exp: String(now + 60) } })), 'token_invalid'],
  ['scope as a list (N070)', forged(() => ({ claims: { scope: ['admin'] } })), 'token_invalid'],
  ['an expiry in the past', forged((now) => ({ claims: { iat: now - 900, exp: now - 60 } })), 'token_expired'],
  ['a time of issue in the future (N063)', forged((now) => ({ claims: { iat: now + 60 } })), 'token_not_yet_valid'],
  ['nbf in the future (N062)', forged((now) => ({ claims: { nbf: now + 60 } })), 'token_not_yet_valid'],
  ['custom claims that do not fit the schema', forged(() => ({ claims: { role: 'emperor' } })), 'token_invalid'],
  ['custom claims that are missing', forged(() => ({ claims: { since: undefined } })), 'token_invalid'],
]

/** Refused where a token is needed, and where it is optional. */
const refusedTwice = async (serve: Serve, make: Row[1], code: AuthErrorCode): Promise<void> => {
  const bed = createBed(serve)
  const app = await bed.open({
    routes: [
      { path: '/strict', guards: [{}] },
      { path: '/optional', guards: [{ requirement: { optional: true } }] },
    ],
  })
  const { accessToken: access, refreshToken: refresh } = await bed.signIn()
  const headers = [bearer(make({ access, refresh, now: bed.clock.now }))]
  await app.refuses({ path: '/strict', headers }, code)
  await app.refuses({ path: '/optional', headers }, code)
}

export const tokenScenarios = (serve: Serve): void => {
  describe('tokens', () => {
    test.each(FORGERIES)('refuses %s, also where a token is optional', async (_title, make, code) => {
      await refusedTwice(serve, make, code)
    })

    test.each(MISUSES)('refuses %s, also where a token is optional', async (_title, make, code) => {
      await refusedTwice(serve, make, code)
    })

    test('refuses a token from the moment of its expiry and the tolerance on (RFC 7519 §4.1.4, N060)', async () => {
      const bed = createBed(serve)
      const app = await bed.open({ routes: [{ path: '/strict', guards: [{}] }] })
      const sent = { path: '/strict', headers: [bearer(await bed.accessToken())] }
      bed.clock.now += 15 * 60 + 4
      await app.enters(sent)
      bed.clock.now += 1
      await app.refuses(sent, 'token_expired')
    })

    test('refuses a token before the time at which it was issued, but for the tolerance', async () => {
      const bed = createBed(serve)
      const app = await bed.open({ routes: [{ path: '/strict', guards: [{}] }] })
      const sent = { path: '/strict', headers: [bearer(await bed.accessToken())] }
      bed.clock.now -= 5
      await app.enters(sent)
      bed.clock.now -= 1
      await app.refuses(sent, 'token_not_yet_valid')
    })
  })
}
