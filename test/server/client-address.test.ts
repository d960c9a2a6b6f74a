import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from '../../server/src/app.ts'
import { clientAddress } from '../../server/src/client-address.ts'
import { currentRequest } from '../../server/src/request-scope.ts'
import { createServerThrottle } from '../../server/src/throttle.ts'
import { createAuth, memoryStore } from '../../src/index.ts'
import { authRoutes } from '../../src/routes/index.ts'

const NO_HEADER = null
const PUBLIC = '203.0.113.9'

test.each([
  [PUBLIC, NO_HEADER, PUBLIC],
  [PUBLIC, '198.51.100.1', PUBLIC],
  ['2001:db8::9', '198.51.100.1', '2001:db8::9'],
  // In a private network it may be a proxy or a gateway, and a header of its own choice makes it nobody else.
  ['192.168.7.9', NO_HEADER, null],
  ['192.168.7.9', 'z', null],
  ['fd00::9', NO_HEADER, null],
  ['fd00::9', '198.51.100.1', null],
  ['10.0.0.2', '198.51.100.1', null],
  ['::ffff:10.0.0.2', NO_HEADER, null],
  ['172.17.0.1', '198.51.100.1', null],
  ['100.64.0.1', '', null],
  ['fe80::1%eth0', NO_HEADER, null],
  // Whoever is on this machine is a proxy, or a tool of the operator's.
  ['127.0.0.1', NO_HEADER, null],
  ['127.9.9.9', '198.51.100.1', null],
  ['::1', NO_HEADER, null],
  ['::ffff:127.0.0.1', NO_HEADER, null],
  ['no address', NO_HEADER, 'no address'],
])('without trusted proxies the peer %s with X-Forwarded-For %j is %j (N095)', (peer, forwardedFor, expected) => {
  expect(clientAddress({ peer, forwardedFor, trustedProxies: 0 })).toBe(expected)
})

test.each([
  [1, '127.0.0.1', '198.51.100.1', '198.51.100.1'],
  [1, '10.0.0.2', '6.6.6.6, 198.51.100.1', '198.51.100.1'],
  [1, '10.0.0.2', '6.6.6.6,198.51.100.1 ,', '198.51.100.1'],
  [2, '10.0.0.2', '6.6.6.6, 198.51.100.1, 10.0.0.3', '198.51.100.1'],
  [2, '10.0.0.2', '198.51.100.1, 10.0.0.3', '198.51.100.1'],
  // Past the proxies, or through fewer of them.
  [1, PUBLIC, NO_HEADER, PUBLIC],
  [2, '10.0.0.2', '198.51.100.1', '198.51.100.1'],
])('behind %d proxies the peer %s with X-Forwarded-For %j is %s', (trustedProxies, peer, forwardedFor, expected) => {
  expect(clientAddress({ peer, forwardedFor, trustedProxies })).toBe(expected)
})

test('without a connection there is no client', () => {
  expect(clientAddress({ peer: null, forwardedFor: '198.51.100.1', trustedProxies: 1 })).toBeNull()
})

/** A server whose endpoints know their client by what the scope of the request says. */
const serverBehind = (trustedProxies: number) => {
  const store = memoryStore()
  const issuer = 'http://localhost'
  const keys = { secret: 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzBr' }
  const auth = createAuth({ issuer, audience: issuer, keys, store, users: store.users })
  const { account, address } = createServerThrottle({ kind: 'memory' }, { address: 2 })
  const clientOf = (request: Request): string | null => {
    const forwardedFor = request.headers.get('x-forwarded-for')
    return clientAddress({ peer: currentRequest()?.client ?? null, forwardedFor, trustedProxies })
  }
  const handler = authRoutes(auth, { throttle: { account, address, clientOf } })
  const log = pino({ base: null }, { write: () => undefined })
  const app = createApp({ handler, checkReady: async () => undefined, log, issuer })
  let people = 0
  return async (client: string, forwardedFor: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwardedFor }
    const body = JSON.stringify({ email: `person${(people += 1)}@example.com`, password: 'wrong' })
    return (await app.request('/auth/signin', { method: 'POST', headers, body }, { client })).status
  }
}

test('a server on the open network counts for the peer, whoever it says that it forwards for', async () => {
  const guess = serverBehind(0)
  expect([await guess(PUBLIC, '1.1.1.1'), await guess(PUBLIC, '2.2.2.2')]).toEqual([401, 401])
  expect([await guess(PUBLIC, '3.3.3.3'), await guess('203.0.113.10', '1.1.1.1')]).toEqual([429, 401])
})

test('a server behind a proxy of its own counts for whom that has named', async () => {
  const guess = serverBehind(1)
  expect([await guess('127.0.0.1', '1.1.1.1, 9.9.9.9'), await guess('127.0.0.1', '2.2.2.2, 9.9.9.9')]).toEqual([
    401, 401,
  ])
  expect([await guess('127.0.0.1', '3.3.3.3, 9.9.9.9'), await guess('127.0.0.1', '9.9.9.9, 8.8.8.8')]).toEqual([
    429, 401,
  ])
})

test('a server behind a proxy that it was not told of keeps nobody out for what another has done', async () => {
  const guess = serverBehind(0)
  const statuses = []
  for (let time = 0; time < 5; time++) statuses.push(await guess('127.0.0.1', '9.9.9.9'))
  expect(statuses).toEqual([401, 401, 401, 401, 401])
})
