import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createAuth, memoryStore } from '../../src/index.ts'
import { authRoutes } from '../../src/routes/index.ts'
import { loggablePath } from '../../server/src/access-log.ts'
import { createApp } from '../../server/src/app.ts'

const SECRET = 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzBr'

const build = ({ checkReady = async (): Promise<void> => undefined, issuer = 'http://localhost' } = {}) => {
  const lines: string[] = []
  const store = memoryStore()
  const auth = createAuth({
    issuer: 'http://localhost',
    audience: 'a',
    keys: { secret: SECRET },
    store,
    users: store.users,
  })
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  return { app: createApp({ handler: authRoutes(auth), checkReady, log, issuer }), lines }
}

describe('the app', () => {
  test('answers /healthz and /readyz', async () => {
    const { app } = build()
    expect(await (await app.request('/healthz')).json()).toEqual({ status: 'ok' })
    expect(await (await app.request('/readyz')).json()).toEqual({ status: 'ready' })
  })

  test('answers /readyz with 503 while the store cannot be used, and /healthz all the same', async () => {
    const { app, lines } = build({ checkReady: async () => Promise.reject(new Error('the disk is full')) })
    const answer = await app.request('/readyz')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await answer.text()).not.toContain('disk')
    expect(lines.join()).toContain('the disk is full')
    expect((await app.request('/healthz')).status).toBe(200)
  })

  test('mounts the endpoints, their OpenAPI document and the key set', async () => {
    const { app } = build()
    const document = (await (await app.request('/openapi.json')).json()) as { readonly paths: object }
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/auth/signin', '/auth/refresh', '/auth/me']))
    expect((await app.request('/.well-known/jwks.json')).status).toBe(200)
    expect((await app.request('/auth/me')).headers.get('www-authenticate')).toMatch(/^Bearer realm=/)
  })

  test.each(['/', '/nothing', '/authx', '/auth/nothing', '/docs/../package.json', '/docs/%2e%2e/package.json'])(
    'answers %s with 404 and a JSON body',
    async (path) => {
      const answer = await build().app.request(path)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ error: 'invalid_request', code: 'not_found' })
    },
  )

  test('names the allowed methods of its own paths (RFC 9110 §15.5.6)', async () => {
    const answer = await build().app.request('/healthz', { method: 'POST' })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
    expect(await answer.json()).toMatchObject({ code: 'method_not_allowed' })
  })

  test('gives every answer headers against sniffing and framing (N092)', async () => {
    for (const path of ['/healthz', '/docs', '/docs/swagger-ui-bundle.js', '/nothing', '/auth/me']) {
      const { headers } = await build().app.request(path)
      expect({ path, ...Object.fromEntries(headers) }).toMatchObject({
        path,
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as string,
        'referrer-policy': 'no-referrer',
      })
    }
  })
})

describe('the OpenAPI document', () => {
  test('names the issuer as the server, without the slash that its paths bring', async () => {
    const { app } = build({ issuer: 'https://auth.example.com/' })
    const document = (await (await app.request('/openapi.json')).json()) as object
    expect(document).toMatchObject({ servers: [{ url: 'https://auth.example.com' }] })
  })
})

describe('the API page', () => {
  test('is found under /docs/ too, also where a proxy serves it under a prefix', async () => {
    const answer = await build().app.request('/docs/')
    expect(answer.status).toBe(308)
    const location = answer.headers.get('location') ?? ''
    expect(new URL(location, 'http://proxy/prefix/docs/').pathname).toBe('/prefix/docs')
  })

  test('reads a document that sends its calls to where it came from, not to the issuer', async () => {
    const { app } = build({ issuer: 'https://auth.example.com' })
    expect(await (await app.request('/docs/start.js')).text()).toContain("url: 'docs/openapi.json'")
    const document = (await (await app.request('/docs/openapi.json')).json()) as object
    expect(document).toHaveProperty('paths')
    expect(document).not.toHaveProperty('servers')
  })

  test('comes from the server alone: no foreign address, no inline script, under a policy that forbids both', async () => {
    const { app } = build()
    const page = await app.request('/docs')
    const html = await page.text()
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';")
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    expect(html).not.toMatch(/https?:|<script(?! src=)|\son\w+=|style=/)
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '')
    expect(links).toHaveLength(4)
    for (const link of links) {
      const answer = await app.request(new URL(link, 'http://localhost/docs').pathname)
      expect({ link, status: answer.status }).toEqual({ link, status: 200 })
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(50)
    }
  })

  test('serves scripts and styles under their own types', async () => {
    const { app } = build()
    expect((await app.request('/docs/start.js')).headers.get('content-type')).toContain('text/javascript')
    expect((await app.request('/docs/swagger-ui-bundle.js')).headers.get('content-type')).toContain('text/javascript')
    expect((await app.request('/docs/swagger-ui.css')).headers.get('content-type')).toContain('text/css')
  })
})

describe('the access log', () => {
  const TOKEN = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJjYW5hcnkifQ', 'canary'.repeat(7)].join('.')

  test('has method, path, status, time and the identifier that the answer carries', async () => {
    const { app, lines } = build()
    const answer = await app.request('/nothing?a=b', { method: 'DELETE' })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        method: 'DELETE',
        path: '/nothing',
        status: 404,
        ms: expect.any(Number) as number,
        requestId: answer.headers.get('x-request-id'),
      }),
    ])
  })

  test('never has a token, a password or a cookie, wherever a caller puts them (N147)', async () => {
    const { app, lines } = build()
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      cookie: 'session=canary',
      'x-request-id': 'canary',
      'user-agent': 'canary',
      'content-type': 'application/json',
    }
    const body = JSON.stringify({ email: 'canary@example.com', password: 'canary', refresh_token: TOKEN })
    for (const path of [
      `/auth/signin?access_token=${TOKEN}`,
      `/auth/refresh`,
      `/auth/${TOKEN}`,
      `/${TOKEN}/canarycanary${TOKEN}`,
    ]) {
      await app.request(path, { method: 'POST', headers, body })
    }
    expect(lines.length).toBeGreaterThanOrEqual(4)
    expect(lines.join()).not.toContain('canary')
  })

  test('keeps paths that hold identifiers, and shortens the rest', () => {
    expect(loggablePath('/auth/sessions/vQH9PLQisY26cpmWouzWLvti')).toBe('/auth/sessions/vQH9PLQisY26cpmWouzWLvti')
    expect(loggablePath(`/a/${'x'.repeat(41)}/b`)).toBe('/a/…/b')
    expect(loggablePath('/ab'.repeat(1000))).toHaveLength(200)
  })
})
