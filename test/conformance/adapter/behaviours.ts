import { createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import { generateJwk } from '../../../src/core/token/generate-key.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { noise, seal } from '../../core/token/fixtures.ts'
import type { Serve } from '../serve.ts'
import { AUDIENCE, bearer, createBed, forge, ISSUER, SECRET } from './bed.ts'
import type { Changes, Claims, Clock, Permission } from './bed.ts'

/**
 * What the Python systems were seen to do, asked of every adapter. `#n` is the number in the list of those behaviours;
 * the answers are our own.
 */

type Row = readonly [title: string, make: (access: string, now: number) => string, code: AuthErrorCode]

const like =
  (changes: (now: number) => Changes): Row[1] =>
  (access, now) =>
    forge(access, changes(now))

const claims = (members: NonNullable<Changes['claims']>): Row[1] => like(() => ({ claims: members }))

const header = (members: NonNullable<Changes['header']>): Row[1] => like(() => ({ header: members }))

const textOf = (token: string, segment: number): string =>
  Buffer.from(token.split('.')[segment] ?? '', 'base64url').toString('utf8')

/** The text of a payload, or of a header, under a signature that holds. */
const payloadOf =
  (text: string): Row[1] =>
  (access) =>
    seal(textOf(access, 0), text, SECRET)

const headerOf =
  (text: string): Row[1] =>
  (access) =>
    seal(text, textOf(access, 1), SECRET)

const MALFORMED: readonly Row[] = [
  ['five segments (#21)', (access) => `${access}.AAAA.AAAA`, 'token_invalid'],
  ['three segments that say nothing (#21)', () => 'a.b.c', 'token_invalid'],
  ['the algorithm in lower case (#22)', header({ alg: 'hs256' }), 'token_invalid'],
  ['an HMAC that calls itself RS256 (#22, #31)', header({ alg: 'RS256' }), 'token_invalid'],
  ['no algorithm (#23, #31)', header({ alg: undefined }), 'token_invalid'],
  ['a payload that is a list (#25)', payloadOf('["ann"]'), 'token_invalid'],
  ['a payload that is a text (#25)', payloadOf('"ann"'), 'token_invalid'],
  ['a payload that is no JSON (#25)', payloadOf('{"sub":'), 'token_invalid'],
  ['a header that is a list (#25)', headerOf('["HS256"]'), 'token_invalid'],
  ['an extension that nobody knows (#26)', header({ crit: ['zz'], zz: 1 }), 'token_invalid'],
  ['an unencoded payload (#26, RFC 7797)', header({ crit: ['b64'], b64: false }), 'token_invalid'],
  ['a kid that is a number (#27)', header({ kid: 1 }), 'token_invalid'],
  ['exp in words (#38)', claims({ exp: 'abc' }), 'token_invalid'],
  ['exp of null (#38)', claims({ exp: null }), 'token_invalid'],
  ['iat in words (#39)', claims({ iat: 'x' }), 'token_invalid'],
  ['nbf in words (#39)', claims({ nbf: 'x' }), 'token_invalid'],
  ['a subject that is a number (#40, #57, #59)', claims({ sub: 7 }), 'token_invalid'],
  ['a subject of null (#40)', claims({ sub: null }), 'token_invalid'],
  ['an empty subject (#40)', claims({ sub: '' }), 'token_invalid'],
  ['a token id that is a number (#41)', claims({ jti: 7 }), 'token_invalid'],
  ['audiences without ours (#43)', claims({ aud: ['https://x.example.com', 'api'] }), 'token_invalid'],
  ['an empty list of audiences (#62)', claims({ aud: [] }), 'token_invalid'],
  ['no issuer (#44)', claims({ iss: undefined }), 'token_invalid'],
  ['an empty issuer (#62)', claims({ iss: '' }), 'token_invalid'],
  ['a time of authentication in words (#65)', claims({ auth_time: 'now' }), 'token_invalid'],
  ['a time of authentication of null (#65)', claims({ auth_time: null }), 'token_invalid'],
  ['a type of its own making (#42)', header({ typ: 'type' }), 'wrong_token_type'],
]

const GOOD: readonly (readonly [title: string, make: Row[1]])[] = [
  ['its type as a media type, in any case (#29, RFC 7515 §4.1.9)', header({ typ: 'Application/AT+JWT' })],
  ['exp with a fraction (#38, RFC 7519 §2)', like((now) => ({ claims: { exp: now + 60.5 } }))],
  ['a claim type that says otherwise (#42)', claims({ type: 'refresh', token_type: 'refresh' })],
  ['our audience among others (#43)', claims({ aud: ['https://x.example.com', AUDIENCE] })],
]

const STRICT = { path: '/strict', guards: [{}] }

const OPTIONAL = { path: '/optional', guards: [{ requirement: { optional: true } as const }] }

const tokenBehaviours = (serve: Serve): void => {
  test.each(MALFORMED)('refuses a token with %s, also where a token is optional', async (_title, make, code) => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [STRICT, OPTIONAL] })
    const headers = [bearer(make(await bed.accessToken(), bed.clock.now))]
    await app.refuses({ path: '/strict', headers }, code)
    await app.refuses({ path: '/optional', headers }, code)
  })

  test.each(GOOD)('takes a token with %s', async (_title, make) => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [STRICT] })
    const headers = [bearer(make(await bed.accessToken(), bed.clock.now))]
    expect(await app.enters({ path: '/strict', headers })).toEqual({ subject: 'ann' })
  })
}

/** An issuer like that of the suite but for a part of its configuration. It has no claims but those of every token. */
const issuerWith = (clock: Clock, config: Partial<AuthConfig<Claims, Permission>>) =>
  createAuth<Claims, Permission>({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { secret: SECRET },
    store: memoryStore({ now: () => clock.now * 1000 }),
    clock: () => clock.now,
    ...config,
  })

const begin = async (serve: Serve, config: Partial<AuthConfig<Claims, Permission>>) => {
  const bed = createBed(serve)
  const auth = issuerWith(bed.clock, config)
  const app = await bed.open({ auths: [auth], routes: [STRICT, OPTIONAL] })
  const { accessToken } = await auth.issue({ subject: 'ann' })
  return { bed, auth, app, token: accessToken }
}

const headerBehaviours = (serve: Serve): void => {
  test('looks into a header of another name, and into no other (#3)', async () => {
    const { app, token } = await begin(serve, { locations: { header: { name: 'Foo' } } })
    await app.enters({ path: '/strict', headers: [['foo', `Bearer ${token}`]] })
    await app.refuses({ path: '/strict' }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [bearer(token)] }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [['Foo', 'Bearer']] }, 'malformed_credentials')
  })

  test('takes a bare token where that is configured, and then no scheme (#9, #13)', async () => {
    const { app, token } = await begin(serve, { locations: { header: { schemes: [''] } } })
    await app.enters({ path: '/strict', headers: [['Authorization', token]] })
    await app.refuses({ path: '/strict', headers: [bearer(token)] }, 'malformed_credentials')
  })

  test('takes each of several schemes, and challenges for Bearer all the same (#17, RFC 6750 §3)', async () => {
    const { app, token } = await begin(serve, { locations: { header: { schemes: ['JWT', 'Bearer'] } } })
    for (const scheme of ['JWT', 'Bearer', 'jwt']) {
      await app.enters({ path: '/strict', headers: [['Authorization', `${scheme} ${token}`]] })
    }
    await app.refuses({ path: '/strict', headers: [['Authorization', `Foo ${token}`]] }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [['Authorization', 'JWT']] }, 'malformed_credentials')
  })

  test('lets HEAD in with a token as it lets GET in, once and without a body (#10)', async () => {
    const { app, token } = await begin(serve, {})
    const { status, text } = await app.send({ method: 'HEAD', path: '/strict', headers: [bearer(token)] })
    expect([status, text, app.entered()]).toEqual([200, '', 1])
  })

  test('challenges with every refusal, whatever is its reason (#11, #15, #19, RFC 9110 §15.5.2)', async () => {
    const bed = createBed(serve)
    const fresh = { path: '/fresh', guards: [{ requirement: { fresh: '5m' } as const }] }
    const clerk = { path: '/clerk', guards: [{ requirement: { permissions: ['clerk'] } as const }] }
    const app = await bed.open({ routes: [STRICT, fresh, clerk] })
    const headers = [bearer(await bed.accessToken())]
    await app.refuses({ path: '/strict' }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [['Authorization', 'Bearer a b']] }, 'malformed_credentials')
    await app.refuses({ path: '/strict', headers: [bearer('a.b.c')] }, 'token_invalid')
    await app.refuses({ path: '/clerk', headers }, 'insufficient_permission', { challenge: ', scope="clerk"' })
    bed.clock.now += 301
    await app.refuses({ path: '/fresh', headers }, 'reauthentication_required', { challenge: ', max_age="300"' })
    bed.clock.now += 900
    await app.refuses({ path: '/strict', headers }, 'token_expired')
  })
}

const keyBehaviours = (serve: Serve): void => {
  test('takes no HMAC with the public key of the issuer as its secret (#30)', async () => {
    const current = generateJwk('ES256')
    const { d: _d, ...open } = current
    const { app, token } = await begin(serve, { keys: { current }, refreshToken: { secret: noise('refresh') } })
    await app.enters({ path: '/strict', headers: [bearer(token)] })
    const pem = createPublicKey({ key: open, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString()
    for (const text of [pem, pem.trim(), JSON.stringify(open)]) {
      const forged = forge(token, { header: { alg: 'HS256' }, secret: Buffer.from(text) })
      await app.refuses({ path: '/strict', headers: [bearer(forged)] }, 'token_invalid')
    }
  })

  test('takes tokens of the former secret beside those of the present one, and none of a third (#34)', async () => {
    const secret = noise('the next secret')
    const { bed, app, token } = await begin(serve, { keys: { secret, previousSecrets: [SECRET] } })
    const [former, third] = [await bed.accessToken(), forge(token, { secret: noise('a third secret') })]
    await app.enters({ path: '/strict', headers: [bearer(former)] })
    await app.enters({ path: '/strict', headers: [bearer(token)] })
    await app.refuses({ path: '/strict', headers: [bearer(third)] }, 'token_invalid')
    // What is issued now is signed with the present secret: whoever knows the former one alone cannot verify it.
    expect(() => bed.auth.verify(token)).toThrow(expect.objectContaining({ code: 'token_invalid' }))
  })
}

const timeBehaviours = (serve: Serve): void => {
  test('tolerates clocks that differ by as much as is configured, and no more (#37, #60)', async () => {
    const { bed, app, token } = await begin(serve, { accessToken: { clockTolerance: '30s' } })
    const { now } = bed.clock
    const soon = (seconds: number) => [bearer(forge(token, { claims: { nbf: now + seconds } }))]
    await app.enters({ path: '/strict', headers: soon(20) })
    await app.refuses({ path: '/strict', headers: soon(31) }, 'token_not_yet_valid')
    bed.clock.now = now - 20
    await app.enters({ path: '/strict', headers: [bearer(token)] })
    bed.clock.now = now - 31
    await app.refuses({ path: '/strict', headers: [bearer(token)] }, 'token_not_yet_valid')
  })

  test('lets the lifetime that a sign-in asks for win over the configured one (#45)', async () => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: [STRICT] })
    const [short, usual] = [await bed.signIn({ accessLifetime: '5m' }), await bed.signIn()]
    bed.clock.now += 305
    await app.refuses({ path: '/strict', headers: [bearer(short.accessToken)] }, 'token_expired')
    await app.enters({ path: '/strict', headers: [bearer(usual.accessToken)] })
  })

  test('tells the application whose token it was that has expired, and nobody else (#36)', async () => {
    const told: unknown[] = []
    const on = {
      token_expired: ({ claims: known }: { readonly claims: unknown }) => {
        told.push(known)
        return {}
      },
    }
    const { bed, app, token } = await begin(serve, { errors: { on } })
    bed.clock.now += 3600
    await app.refuses({ path: '/strict', headers: [bearer(token)] }, 'token_expired')
    expect(told).toEqual([expect.objectContaining({ sub: 'ann', iss: ISSUER })])
  })
}

const kindBehaviours = (serve: Serve): void => {
  test('takes the token of the kind that a route asks for, and either where it asks for any (#63, #70)', async () => {
    const bed = createBed(serve)
    const app = await bed.open({
      routes: [
        STRICT,
        { path: '/refresh', guards: [{ requirement: { token: 'refresh' } }] },
        { path: '/any', guards: [{ requirement: { token: 'any' } }] },
      ],
    })
    const pair = await bed.signIn()
    const [access, refresh] = [[bearer(pair.accessToken)], [bearer(pair.refreshToken)]]
    await app.refuses({ path: '/strict', headers: refresh }, 'wrong_token_type')
    await app.refuses({ path: '/refresh', headers: access }, 'wrong_token_type')
    for (const path of ['/refresh', '/any']) {
      expect(await app.enters({ path, headers: refresh })).toEqual({ subject: 'ann' })
    }
    expect(await app.enters({ path: '/any', headers: access })).toEqual({ subject: 'ann' })
    // The kind was looked at; the token was not spent.
    expect((await bed.auth.refresh(pair.refreshToken)).session.id).toBe(pair.session.id)
  })

  test.each([true, 1, 9_999_999_999, 'yes', null])(
    'does not take a claim fresh of %j for an authentication (#64, #65, #67)',
    async (fresh) => {
      const bed = createBed(serve)
      const app = await bed.open({ routes: [{ path: '/five', guards: [{ requirement: { fresh: '5m' } }] }] })
      const headers = [bearer(forge(await bed.accessToken(), { claims: { fresh } }))]
      await app.enters({ path: '/five', headers })
      bed.clock.now += 301
      await app.refuses({ path: '/five', headers }, 'reauthentication_required', { challenge: ', max_age="300"' })
    },
  )
}

export const behaviourScenarios = (serve: Serve): void => {
  describe('behaviours of the Python systems', () => {
    headerBehaviours(serve)
    tokenBehaviours(serve)
    keyBehaviours(serve)
    timeBehaviours(serve)
    kindBehaviours(serve)
  })
}
