import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../../src/core/token/json.ts'
import type { Sent } from '../exchange.ts'
import { fragileStore } from '../fragile-store.ts'
import { createBed, PASSWORD, post } from './bed.ts'
import type { Ground, Pair } from './bed.ts'
import { ACCESS, ALL_COOKIES, CSRF, CSRF_REFRESH, openBrowser, REFRESH } from './browser.ts'
import type { Browser, Page } from './browser.ts'
import { BY_COOKIE, BY_REQUEST, newBrowser } from './delivering.ts'

/** Sign-out by cookie: one call ends the session, and both of its tokens die (S3-16, #110). */

const OUT: Sent = { method: 'POST', path: '/auth/signout' }
const EVERYWHERE: Sent = { method: 'POST', path: '/auth/signout-everywhere' }

const HOUR = 3600

const valueIn = (told: JsonObject, name: 'csrf_token' | 'csrf_refresh_token'): string => z.string().parse(told[name])

/** What a browser has left of its session, and which value its page knows. */
const LEFT: readonly (readonly [title: string, age: number, csrf: (browser: Browser) => string])[] = [
  ['both cookies, with the value of the access cookie', 0, (browser) => browser.valueOf(CSRF)],
  ['both cookies, with the value of the refresh cookie', 0, (browser) => browser.valueOf(CSRF_REFRESH)],
  ['the refresh cookie alone, with its value', HOUR, (browser) => browser.valueOf(CSRF_REFRESH)],
]

const leaving = (ground: Ground, sent: Sent): void => {
  test.each(LEFT)('is done by %s, and makes the browser forget both (S3-16, #92, #110)', async (_title, age, csrf) => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const copy = openBrowser(bed)
    for (const name of [ACCESS, REFRESH]) copy.plant(name, browser.valueOf(name), browser.cookie(name)?.path)
    const { browser: stranger } = await newBrowser(bed)
    bed.clock.now += age
    const answer = await browser.send(sent, { csrf: csrf(browser) })
    expect([answer.status, answer.text, browser.names()]).toEqual([204, '', []])
    const unset = answer.cookies
    expect(unset).toHaveLength(4)
    expect(unset).toContain(
      `${REFRESH}=; Path=/auth; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax`,
    )
    expect([await bed.countOf(user.id), await copy.isIn()]).toEqual([0, false])
    await stranger.succeeds({ method: 'POST', path: '/auth/refresh' })
  })

  test('is done by the refresh cookie alone for a page that still knows the value of the other one', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user, told } = await newBrowser(bed)
    bed.clock.now += HOUR
    expect(browser.names()).toEqual([CSRF_REFRESH, REFRESH].toSorted())
    await browser.succeeds(sent, { csrf: valueIn(told, 'csrf_token'), status: 204 })
    expect([await bed.countOf(user.id), browser.names()]).toEqual([0, []])
  })

  test('is done by the access cookie alone, expired or not, with either value', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    for (const name of ['csrf_token', 'csrf_refresh_token'] as const) {
      const { browser, user, told } = await newBrowser(bed)
      const left = openBrowser(bed)
      left.plant(ACCESS, browser.valueOf(ACCESS))
      bed.clock.now += HOUR
      await left.succeeds(sent, { csrf: valueIn(told, name), status: 204 })
      expect(await bed.countOf(user.id)).toBe(0)
    }
  })

  test('with a cookie that is no longer authentic is answered with 401, and the cookies are forgotten', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    for (const [name, path] of [
      [ACCESS, '/'],
      [REFRESH, '/auth'],
    ] as const) {
      const browser = openBrowser(bed)
      browser.plant(name, 'a.b.c', path)
      expect(await browser.refuses(sent, 'token_invalid', { csrf: null })).toHaveLength(4)
      expect(browser.names()).toEqual([])
    }
  })

  test('with such a cookie for a page of another site is refused, and nothing is forgotten (N083)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const browser = openBrowser(bed)
    browser.plant(ACCESS, 'a.b.c')
    expect(await browser.refuses(sent, 'csrf_failed', { site: 'cross-site' })).toEqual([])
    expect(browser.names()).toEqual([ACCESS])
  })

  test('with such a cookie beside a good one whose value is not known is refused, and nothing is forgotten (N080)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    browser.plant(ACCESS, 'a.b.c')
    expect(await browser.refuses(sent, 'csrf_failed', { csrf: null })).toEqual([])
    expect([await bed.countOf(user.id), browser.names()]).toEqual([1, ALL_COOKIES])
  })

  test('of one cookie that is good is done, whatever the other one is', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    for (const [bad, path] of [
      [ACCESS, '/'],
      [REFRESH, '/auth'],
    ] as const) {
      const { browser, user } = await newBrowser(bed)
      browser.plant(bad, 'a.b.c', path)
      await browser.succeeds(sent, { status: 204 })
      expect([await bed.countOf(user.id), browser.names()]).toEqual([0, []])
    }
  })

  test('is not kept from its end by a cookie that stands there twice (N078)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const prepared = browser.prepare(sent)
    const twice = (prepared.headers ?? []).map(([name, value]): readonly [string, string] => [
      name,
      name === 'Cookie' ? `${value}; ${ACCESS}=x` : value,
    ])
    expect((await bed.send({ ...prepared, headers: twice })).status).toBe(204)
    expect(await bed.countOf(user.id)).toBe(0)
  })

  test('by a refresh token in the body ends its session, and leaves cookies alone whose value is not known (N080)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const { email, id } = await bed.signUp()
    const pair = await bed.succeeds<Pair>(post('/auth/signin', { email, password: PASSWORD, delivery: 'body' }))
    const page: Page = { site: 'cross-site', csrf: null }
    const answer = await browser.send(post(sent.path, { refresh_token: pair.refresh_token }), page)
    expect([answer.status, answer.cookies]).toEqual([204, []])
    expect([await bed.countOf(id), await bed.countOf(user.id), await browser.isIn()]).toEqual([0, 1, true])
  })

  test('that the store cannot do is answered with 503, and nothing is forgotten: it is to be asked again (N121)', async () => {
    const fragile: { break: () => void; mend: () => void } = { break: () => undefined, mend: () => undefined }
    const store = (now: () => number) => {
      const made = fragileStore(now)
      Object.assign(fragile, made)
      return made.store
    }
    const bed = await createBed(ground, { ...BY_COOKIE, store })
    const { browser, user } = await newBrowser(bed)
    fragile.break()
    expect(await browser.refuses(sent, 'store_unavailable')).toEqual([])
    expect(browser.names()).toEqual(ALL_COOKIES)
    fragile.mend()
    expect(await bed.countOf(user.id)).toBe(1)
    await browser.succeeds(sent, { status: 204 })
    expect([await bed.countOf(user.id), browser.names()]).toEqual([0, []])
  })

  test('without any token asks for one, and forgets nothing', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    expect(await openBrowser(bed).refuses(sent, 'missing_token')).toEqual([])
  })
}

const once = (ground: Ground): void => {
  test('is answered alike when it is repeated, and stands against a refresh that was under way (#107)', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const [again, refreshing] = [browser.prepare(OUT), browser.prepare({ method: 'POST', path: '/auth/refresh' })]
    const late = await bed.send(refreshing)
    await browser.succeeds(OUT, { status: 204 })
    expect((await bed.send(again)).status).toBe(204)
    // The browser keeps what that refresh has brought, and it is worth nothing.
    for (const cookie of late.cookies) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]?.split('=') ?? []
      browser.plant(name, value, name === REFRESH ? '/auth' : '/')
    }
    expect([await browser.isIn(), await bed.countOf(user.id)]).toEqual([false, 0])
    await browser.refuses({ method: 'POST', path: '/auth/refresh' }, 'refresh_token_invalid')
  })

  test('ends the sessions of both cookies where they belong to two, if their values are known', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const { browser: other, user: bob } = await newBrowser(bed)
    browser.plant(REFRESH, other.valueOf(REFRESH), '/auth')
    // One header, one value: the other cookie is forgotten, and its session is not this page's to end.
    await browser.succeeds(OUT, { status: 204 })
    expect([await bed.countOf(user.id), await bed.countOf(bob.id), browser.names()]).toEqual([0, 1, []])
  })

  test('of the session in use, by its name, makes the browser forget it too', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const elsewhere = openBrowser(bed)
    await elsewhere.signIn(user)
    const end = async (id: string | undefined) => browser.send({ method: 'DELETE', path: `/auth/sessions/${id}` })
    const [first, second] = await bed.auth.sessions.list(user.id)
    const own = (await browser.succeeds({ path: '/auth/me' }))['principal']
    const isFirst = (own as { session_id: string }).session_id === first?.id
    const [mine, theirs] = isFirst ? [first, second] : [second, first]
    expect((await end(theirs?.id)).cookies).toEqual([])
    expect([await elsewhere.isIn(), await browser.isIn(), browser.names()]).toEqual([false, true, ALL_COOKIES])
    expect((await end(mine?.id)).cookies).toHaveLength(4)
    expect([browser.names(), await bed.countOf(user.id)]).toEqual([[], 0])
  })

  test('by cookie is there for who has asked for cookies only at sign-in', async () => {
    const bed = await createBed(ground, BY_REQUEST)
    const { email, id } = await bed.signUp()
    const browser = openBrowser(bed)
    await browser.succeeds(post('/auth/signin', { email, password: PASSWORD, delivery: 'cookie' }))
    await browser.succeeds(OUT, { status: 204 })
    expect([await bed.countOf(id), browser.names()]).toEqual([0, []])
  })

  test('everywhere with a session that has ended is refused, and its cookies are forgotten', async () => {
    const bed = await createBed(ground, BY_COOKIE)
    const { browser, user } = await newBrowser(bed)
    const elsewhere = openBrowser(bed)
    await elsewhere.signIn(user)
    await bed.auth.signOut(browser.valueOf(REFRESH))
    expect(await browser.refuses(EVERYWHERE, 'token_revoked')).toHaveLength(4)
    expect([browser.names(), await elsewhere.isIn()]).toEqual([[], true])
  })
}

export const leavingScenarios = (ground: Ground): void => {
  describe('sign-out by cookie', () => {
    leaving(ground, OUT)
    once(ground)
  })

  describe('sign-out everywhere by cookie', () => {
    leaving(ground, EVERYWHERE)
  })
}
