import { expect } from 'vitest'
import type { AuthConfig } from '../../src/auth-config.ts'
import type { CookiesConfig } from '../../src/core/request/cookie-config.ts'
import type { CsrfConfig } from '../../src/core/request/csrf.ts'
import { ask, cookie, namesOf, signedIn } from './ask.ts'
import type { Effects, Sent } from './ask.ts'

const ACCESS = '__Host-jotward-access'
const REFRESH = '__Secure-jotward-refresh'

/** The four cookies of a sign-in: access, its CSRF value, refresh, its CSRF value. */
const setUnder = async (cookies: CookiesConfig, change: Partial<AuthConfig> = {}): Promise<readonly string[]> => {
  const { auth, pair } = await signedIn({ delivery: 'cookie', cookies, ...change })
  return auth.cookies.set(pair)
}

/** One attribute of each cookie that is set. */
const attribute = async (cookies: CookiesConfig, name: string): Promise<readonly (string | null)[]> =>
  (await setUnder(cookies))
    .filter((value) => !value.includes('Max-Age=0'))
    .map(
      (value) =>
        value
          .split('; ')
          .slice(1)
          .find((part) => part.startsWith(name)) ?? null,
    )

/** Names that may have lived on a domain. */
const names = { access: 'app-access', refresh: 'app-refresh' }

/** What a request with two cookies of one name is refused with. */
const doubled = async (cookies: CookiesConfig) => {
  const { auth, pair } = await signedIn({ delivery: 'cookie', cookies: { names, ...cookies } })
  return ask(auth, { headers: { cookie: `app-access=${pair.accessToken}; app-access=old` } })
}

const renamed = (name: NonNullable<CookiesConfig['names']>, position: number) => async () => {
  expect(namesOf(await setUnder({ names: name })).set[position]).toBe(Object.values(name)[0])
  expect(namesOf(await setUnder({})).set).toEqual([ACCESS, 'jotward-csrf', REFRESH, 'jotward-csrf-refresh'])
}

/** A request with a cookie, and whatever it says besides, to a route under a CSRF setting. */
const submit = async (csrf: CsrfConfig, sent: (value: string) => Sent, token: 'access' | 'refresh' = 'access') => {
  const { auth, pair } = await signedIn({ delivery: 'cookie', csrf })
  const value = auth.cookies.csrfToken(pair, token) ?? ''
  const { headers = {}, method = 'POST', ...rest } = sent(value)
  const credential = token === 'access' ? cookie(ACCESS, pair.accessToken) : cookie(REFRESH, pair.refreshToken)
  return (await ask(auth, { ...rest, method, headers: { ...credential, ...headers } }, { token })).code
}

/** What becomes of a request with a setting, and without it. */
const compare = async (csrf: CsrfConfig, ...sent: [(value: string) => Sent, ('access' | 'refresh')?]) => [
  await submit(csrf, ...sent),
  await submit({}, ...sent),
]

const form = (name: string) => (value: string) => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ [name]: value }).toString(),
})

const header = (name: string) => (value: string) => ({ headers: { [name]: value } })

const from = (site: string) => () => ({ headers: { 'sec-fetch-site': site } })

/** How tokens travel as cookies, and what protects those. */
export const COOKIES: Effects = {
  delivery: async () => {
    const { auth, pair } = await signedIn({ delivery: 'cookie' })
    const headers = cookie(ACCESS, pair.accessToken)
    expect([auth.cookies.delivery, (await ask(auth, { headers })).location]).toEqual(['cookie', 'cookie'])
    const other = await signedIn()
    expect([other.auth.cookies.delivery, (await ask(other.auth, { headers })).code]).toEqual(['body', 'missing_token'])
  },
  'cookies.names.access': async () => {
    await renamed({ access: '__Host-a' }, 0)()
    const { auth, pair } = await signedIn({ delivery: 'cookie', cookies: { names: { access: '__Host-a' } } })
    expect((await ask(auth, { headers: cookie('__Host-a', pair.accessToken) })).code).toBe('accepted')
    expect((await ask(auth, { headers: cookie(ACCESS, pair.accessToken) })).code).toBe('missing_token')
  },
  'cookies.names.csrfAccess': renamed({ csrfAccess: 'a-csrf' }, 1),
  'cookies.names.refresh': renamed({ refresh: '__Secure-r' }, 2),
  'cookies.names.csrfRefresh': renamed({ csrfRefresh: 'r-csrf' }, 3),
  'cookies.refreshPath': async () => {
    expect(await attribute({ refreshPath: '/session' }, 'Path')).toEqual([
      'Path=/',
      'Path=/',
      'Path=/session',
      'Path=/',
    ])
    expect((await attribute({}, 'Path'))[2]).toBe('Path=/auth')
  },
  'cookies.domain': async () => {
    const domain = 'example.com'
    expect(new Set(await attribute({ domain }, 'Domain'))).toEqual(new Set([`Domain=${domain}`]))
    expect(namesOf(await setUnder({ domain })).set[0]).toBe('jotward-access')
    expect(new Set(await attribute({}, 'Domain'))).toEqual(new Set([null]))
  },
  'cookies.sameSite': async () => {
    expect(new Set(await attribute({ sameSite: 'Strict' }, 'SameSite'))).toEqual(new Set(['SameSite=Strict']))
    expect(new Set(await attribute({}, 'SameSite'))).toEqual(new Set(['SameSite=Lax']))
  },
  'cookies.untilBrowserCloses': async () => {
    expect(new Set(await attribute({ untilBrowserCloses: true }, 'Max-Age'))).toEqual(new Set([null]))
    expect((await attribute({}, 'Max-Age')).slice(0, 2)).toEqual(['Max-Age=900', 'Max-Age=900'])
  },
  'cookies.previousDomains': async () => {
    const cookies = { previousDomains: ['old.example.com'] }
    const unset = ['app-access', 'jotward-csrf', 'app-refresh', 'jotward-csrf-refresh']
    expect(namesOf(await setUnder({ names, ...cookies })).unset).toEqual(unset)
    expect(namesOf(await setUnder({ names })).unset).toEqual([])
    const refused = await doubled(cookies)
    expect([refused.code, namesOf(refused.cookies).unset]).toEqual(['malformed_credentials', unset])
    expect((await doubled({})).cookies).toEqual([])
  },
  'cookies.renewWithin': async () => {
    const renewedUnder = async (cookies: CookiesConfig) => {
      const { auth, pair, turn } = await signedIn({ delivery: 'cookie', cookies })
      turn(11 * 60_000)
      return namesOf((await ask(auth, { headers: cookie(ACCESS, pair.accessToken) })).cookies).set
    }
    expect(await renewedUnder({ renewWithin: '5m' })).toEqual([ACCESS, 'jotward-csrf'])
    expect(await renewedUnder({ renewWithin: '3m' })).toEqual([])
    expect(await renewedUnder({})).toEqual([])
  },
  'cookies.csrfCookies': async () => {
    expect(namesOf(await setUnder({ csrfCookies: false })).set).toEqual([ACCESS, REFRESH])
  },
  'cookies.dangerouslyAllowHttp': async () => {
    expect(new Set(await attribute({ dangerouslyAllowHttp: true }, 'Secure'))).toEqual(new Set([null]))
    expect(new Set(await attribute({}, 'Secure'))).toEqual(new Set(['Secure']))
  },
  'csrf.methods': async () => {
    expect(await compare({ methods: ['GET'] }, () => ({}))).toEqual(['accepted', 'csrf_failed'])
    expect(await compare({ methods: ['GET'] }, () => ({ method: 'GET' }))).toEqual(['csrf_failed', 'accepted'])
  },
  'csrf.origins': async () => {
    const origin = 'https://app.example.com'
    const sent = (value: string) => ({
      headers: { origin, 'sec-fetch-site': 'same-site', 'x-csrf-token': value },
    })
    expect(await compare({ origins: [origin] }, sent)).toEqual(['accepted', 'csrf_failed'])
  },
  'csrf.headers.access': async () => {
    expect(await compare({ headers: { access: 'X-XSRF' } }, header('x-xsrf'))).toEqual(['accepted', 'csrf_failed'])
  },
  'csrf.headers.refresh': async () => {
    const csrf = { headers: { refresh: 'X-Again' } }
    expect(await compare(csrf, header('x-again'), 'refresh')).toEqual(['accepted', 'csrf_failed'])
  },
  'csrf.fields.access': async () => {
    expect(await compare({ fields: { access: 'csrf_token' } }, form('csrf_token'))).toEqual(['accepted', 'csrf_failed'])
  },
  'csrf.fields.refresh': async () => {
    const csrf = { fields: { refresh: 'csrf_again' } }
    expect(await compare(csrf, form('csrf_again'), 'refresh')).toEqual(['accepted', 'csrf_failed'])
  },
  'csrf.doubleSubmit': async () => {
    expect(await compare({ doubleSubmit: false }, from('same-origin'))).toEqual(['accepted', 'csrf_failed'])
    expect(await submit({ doubleSubmit: false }, () => ({}))).toBe('csrf_failed')
  },
  'csrf.dangerouslyDisabled': async () => {
    expect(await compare({ dangerouslyDisabled: true }, from('cross-site'))).toEqual(['accepted', 'csrf_failed'])
  },
}
