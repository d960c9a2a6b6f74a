import { describe, expect, onTestFinished, test } from 'vitest'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { Sent } from '../exchange.ts'
import { reply } from '../serve-reply.ts'
import type { Reply } from '../serve-reply.ts'
import type { Serve } from '../serve.ts'
import { bearer } from './bed.ts'
import { ACCESS, createBrowser, createIssuer, CSRF, nameOf, namesIn, NEAR_END, oursIn, signIn } from './renewal-bed.ts'
import type { Issuer } from './renewal-bed.ts'

/** Access cookies that are renewed in the answer to a request (S3-15), over what handlers do with their answers. */

interface Placed {
  readonly requirement?: Requirement
  /** A guard of the whole application before that of the route. */
  readonly isTwice?: boolean
  readonly others?: readonly Issuer[]
  readonly cookiesBefore?: readonly string[]
}

/** An application with one route, whose handler answers as it is told. */
const open = async (serve: Serve, issuer: Issuer, answer: () => Reply, placed: Placed = {}) => {
  const { requirement = {}, isTwice = false, others = [], cookiesBefore = [] } = placed
  let entries = 0
  const enter = (): Reply => {
    entries += 1
    return answer()
  }
  const inner = others.map((_other, index) => ({ by: index + 1 }))
  const service = await serve<unknown, string>({
    auths: [issuer, ...others].map(({ auth }) => auth),
    areas: isTwice ? [{ prefix: '' }] : [],
    cookiesBefore,
    routes: [{ path: '/', guards: [{ requirement }, ...inner], enter }],
  })
  onTestFinished(() => service.close())
  return {
    ask: (browser: ReturnType<typeof createBrowser>, sent: Partial<Sent> = {}) =>
      service.send({ path: '/', ...sent, headers: [browser.header()] }),
    send: service.send,
    entered: () => entries,
  }
}

/** The same, with a cookie that is about to end. */
const openNearEnd = async (serve: Serve, answer: () => Reply, placed: Placed = {}) => {
  const issuer = createIssuer()
  const { browser } = await signIn(issuer)
  issuer.clock.now += NEAR_END
  return { ...issuer, browser, app: await open(serve, issuer, answer, placed) }
}

const WAYS = ['plain', 'whole', 'stream'] as const

const goingOut = (serve: Serve): void => {
  test('go out near the end of a cookie and no sooner, good for another lifetime (S3-15, #106)', async () => {
    const issuer = createIssuer()
    const { browser } = await signIn(issuer)
    const app = await open(serve, issuer, () => reply('plain'))
    expect(oursIn(await app.ask(browser))).toEqual([])
    issuer.clock.now += NEAR_END
    const old = browser.header()
    const answer = await app.ask(browser)
    expect([answer.status, oursIn(answer)]).toEqual([200, [ACCESS, CSRF]])
    browser.receive(answer.cookies)
    issuer.clock.now += 400
    expect((await app.send({ path: '/', headers: [old] })).status).toBe(401)
    expect((await app.ask(browser)).status).toBe(200)
  })

  test('do not go out to whoever sends a token in a header, or none (#106)', async () => {
    const issuer = createIssuer()
    const { pair } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const app = await open(serve, issuer, () => reply('plain'), { requirement: { optional: true } })
    for (const headers of [[bearer(pair.accessToken)], []]) {
      const answer = await app.send({ path: '/', headers })
      expect([answer.status, oursIn(answer)]).toEqual([200, []])
    }
  })

  test.each(WAYS)('stand beside the cookies of a handler that answers in one way: %s', async (how) => {
    const theirs = ['theme=dark; Path=/', 'tour=done; Path=/']
    const cookiesBefore = ['early=1; Path=/']
    const { app, browser } = await openNearEnd(serve, () => reply(how, { cookies: theirs }), { cookiesBefore })
    const answer = await app.ask(browser)
    expect(answer.text).toBe('"replied"')
    // What an answer that is made at once does to the cookies from before is the framework's own affair.
    const names = namesIn(answer).filter((name) => name !== 'early')
    expect(names.toSorted()).toEqual([ACCESS, CSRF, 'theme', 'tour'])
  })

  test.each([201, 303, 404, 500])('go out with status %s', async (status) => {
    const { app, browser } = await openNearEnd(serve, () => reply('plain', { status, headers: { location: '/x' } }))
    const answer = await app.ask(browser)
    expect([answer.status, oursIn(answer)]).toEqual([status, [ACCESS, CSRF]])
  })

  test('go out with the answer to HEAD', async () => {
    const { app, browser } = await openNearEnd(serve, () => reply('plain'))
    expect(oursIn(await app.ask(browser, { method: 'HEAD' }))).toEqual([ACCESS, CSRF])
  })

  test('go out once where two guards have let the caller in', async () => {
    const { app, browser } = await openNearEnd(serve, () => reply('plain'), { isTwice: true })
    const answer = await app.ask(browser)
    expect([answer.status, oursIn(answer)]).toEqual([200, [ACCESS, CSRF]])
  })

  test('go out all where two issuers let the caller in, each by cookies of its own', async () => {
    const names = { access: '__Host-other', csrfAccess: 'other-csrf', refresh: '__Secure-other-refresh' }
    const issuers = [createIssuer(), createIssuer({ cookies: { names, renewWithin: '5m' } })] as const
    const [ours, theirs] = await Promise.all([signIn(issuers[0]), signIn(issuers[1])])
    for (const { clock } of issuers) clock.now += NEAR_END
    ours.browser.receive(issuers[1].auth.cookies.set(theirs.pair))
    const app = await open(serve, issuers[0], () => reply('plain'), { others: [issuers[1]] })
    const answer = await app.ask(ours.browser)
    expect(answer.status).toBe(200)
    expect(namesIn(answer).toSorted()).toEqual([ACCESS, names.access, CSRF, names.csrfAccess].toSorted())
  })

  test('never mix among callers at the same time', async () => {
    const issuer = createIssuer()
    const subjects = Array.from({ length: 12 }, (_, index) => `user-${index}`)
    const browsers = await Promise.all(subjects.map(async (subject) => (await signIn(issuer, subject)).browser))
    issuer.clock.now += NEAR_END
    const app = await open(serve, issuer, () => reply('plain'))
    const answers = await Promise.all(browsers.map((browser) => app.ask(browser)))
    const received = answers.map(async ({ cookies }) => {
      const { subject } = await issuer.auth.verify(createBrowser(cookies).get(ACCESS) ?? '')
      return subject
    })
    expect(await Promise.all(received)).toEqual(subjects)
  })
}

const stayingBehind = (serve: Serve): void => {
  test.each([401, 403].flatMap((status) => (['plain', 'whole'] as const).map((how) => [status, how] as const)))(
    'do not go out with %s, which a handler answers in one way: %s (#115)',
    async (status, how) => {
      const { app, browser } = await openNearEnd(serve, () => reply(how, { status }))
      const answer = await app.ask(browser)
      expect([answer.status, oursIn(answer), app.entered()]).toEqual([status, [], 1])
    },
  )

  test('do not go out with the refusal of a nearer guard, of its issuer or of another (#115)', async () => {
    const outer = await openNearEnd(serve, () => reply('plain'), {
      isTwice: true,
      requirement: { permissions: ['orders:write'] },
    })
    const refused = await outer.app.ask(outer.browser)
    expect([refused.status, oursIn(refused), outer.app.entered()]).toEqual([403, [], 0])
    const other = await openNearEnd(serve, () => reply('plain'), {
      others: [createIssuer({ audience: 'https://x.y' })],
    })
    const elsewhere = await other.app.ask(other.browser)
    expect([elsewhere.status, oursIn(elsewhere), other.app.entered()]).toEqual([401, [], 0])
  })

  test('do not go out with a refusal that a hook has made look like an answer', async () => {
    const issuer = createIssuer({ errors: { on: { insufficient_permission: () => ({ status: 200, body: 'no' }) } } })
    const { browser } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const placed = { isTwice: true, requirement: { permissions: ['orders:write'] } }
    const app = await open(serve, issuer, () => reply('plain'), placed)
    const answer = await app.ask(browser)
    expect([answer.status, answer.text, oursIn(answer), app.entered()]).toEqual([200, '"no"', [], 0])
  })

  test('do not go out for a session that has ended (#107, #115)', async () => {
    const issuer = createIssuer()
    const { pair, browser } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const app = await open(serve, issuer, () => reply('plain'))
    await issuer.auth.revoke.session({ sessionId: pair.session.id, subject: 'ann' })
    const answer = await app.ask(browser)
    expect([answer.status, oursIn(answer), app.entered()]).toEqual([401, [], 0])
  })

  test.each(WAYS)('yield to a handler that signs out, answering in one way: %s (#107)', async (how) => {
    const issuer = createIssuer()
    const { browser } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const app = await open(serve, issuer, () => reply(how, { cookies: issuer.auth.cookies.unset() }))
    const answer = await app.ask(browser)
    expect(answer.cookies.filter((cookie) => nameOf(cookie) === ACCESS)).toEqual([expect.stringContaining('Max-Age=0')])
    browser.receive(answer.cookies)
    expect([browser.get(ACCESS), browser.get(CSRF)]).toEqual([null, null])
  })

  test.each(WAYS)('yield to a handler that signs somebody in, answering in one way: %s', async (how) => {
    const issuer = createIssuer()
    const { browser } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const { pair } = await signIn(issuer, 'bob')
    const app = await open(serve, issuer, () => reply(how, { cookies: issuer.auth.cookies.set(pair) }))
    browser.receive((await app.ask(browser)).cookies)
    expect(browser.get(ACCESS)).toBe(pair.accessToken)
  })
}

const caches: readonly (readonly [given: string | null, kept: string])[] = [
  [null, 'private'],
  ['max-age=60', 'max-age=60, private'],
  ['private, max-age=60', 'private, max-age=60'],
  ['no-store', 'no-store'],
]

const cached = (serve: Serve): void => {
  const cacheScenarios = (['plain', 'whole'] as const).flatMap((how) => caches.map((pair) => [how, ...pair] as const))

  test.each(cacheScenarios)(
    'keep their answer out of caches that serve many (RFC 9111 §7.3), where a handler says %s: %s',
    async (how, given, kept) => {
      const headers: Readonly<Record<string, string>> = given === null ? {} : { 'cache-control': given }
      const { app, browser } = await openNearEnd(serve, () => reply(how, { headers }))
      const answer = await app.ask(browser)
      expect([answer.header('cache-control'), oursIn(answer)]).toEqual([kept, [ACCESS, CSRF]])
    },
  )

  test.each(['public, max-age=60', 's-maxage=60'])('do not go out with an answer for everybody: %s', async (value) => {
    for (const how of ['plain', 'whole'] as const) {
      const { app, browser } = await openNearEnd(serve, () => reply(how, { headers: { 'cache-control': value } }))
      const answer = await app.ask(browser)
      expect([answer.header('cache-control'), oursIn(answer)]).toEqual([value, []])
    }
  })

  test('do not stay on a response that answers many requests', async () => {
    const issuer = createIssuer()
    const { browser } = await signIn(issuer)
    issuer.clock.now += NEAR_END
    const fresh = await signIn(issuer, 'bob')
    const app = await open(serve, issuer, () => reply('shared'))
    const first = await app.ask(browser)
    expect([first.status, oursIn(first)]).toEqual([204, [ACCESS, CSRF]])
    const second = await app.ask(fresh.browser)
    expect([second.status, oursIn(second)]).toEqual([204, []])
  })
}

export const renewalScenarios = (serve: Serve): void => {
  describe('renewed cookies', () => {
    goingOut(serve)
    stayingBehind(serve)
    cached(serve)

    test('leave an error of the handler what it is, and go out with it where a guard sees its answer', async () => {
      // Who has no answer to errors hands them on.
      if (serve.lacks?.includes('errors') === true) return
      const { app, browser } = await openNearEnd(serve, () => reply('error'))
      const answer = await app.ask(browser)
      expect(answer.status).toBe(500)
      expect(oursIn(answer)).toEqual(serve.lacks?.includes('sight of errors') === true ? [] : [ACCESS, CSRF])
    })
  })
}
