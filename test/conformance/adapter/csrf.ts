import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { noise } from '../../core/token/fixtures.ts'
import type { Sent } from '../exchange.ts'
import type { Serve } from '../serve.ts'
import { bearer, cookie, COOKIES, createBed, createIssuer, forge, SECRET } from './bed.ts'
import type { IssuerParts } from './bed.ts'

/** Requests with a cookie, which a browser sends for whatever page asks it to. */

type Header = readonly [name: string, value: string]
type Config = NonNullable<IssuerParts['config']>

const SAFE = ['GET', 'HEAD', 'OPTIONS']
const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE']

const STRICT = { path: '/strict', guards: [{}] }
const OPTIONAL = { path: '/optional', guards: [{ requirement: { optional: true } as const }] }
const LENIENT = { path: '/lenient', guards: [{ requirement: { optional: 'lenient' } as const }] }
const REFRESH = { path: '/refresh', guards: [{ requirement: { token: 'refresh' } as const }] }
const ANY = { path: '/any', guards: [{ requirement: { token: 'any' } as const }] }

const OWN: Header = ['Sec-Fetch-Site', 'same-origin']

const submit = (value: string, name = 'X-CSRF-Token'): Header => [name, value]

const begin = async (serve: Serve, config: Config = {}) => {
  const bed = createBed(serve, { config: { delivery: 'cookie', ...config } })
  const app = await bed.open({ routes: [STRICT, OPTIONAL, LENIENT, REFRESH, ANY] })
  const pair = await bed.signIn()
  const value = (kind: 'access' | 'refresh' = 'access', of: Parameters<typeof bed.auth.cookies.csrfToken>[0] = pair) =>
    bed.auth.cookies.csrfToken(of, kind) ?? ''
  /** A request with the access cookie of the session. */
  const sent = (method: string, ...headers: readonly Header[]): Sent => ({
    method,
    path: '/strict',
    headers: [cookie(pair.accessToken), ...headers],
  })
  /** Node's client names the host by itself, a function is handed what it is given. */
  const host: readonly Header[] = app.port === null ? [['Host', 'localhost']] : []
  return { bed, app, pair, value, sent, host }
}

const methodScenarios = (serve: Serve): void => {
  test('is not asked for where nothing changes: GET, HEAD, OPTIONS (#94, N082, RFC 9110 §9.2.1)', async () => {
    const { app, sent } = await begin(serve)
    for (const method of ['GET', 'OPTIONS']) await app.enters(sent(method, ['Sec-Fetch-Site', 'cross-site']))
    const { status } = await app.send(sent('HEAD', ['Sec-Fetch-Site', 'cross-site']))
    expect([status, app.entered()]).toEqual([200, 3])
  })

  test.each(UNSAFE)('is asked for with %s (#94, N080)', async (method) => {
    const { app, sent, value } = await begin(serve)
    await app.refuses(sent(method), 'csrf_failed')
    await app.refuses(sent(method, OWN), 'csrf_failed')
    await app.refuses(sent(method, OWN, submit('wrong')), 'csrf_failed')
    await app.enters(sent(method, OWN, submit(value())))
    await app.enters(sent(method, submit(value())))
  })

  test('is asked for with the methods that are configured, and with no others (#95, #102)', async () => {
    const { app, sent, value } = await begin(serve, { csrf: { methods: ['GET', 'delete'] } })
    for (const method of ['GET', 'DELETE']) {
      await app.refuses(sent(method, OWN), 'csrf_failed')
      await app.enters(sent(method, OWN, submit(value())))
    }
    for (const method of ['POST', 'PUT', 'OPTIONS']) await app.enters(sent(method))
  })

  test('is asked for by the method that was sent, whatever a header or the query calls it (N082)', async () => {
    const { app, sent } = await begin(serve)
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method']) {
      await app.refuses(sent('POST', OWN, [name, 'GET']), 'csrf_failed')
    }
    await app.refuses({ ...sent('POST', OWN), path: '/strict?_method=GET' }, 'csrf_failed')
  })

  test('is asked for whatever the type of the body, also of those that any page can send (N084)', async () => {
    const { app, sent } = await begin(serve)
    for (const [type, body] of [
      ['text/plain', '{}'],
      ['application/x-www-form-urlencoded', 'a=1'],
      ['application/json', '{}'],
    ] as const) {
      await app.refuses({ ...sent('POST', ['Content-Type', type]), body }, 'csrf_failed')
    }
  })
}

const valueScenarios = (serve: Serve): void => {
  test('is of one session and one kind, and of nothing else (N081)', async () => {
    const { bed, app, sent, value } = await begin(serve)
    const [again, stranger] = [await bed.signIn(), await bed.signIn({ subject: 'bob' })]
    const own = value()
    const wrong = [
      '',
      value('refresh'),
      value('access', again),
      value('access', stranger),
      `${own}, ${own}`,
      own.slice(1),
      `${own}A`,
      own.toUpperCase(),
      '\u00e9'.repeat(43),
      'null',
    ]
    for (const other of wrong) await app.refuses(sent('POST', OWN, submit(other)), 'csrf_failed')
    await app.refuses(sent('POST', OWN, submit(own), submit(own)), 'csrf_failed')
    await app.refuses(sent('POST', OWN, submit(own), submit('x')), 'csrf_failed')
    await app.enters(sent('POST', OWN, submit(own)))
  })

  test('is not that of the login before, nor of a session planted by somebody else (N081, N087)', async () => {
    const { bed, app, pair, value } = await begin(serve)
    const before = value()
    await bed.auth.signOut(pair.accessToken)
    const again = await bed.signIn()
    const headers = [cookie(again.accessToken), OWN]
    await app.refuses({ method: 'POST', path: '/strict', headers: [...headers, submit(before)] }, 'csrf_failed')
    const now = submit(value('access', again))
    await app.enters({ method: 'POST', path: '/strict', headers: [...headers, now] })
  })

  test('stays through refreshes, and through a change of the secret while the former is accepted', async () => {
    const { bed, app, pair, value } = await begin(serve)
    const { accessToken } = await bed.auth.refresh(pair.refreshToken)
    const headers = [cookie(accessToken), OWN, submit(value())]
    await app.enters({ method: 'POST', path: '/strict', headers })
    const keys = { secret: noise('the next secret'), previousSecrets: [SECRET] }
    const store = memoryStore({ now: () => bed.clock.now * 1000 })
    const next = createIssuer(bed.clock, { store, config: { delivery: 'cookie', keys } })
    const later = await bed.open({ auths: [next], routes: [STRICT] })
    await later.enters({ method: 'POST', path: '/strict', headers })
  })

  test('is asked for in a header of another name where that is configured (S3-11, #96)', async () => {
    const { app, sent, value } = await begin(serve, { csrf: { headers: { access: 'X-XSRF-TOKEN' } } })
    await app.enters(sent('POST', OWN, submit(value(), 'x-xsrf-token')))
    await app.refuses(sent('POST', OWN, submit(value())), 'csrf_failed')
  })

  test('has a set of its own for refresh tokens (S3-11, #96)', async () => {
    const headers = { access: 'X-Access-CSRF', refresh: 'X-Refresh-CSRF' }
    const { app, pair, value } = await begin(serve, { csrf: { headers } })
    const [access, refresh] = [submit(value(), 'X-Access-CSRF'), submit(value('refresh'), 'X-Refresh-CSRF')]
    const sent = (path: string, ...rest: readonly Header[]): Sent => ({
      method: 'POST',
      path,
      headers: [cookie(pair.refreshToken, COOKIES.refresh), OWN, ...rest],
    })
    for (const path of ['/refresh', '/any']) {
      await app.enters(sent(path, refresh))
      await app.enters(sent(path, refresh, access))
      await app.refuses(sent(path), 'csrf_failed')
      await app.refuses(sent(path, access), 'csrf_failed')
      await app.refuses(sent(path, submit(value(), 'X-Refresh-CSRF')), 'csrf_failed')
      await app.refuses(sent(path, submit(value('refresh'), 'X-Access-CSRF')), 'csrf_failed')
    }
  })

  test('is that of the token itself where it belongs to no session', async () => {
    const { bed, app, value } = await begin(serve)
    const claims = { role: 'clerk', since: '2020-02-29' } as const
    const [one, other] = [
      await bed.auth.tokens.sign({ subject: 'ann', claims }),
      await bed.auth.tokens.sign({ subject: 'ann', claims }),
    ]
    const sent = (text: string): Sent => ({
      method: 'POST',
      path: '/strict',
      headers: [cookie(one.accessToken), OWN, submit(text)],
    })
    await app.enters(sent(value('access', one)))
    await app.refuses(sent(value('access', other)), 'csrf_failed')
  })
}

const originScenarios = (serve: Serve): void => {
  test.each([
    ['same-origin', true],
    ['none', true],
    ['same-site', false],
    ['cross-site', false],
    ['', false],
    ['SAME-ORIGIN', false],
  ])('is believed of a request of the site "%s": %s (N080, N085)', async (site, isIn) => {
    const { app, sent, value } = await begin(serve)
    const request = sent('POST', ['Sec-Fetch-Site', site], submit(value()))
    await (isIn ? app.enters(request) : app.refuses(request, 'csrf_failed'))
  })

  test('is believed of pages of our own host alone, where the browser tells nothing but the origin (N085)', async () => {
    const { app, sent, value, host } = await begin(serve)
    const from = (origin: string) => sent('POST', ...host, ['Origin', origin], submit(value()))
    // Nobody listens in between on the machine itself.
    for (const origin of ['https://localhost', 'http://localhost']) await app.enters(from(origin))
    const foreign = [
      'null',
      '',
      'localhost',
      'https://localhost:8443',
      'https://localhost.evil.example',
      'https://evil.example',
      'https://evil.example/localhost',
      'https://evil.example#https://localhost',
      'https://localhost@evil.example',
      'ftp://localhost',
      'https://LOCALHOST',
      'https://localhost, https://evil.example',
    ]
    for (const origin of foreign) await app.refuses(from(origin), 'csrf_failed')
    const two: readonly Header[] = [
      ['Origin', 'https://localhost'],
      ['Origin', 'https://evil.example'],
    ]
    await app.refuses(sent('POST', ...host, ...two, submit(value())), 'csrf_failed')
  })

  test('is believed of pages of other origins that are allowed, and of none that resemble them (S3-11, N085)', async () => {
    const { app, sent, value } = await begin(serve, { csrf: { origins: ['https://app.example.com'] } })
    const from = (origin: string) => sent('POST', ['Sec-Fetch-Site', 'same-site'], ['Origin', origin], submit(value()))
    await app.enters(from('https://app.example.com'))
    await app.refuses(sent('POST', ['Origin', 'https://app.example.com']), 'csrf_failed')
    const foreign = [
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://app.example.com.evil.example',
      'https://evil-app.example.com',
      'https://example.com',
      'https://app.example.com/',
      'null',
    ]
    for (const origin of foreign) await app.refuses(from(origin), 'csrf_failed')
  })

  test('is not needed where the origin alone decides, which must then be known (N085)', async () => {
    const { app, sent, value, host } = await begin(serve, { csrf: { doubleSubmit: false } })
    await app.enters(sent('POST', OWN))
    await app.enters(sent('POST', ...host, ['Origin', 'https://localhost']))
    await app.refuses(sent('POST'), 'csrf_failed')
    await app.refuses(sent('POST', submit(value())), 'csrf_failed')
    for (const site of ['same-site', 'cross-site']) {
      await app.refuses(sent('POST', ['Sec-Fetch-Site', site]), 'csrf_failed')
    }
  })

  test('is not asked for where the protection is switched off (#97, #105)', async () => {
    const { app, sent } = await begin(serve, { csrf: { dangerouslyDisabled: true } })
    await app.enters(sent('POST', ['Sec-Fetch-Site', 'cross-site'], ['Origin', 'https://evil.example']))
  })
}

const post = (token: string): Sent => ({ method: 'POST', path: '/strict', headers: [cookie(token)] })

const orderScenarios = (serve: Serve): void => {
  test('is never asked for where the token came in the header (#99)', async () => {
    const { app, pair } = await begin(serve)
    for (const method of [...SAFE.slice(0, 1), ...UNSAFE]) {
      const headers = [bearer(pair.accessToken), ['Sec-Fetch-Site', 'cross-site']] as const
      await app.enters({ method, path: '/strict', headers })
    }
    const order = ['header', 'cookie'] as const
    const both = await begin(serve, { locations: { order, several: 'first' } })
    const headers = [bearer(both.pair.accessToken), cookie(both.pair.accessToken)]
    await both.app.enters({ method: 'POST', path: '/strict', headers })
    const cookieFirst = await begin(serve, { locations: { order: ['cookie', 'header'], several: 'first' } })
    const twice = [bearer(cookieFirst.pair.accessToken), cookie(cookieFirst.pair.accessToken)]
    await cookieFirst.app.refuses({ method: 'POST', path: '/strict', headers: twice }, 'csrf_failed')
  })

  test('is asked for where a token is optional too, of whoever sends a cookie (#73)', async () => {
    const { app, sent, value } = await begin(serve)
    for (const path of ['/optional', '/lenient']) {
      await app.refuses({ ...sent('POST'), path }, 'csrf_failed')
      await app.refuses({ ...sent('POST', ['Sec-Fetch-Site', 'cross-site'], submit(value())), path }, 'csrf_failed')
      await app.enters({ ...sent('POST', OWN, submit(value())), path })
      await app.enters({ method: 'POST', path })
    }
  })

  test('is asked for once the token is known to be ours, and before any store is asked', async () => {
    const { bed, app, pair, sent } = await begin(serve)
    await app.refuses({ method: 'POST', path: '/strict' }, 'missing_token')
    await app.refuses(post('a.b.c'), 'token_invalid')
    await app.refuses(post(forge(pair.accessToken, { secret: noise('a stranger') })), 'token_invalid')
    await app.refuses(post(forge(pair.accessToken, { header: { typ: 'JWT' } })), 'wrong_token_type')
    await bed.auth.signOut(pair.accessToken)
    await app.refuses(sent('POST'), 'csrf_failed')
    await app.refuses(sent('GET'), 'token_revoked')
    bed.clock.now += 905
    await app.refuses(sent('POST'), 'token_expired')
  })
}

/** Nothing answers here: the application has body parsers for its own sake. */
const NOWHERE = Object.assign(async () => new Response(null), { matches: () => false, paths: ['/nowhere'] })

const FORM: Header = ['Content-Type', 'application/x-www-form-urlencoded']
const IN_FORM = { path: '/form', guards: [{ requirement: { locations: ['form'] as const } }] }

const formScenarios = (serve: Serve): void => {
  const open = async (after: 'nothing' | 'body parsers') => {
    const fields = { access: 'csrf_token', refresh: 'csrf_refresh' }
    const bed = createBed(serve, { config: { delivery: 'cookie', csrf: { fields } } })
    const app = await bed.open({ endpoints: { handler: NOWHERE, after }, routes: [STRICT, REFRESH, IN_FORM] })
    const pair = await bed.signIn()
    const value = (kind: 'access' | 'refresh') => bed.auth.cookies.csrfToken(pair, kind) ?? ''
    const form = (body: string, ...headers: readonly Header[]): Sent => ({
      path: '/strict',
      headers: [cookie(pair.accessToken), OWN, FORM, ...headers],
      body,
    })
    const refreshForm = (body: string): Sent => ({
      path: '/refresh',
      headers: [cookie(pair.refreshToken, COOKIES.refresh), OWN, FORM],
      body,
    })
    // Where a framework reads bodies after its guards, neither a token nor a value is found in one.
    const probe = { path: '/form', headers: [FORM], body: `access_token=${pair.accessToken}` }
    const isRead = (await app.send(probe)).status === 200
    return { app, pair, value, form, refreshForm, isRead }
  }

  test.each(['nothing', 'body parsers'] as const)(
    'may come in a field of a form wherever a token may, after %s, for each kind its own (S3-11, #96)',
    async (after) => {
      const { app, value, form, refreshForm, isRead } = await open(after)
      const [access, refresh] = [value('access'), value('refresh')]
      const good = [form(`a=1&csrf_token=${access}`), refreshForm(`csrf_refresh=${refresh}`)]
      for (const sent of good) await (isRead ? app.enters(sent) : app.refuses(sent, 'csrf_failed'))
      await app.refuses(form(`csrf_refresh=${access}`), 'csrf_failed')
      await app.refuses(form(`csrf_token=${refresh}`), 'csrf_failed')
      await app.refuses(refreshForm(`csrf_token=${refresh}`), 'csrf_failed')
    },
  )

  test.each(['nothing', 'body parsers'] as const)(
    'is not taken from a form that holds it otherwise, nor from anywhere else, after %s (N081, N084)',
    async (after) => {
      const { app, pair, value, form } = await open(after)
      const own = value('access')
      for (const body of [
        'a=1',
        'csrf_token=',
        `csrf_token=${own}&csrf_token=${own}`,
        `csrf_token[]=${own}`,
        `csrf_token[a]=${own}`,
        `__proto__[csrf_token]=${own}`,
        `CSRF_TOKEN=${own}`,
      ]) {
        await app.refuses(form(body), 'csrf_failed')
      }
      await app.refuses(form(`csrf_token=${own}`, submit('wrong')), 'csrf_failed')
      await app.refuses({ ...form('a=1'), path: `/strict?csrf_token=${own}` }, 'csrf_failed')
      for (const type of ['application/json', 'text/plain']) {
        const headers: Sent['headers'] = [cookie(pair.accessToken), OWN, ['Content-Type', type]]
        await app.refuses({ path: '/strict', headers, body: JSON.stringify({ csrf_token: own }) }, 'csrf_failed')
      }
    },
  )
}

export const csrfScenarios = (serve: Serve): void => {
  describe('the CSRF value of a cookie', () => {
    methodScenarios(serve)
    valueScenarios(serve)
    originScenarios(serve)
    orderScenarios(serve)
    formScenarios(serve)
  })
}
