import { describe, expect, test } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { Sent } from '../exchange.ts'
import type { Caller, Serve } from '../serve.ts'
import { bearer, cookie, COOKIES, createBed } from './bed.ts'
import type { Claims, IssuerParts, Permission } from './bed.ts'

/** Tokens that come as cookies; what protects those is in `csrf.ts`. */

type Headers = NonNullable<Sent['headers']>
type Row = readonly [title: string, headers: (token: string) => Headers, code: AuthErrorCode | null]

const NAME = COOKIES.access

const line =
  (text: (token: string) => string) =>
  (token: string): Headers => [['Cookie', text(token)]]

const ROWS: readonly Row[] = [
  ['the cookie alone', line((token) => `${NAME}=${token}`), null],
  ['the cookie among others', line((token) => `a=1; ${NAME}=${token}; b=2`), null],
  ['the cookie without blanks around it', line((token) => `a=1;${NAME}=${token};b=2`), null],
  ['the cookie behind one whose value looks like a list', line((token) => `a=x=y, z; ${NAME}=${token}`), null],
  ['the cookie behind its bare name', line((token) => `${NAME}; ${NAME}=${token}`), null],
  [
    'the cookie in the second of two headers (RFC 9113 §8.2.3)',
    (token) => [
      ['Cookie', 'a=1'],
      ['Cookie', `${NAME}=${token}`],
    ],
    null,
  ],
  ['no cookie at all', () => [], 'missing_token'],
  ['an empty header', line(() => ''), 'missing_token'],
  ['an empty cookie', line(() => `${NAME}=`), 'missing_token'],
  ['other cookies', line(() => 'a=1; b=2'), 'missing_token'],
  ['the name in another case', line((token) => `${NAME.toLowerCase()}=${token}`), 'missing_token'],
  ['a name that ends alike', line((token) => `x${NAME}=${token}`), 'missing_token'],
  ['a name that begins alike', line((token) => `${NAME}2=${token}; ${NAME}-=${token}`), 'missing_token'],
  ['the name without its prefix', line((token) => `jotward-access=${token}`), 'missing_token'],
  ['a blank behind the name', line((token) => `${NAME} =${token}`), 'missing_token'],
  ['the name encoded', line((token) => `__Host%2Djotward-access=${token}`), 'missing_token'],
  ['the name within another cookie', line((token) => `a=${NAME}=${token}`), 'missing_token'],
  ['the name behind a comma, which ends nothing', line((token) => `a=1, ${NAME}=${token}`), 'missing_token'],
  ['the cookie of the refresh token', line((token) => `${COOKIES.refresh}=${token}`), 'missing_token'],
  ['two cookies of one name (N078)', line((token) => `${NAME}=a.b.c; ${NAME}=${token}`), 'malformed_credentials'],
  ['the same, the good one first (N078)', line((token) => `${NAME}=${token}; ${NAME}=a`), 'malformed_credentials'],
  ['two equal cookies (N078)', line((token) => `${NAME}=${token}; ${NAME}=${token}`), 'malformed_credentials'],
  ['an empty one beside a good one (N078)', line((token) => `${NAME}=; ${NAME}=${token}`), 'malformed_credentials'],
  [
    'two of one name in two headers (N078)',
    (token) => [
      ['Cookie', `${NAME}=${token}`],
      ['cookie', `${NAME}=${token}`],
    ],
    'malformed_credentials',
  ],
  ['quotes around the value', line((token) => `${NAME}="${token}"`), 'malformed_credentials'],
  ['a scheme in the value', line((token) => `${NAME}=Bearer ${token}`), 'malformed_credentials'],
  ['a blank before the value', line((token) => `${NAME}= ${token}`), 'malformed_credentials'],
  ['a comma behind the value', line((token) => `${NAME}=${token}, a=1`), 'malformed_credentials'],
  ['the value encoded', line((token) => `${NAME}=${token.replaceAll('.', '%2E')}`), 'malformed_credentials'],
  ['a character beyond ASCII (N077)', line((token) => `${NAME}=${token}\u00e9`), 'malformed_credentials'],
  ['a padded value (N004)', line((token) => `${NAME}=${token}=`), 'token_invalid'],
  [
    'a value of ten thousand characters (N013)',
    line((token) => `${NAME}=${token}${'A'.repeat(10_000)}`),
    'token_invalid',
  ],
  ['a value that is no token of ours', line(() => `${NAME}=a.b.c`), 'token_invalid'],
]

const STRICT = { path: '/strict', guards: [{}] }
const OPTIONAL = { path: '/optional', guards: [{ requirement: { optional: true } as const }] }

const begin = (serve: Serve, config: IssuerParts['config'] = {}) =>
  createBed(serve, { config: { delivery: 'cookie', ...config } })

const tellPlace = ({ optionalPrincipal }: Caller<Claims, Permission>) => {
  const { tokenKind = null, location = null } = optionalPrincipal() ?? {}
  return [tokenKind, location]
}

const findingScenarios = (serve: Serve): void => {
  test.each(ROWS)('are judged with %s', async (_title, headers, code) => {
    const bed = begin(serve)
    const token = await bed.accessToken()
    const app = await bed.open({ routes: [STRICT, OPTIONAL] })
    const sent = (path: string): Sent => ({ path, headers: headers(token) })
    await (code === null ? app.enters(sent('/strict')) : app.refuses(sent('/strict'), code))
    if (code === null || code === 'missing_token') await app.enters(sent('/optional'))
    else await app.refuses(sent('/optional'), code)
  })

  test('are not looked at unless that is configured, or the route names them (S3-12, #82)', async () => {
    const bed = createBed(serve)
    const token = await bed.accessToken()
    const named = { path: '/named', guards: [{ requirement: { locations: ['cookie'] as const } }] }
    const app = await bed.open({ routes: [STRICT, named] })
    await app.refuses({ path: '/strict', headers: [cookie(token)] }, 'missing_token')
    await app.enters({ path: '/named', headers: [cookie(token)] })
    await app.refuses({ path: '/named', headers: [bearer(token)] }, 'missing_token')
  })

  test('give way to the header where the route names that (S3-12, #82)', async () => {
    const bed = begin(serve)
    const token = await bed.accessToken()
    const named = { path: '/named', guards: [{ requirement: { locations: ['header'] as const } }] }
    const app = await bed.open({ routes: [named] })
    await app.refuses({ path: '/named', headers: [cookie(token)] }, 'missing_token')
    await app.enters({ path: '/named', headers: [bearer(token)] })
    await app.enters({ path: '/named', headers: [bearer(token), cookie('a.b.c')] })
  })

  test('tell the handler where the token came from, and of which kind it is (S3-10, #83)', async () => {
    const bed = begin(serve, { locations: { order: ['cookie', 'header', 'query', 'custom'], find: () => null } })
    const any = [{ requirement: { token: 'any', optional: true } as const }]
    const app = await bed.open({ routes: [{ path: '/', guards: any, enter: tellPlace }] })
    const { accessToken, refreshToken } = await bed.signIn()
    const told = (sent: Omit<Sent, 'path'>, path = '/') => app.enters({ path, ...sent })
    expect(await told({ headers: [bearer(accessToken)] })).toEqual(['access', 'header'])
    expect(await told({ headers: [cookie(accessToken)] })).toEqual(['access', 'cookie'])
    expect(await told({}, `/?access_token=${accessToken}`)).toEqual(['access', 'query'])
    expect(await told({ headers: [bearer(refreshToken)] })).toEqual(['refresh', 'header'])
    expect(await told({ headers: [cookie(refreshToken, COOKIES.refresh)] })).toEqual(['refresh', 'cookie'])
    expect(await told({}, `/?refresh_token=${refreshToken}`)).toEqual(['refresh', 'query'])
    expect(await told({})).toEqual([null, null])
  })

  test('may have names of their own, each its kind (S2-8, #91)', async () => {
    const names = { access: 'sid', refresh: 'rid' }
    const bed = begin(serve, { cookies: { names } })
    const refresh = { path: '/refresh', guards: [{ requirement: { token: 'refresh' } as const }] }
    const app = await bed.open({ routes: [STRICT, refresh] })
    const pair = await bed.signIn()
    await app.enters({ path: '/strict', headers: [cookie(pair.accessToken, 'sid')] })
    await app.refuses({ path: '/strict', headers: [cookie(pair.accessToken)] }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [cookie(pair.accessToken, 'rid')] }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [cookie(pair.refreshToken, 'sid')] }, 'wrong_token_type')
    await app.enters({ path: '/refresh', headers: [cookie(pair.refreshToken, 'rid')] })
    await app.refuses({ path: '/refresh', headers: [cookie(pair.accessToken, 'rid')] }, 'wrong_token_type')
    await app.refuses({ path: '/refresh', headers: [cookie(pair.refreshToken, 'sid')] }, 'missing_token')
  })
}

const severalScenarios = (serve: Serve): void => {
  test('are refused beside a token in the header, whichever is good (N020, RFC 6750 §2)', async () => {
    const bed = begin(serve)
    const token = await bed.accessToken()
    const app = await bed.open({ routes: [STRICT, OPTIONAL] })
    for (const path of ['/strict', '/optional']) {
      for (const [inHeader, inCookie] of [
        [token, token],
        [token, 'a.b.c'],
        ['a.b.c', token],
      ] as const) {
        await app.refuses({ path, headers: [bearer(inHeader), cookie(inCookie)] }, 'malformed_credentials')
      }
      await app.enters({ path, headers: [['Authorization', 'Basic eDp5'], cookie(token)] })
      await app.enters({ path, headers: [bearer(token), cookie('')] })
    }
  })

  test.each([
    ['header', ['header', 'cookie']],
    ['cookie', ['cookie', 'header']],
  ] as const)(
    'give or take precedence as is configured: the %s first, good or bad (#81, #84, #86)',
    async (first, order) => {
      const bed = begin(serve, { locations: { order, several: 'first' } })
      const token = await bed.accessToken()
      const app = await bed.open({ routes: [{ ...STRICT, enter: tellPlace }] })
      const both = (good: 'header' | 'cookie'): Headers => [
        bearer(good === 'header' ? token : 'a.b.c'),
        cookie(good === 'cookie' ? token : 'a.b.c'),
      ]
      expect(await app.enters({ path: '/strict', headers: both(first) })).toEqual(['access', first])
      const other = first === 'header' ? 'cookie' : 'header'
      await app.refuses({ path: '/strict', headers: both(other) }, 'token_invalid')
      expect(await app.enters({ path: '/strict', headers: [bearer(token)] })).toEqual(['access', 'header'])
      expect(await app.enters({ path: '/strict', headers: [cookie(token)] })).toEqual(['access', 'cookie'])
    },
  )

  test('are asked for with a bare challenge where no place holds a token (#80, #93, #103)', async () => {
    const bed = begin(serve, { locations: { order: ['header', 'cookie', 'query'] } })
    const app = await bed.open({ routes: [STRICT] })
    await app.refuses({ path: '/strict?access_token=' }, 'missing_token')
  })

  test('of one name come with what makes a browser forget that of a former domain (N078)', async () => {
    const cookies = { domain: 'example.com', previousDomains: ['old.example.com'] }
    const bed = begin(serve, { cookies })
    const app = await bed.open({ routes: [STRICT] })
    const sent = { path: '/strict', headers: [['Cookie', 'jotward-access=a; jotward-access=b']] as const }
    await app.refuses(sent, 'malformed_credentials')
    const { header } = await app.send(sent)
    expect(header('set-cookie')).toMatch(
      /^jotward-access=; Path=\/; Max-Age=0; [^,]*, [^,]*; Domain=old\.example\.com; /,
    )
    expect(header('set-cookie')).toContain('jotward-refresh=; Path=/auth; ')
    expect(header('set-cookie')).not.toContain('Domain=example.com')
    expect((await app.send({ path: '/strict' })).header('set-cookie')).toBeNull()
    expect((await app.send({ path: '/strict', headers: [bearer('a.b.c')] })).header('set-cookie')).toBeNull()
  })
}

const fateScenarios = (serve: Serve): void => {
  test('expire, are revoked and are lenient as any other token', async () => {
    const bed = begin(serve)
    const lenient = { path: '/lenient', guards: [{ requirement: { optional: 'lenient' } as const }] }
    const app = await bed.open({ routes: [STRICT, OPTIONAL, lenient] })
    const [revoked, expired] = [await bed.signIn(), await bed.signIn()]
    await bed.auth.signOut(revoked.accessToken)
    const headers = [cookie(revoked.accessToken)]
    for (const path of ['/strict', '/optional']) await app.refuses({ path, headers }, 'token_revoked')
    expect(await app.enters({ path: '/lenient', headers })).toEqual({ subject: null })
    bed.clock.now += 905
    const late = [cookie(expired.accessToken)]
    for (const path of ['/strict', '/optional']) await app.refuses({ path, headers: late }, 'token_expired')
    const twice = [['Cookie', `${NAME}=a; ${NAME}=b`]] as const
    for (const sent of [late, twice]) {
      expect(await app.enters({ path: '/lenient', headers: sent })).toEqual({ subject: null })
    }
  })
}

/** Places besides cookies and the header. */
const otherPlaces = (serve: Serve): void => {
  test('the query, with a prefix where one is asked for, and a name for each kind (S3-10, #78, #87)', async () => {
    const query = { name: 'jwt', prefix: 'Bearer ' }
    const bed = createBed(serve, { config: { locations: { order: ['query'], query } } })
    const refresh = { path: '/refresh', guards: [{ requirement: { token: 'refresh' } as const }] }
    const app = await bed.open({ routes: [STRICT, refresh] })
    const { accessToken, refreshToken } = await bed.signIn()
    await app.enters({ path: `/strict?jwt=Bearer%20${accessToken}` })
    await app.enters({ path: `/strict?a=1&jwt=Bearer+${accessToken}&b=2` })
    await app.refuses({ path: `/strict?jwt=${accessToken}` }, 'malformed_credentials')
    await app.refuses({ path: `/strict?jwt=Bearer%20${accessToken}&jwt=` }, 'malformed_credentials')
    await app.refuses({ path: `/strict?JWT=Bearer%20${accessToken}` }, 'missing_token')
    await app.refuses({ path: '/strict', headers: [bearer(accessToken)] }, 'missing_token')
    await app.enters({ path: `/refresh?refresh_token=Bearer%20${refreshToken}` })
    await app.refuses({ path: `/refresh?jwt=Bearer%20${refreshToken}` }, 'missing_token')
  })

  test('one of the application’s own, at once or later, which sees the request (S0-3)', async () => {
    for (const isLater of [false, true]) {
      const find: NonNullable<NonNullable<IssuerParts['config']>['locations']>['find'] = (request) => {
        const found = request.path === '/strict' && request.method === 'GET' ? request.header('x-token') : null
        return isLater ? Promise.resolve(found) : found
      }
      const bed = createBed(serve, { config: { locations: { order: ['custom'], find } } })
      const app = await bed.open({ routes: [STRICT, OPTIONAL] })
      const headers = [['X-Token', await bed.accessToken()]] as const
      expect(await app.enters({ path: '/strict', headers })).toEqual({ subject: 'ann' })
      expect(await app.enters({ path: '/optional', headers })).toEqual({ subject: null })
      await app.refuses({ path: '/strict', headers, method: 'POST' }, 'missing_token')
      await app.refuses({ path: '/strict', headers: [['X-Token', 'a b']] }, 'malformed_credentials')
    }
  })
}

export const cookieScenarios = (serve: Serve): void => {
  describe('cookies', () => {
    findingScenarios(serve)
    severalScenarios(serve)
    fateScenarios(serve)
  })
  describe('other places of a token', () => {
    otherPlaces(serve)
  })
}
