import { describe, expect, test } from 'vitest'
import { bearer, claimsOf, createBed, form, PASSWORD, post } from './bed.ts'
import type { Bed, Ground, Pair, Settings } from './bed.ts'
import { ACCESS, ALL_COOKIES, CSRF, CSRF_REFRESH, openBrowser, REFRESH } from './browser.ts'
import type { Browser } from './browser.ts'

/** Tokens handed out as cookies (S2-8, S0-11). */

export const BY_COOKIE: Settings = { config: { delivery: 'cookie' } }

/** Cookies are taken, and handed out to who asks. */
export const BY_REQUEST: Settings = { config: { locations: { order: ['header', 'cookie'] } } }

const NEXT = 'a hat made of old newspapers'

const sidIn = (browser: Browser): unknown => claimsOf(browser.valueOf(ACCESS))['sid']

/** Somebody new, signed in with a browser. */
export const newBrowser = async (bed: Bed) => {
  const user = await bed.signUp()
  const browser = openBrowser(bed)
  const told = await browser.signIn(user)
  return { user, browser, told }
}

const AS_COOKIES = {
  token_type: 'Bearer',
  expires_in: 900,
  csrf_token: expect.any(String) as string,
  csrf_refresh_token: expect.any(String) as string,
}

const setting = (ground: Ground): void => {
  test('a sign-in sets both tokens with safe attributes, and tells neither of them (S2-8, S0-11, N079, N089, #90)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, told } = await newBrowser(bed)
    expect(told).toEqual(AS_COOKIES)
    expect(browser.names()).toEqual(ALL_COOKIES)
    const shared = ['Secure', 'HttpOnly', 'SameSite=Lax']
    const now = bed.clock.now
    const days = 180 * 86_400
    const shown = (name: string) => {
      const { path, attributes, expiresAt } = browser.cookie(name) ?? { attributes: [], path: '', expiresAt: 0 }
      return [path, attributes, Math.round((expiresAt ?? 0) - now)]
    }
    expect(shown(ACCESS)).toEqual(['/', shared, 900])
    expect(shown(REFRESH)).toEqual(['/auth', shared, days])
    expect(shown(CSRF)).toEqual(['/', ['Secure', 'SameSite=Lax'], 900])
    expect(shown(CSRF_REFRESH)).toEqual(['/', ['Secure', 'SameSite=Lax'], days])
    expect([browser.valueOf(CSRF), browser.valueOf(CSRF_REFRESH)]).toEqual([
      told['csrf_token'],
      told['csrf_refresh_token'],
    ])
    expect(await browser.isIn()).toBe(true)
  })

  test('a refresh by cookie answers by cookies, which stay in the session (#106)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const [session, before] = [sidIn(browser), browser.valueOf(REFRESH)]
    bed.clock.now += 3600
    expect(browser.names()).toEqual([CSRF_REFRESH, REFRESH].toSorted())
    expect(await browser.isIn()).toBe(false)
    expect(await browser.succeeds({ method: 'POST', path: '/auth/refresh' })).toEqual(AS_COOKIES)
    expect([sidIn(browser), browser.valueOf(REFRESH) === before]).toEqual([session, false])
    expect([await browser.isIn(), await bed.countOf(user.id)]).toEqual([true, 1])
  })

  test('the answer goes the way that the token came: to a body where it was in the body or in a header', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const user = await bed.signUp()
    const signIn = { email: user.email, password: PASSWORD, delivery: 'body' }
    const pair = await bed.succeeds<Pair>(post('/auth/signin', signIn))
    const answers = [
      await bed.send(post('/auth/signin', signIn)),
      await bed.send(bed.refresh(pair)),
      await bed.send({ method: 'POST', path: '/auth/refresh', headers: bearer(pair.refresh_token) }),
      await bed.send(
        form('/auth/token', [
          ['grant_type', 'refresh_token'],
          ['refresh_token', pair.refresh_token],
        ]),
      ),
      await bed.send(post('/auth/reauthenticate', { password: PASSWORD }, bearer(pair.access_token))),
      await bed.send(post('/auth/password', { current: PASSWORD, next: NEXT }, bearer(pair.access_token))),
    ]
    for (const answer of answers) {
      expect([answer.status, answer.cookies]).toEqual([200, []])
      expect(await bed.opens(JSON.parse(answer.text) as Pair)).toBe(answer === answers.at(-1))
    }
  })

  test('the token endpoint hands out bodies alone, whatever cookies it is asked with (RFC 6749 §5.1)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const password = form('/auth/token', [
      ['grant_type', 'password'],
      ['username', user.email],
      ['password', PASSWORD],
    ])
    const answer = await browser.send(password)
    expect([answer.status, answer.cookies]).toEqual([200, []])
    expect(await bed.opens(JSON.parse(answer.text) as Pair)).toBe(true)
    expect((await browser.send(form('/auth/token', [['grant_type', 'refresh_token']]))).status).toBe(400)
  })

  test('a reauthentication renews the access cookie alone (S3-3)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser } = await newBrowser(bed)
    bed.clock.now += 600
    const [session, refreshToken] = [sidIn(browser), browser.valueOf(REFRESH)]
    expect((await browser.send({ path: '/fresh' })).status).toBe(401)
    const { csrf_refresh_token: _none, ...told } = AS_COOKIES
    expect(await browser.succeeds(post('/auth/reauthenticate', { password: PASSWORD }))).toEqual(told)
    expect((await browser.send({ path: '/fresh' })).status).toBe(200)
    expect([sidIn(browser), browser.valueOf(REFRESH)]).toEqual([session, refreshToken])
  })

  test('a change of password hands out the new session as cookies', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const [session, old] = [sidIn(browser), browser.prepare({ path: '/guarded' })]
    expect(await browser.succeeds(post('/auth/password', { current: PASSWORD, next: NEXT }))).toEqual(AS_COOKIES)
    expect(sidIn(browser)).not.toBe(session)
    expect([await browser.isIn(), (await bed.send(old)).status]).toEqual([true, 401])
    await browser.succeeds({ method: 'POST', path: '/auth/refresh' })
    expect(await bed.countOf(user.id)).toBe(1)
  })

  test('what is guarded takes cookies, and tells of the caller', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    expect(await browser.succeeds({ path: '/auth/me' })).toMatchObject({ principal: { subject: user.id } })
    expect(await browser.succeeds({ path: '/auth/sessions' })).toMatchObject({ sessions: [{ current: true }] })
  })
}

const asking = (ground: Ground): void => {
  test('a sign-in that asks for cookies gets them where they are looked for', async () => {
    const bed = await createBed(ground, BY_REQUEST)
    const user = await bed.signUp()
    const browser = openBrowser(bed)
    const credentials = { email: user.email, password: PASSWORD }
    const asBody = await browser.send(post('/auth/signin', credentials))
    expect(asBody.cookies).toEqual([])
    expect(await bed.opens(JSON.parse(asBody.text) as Pair)).toBe(true)
    expect(await browser.succeeds(post('/auth/signin', { ...credentials, delivery: 'cookie' }))).toEqual(AS_COOKIES)
    expect(await browser.isIn()).toBe(true)
    expect(await browser.succeeds({ method: 'POST', path: '/auth/refresh' })).toEqual(AS_COOKIES)
  })

  test('a sign-in that asks for cookies where nobody would look for them is refused, and makes no session', async () => {
    const bed = await createBed(ground)
    const user = await bed.signUp()
    const sent = post('/auth/signin', { email: user.email, password: PASSWORD, delivery: 'cookie' })
    expect(await bed.refuses(sent, 'invalid_body')).toEqual([{ path: 'delivery', problem: 'must be "body" here' }])
    expect(await bed.countOf(user.id)).toBe(0)
    await bed.succeeds(post('/auth/signin', { email: user.email, password: PASSWORD, delivery: 'body' }))
  })

  test.each(['cookies', '', null, true, ['cookie']])('a sign-in cannot ask for %j', async (delivery) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { email, id } = await bed.signUp()
    const problems = await bed.refuses(post('/auth/signin', { email, password: PASSWORD, delivery }), 'invalid_body')
    expect([problems.map(({ path }) => path), await bed.countOf(id)]).toEqual([['delivery'], 0])
  })
}

/** Each makes cookies that no browser would keep. */
const TOO_LARGE: readonly (readonly [title: string, settings: Settings])[] = [
  ['an access token', { ...BY_COOKIE, options: { claims: () => ({ long: 'x'.repeat(4000) }) } }],
  [
    'an access token, of a sign-in that asks for cookies,',
    { ...BY_REQUEST, options: { claims: () => ({ long: 'x'.repeat(4000) }) } },
  ],
  ['a refresh token', { config: { delivery: 'cookie', cookies: { refreshPath: `/${'x'.repeat(4000)}/auth` } } }],
]

const sizes = (ground: Ground): void => {
  test.each(TOO_LARGE)(
    '%s that fits into no cookie is answered with 503, and leaves no session that nobody holds',
    async (_title, settings) => {
      const bed = await createBed(ground, settings)
      const { email, id } = await bed.signUp()
      const browser = openBrowser(bed)
      const sent = post('/auth/signin', { email, password: PASSWORD, delivery: 'cookie' })
      expect(await browser.refuses(sent, 'hook_failed')).toEqual([])
      expect([await bed.countOf(id), bed.events.includes('failure')]).toEqual([0, true])
    },
  )
}

export const deliveryScenarios = (ground: Ground): void => {
  describe('delivery by cookie', () => {
    setting(ground)
    asking(ground)
    sizes(ground)
  })
}
