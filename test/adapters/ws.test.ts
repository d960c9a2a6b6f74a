import type { IncomingMessage } from 'node:http'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { wsAuth } from '../../src/adapters/ws.ts'
import type { WsOptions } from '../../src/adapters/ws.ts'
import type { Auth } from '../../src/auth.ts'
import type { Principal } from '../../src/core/request/principal.ts'
import type { Requirement } from '../../src/core/request/requirement.ts'
import { memoryStore, realms } from '../../src/index.ts'
import { problemsOf } from '../core/session/issuer.ts'
import { bearer, connect, createIssuer, enter, ISSUER, refused, serve, until } from './ws-bed.ts'

const BEARER = 'jotward.bearer'

describe('a WebSocket guard (S2-10)', () => {
  test('lets in who brings a good token in the Authorization header, and tells the handler who it is', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth)
    const { client, received } = await enter(service, { headers: bearer(await token()) })
    client.send('hello')
    await until(() => received.length > 0)
    expect([service.entered, service.heard, received]).toEqual([['ann'], ['hello'], ['heard hello']])
  })

  test('answers a refused handshake as every guard does, and closes the connection (#145, #147)', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { requirement: { permissions: ['orders:read'] } })
    await refused(service, {}, 'missing_token')
    await refused(service, { headers: bearer('a.b.c') }, 'token_invalid')
    await refused(service, { headers: bearer('a b') }, 'malformed_credentials')
    await refused(service, { headers: bearer(await token()) }, 'insufficient_permission', ', scope="orders:read"')
    await enter(service, { headers: bearer(await token({ permissions: ['orders:read'] })) })
    expect(service.entered).toEqual(['ann'])
  })

  test('refuses a refresh token (#145)', async () => {
    const { auth } = createIssuer()
    const service = await serve(auth)
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    await refused(service, { headers: bearer(refreshToken) }, 'wrong_token_type')
    await refused(service, { protocols: [BEARER, refreshToken] }, 'wrong_token_type')
    expect(service.entered).toEqual([])
  })

  test('asks everything that a route may ask, whatever the credential came by', async () => {
    const store = memoryStore()
    const { auth, clock, token } = createIssuer({ store, users: store.users })
    const user = await store.users.create({
      email: 'ann@example.com',
      canonicalEmail: 'ann@example.com',
      passwordHash: 'none',
      permissions: [],
      profile: {},
    })
    const subject = user?.id ?? ''
    const paths: string[] = []
    const check: Requirement['check'] = (_principal, request) => {
      paths.push(request.path)
      return request.query('room')[0] === '1'
    }
    const service = await serve(auth, { requirement: { fresh: '5m', user: true, check } })
    const good = await token({ subject })
    await refused(service, { path: '/chat?room=2', protocols: [BEARER, good] }, 'access_denied')
    await refused(service, { path: '/chat?room=2', headers: bearer(good) }, 'access_denied')
    const { ticket } = await auth.tickets.issue(good)
    await refused(service, { path: `/chat?room=2&ticket=${ticket}` }, 'access_denied')
    await enter(service, { path: '/chat?room=1', protocols: [BEARER, good] })
    clock.ahead = 600
    await refused(
      service,
      { path: '/chat?room=1', protocols: [BEARER, good] },
      'reauthentication_required',
      ', max_age="300"',
    )
    clock.ahead = 0
    await store.users.update(subject, { active: false })
    await refused(service, { path: '/chat?room=1', protocols: [BEARER, good] }, 'user_refused')
    expect(new Set(paths)).toEqual(new Set(['/chat']))
  })

  test('lets an anonymous caller in only where it is optional, and a bad token only where that is lenient', async () => {
    const { auth } = createIssuer()
    const optional = await serve(auth, {
      requirement: { optional: true },
      options: { accept: ['subprotocol', 'message'] },
    })
    const { client } = await enter(optional)
    client.send('hello')
    await until(() => optional.heard.length > 0)
    await refused(optional, { protocols: [BEARER, 'a.b.c'] }, 'token_invalid')
    const lenient = await serve(auth, { requirement: { optional: 'lenient' } })
    await enter(lenient, { protocols: [BEARER, 'a.b.c'] })
    expect([optional.entered, lenient.entered]).toEqual([[null], [null]])
    const [socket] = optional.opened
    if (socket === undefined) throw new Error('there is one')
    expect(optional.optionalPrincipal(socket)).toBeNull()
    expect(() => optional.principal(socket)).toThrow('anonymous')
  })

  test('shapes its refusals by the hooks of the configuration', async () => {
    const on = { default: () => ({ status: 418, headers: { 'x-teapot': 'ä' }, body: { short: 'and stout' } }) }
    const { auth } = createIssuer({ errors: { on } })
    const { refusal } = await connect((await serve(auth)).port)
    expect([refusal?.statusCode, refusal?.headers['x-teapot']]).toEqual([418, 'ä'])
  })

  test('leaves other paths to others, and theirs to it', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { server: { path: '/orders' } })
    const other = new WebSocketServer({ noServer: true, path: '/open' })
    const seen: string[] = []
    service.server.on('upgrade', (request, socket, head) => {
      seen.push(request.url ?? '')
      if (other.shouldHandle(request)) other.handleUpgrade(request, socket, head, (opened) => opened.send('open'))
    })
    const { received } = await connect(service.port, { path: '/open' })
    await until(() => received.length > 0)
    await enter(service, { path: '/orders?a=b', headers: bearer(await token()) })
    expect([seen, service.entered]).toEqual([['/open', '/orders?a=b'], ['ann']])
  })

  test('hands the principal to the handler, typed, and keeps it by the socket', async () => {
    const { auth, token } = createIssuer()
    const { protect, principal } = wsAuth(auth)
    const sockets = new WebSocketServer({ noServer: true })
    type Caller = typeof auth extends Auth<infer C, infer P> ? Principal<C, P> : never
    protect({}, sockets, (socket, request, caller) => {
      expectTypeOf(socket).toEqualTypeOf<WebSocket>()
      expectTypeOf(request).toEqualTypeOf<IncomingMessage>()
      expectTypeOf(caller).toEqualTypeOf<Caller>()
    })
    protect({ optional: true }, sockets, (_socket, _request, caller) => {
      expectTypeOf(caller).toEqualTypeOf<Caller | null>()
    })
    expect(() => principal({})).toThrow('No guard ran')
    const service = await serve(auth)
    await enter(service, { headers: bearer(await token({ permissions: ['orders:read'] })) })
    const [socket] = service.opened
    expect(service.principal(socket ?? {})).toMatchObject({
      subject: 'ann',
      permissions: ['orders:read'],
      location: 'header',
    })
  })

  test('is refused by settings and requirements that cannot be, when it is made', async () => {
    const { auth } = createIssuer()
    const wrong: readonly (readonly [options: object, path: string])[] = [
      [{ origin: [] }, 'origin'],
      [{ origins: ['app.example.com'] }, 'origins'],
      [{ origins: 'https://app.example.com' }, 'origins'],
      [{ accept: [] }, 'accept'],
      [{ accept: ['url'] }, 'accept'],
      [{ accept: ['ticket', 'ticket'] }, 'accept'],
      [{ authenticateWithin: 0 }, 'authenticateWithin'],
      [{ checkEvery: '5 s' }, 'checkEvery'],
      [{ patience: '1h' }, 'patience'],
      [{ patience: 0 }, 'patience'],
    ]
    for (const [options, path] of wrong) {
      const problems = await problemsOf(() => wsAuth(auth, options as WsOptions))
      expect(problems.map((problem) => problem.split(':')[0])).toEqual([path])
    }
    const { protect } = wsAuth(auth)
    const sockets = new WebSocketServer({ noServer: true })
    for (const requirement of [{ token: 'refresh' }, { token: 'any' }, { permissions: [] }] as const) {
      expect(await problemsOf(() => protect(requirement, sockets, () => undefined))).toHaveLength(1)
    }
  })
})

describe('where a credential of a connection may stand', () => {
  test('in a subprotocol, which is never answered with', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth)
    const good = await token()
    const alone = await enter(service, { protocols: [BEARER, good] })
    expect(alone.client.protocol).toBe(BEARER)
    for (const protocols of [
      ['chat.v2', BEARER, good],
      [BEARER, good, 'chat.v2'],
    ]) {
      expect((await enter(service, { protocols })).client.protocol).toBe('chat.v2')
    }
    const malformed: readonly (readonly string[])[] = [[BEARER], [good, BEARER], [BEARER, 'chat.v2', good]]
    await refused(service, { protocols: malformed[0] ?? [] }, 'malformed_credentials')
    await refused(service, { protocols: malformed[1] ?? [] }, 'malformed_credentials')
    await refused(service, { protocols: malformed[2] ?? [] }, 'token_invalid')
  })

  test('a function of the application that selects a subprotocol never gets to see a token', async () => {
    const { auth, token } = createIssuer()
    const offered: string[] = []
    const handleProtocols = (protocols: Set<string>): string => {
      offered.push(...protocols)
      return 'chat.v1'
    }
    for (const accept of [['subprotocol'], ['header']] as const) {
      const service = await serve(auth, {
        server: { handleProtocols },
        options: { accept },
        requirement: { optional: true },
      })
      await enter(service, { protocols: ['chat.v2', BEARER, await token(), 'chat.v1'] })
      expect(service.entered).toEqual([accept[0] === 'header' ? null : 'ann'])
    }
    expect(offered).toEqual(['chat.v2', 'chat.v1', BEARER, 'chat.v2', 'chat.v1', BEARER])
  })

  test('in a ticket, which opens one connection', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { requirement: { permissions: ['orders:read'] } })
    const good = await token({ permissions: ['orders:read'] })
    const { ticket } = await auth.tickets.issue(good)
    await enter(service, { path: `/?ticket=${ticket}` })
    await refused(service, { path: `/?ticket=${ticket}` }, 'token_invalid')
    await refused(service, { path: `/?ticket=${good}` }, 'token_invalid')
    const [one, two] = [await auth.tickets.issue(good), await auth.tickets.issue(good)]
    await refused(service, { path: `/?ticket=${one.ticket}&ticket=${two.ticket}` }, 'malformed_credentials')
    await enter(service, { path: `/?ticket=${two.ticket}` })
    expect(service.entered).toEqual(['ann', 'ann'])
  })

  test('a token in the query only where the configuration, or accept, says so (RFC 6750 §5.3)', async () => {
    const plain = createIssuer()
    const path = `/?access_token=${await plain.token()}`
    await refused(await serve(plain.auth), { path }, 'missing_token')
    await enter(await serve(plain.auth, { options: { accept: ['query'] } }), { path })
    const configured = createIssuer({ locations: { order: ['header', 'query'] } })
    const service = await serve(configured.auth)
    await enter(service, { path: `/?access_token=${await configured.token()}` })
    expect(service.principal(service.opened[0] ?? {}).location).toBe('query')
  })

  test('nowhere but where accept says', async () => {
    const { auth, token } = createIssuer()
    const good = await token()
    const tickets = await serve(auth, { options: { accept: ['ticket'] } })
    await refused(tickets, { headers: bearer(good) }, 'missing_token')
    await refused(tickets, { protocols: [BEARER, good] }, 'missing_token')
    // What does not count is no second credential either.
    const { ticket } = await auth.tickets.issue(good)
    await enter(tickets, { path: `/?ticket=${ticket}`, headers: bearer(good) })
    const headers = await serve(auth, { options: { accept: ['header'] } })
    const { ticket: another } = await auth.tickets.issue(good)
    await refused(headers, { path: `/?ticket=${another}` }, 'missing_token')
    await enter(headers, { headers: bearer(good) })
    expect([tickets.entered, headers.entered]).toEqual([['ann'], ['ann']])
  })

  test('two at once are refused (RFC 6750 §2, #147)', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth)
    const good = await token()
    const { ticket } = await auth.tickets.issue(good)
    const path = `/?ticket=${ticket}`
    await refused(service, { headers: bearer(good), protocols: [BEARER, good] }, 'malformed_credentials')
    await refused(service, { headers: bearer(good), path }, 'malformed_credentials')
    await refused(service, { headers: bearer('a.b.c'), path }, 'malformed_credentials')
    await refused(service, { protocols: [BEARER, good], path }, 'malformed_credentials')
    // Nobody has spent it.
    await enter(service, { path })
    expect(service.entered).toEqual(['ann'])
  })

  test('several realms are tried in order, for whatever a credential came by', async () => {
    const [one, two] = [createIssuer(), createIssuer({ issuer: 'https://staff.example.com', audience: ISSUER })]
    const service = await serve(realms(one.auth, two.auth))
    const staff = await two.token({ subject: 'joe' })
    await enter(service, { headers: bearer(staff) })
    await enter(service, { protocols: [BEARER, staff] })
    await enter(service, { path: `/?ticket=${(await two.auth.tickets.issue(staff)).ticket}` })
    await enter(service, { protocols: [BEARER, await one.token()] })
    expect(service.entered).toEqual(['joe', 'joe', 'joe', 'ann'])
    await refused(service, { protocols: [BEARER, 'a.b.c'] }, 'token_invalid')
    await refused(service, { headers: bearer(staff), protocols: [BEARER, staff] }, 'malformed_credentials')
  })
})

const fail = () => Promise.reject(new Error('gone'))

describe('a guard that has to wait', () => {
  test('lets in what it would let in at once, and refuses what it would refuse', async () => {
    const store = memoryStore()
    const isRevoked = async (token: Parameters<typeof store.revocations.isRevoked>[0]) =>
      store.revocations.isRevoked(token)
    const { auth, token } = createIssuer({ store: { ...store, revocations: { ...store.revocations, isRevoked } } })
    const service = await serve(auth)
    await enter(service, { headers: bearer(await token()) })
    const gone = await auth.issue({ subject: 'ann' })
    await auth.revoke.session({ sessionId: gone.sessionId ?? '', subject: 'ann' })
    await refused(service, { headers: bearer(gone.accessToken) }, 'token_revoked')
    expect(service.entered).toEqual(['ann'])
  })

  test('answers 503 where the store fails, and tells the operator', async () => {
    const store = memoryStore()
    const { auth, token, events } = createIssuer({
      store: { ...store, revocations: { ...store.revocations, isRevoked: fail } },
    })
    const service = await serve(auth)
    await refused(service, { headers: bearer(await token()) }, 'store_unavailable')
    expect(events.filter(({ type }) => type === 'failure')).toHaveLength(1)
  })
})
