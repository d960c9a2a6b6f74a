import { describe, expect, test } from 'vitest'
import type { Route } from '../../../src/routes/route.ts'
import { ROUTES } from '../../../src/routes/table.ts'
import type { Sent } from '../exchange.ts'
import { createBed, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Settings } from './bed.ts'
import { ALL_COOKIES, CSRF, CSRF_REFRESH, openBrowser, REFRESH } from './browser.ts'
import type { Browser, Page } from './browser.ts'
import { BY_COOKIE, newBrowser } from './delivering.ts'

/** Requests that another site has a browser send, or that ride on cookies which somebody else has put there. */

const NEXT = 'a hat made of old newspapers'

/** Requests that change something, with what each would have changed. */
const CHANGES: readonly (readonly [title: string, sent: (bed: Bed, browser: Browser) => Sent])[] = [
  ['a refresh', () => ({ method: 'POST', path: '/auth/refresh' })],
  ['a sign-out', () => ({ method: 'POST', path: '/auth/signout' })],
  ['a sign-out everywhere', () => ({ method: 'POST', path: '/auth/signout-everywhere' })],
  ['a reauthentication', () => post('/auth/reauthenticate', { password: PASSWORD })],
  ['a change of password', () => post('/auth/password', { current: PASSWORD, next: NEXT })],
]

/** What a guard protects by itself. */
const GUARDED: readonly Route[] = ROUTES.filter(
  ({ requires, method }: Route) => requires !== undefined && method !== 'GET',
)

/** Pages that must not speak for a user, though the browser adds the user's cookies. */
const PAGES: readonly (readonly [title: string, page: (own: string, others: string) => Page])[] = [
  ['sends no value (N080, #94)', () => ({ csrf: null })],
  ['sends a value that is none (N081, #94)', () => ({ csrf: 'x' })],
  ['sends the value of another session (N081)', (_own, others) => ({ csrf: others })],
  ['sends the right value twice (N081)', (own) => ({ csrf: own, headers: [['X-CSRF-Token', own]] })],
  [
    'sends the right value with one letter changed (N081)',
    (own) => ({ csrf: `${own.slice(0, -1)}${own.endsWith('A') ? 'B' : 'A'}` }),
  ],
  ['sends a value beyond ASCII (#100)', () => ({ csrf: 'caf\u00e9' })],
  ['is of another site (N080)', () => ({ site: 'cross-site' })],
  ['is of a sibling site (N078, N080)', () => ({ site: 'same-site' })],
  ['is of another origin (N085)', () => ({ site: null, origin: 'https://evil.example' })],
  ['has the origin null (N085)', () => ({ site: null, origin: 'null' })],
  ['is of an origin that begins like ours (N085)', () => ({ site: null, origin: 'https://localhost.evil.example' })],
  ['is of another port (N085)', () => ({ site: null, origin: 'http://localhost:4444' })],
]

const forgeries = (ground: Ground): void => {
  test.each(PAGES)('a page that %s changes nothing by any endpoint', async (_title, pageOf) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const { browser: other } = await newBrowser(bed)
    const before = JSON.stringify(await bed.auth.sessions.list(user.id))
    for (const [title, sent] of CHANGES) {
      const name = title === 'a refresh' ? CSRF_REFRESH : CSRF
      const page = pageOf(browser.valueOf(name), other.valueOf(name))
      expect([title, await browser.refuses(sent(bed, browser), 'csrf_failed', page)]).toEqual([title, []])
    }
    expect(JSON.stringify(await bed.auth.sessions.list(user.id))).toBe(before)
    expect([await browser.isIn(), browser.names()]).toEqual([true, ALL_COOKIES])
    expect(await bed.store.users.findById(user.id)).toMatchObject({ credentialVersion: user.credentialVersion })
  })

  test.each(GUARDED)('$operation by cookie asks for the value, and for a page of our own (N080)', async (route) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    const sent = { method: route.method, path: `/auth${route.path.replaceAll(/\{\w+\}/g, 'abc')}` }
    await browser.refuses(sent, 'csrf_failed', { csrf: null })
    await browser.refuses(sent, 'csrf_failed', { site: 'cross-site' })
  })

  test.each(CHANGES)('%s is done for a page of our own', async (_title, sent) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    expect((await browser.send(sent(bed, browser))).status).toBeLessThan(300)
  })

  test('a refresh takes the value of the refresh cookie alone (S3-11, #96)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    await browser.refuses({ method: 'POST', path: '/auth/refresh' }, 'csrf_failed', { csrf: browser.valueOf(CSRF) })
    expect(bed.events).not.toContain('session.refreshed')
  })

  test('a token in a header needs no value (#99)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { email } = await bed.signUp()
    const pair = await bed.succeeds<{ access_token: string }>(
      post('/auth/signin', { email, password: PASSWORD, delivery: 'body' }),
    )
    const headers = [
      ['Authorization', `Bearer ${pair.access_token}`],
      ['Sec-Fetch-Site', 'cross-site'],
    ] as const
    await bed.succeeds({
      ...post('/auth/reauthenticate', { password: PASSWORD }),
      headers: [['Content-Type', 'application/json'], ...headers],
    })
  })

  test('pages of an origin that the configuration names may ask too', async () => {
    const origin = 'https://app.example.com'
    const bed = await createBed(ground, { config: { delivery: 'cookie', csrf: { origins: [origin] } } })
    const page = { site: 'same-site', origin }
    const browser = openBrowser(bed)
    await browser.signIn(await bed.signUp(), page)
    await browser.succeeds({ method: 'POST', path: '/auth/refresh' }, page)
    await browser.succeeds({ method: 'POST', path: '/auth/signout' }, { ...page, status: 204 })
  })
}

const logins = (ground: Ground): void => {
  test.each([
    ['another site', { site: 'cross-site' }],
    ['a sibling site', { site: 'same-site' }],
    ['another origin', { site: null, origin: 'https://evil.example' }],
    ['the origin null', { site: null, origin: 'null' }],
  ])('a sign-in for a page of %s is refused before the password is looked at (N083)', async (_title, page) => {
    const bed = await createBed(ground, BY_COOKIE)
    const user = await bed.signUp()
    const browser = openBrowser(bed)
    for (const password of [PASSWORD, 'wrong']) {
      const sent = post('/auth/signin', { email: user.email, password })
      expect(await browser.refuses(sent, 'csrf_failed', page)).toEqual([])
    }
    expect([await bed.countOf(user.id), bed.events]).toEqual([0, ['user.created']])
  })

  test('a sign-in begins a session of its own, and ends the one whose cookie it replaces (N087)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { user: mallory, browser: planter } = await newBrowser(bed)
    const browser = openBrowser(bed)
    browser.plant(REFRESH, planter.valueOf(REFRESH), '/auth')
    const ann = await bed.signUp()
    await browser.signIn(ann)
    expect([await bed.countOf(mallory.id), await planter.isIn()]).toEqual([0, false])
    expect([await bed.countOf(ann.id), await browser.isIn()]).toEqual([1, true])
    expect(browser.valueOf(CSRF)).not.toBe(planter.valueOf(CSRF))
  })

  test('a second sign-in in one browser leaves one session, with values of its own (N081, N087)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const value = browser.valueOf(CSRF)
    await browser.signIn(user)
    expect(await bed.countOf(user.id)).toBe(1)
    await browser.refuses(post('/auth/reauthenticate', { password: PASSWORD }), 'csrf_failed', { csrf: value })
  })

  test('a sign-in that fails ends nothing (N087)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const sent = post('/auth/signin', { email: user.email, password: 'wrong' })
    expect(await browser.refuses(sent, 'invalid_credentials')).toEqual([])
    expect([await browser.isIn(), await bed.countOf(user.id)]).toEqual([true, 1])
  })

  test('a session that cannot be ended keeps nobody from signing in, and is told to the operator (N087)', async () => {
    const state = { isFailing: false }
    const store: Settings['store'] = (now) => {
      const { sessions, ...rest } = ground.openStore(now)
      const end: typeof sessions.end = (ending, policy) => {
        if (state.isFailing) throw new Error('disk I/O error')
        return sessions.end(ending, policy)
      }
      return { ...rest, sessions: { ...sessions, end } }
    }
    const bed = await createBed(ground, { ...BY_COOKIE, store })
    const { browser, user } = await newBrowser(bed)
    state.isFailing = true
    await browser.signIn(user)
    expect([await browser.isIn(), await bed.countOf(user.id)]).toEqual([true, 2])
    expect(bed.events.filter((type) => type === 'failure')).toHaveLength(1)
  })

  test.each(['x', 'a.b.c', '"quoted"', 'of somebody else'])(
    'a sign-in beside the refresh cookie %j goes well',
    async (value) => {
      const bed = await createBed(ground, BY_COOKIE)
      const user = await bed.signUp()
      const browser = openBrowser(bed)
      browser.plant(REFRESH, value, '/auth')
      await browser.signIn(user)
      expect([await browser.isIn(), bed.events.includes('failure')]).toEqual([true, false])
    },
  )
}

const places = (ground: Ground): void => {
  const REFRESHING = { method: 'POST', path: '/auth/refresh' } as const

  test('a refresh token in the body and another in a cookie are two credentials (RFC 6750 §2)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const token = browser.valueOf(REFRESH)
    expect(await browser.refuses(post('/auth/refresh', { refresh_token: token }), 'malformed_credentials')).toEqual([])
    expect(await bed.countOf(user.id)).toBe(1)
    expect(bed.events).not.toContain('session.refreshed')
  })

  test('two refresh cookies of one name are refused, and nothing is rotated (N078)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    const { headers = [] } = browser.prepare(REFRESHING)
    const twice = headers.map(([name, value]): readonly [string, string] => [
      name,
      name === 'Cookie' ? `${value}; ${REFRESH}=x` : value,
    ])
    await bed.refuses({ ...REFRESHING, headers: twice }, 'malformed_credentials')
    expect(bed.events).not.toContain('session.refreshed')
    await browser.succeeds(REFRESHING)
  })

  test('a refresh without any token asks for one', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    expect(await openBrowser(bed).refuses(REFRESHING, 'missing_token')).toEqual([])
    await bed.refuses(post('/auth/refresh', {}), 'missing_token')
  })

  test('the access token of a client in a header is no second one beside the refresh token in the body', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { email } = await bed.signUp()
    const sent = post('/auth/signin', { email, password: PASSWORD, delivery: 'body' })
    const pair = await bed.succeeds<{ access_token: string; refresh_token: string }>(sent)
    for (const value of [`Bearer ${pair.access_token}`, 'Bearer ', 'Bearer a b', 'Basic eHg=']) {
      await bed.succeeds(post('/auth/refresh', { refresh_token: pair.refresh_token }, [['Authorization', value]]))
    }
  })

  test('a refresh token that came back after its time ends its session and its cookies (N110, #117)', async () => {
    const bed = await createBed(ground, { config: { delivery: 'cookie', refreshToken: { grace: 0 } } })
    const { browser, user } = await newBrowser(bed)
    const thief = openBrowser(bed)
    thief.plant(REFRESH, browser.valueOf(REFRESH), '/auth')
    const csrf = browser.valueOf(CSRF_REFRESH)
    await browser.succeeds(REFRESHING)
    const unset = await thief.refuses(REFRESHING, 'refresh_token_reused', { csrf })
    expect([unset.length, thief.names()]).toEqual([4, []])
    expect([await browser.isIn(), await bed.countOf(user.id)]).toEqual([false, 0])
  })

  test.each([
    ['a lost race', async (bed: Bed, browser: Browser) => bed.auth.signOut(browser.valueOf(REFRESH))],
    ['a token that is none', async (_bed: Bed, browser: Browser) => browser.plant(REFRESH, 'a.b.c', '/auth')],
  ])('a refresh that is refused for %s leaves the cookies to whoever has set them last', async (_title, change) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    await change(bed, browser)
    expect(await browser.refuses(REFRESHING, 'refresh_token_invalid')).toEqual([])
    expect(browser.names()).toEqual(ALL_COOKIES)
  })

  test('two tabs that refresh at once get the same refresh token, and stay signed in (N107)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const sent = browser.prepare(REFRESHING)
    const answers = await Promise.all(Array.from({ length: 8 }, () => bed.send(sent)))
    const tokens = answers.map((answer) => answer.cookies.find((cookie) => cookie.startsWith(`${REFRESH}=`)))
    expect([answers.map(({ status }) => status), new Set(tokens).size]).toEqual([
      Array.from({ length: 8 }, () => 200),
      1,
    ])
    expect(await bed.countOf(user.id)).toBe(1)
  })
}

export const forgeryScenarios = (ground: Ground): void => {
  describe('requests that ride on cookies', () => {
    forgeries(ground)
    logins(ground)
    places(ground)
  })
}
