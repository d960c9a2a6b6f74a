import { describe, expect, test } from 'vitest'
import { checkCsrf, checkOrigin, resolveCsrf } from '../../../src/core/request/csrf.ts'
import type { Csrf, CsrfConfig } from '../../../src/core/request/csrf.ts'
import { createCsrfKeys } from '../../../src/core/token/csrf-value.ts'
import { codeOf, hmacKey, keySetOf } from '../token/fixtures.ts'
import { view } from './view.ts'
import type { Parts } from './view.ts'

const KEY = hmacKey()
const KEYS = createCsrfKeys({ signing: KEY, verifying: keySetOf(KEY) })

const rulesOf = (config: CsrfConfig = {}, mayUseHttp = false): Csrf['rules'] => {
  const { csrf } = resolveCsrf(config, mayUseHttp)
  if (csrf === null) throw new Error('the protection is off')
  return csrf
}

const problems = (config: object): string =>
  // What the types forbid arrives from JavaScript all the same.
  resolveCsrf(config as CsrfConfig)
    .problems.map(({ path, problem }) => `${path}: ${problem}`)
    .join('\n')

const HOST = 'api.example.com'

const form = (members: Record<string, unknown>) => ({ body: Promise.resolve({ kind: 'form' as const, members }) })

describe('where a request comes from (N085)', () => {
  const judge = (headers: Parts['headers'], config: CsrfConfig = {}, mayBeUnknown = false): string =>
    codeOf(() =>
      checkOrigin(view({ method: 'POST', headers: { host: HOST, ...headers } }), rulesOf(config), { mayBeUnknown }),
    )

  test.each<readonly [headers: Parts['headers'], code: string]>([
    [{ 'sec-fetch-site': 'same-origin' }, 'accepted'],
    [{ 'sec-fetch-site': 'none' }, 'accepted'],
    [{ 'sec-fetch-site': 'same-site' }, 'csrf_failed'],
    [{ 'sec-fetch-site': 'cross-site' }, 'csrf_failed'],
    [{ 'sec-fetch-site': '' }, 'csrf_failed'],
    [{ 'sec-fetch-site': 'Same-Origin' }, 'csrf_failed'],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }, 'csrf_failed'],
    [{ 'sec-fetch-site': 'cross-site', origin: `https://${HOST}` }, 'csrf_failed'],
    [{ origin: `https://${HOST}` }, 'accepted'],
    [{ origin: `http://${HOST}` }, 'csrf_failed'],
    [{ origin: `https://${HOST}:8443` }, 'csrf_failed'],
    [{ origin: `https://${HOST}.evil.example` }, 'csrf_failed'],
    [{ origin: `https://evil.example/${HOST}` }, 'csrf_failed'],
    [{ origin: 'https://example.com' }, 'csrf_failed'],
    [{ origin: `https://evil${HOST}` }, 'csrf_failed'],
    [{ origin: `https://${HOST.toUpperCase()}` }, 'csrf_failed'],
    [{ origin: HOST }, 'csrf_failed'],
    [{ origin: `https://${HOST}, https://evil.example` }, 'csrf_failed'],
    [{ origin: 'null' }, 'csrf_failed'],
    [{ origin: '' }, 'csrf_failed'],
    [{ origin: 'null', host: 'null' }, 'csrf_failed'],
    [{ origin: 'https://', host: '' }, 'csrf_failed'],
    [{}, 'csrf_failed'],
  ])('is judged by %j', (headers, code) => {
    expect(judge(headers)).toBe(code)
  })

  test('is no matter where the origin is allowed, whatever the site (S3-11)', () => {
    const config = { origins: ['https://app.example.com'] }
    expect(judge({ origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }, config)).toBe('accepted')
    expect(judge({ origin: 'https://app.example.com:8443', 'sec-fetch-site': 'same-site' }, config)).toBe('csrf_failed')
    expect(judge({ origin: 'http://app.example.com' }, config)).toBe('csrf_failed')
    expect(judge({ origin: 'https://app.example.com.evil.example' }, config)).toBe('csrf_failed')
    expect(judge({ 'sec-fetch-site': 'cross-site' }, config)).toBe('csrf_failed')
  })

  test('may be unknown only where something else decides', () => {
    expect(judge({}, {}, true)).toBe('accepted')
    expect(judge({ origin: 'null' }, {}, true)).toBe('csrf_failed')
    expect(judge({ 'sec-fetch-site': 'cross-site' }, {}, true)).toBe('csrf_failed')
  })

  test.each(['localhost', 'localhost:3000', '127.0.0.1:8787', '[::1]:3000'])(
    'may be plain HTTP at %s, where nobody listens',
    (host) => {
      expect(judge({ origin: `http://${host}`, host })).toBe('accepted')
    },
  )

  test.each(['localhost.evil.example', 'evil-localhost', '127.0.0.1.evil.example', '128.0.0.1'])(
    'may not be plain HTTP at %s',
    (host) => {
      expect(judge({ origin: `http://${host}`, host })).toBe('csrf_failed')
    },
  )

  test('may be plain HTTP where cookies may go that way', () => {
    const request = view({ method: 'POST', headers: { host: HOST, origin: `http://${HOST}` } })
    expect(codeOf(() => checkOrigin(request, rulesOf({}, true), { mayBeUnknown: false }))).toBe('accepted')
    const other = view({ method: 'POST', headers: { host: HOST, origin: 'http://evil.example' } })
    expect(codeOf(() => checkOrigin(other, rulesOf({}, true), { mayBeUnknown: false }))).toBe('csrf_failed')
  })

  test('is another one where the request names no host', () => {
    const request = view({ method: 'POST', headers: { origin: 'https://null' } })
    expect(codeOf(() => checkOrigin(request, rulesOf(), { mayBeUnknown: true }))).toBe('csrf_failed')
  })
})

describe('the methods that are checked (#94, #95, #102, N082)', () => {
  test.each<readonly [config: CsrfConfig, checked: readonly string[], unchecked: readonly string[]]>([
    [{}, ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'TRACE', 'patch', 'get', 'head'], ['GET', 'HEAD', 'OPTIONS']],
    [{ methods: ['GET'] }, ['GET', 'get'], ['POST', 'HEAD']],
    [{ methods: ['patch'] }, ['PATCH', 'patch', 'Patch'], ['POST']],
  ])('with %j', (config, checked, unchecked) => {
    const rules = rulesOf(config)
    for (const method of checked) expect([method, rules.isChecked(method)]).toEqual([method, true])
    for (const method of unchecked) expect([method, rules.isChecked(method)]).toEqual([method, false])
  })
})

describe('the value of the double submit (N080, N081)', () => {
  const VALUE = KEYS.valueFor('access', 'session 1')
  const CREDENTIAL = { kind: 'access', session: 'session 1' } as const

  const judge = async (
    parts: Parts,
    config: CsrfConfig = {},
    credential: Parameters<typeof checkCsrf>[2] = CREDENTIAL,
  ) => {
    const request = view({ method: 'POST', ...parts, headers: { 'sec-fetch-site': 'same-origin', ...parts.headers } })
    try {
      await checkCsrf(request, { rules: rulesOf(config), keys: KEYS }, credential)
      return 'accepted'
    } catch (error) {
      return codeOf(() => {
        throw error
      })
    }
  }

  test('is that of the session and of the kind of its token', async () => {
    expect(await judge({ headers: { 'x-csrf-token': VALUE } })).toBe('accepted')
    const refresh = { kind: 'refresh', session: 'session 1' } as const
    expect(await judge({ headers: { 'x-csrf-token': VALUE } }, {}, refresh)).toBe('csrf_failed')
    expect(await judge({ headers: { 'x-csrf-token': KEYS.valueFor('refresh', 'session 1') } }, {}, refresh)).toBe(
      'accepted',
    )
  })

  test.each<readonly [title: string, value: string]>([
    ['nothing', ''],
    ['another session’s', KEYS.valueFor('access', 'session 2')],
    ['another kind’s', KEYS.valueFor('refresh', 'session 1')],
    ['a shorter one', VALUE.slice(0, -1)],
    ['a longer one', `${VALUE}A`],
    ['itself in another case', VALUE.toLowerCase()],
    ['itself twice', `${VALUE}, ${VALUE}`],
    ['itself padded', `${VALUE}=`],
    ['itself with a blank', ` ${VALUE}`],
    ['characters beyond ASCII of its length', 'é'.repeat(VALUE.length)],
    ['bytes beyond ASCII of its length', '€'.repeat(14) + 'A'],
    ['a lone surrogate', '\ud800'],
    ['the session itself', 'session 1'],
    ['a megabyte', 'A'.repeat(1_000_000)],
  ])('is not %s', async (_title, value) => {
    expect(await judge({ headers: { 'x-csrf-token': value } })).toBe('csrf_failed')
  })

  test('may stand in a header of another name, and then in no other', async () => {
    const config = { headers: { access: 'X-XSRF' } }
    expect(await judge({ headers: { 'x-xsrf': VALUE } }, config)).toBe('accepted')
    expect(await judge({ headers: { 'x-csrf-token': VALUE } }, config)).toBe('csrf_failed')
  })

  test('may stand in a field of a form where that is configured, and in no other kind of body (#96)', async () => {
    const fields = { access: '_csrf', refresh: '_csrf_r' }
    expect(await judge(form({ _csrf: VALUE }), { fields })).toBe('accepted')
    expect(await judge(form({ _csrf: VALUE }))).toBe('csrf_failed')
    expect(await judge({ body: { kind: 'json', members: { _csrf: VALUE } } }, { fields })).toBe('csrf_failed')
    const bad = [{}, { _csrf: [VALUE, VALUE] }, { _csrf: '' }, { _csrf_r: VALUE }, { _csrf: { toString: () => VALUE } }]
    for (const members of bad) expect(await judge(form(members), { fields })).toBe('csrf_failed')
    const inherited = Object.create({ _csrf: VALUE }) as Record<string, unknown>
    expect(await judge(form(inherited), { fields })).toBe('csrf_failed')
  })

  test('in a header is never passed over for the one in a form', async () => {
    const sent = form({ _csrf: VALUE })
    const fields = { access: '_csrf' }
    expect(await judge({ ...sent, headers: { 'x-csrf-token': 'wrong' } }, { fields })).toBe('csrf_failed')
    expect(await judge({ ...sent, headers: { 'x-csrf-token': '' } }, { fields })).toBe('csrf_failed')
  })

  test('is not asked for where the origin alone decides, which must then be known', async () => {
    const config = { doubleSubmit: false }
    expect(await judge({}, config)).toBe('accepted')
    const nowhere = view({ method: 'POST' })
    const csrf = { rules: rulesOf(config), keys: KEYS }
    expect(codeOf(() => checkCsrf(nowhere, csrf, CREDENTIAL))).toBe('csrf_failed')
  })

  test('of the right session does not help where the request is of another site', async () => {
    const headers = { 'x-csrf-token': VALUE, 'sec-fetch-site': 'cross-site' }
    expect(await judge({ headers })).toBe('csrf_failed')
  })
})

describe('settings of the protection that cannot be stop the start with a sentence (B-17)', () => {
  test.each<readonly [config: object, sentence: string]>([
    [{ methods: [] }, 'csrf.methods: must be a list of at least one method like "POST"'],
    [{ methods: 'POST' }, 'csrf.methods: must be a list'],
    [{ methods: ['P OST'] }, 'csrf.methods: must be a list'],
    [
      { origins: ['app.example.com'] },
      'csrf.origins: "app.example.com" is not an origin; write "https://app.example.com"',
    ],
    [{ origins: ['https://app.example.com/'] }, 'csrf.origins: "https://app.example.com/" is not an origin'],
    [{ origins: ['https://*.example.com'] }, 'is not an origin'],
    [{ origins: ['null'] }, 'csrf.origins: "null" is not an origin'],
    [{ origins: ['file://'] }, 'is not an origin'],
    [{ origins: ['*'] }, 'is not an origin'],
    [{ origins: 'https://app.example.com' }, 'csrf.origins: must be a list of origins'],
    [{ headers: { access: 'a b' } }, 'csrf.headers: must be names of headers'],
    [{ headers: { acces: 'a' } }, 'csrf.headers.acces: is not a setting; did you mean "access"?'],
    [{ headers: null }, 'csrf.headers: must be an object'],
    [{ fields: { access: '' } }, 'csrf.fields: must be names of fields'],
    [{ fields: 'csrf_token' }, 'csrf.fields: must be an object'],
    [{ doubleSubmit: 'no' }, 'csrf.doubleSubmit: must be true or false'],
    [{ dangerouslyDisabled: 1 }, 'csrf.dangerouslyDisabled: must be true or false'],
    [{ disabled: true }, 'csrf.disabled: is not a setting'],
  ])('%j', (config, sentence) => {
    expect(problems(config)).toContain(sentence)
  })

  test('only the dangerous one switches it off (#97)', () => {
    expect(resolveCsrf({ dangerouslyDisabled: true })).toEqual({ csrf: null, problems: [] })
    expect(resolveCsrf({ dangerouslyDisabled: false }).csrf).not.toBeNull()
  })
})
