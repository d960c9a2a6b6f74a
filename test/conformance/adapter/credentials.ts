import { describe, test } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { Sent } from '../exchange.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'

type Headers = NonNullable<Sent['headers']>

const one =
  (value: (token: string) => string) =>
  (token: string): Headers => [['Authorization', value(token)]]

/** Credentials as they arrive, and the code that a strict guard answers with; null lets them in. */
const ROWS: readonly (readonly [title: string, headers: (token: string) => Headers, code: AuthErrorCode | null])[] = [
  ['no Authorization header (RFC 6750 §3.1)', () => [], 'missing_token'],
  ['an empty Authorization header', one(() => ''), 'missing_token'],
  ['a header of nothing but a comma', one(() => ','), 'missing_token'],
  ['Basic credentials, which are none of ours', one(() => 'Basic YW5uOnBhc3N3b3Jk'), 'missing_token'],
  ['Digest credentials', one(() => 'Digest username="ann", realm="x", uri="/"'), 'missing_token'],
  ['the token without a scheme', one((token) => token), 'missing_token'],
  ['the token under another scheme', one((token) => `Token ${token}`), 'missing_token'],
  ['a scheme that only begins like ours', one((token) => `BearerToken ${token}`), 'missing_token'],
  ['a token in Proxy-Authorization', (token) => [['Proxy-Authorization', `Bearer ${token}`]], 'missing_token'],
  ['a token in a cookie', (token) => [['Cookie', `access_token=${token}`]], 'missing_token'],
  ['the scheme alone', one(() => 'Bearer'), 'malformed_credentials'],
  ['the scheme and a space', one(() => 'Bearer '), 'malformed_credentials'],
  ['two tokens after one scheme', one((token) => `Bearer ${token} ${token}`), 'malformed_credentials'],
  ['a tab between scheme and token (N003)', one((token) => `Bearer\t${token}`), 'malformed_credentials'],
  ['a tab before the token (N003)', one((token) => `Bearer \t${token}`), 'malformed_credentials'],
  ['credentials joined by a comma (N019)', one((token) => `Bearer ${token}, Bearer ${token}`), 'malformed_credentials'],
  ['a comma behind the token', one((token) => `Bearer ${token},`), 'malformed_credentials'],
  ['a token in quotes', one((token) => `Bearer "${token}"`), 'malformed_credentials'],
  ['a scheme with an equals sign', one((token) => `Bearer=${token}`), 'malformed_credentials'],
  ['Bearer behind Basic in one header', one((token) => `Basic eHg=, Bearer ${token}`), 'malformed_credentials'],
  ['Basic behind Bearer in one header', one((token) => `Bearer ${token}, Basic eHg=`), 'malformed_credentials'],
  ['two equal Authorization headers (N019)', (token) => [bearer(token), bearer(token)], 'malformed_credentials'],
  [
    'an empty Authorization header before a good one',
    (token) => [['Authorization', ''], bearer(token)],
    'malformed_credentials',
  ],
  [
    'a Basic header before a Bearer header',
    (token) => [['Authorization', 'Basic eHg='], bearer(token)],
    'malformed_credentials',
  ],
  [
    'a Bearer header before a Basic header',
    (token) => [bearer(token), ['authorization', 'Basic eHg=']],
    'malformed_credentials',
  ],
  ['a character beyond ASCII in the token (N077)', one((token) => `Bearer ${token}\u00e9`), 'malformed_credentials'],
  ['a no-break space before the token', one((token) => `Bearer\u00a0${token}`), 'malformed_credentials'],
  ['a padded token, which is well-formed but not ours (N004)', one((token) => `Bearer ${token}=`), 'token_invalid'],
  ['the scheme in lower case (RFC 9110 §11.1, N019)', one((token) => `bearer ${token}`), null],
  ['the scheme in upper case', one((token) => `BEARER ${token}`), null],
  ['several spaces before the token (RFC 6750 §2.1)', one((token) => `Bearer   ${token}`), null],
  ['the header name in upper case (RFC 9110 §5.1)', (token) => [['AUTHORIZATION', `Bearer ${token}`]], null],
  ['an empty header of another name beside it', (token) => [['Cookie', ''], bearer(token)], null],
]

export const credentialScenarios = (serve: Serve): void => {
  describe('credentials', () => {
    test.each(ROWS)('judges %s', async (_title, headers, code) => {
      const bed = createBed(serve)
      const token = await bed.accessToken()
      const app = await bed.open({
        routes: [
          { path: '/strict', guards: [{}] },
          { path: '/optional', guards: [{ requirement: { optional: true } }] },
        ],
      })
      const sent = (path: string): Sent => ({ path, headers: headers(token) })
      await (code === null ? app.enters(sent('/strict')) : app.refuses(sent('/strict'), code))
      // Where it is optional, nothing is anonymous but what counts as absent (N059).
      if (code === null || code === 'missing_token') await app.enters(sent('/optional'))
      else await app.refuses(sent('/optional'), code)
    })

    test('reads no token from the query or the body (RFC 6750 §2.2, §2.3 and §5.3, N088)', async () => {
      const bed = createBed(serve)
      const token = await bed.accessToken()
      const app = await bed.open({ routes: [{ path: '/strict', guards: [{}] }] })
      const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
      await app.refuses({ path: '/strict', headers, body: `access_token=${token}` }, 'missing_token')
      await app.refuses({ path: `/strict?access_token=${token}` }, 'missing_token')
    })

    test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('guards %s as it guards GET', async (method) => {
      const bed = createBed(serve)
      const token = await bed.accessToken()
      const app = await bed.open({ routes: [{ path: '/strict', guards: [{}] }] })
      await app.refuses({ method, path: '/strict' }, 'missing_token')
      await app.enters({ method, path: '/strict', headers: [bearer(token)] })
    })

    test('refuses HEAD as it refuses GET, without a body (RFC 9110 §9.3.2)', async () => {
      const app = await createBed(serve).open({ routes: [{ path: '/strict', guards: [{}] }] })
      await app.refuses({ method: 'HEAD', path: '/strict' }, 'missing_token', { bodiless: true })
    })
  })
}
