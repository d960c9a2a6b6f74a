import { describe, expect, test } from 'vitest'
import { bearer, createIssuer, enter, refused, serve } from './ws-bed.ts'

const BEARER = 'jotward.bearer'
const COOKIE = '__Host-jotward-access'
const APP = 'https://app.example.com'

const begin = async (config: Parameters<typeof createIssuer>[0] = {}) => {
  const issuer = createIssuer({ delivery: 'cookie', ...config })
  const service = await serve(issuer.auth, { options: { origins: [APP] } })
  const good = await issuer.token()
  const own = `http://127.0.0.1:${service.port}`
  return { ...issuer, service, good, own, cookie: { cookie: `${COOKIE}=${good}` } }
}

describe('the origin of a connection (N093)', () => {
  test('is checked wherever there is one, whatever the credential came by', async () => {
    const { auth, service, good, own } = await begin()
    const evil = 'https://evil.example.com'
    for (const origin of [
      evil,
      'null',
      `https://127.0.0.1`,
      'https://app.example.com.evil.example.com',
      `${APP}:8443`,
    ]) {
      await refused(service, { origin, headers: bearer(good) }, 'csrf_failed')
    }
    await refused(service, { origin: evil, protocols: [BEARER, good] }, 'csrf_failed')
    const { ticket } = await auth.tickets.issue(good)
    await refused(service, { origin: evil, path: `/?ticket=${ticket}` }, 'csrf_failed')
    await refused(service, { origin: evil }, 'csrf_failed')
    await enter(service, { origin: APP, path: `/?ticket=${ticket}` })
    await enter(service, { origin: own, headers: bearer(good) })
    await enter(service, { origin: APP, protocols: [BEARER, good] })
    expect(service.entered).toEqual(['ann', 'ann', 'ann'])
  })

  test('lets a cookie count, which counts for nothing without one (#146)', async () => {
    const { service, own, cookie } = await begin()
    await enter(service, { origin: own, headers: cookie })
    await enter(service, { origin: APP, headers: cookie })
    await refused(service, { headers: cookie }, 'csrf_failed')
    await refused(service, { origin: 'https://evil.example.com', headers: cookie }, 'csrf_failed')
    // A native client sends none, and no cookie.
    await refused(service, {}, 'missing_token')
    expect(service.entered).toEqual(['ann', 'ann'])
  })

  test('two cookies, or a cookie and another credential, are refused', async () => {
    const { auth, service, good, cookie } = await begin()
    const twice = { cookie: `${COOKIE}=${good}; ${COOKIE}=${good}` }
    await refused(service, { origin: APP, headers: twice }, 'malformed_credentials')
    await refused(service, { origin: APP, headers: cookie, protocols: [BEARER, good] }, 'malformed_credentials')
    const { ticket } = await auth.tickets.issue(good)
    await refused(service, { origin: APP, headers: cookie, path: `/?ticket=${ticket}` }, 'malformed_credentials')
    expect(service.entered).toEqual([])
  })

  test('of a page that Fetch Metadata calls another site’s is refused', async () => {
    const { service, own, cookie } = await begin()
    for (const site of ['cross-site', 'same-site']) {
      await refused(service, { origin: own, headers: { ...cookie, 'sec-fetch-site': site } }, 'csrf_failed')
    }
    await enter(service, { origin: own, headers: { ...cookie, 'sec-fetch-site': 'same-origin' } })
    expect(service.entered).toEqual(['ann'])
  })

  test('a cookie that is renewed is set with the handshake', async () => {
    const { service, cookie, clock } = await begin({ cookies: { renewWithin: '14m' } })
    clock.ahead += 300
    const headers: string[] = []
    service.sockets.on('headers', (lines) => headers.push(...lines))
    await enter(service, { origin: APP, headers: cookie })
    expect(headers.filter((line) => line.startsWith(`Set-Cookie: ${COOKIE}=ey`))).toHaveLength(1)
    headers.length = 0
    await refused(service, { headers: cookie }, 'csrf_failed')
    expect(headers).toEqual([])
  })
})
