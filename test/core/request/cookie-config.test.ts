import { describe, expect, test } from 'vitest'
import { resolveCookies } from '../../../src/core/request/cookie-config.ts'
import type { CookiesConfig } from '../../../src/core/request/cookie-config.ts'
import { setTokenCookies, unsetTokenCookies } from '../../../src/core/request/token-cookies.ts'
import { resolveConfig } from '../../../src/config.ts'
import { createBed, problemsOf } from '../session/issuer.ts'

const problems = (config: object): readonly string[] =>
  // What the types forbid arrives from JavaScript all the same.
  resolveCookies(config as CookiesConfig).problems.map(({ path, problem }) => `${path}: ${problem}`)

const setWith = (cookies: CookiesConfig, kind: 'access' | 'refresh' = 'access'): readonly string[] => {
  const engine = resolveConfig(createBed({ cookies, delivery: 'cookie' }).settings)
  return setTokenCookies(engine, { kind, token: 'x.y.z', session: 'sid', expiresIn: 900 })
}

describe('cookies without any setting (N079)', () => {
  test('are bound to their host, sent over TLS alone, hidden from scripts and kept from other sites', () => {
    const [access = '', csrf = ''] = setWith({})
    expect(access).toBe('__Host-jotward-access=x.y.z; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax')
    // Scripts read this one: it is worth nothing without the other.
    expect(csrf).toMatch(/^jotward-csrf=[\w-]{43}; Path=\/; Max-Age=900; Secure; SameSite=Lax$/)
  })

  test('carry the refresh token to the endpoints alone', () => {
    const [refresh = '', csrf = ''] = setWith({}, 'refresh')
    expect(refresh).toBe('__Secure-jotward-refresh=x.y.z; Path=/auth; Max-Age=900; Secure; HttpOnly; SameSite=Lax')
    expect(csrf).toMatch(/^jotward-csrf-refresh=[\w-]{43}; Path=\/; /)
  })
})

describe('a setting of cookies takes effect (S2-8, #91)', () => {
  test.each<readonly [title: string, config: CookiesConfig, expected: RegExp]>([
    ['the name', { names: { access: 'sid' } }, /^sid=x\.y\.z; /],
    ['plain HTTP, which costs it too', { dangerouslyAllowHttp: true }, /^jotward-access=(?!.*Secure)/],
    ['SameSite', { sameSite: 'Strict' }, /; SameSite=Strict$/],
    ['the end with the browser', { untilBrowserCloses: true }, /^(?!.*(?:Max-Age|Expires))/],
  ])('%s', (_title, config, expected) => {
    expect(setWith(config)[0]).toMatch(expected)
  })

  test('the domain, which costs the prefix, and unsets what lay on the host alone', () => {
    const all = setWith({ domain: 'example.com' })
    expect(all.slice(0, 2).map((cookie) => /^([\w-]+)=; .*Max-Age=0/.exec(cookie)?.[1])).toEqual([
      'jotward-access',
      'jotward-csrf',
    ])
    expect(all.slice(0, 2).filter((cookie) => cookie.includes('Domain='))).toEqual([])
    expect(all[2]).toMatch(/^jotward-access=.+; Domain=example\.com; /)
  })

  test('the path of the refresh cookie', () => {
    expect(setWith({ refreshPath: '/api/auth' }, 'refresh')[0]).toContain('; Path=/api/auth; ')
  })

  test('the name of each CSRF cookie, and none where their values are not set as cookies (#98)', () => {
    const names = { csrfAccess: 'xa', csrfRefresh: 'xr' }
    expect(setWith({ names })[1]).toMatch(/^xa=/)
    expect(setWith({ names }, 'refresh')[1]).toMatch(/^xr=/)
    expect(setWith({ csrfCookies: false })).toHaveLength(1)
  })

  test('a former domain, from which cookies are unset with each that is set', () => {
    const config = { domain: 'example.com', previousDomains: ['old.example.com'] }
    const [first = '', host = '', second = '', , ...own] = setWith(config)
    expect(first).toMatch(/^jotward-access=; .*Max-Age=0; .*Domain=old\.example\.com/)
    expect(host).toMatch(/^jotward-access=; (?!.*Domain).*Max-Age=0; /)
    expect(second).toMatch(/^jotward-csrf=; .*Max-Age=0; .*Domain=old\.example\.com/)
    expect(own.map((cookie) => /Domain=([^;]+)/.exec(cookie)?.[1])).toEqual(['example.com', 'example.com'])
  })

  test('a former domain is no place for a name with the prefix __Host-, which no browser would unset there', () => {
    const cookies = { previousDomains: ['example.com'] }
    const all = unsetTokenCookies(resolveConfig(createBed({ cookies }).settings))
    const former = all.filter((cookie) => cookie.includes('Domain='))
    expect(former.map((cookie) => cookie.split('=')[0])).toEqual([
      'jotward-csrf',
      '__Secure-jotward-refresh',
      'jotward-csrf-refresh',
    ])
  })
})

describe('cookies that cannot be, or would be unsafe, stop the start with a sentence (N079, B-17)', () => {
  test.each<readonly [config: object, sentence: string]>([
    [{ names: { access: 'a b' } }, 'cookies.names: "a b" must be 1 to 128 characters of a name, like "session-id"'],
    [{ names: { access: 'a;Secure' } }, 'cookies.names: "a;Secure" must be 1 to 128 characters'],
    [{ names: { refresh: '__Host-r' } }, '"__Host-r" has the prefix __Host-, which needs the path "/" and no domain'],
    [{ names: { refresh: '__hOsT-r' } }, '"__hOsT-r" has the prefix __Host-'],
    [{ names: { access: '__Host-a' }, domain: 'example.com' }, '"__Host-a" has the prefix __Host-'],
    [{ names: { access: '__Secure-a' }, dangerouslyAllowHttp: true }, '"__Secure-a" has a prefix that needs Secure'],
    [{ names: { access: 'a', refresh: 'a' } }, 'cookies.names: must all be different'],
    [{ names: { csrfAccess: 'a', access: 'a' } }, 'cookies.names: must all be different'],
    [{ names: { csrf: 'a' } }, 'cookies.names.csrf: is not a setting'],
    [{ names: null }, 'cookies.names: must be an object'],
    [{ names: 'a' }, 'cookies.names: must be an object'],
    [{ domain: '.example.com' }, 'cookies.domain: must be a domain like "example.com"'],
    [{ domain: 'com' }, 'cookies.domain: must be a domain'],
    [{ domain: 'example.com; Path=/' }, 'cookies.domain: must be a domain'],
    [{ domain: null }, 'cookies.domain: must be a domain'],
    [{ refreshPath: 'auth' }, 'cookies.refreshPath: must be a path like "/auth"'],
    [{ refreshPath: '/auth; Domain=example.com' }, 'cookies.refreshPath: must be a path'],
    [{ sameSite: 'lax' }, 'cookies.sameSite: must be "Strict", "Lax" or "None"'],
    [{ sameSite: 'None', dangerouslyAllowHttp: true }, 'cookies.sameSite: "None" needs Secure'],
    [{ previousDomains: 'example.com' }, 'cookies.previousDomains: must be a list of domains'],
    [
      { previousDomains: ['example.com'], domain: 'example.com' },
      'cookies.previousDomains: names the domain in use; leave that out',
    ],
    [{ renewWithin: '5 minutes' }, 'cookies.renewWithin: must be a duration like "5m"'],
    [{ untilBrowserCloses: 'yes' }, 'cookies.untilBrowserCloses: must be true or false'],
    [{ csrfCookies: 0 }, 'cookies.csrfCookies: must be true or false'],
    [{ dangerouslyAllowHttp: 1 }, 'cookies.dangerouslyAllowHttp: must be true or false'],
    [{ secure: false }, 'cookies.secure: is not a setting'],
  ])('%j', (config, sentence) => {
    expect(problems(config).join('\n')).toContain(sentence)
  })

  test('all of them at once', async () => {
    const cookies = { sameSite: 'lax', domain: 'x' }
    const sentences = await problemsOf(() => createBed({ cookies: cookies as CookiesConfig }))
    expect(sentences).toHaveLength(2)
  })

  test('and those that can be do not', () => {
    expect(problems({ names: { access: '__Secure-a' }, domain: 'shop.example.com', sameSite: 'None' })).toEqual([])
    expect(problems({ refreshPath: '/', names: { refresh: '__Host-r' }, renewWithin: '5m' })).toEqual([])
  })
})
