import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { view } from '../request/view.ts'
import { noise } from '../token/fixtures.ts'
import { codeOf, createBed, problemsOf } from './issuer.ts'

const begin = async (config: Partial<AuthConfig> = {}) => {
  const bed = createBed({ delivery: 'cookie', ...config })
  return { ...bed, pair: await bed.auth.issue({ subject: 'ann' }) }
}

/** Name, value and the rest of a `Set-Cookie` header. */
const parse = (cookie: string) => {
  const [, name = '', value = '', attributes = ''] = /^([^=]+)=([^;]*); (.*)$/.exec(cookie) ?? []
  return { name, value, attributes }
}

describe('cookies of a pair (S2-8, #90, #91)', () => {
  test('are four: both tokens, and the value for each, as long as each lives', async () => {
    const { auth, pair } = await begin()
    const cookies = auth.cookies.set(pair).map(parse)
    expect(cookies.map(({ name }) => name)).toEqual([
      '__Host-jotward-access',
      'jotward-csrf',
      '__Secure-jotward-refresh',
      'jotward-csrf-refresh',
    ])
    expect(cookies.map(({ attributes }) => /Max-Age=(\d+)/.exec(attributes)?.[1])).toEqual([
      '900',
      '900',
      '15552000',
      '15552000',
    ])
    expect([cookies[0]?.value, cookies[2]?.value]).toEqual([pair.accessToken, pair.refreshToken])
    const own = { sessionId: pair.session.id, tokenId: pair.tokenId }
    expect(cookies[1]?.value).toBe(auth.cookies.csrfToken(own))
    expect(cookies[3]?.value).toBe(auth.cookies.csrfToken(own, 'refresh'))
  })

  test('hide every token from scripts, and show them the values alone', async () => {
    const { auth, pair } = await begin()
    for (const { name, attributes } of auth.cookies.set(pair).map(parse)) {
      expect([name, attributes.includes('HttpOnly')]).toEqual([name, !name.includes('csrf')])
    }
  })

  test('are two of an access token alone, whose value is that of the token where it has no session', async () => {
    const { auth } = await begin()
    const alone = await auth.tokens.sign({ subject: 'ann' })
    const [token, value] = auth.cookies.set(alone).map(parse)
    expect(token?.value).toBe(alone.accessToken)
    expect(value?.value).toBe(auth.cookies.csrfToken({ sessionId: null, tokenId: alone.tokenId }))
  })

  test('last as long as a browser keeps any where the token never expires (RFC 6265bis §5.5)', async () => {
    const { auth } = await begin({ accessToken: { dangerouslyAllowNoExpiry: true } })
    const [cookie = ''] = auth.cookies.set(await auth.tokens.sign({ subject: 'ann', lifetime: null }))
    expect(cookie).toContain('; Max-Age=34560000; ')
  })

  test('are unset with the names, paths and domains with which they were set (#92)', async () => {
    for (const cookies of [{}, { domain: 'example.com', refreshPath: '/x', previousDomains: ['old.example.com'] }]) {
      const { auth, pair } = await begin({ cookies })
      const placeOf = (text: string) => {
        const { name, attributes } = parse(text)
        return [name, attributes.replace(/Max-Age=\d+; (?:Expires=[^;]*; )?/, '')].join(' ')
      }
      const set = auth.cookies.set(pair).map(placeOf)
      const unset = auth.cookies.unset()
      expect(new Set(unset.map(placeOf))).toEqual(new Set(set))
      for (const text of unset) expect(text).toMatch(/^[^=]+=; .*Max-Age=0; /)
    }
  })

  test.each<readonly [title: string, config: Partial<AuthConfig>]>([
    ['the protection is off (#97)', { csrf: { dangerouslyDisabled: true } }],
    ['the origin alone decides', { csrf: { doubleSubmit: false } }],
  ])('have no value where %s', async (_title, config) => {
    const { auth, pair } = await begin(config)
    expect(auth.cookies.set(pair).map((text) => parse(text).name)).toEqual([
      '__Host-jotward-access',
      '__Secure-jotward-refresh',
    ])
    expect(auth.cookies.csrfToken(pair)).toBeNull()
  })

  test('keep their values to the answer’s body where that is configured (#98)', async () => {
    const { auth, pair } = await begin({ cookies: { csrfCookies: false } })
    expect(auth.cookies.set(pair)).toHaveLength(2)
    expect(auth.cookies.csrfToken(pair)).toMatch(/^[\w-]{43}$/)
  })
})

describe('a token longer than a browser keeps', () => {
  test('is not made where tokens travel as cookies, and no session comes of it', async () => {
    const { auth } = createBed({ delivery: 'cookie' })
    expect(await codeOf(() => auth.issue({ subject: 'ann', claims: { note: 'x'.repeat(3500) } }))).toBe('hook_failed')
    expect(await auth.sessions.list('ann')).toEqual([])
    const { auth: body } = createBed()
    const pair = await body.issue({ subject: 'ann', claims: { note: 'x'.repeat(3500) } })
    expect(await problemsOf(() => body.cookies.set(pair))).toEqual([
      'cookies: the access token makes a cookie of more than 4096 bytes; give it fewer claims',
    ])
  })

  test('up to the limit is, and fits', async () => {
    const { auth } = createBed({ delivery: 'cookie' })
    let longest = 0
    for (let length = 2400; length < 3000; length += 1) {
      const claims = { note: 'x'.repeat(length) }
      // One after another: the first that is refused ends it.
      const pair = await auth.issue({ subject: 'ann', claims }).catch(() => null)
      if (pair === null) break
      longest = Math.max(...auth.cookies.set(pair).map((cookie) => cookie.length))
    }
    expect(longest).toBeLessThanOrEqual(4096)
    expect(longest, 'little is given away').toBeGreaterThan(3990)
  })
})

const post = (headers: Readonly<Record<string, string>> = {}) =>
  view({ method: 'POST', headers: { 'sec-fetch-site': 'same-origin', ...headers } })

describe('an endpoint that takes a cookie by itself', () => {
  test('asks for the value of the token’s session, expired or not (N081)', async () => {
    const { auth, pair, turn } = await begin()
    const judge = (kind: 'access' | 'refresh', value: string | null) => {
      const token = kind === 'access' ? pair.accessToken : pair.refreshToken
      return codeOf(() => auth.cookies.checkCsrf(post({ 'x-csrf-token': value ?? '' }), { kind, token }))
    }
    for (let round = 0; round < 2; round++) {
      for (const kind of ['access', 'refresh'] as const) {
        const other = kind === 'access' ? 'refresh' : 'access'
        expect(await judge(kind, auth.cookies.csrfToken(pair, kind))).toBe('accepted')
        expect(await judge(kind, auth.cookies.csrfToken(pair, other))).toBe('csrf_failed')
        expect(await judge(kind, null)).toBe('csrf_failed')
      }
      turn(3_600_000)
    }
  })

  test('refuses a token that is not authentic, as such', async () => {
    const { auth, pair } = await begin({ keys: { secret: noise('another') } })
    const { pair: foreign } = await begin()
    const judge = (kind: 'access' | 'refresh', token: string) =>
      codeOf(() =>
        auth.cookies.checkCsrf(post({ 'x-csrf-token': auth.cookies.csrfToken(pair) ?? '' }), { kind, token }),
      )
    expect(await judge('access', foreign.accessToken)).toBe('token_invalid')
    expect(await judge('access', pair.refreshToken)).toBe('token_invalid')
    expect(await judge('refresh', foreign.refreshToken)).toBe('refresh_token_invalid')
    expect(await judge('refresh', pair.accessToken)).toBe('refresh_token_invalid')
  })

  test('refuses the value of the login before (N081, N087)', async () => {
    const { auth, pair } = await begin()
    const again = await auth.issue({ subject: 'ann' })
    const before = auth.cookies.csrfToken(pair) ?? ''
    const token = { kind: 'access', token: again.accessToken } as const
    expect(await codeOf(() => auth.cookies.checkCsrf(post({ 'x-csrf-token': before }), token))).toBe('csrf_failed')
  })

  test('that needs no token is told of requests of other sites (N083)', async () => {
    const { auth } = await begin()
    const judge = (headers: Readonly<Record<string, string>>) =>
      codeOf(() => auth.cookies.checkOrigin(view({ method: 'POST', headers: { host: 'api.example.com', ...headers } })))
    expect(await judge({})).toBe('accepted')
    expect(await judge({ 'sec-fetch-site': 'same-origin' })).toBe('accepted')
    expect(await judge({ origin: 'https://api.example.com' })).toBe('accepted')
    for (const origin of ['null', 'https://evil.example', 'http://api.example.com', 'https://api.example.com:444']) {
      expect(await judge({ origin })).toBe('csrf_failed')
    }
    for (const site of ['same-site', 'cross-site']) expect(await judge({ 'sec-fetch-site': site })).toBe('csrf_failed')
    const { auth: off } = await begin({ csrf: { dangerouslyDisabled: true } })
    const foreign = view({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    expect(await codeOf(() => off.cookies.checkOrigin(foreign))).toBe('accepted')
  })
})
