import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { RevocationLog } from '../../src/ports/revocation-log.ts'
import {
  authenticate,
  bearer,
  connect,
  createIssuer,
  enter,
  frame,
  rawClient,
  serve,
  until,
  upgradeBytes,
} from './ws-bed.ts'
import type { Attempt, Service } from './ws-bed.ts'

type IsRevoked = RevocationLog['isRevoked']

/** A store whose answers about revocation are in somebody's hands. */
const answering = (answer: (usual: () => ReturnType<IsRevoked>) => ReturnType<IsRevoked>) => {
  const store = memoryStore()
  const isRevoked: IsRevoked = (token) => answer(() => store.revocations.isRevoked(token))
  return { ...store, revocations: { ...store.revocations, isRevoked, isRevokedAtSource: async () => false } }
}

/** Connects without a credential, and sends these at once. */
const say = async ({ port }: Service, messages: readonly (string | Buffer)[], attempt: Attempt = {}) => {
  const opened = await connect(port, attempt)
  for (const message of messages) opened.client.send(message)
  return opened
}

const options = { accept: ['header', 'subprotocol', 'ticket', 'message'] } as const

describe('a first message (S2-10)', () => {
  test('tells who calls, and the handler is not entered before', async () => {
    const { auth, token } = createIssuer()
    const requirement = { permissions: ['orders:read'] }
    const service = await serve(auth, { options: { ...options, authenticateWithin: 1 }, requirement })
    const { client } = await say(service, [])
    await sleep(50)
    expect(service.entered).toEqual([])
    client.send(authenticate(await token({ permissions: ['orders:read'] })))
    await until(() => service.entered.length > 0)
    client.send('hello')
    await until(() => service.heard.length > 0)
    expect([service.entered, service.heard]).toEqual([['ann'], ['hello']])
    await sleep(1_100)
    expect(client.readyState).toBe(1)
    expect(service.principal(service.opened[0] ?? {})).toMatchObject({ subject: 'ann', location: null })
  })

  test('is not waited for unless it is accepted', async () => {
    const { auth } = createIssuer()
    const { refusal } = await connect((await serve(auth)).port)
    expect(refusal?.statusCode).toBe(401)
  })

  test('is not waited for from whoever brings something bad', async () => {
    const { auth } = createIssuer()
    const { port } = await serve(auth, { options })
    expect((await connect(port, { headers: bearer('a.b.c') })).refusal?.statusCode).toBe(401)
    expect((await connect(port, { protocols: ['jotward.bearer'] })).refusal?.statusCode).toBe(400)
  })

  test.each([
    ['a token that is none', () => authenticate('a.b.c'), 'token_invalid'],
    ['no token', () => '{"type":"authenticate"}', 'malformed_credentials'],
    ['a token that is no string', () => authenticate(['a']), 'malformed_credentials'],
    ['two tokens', () => '{"type":"authenticate","token":"a","token":"b"}', 'missing_token'],
    ['another message', () => '{"type":"subscribe","to":"orders"}', 'missing_token'],
    ['no JSON', () => 'authenticate', 'missing_token'],
    ['bytes', () => Buffer.from(authenticate('a.b.c')), 'missing_token'],
    ['more than any token', () => authenticate('a'.repeat(70_000)), 'missing_token'],
  ])('with %s closes the connection with 4401 and the word of the refusal (#145)', async (_title, message, reason) => {
    const { auth } = createIssuer()
    const service = await serve(auth, { options })
    const begun = performance.now()
    const { closed } = await say(service, [message(), 'more'])
    expect(await closed).toEqual({ code: 4401, reason })
    expect([service.entered, service.heard]).toEqual([[], []])
    // Not only when the time for it is over.
    expect(performance.now() - begun).toBeLessThan(4_000)
  })

  test('closes with 4403 whom the route does not let in, and with 4401 whose token is no longer good', async () => {
    const { auth, clock, token } = createIssuer()
    const service = await serve(auth, { options, requirement: { permissions: ['orders:read'] } })
    const lacking = await say(service, [authenticate(await token())])
    expect(await lacking.closed).toEqual({ code: 4403, reason: 'insufficient_permission' })
    const gone = await auth.issue({ subject: 'ann', permissions: ['orders:read'] })
    await auth.signOut(gone.accessToken)
    const revoked = await say(service, [authenticate(gone.accessToken)])
    expect(await revoked.closed).toEqual({ code: 4401, reason: 'token_revoked' })
    const old = await token({ permissions: ['orders:read'] })
    clock.ahead = 3600
    const expired = await say(service, [authenticate(old)])
    expect(await expired.closed).toEqual({ code: 4401, reason: 'token_expired' })
    expect(service.entered).toEqual([])
  })

  test('closes with 1013 where the store cannot tell', async () => {
    const { auth, token } = createIssuer({ store: answering(() => Promise.reject(new Error('gone'))) })
    const service = await serve(auth, { options })
    const { closed } = await say(service, [authenticate(await token())])
    expect(await closed).toEqual({ code: 1013, reason: 'store_unavailable' })
    expect(service.entered).toEqual([])
  })

  test('that does not come closes the connection with 4401, in time', async () => {
    const { auth } = createIssuer()
    const service = await serve(auth, { options: { ...options, authenticateWithin: 1 } })
    const begun = performance.now()
    const { closed } = await say(service, [])
    expect(await closed).toEqual({ code: 4401, reason: 'missing_token' })
    expect(performance.now() - begun).toBeLessThan(2_000)
    expect(service.entered).toEqual([])
  })

  test('under a store that does not answer closes the connection with 1013, in time', async () => {
    const { auth, token } = createIssuer({ store: answering(() => new Promise(() => undefined)) })
    const service = await serve(auth, { options: { ...options, authenticateWithin: 1 } })
    const { closed } = await say(service, [authenticate(await token())])
    expect(await closed).toEqual({ code: 1013, reason: 'store_unavailable' })
    expect(service.entered).toEqual([])
  })

  test('keeps what follows it at once in order, however long the guard has to wait', async () => {
    const { auth, token } = createIssuer({
      store: answering(async (usual) => {
        await sleep(100)
        return usual()
      }),
    })
    const service = await serve(auth, { options })
    const texts = Array.from({ length: 40 }, (_, index) => `message ${index}`)
    const { received } = await say(service, [authenticate(await token()), ...texts])
    await until(() => received.length === texts.length)
    expect(service.heard).toEqual(texts)
    expect(received).toEqual(texts.map((text) => `heard ${text}`))
  })

  test('holds no more than a bound of what follows it', async () => {
    const { auth, token } = createIssuer({ store: answering(() => new Promise(() => undefined)) })
    const service = await serve(auth, { options })
    const { socket, text } = await rawClient(service.port)
    socket.write(upgradeBytes())
    await until(() => text().includes('101'))
    socket.write(
      Buffer.concat([frame(authenticate(await token())), ...Array.from({ length: 1_100 }, () => frame('x'))]),
    )
    // A close frame (RFC 6455 §5.5.1) with 1008.
    await until(() => text().includes('\x88\x0e\x03\xf0rate_limited'))
    const large = await say(service, [authenticate(await token()), Buffer.alloc(1_000_000)])
    await sleep(50)
    // The server has stopped reading: what is larger than a chunk has not arrived, and the client has to wait.
    expect([...service.sockets.clients].at(-1)?.isPaused).toBe(true)
    expect(large.client.readyState).toBe(1)
    expect(service.entered).toEqual([])
  })

  test('of a client that has gone meanwhile enters no handler', async () => {
    const state: { release: () => void } = { release: () => undefined }
    const { auth, token } = createIssuer({
      store: answering(
        () =>
          new Promise((resolve) => {
            state.release = () => resolve(false)
          }),
      ),
    })
    const service = await serve(auth, { options })
    const { client } = await say(service, [authenticate(await token())])
    await sleep(50)
    client.terminate()
    await sleep(50)
    state.release()
    await sleep(50)
    expect(service.entered).toEqual([])
    expect(service.sockets.clients.size).toBe(0)
  })

  test('is the application’s where nobody has to authenticate', async () => {
    const { auth } = createIssuer()
    const service = await serve(auth, { options, requirement: { optional: true } })
    const message = authenticate('a.b.c')
    await say(service, [message])
    await until(() => service.heard.length > 0)
    expect([service.entered, service.heard]).toEqual([[null], [message]])
  })
})

/** Two tokens of one session, the second with more permissions, and as fresh as can be. */
const begin = async (config: Parameters<typeof createIssuer>[0] = {}) => {
  const issuer = createIssuer({ delivery: 'cookie', ...config })
  const { auth } = issuer
  const service = await serve(auth, { options: { ...options, accept: [...options.accept, 'cookie'], checkEvery: 1 } })
  const pair = await auth.issue({ subject: 'ann' })
  const principal = await auth.verify(pair.accessToken)
  const next = async (): Promise<string> => (await auth.reissue(principal)).accessToken
  return { ...issuer, service, pair, next }
}

describe('a renewal', () => {
  test('takes the place of the token, and is nothing that the application hears of', async () => {
    const { clock, service, pair, next } = await begin()
    const { client, closed } = await enter(service, { headers: bearer(pair.accessToken) })
    const [socket = {}] = service.opened
    const before = service.principal(socket)
    clock.ahead = 600
    client.send(authenticate(await next()))
    client.send('hello')
    await until(() => service.heard.length > 0)
    const after = service.principal(socket)
    expect(service.heard).toEqual(['hello'])
    expect(after).toMatchObject({ subject: 'ann', sessionId: before.sessionId })
    expect(after.expiresAt).toBe((before.expiresAt ?? 0) + 600)
    // The first token has expired by now, the second has not.
    clock.ahead = 1000
    client.send('still there')
    await sleep(1_200)
    expect([service.heard, client.readyState]).toEqual([['hello', 'still there'], 1])
    clock.ahead = 1600
    expect(await closed).toEqual({ code: 4401, reason: 'token_expired' })
    expect(service.entered).toEqual(['ann'])
  })

  test('is judged alone: what opened the connection is no second credential', async () => {
    const { service, pair, next } = await begin()
    const headers = { cookie: `__Host-jotward-access=${pair.accessToken}` }
    const { client } = await enter(service, { origin: `http://127.0.0.1:${service.port}`, headers })
    client.send(authenticate(await next()))
    client.send('hello')
    await until(() => service.heard.length > 0)
    expect(service.principal(service.opened[0] ?? {}).location).toBeNull()
  })

  test.each([
    ['of another subject', (bed: Awaited<ReturnType<typeof begin>>) => bed.token({ subject: 'joe' }), 'token_invalid'],
    ['of another session', (bed: Awaited<ReturnType<typeof begin>>) => bed.token({ subject: 'ann' }), 'token_invalid'],
    ['that is none', async () => 'a.b.c', 'token_invalid'],
    [
      'that is a refresh token',
      async ({ pair }: Awaited<ReturnType<typeof begin>>) => pair.refreshToken,
      'wrong_token_type',
    ],
  ])('with a token %s closes the connection with 4401', async (_title, make, reason) => {
    const bed = await begin()
    const { client, closed } = await enter(bed.service, { headers: bearer(bed.pair.accessToken) })
    client.send(authenticate(await make(bed)))
    client.send('more')
    expect(await closed).toEqual({ code: 4401, reason })
    expect(bed.service.heard).toEqual([])
  })

  test('asks what the route asks', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth, { options, requirement: { permissions: ['orders:read'] } })
    const alone = { subject: 'bot', permissions: ['orders:read'] }
    const [one, two] = [await auth.tokens.sign(alone), await auth.tokens.sign({ subject: 'bot' })]
    const { client, closed } = await enter(service, { headers: bearer(one.accessToken) })
    client.send(authenticate((await auth.tokens.sign(alone)).accessToken))
    client.send('hello')
    await until(() => service.heard.length > 0)
    client.send(authenticate(two.accessToken))
    expect(await closed).toEqual({ code: 4403, reason: 'insufficient_permission' })
    expect(await token()).not.toBe('')
  })

  test('that the store is slow about keeps the order of messages', async () => {
    const state = { isSlow: false }
    const bed = await begin({
      store: answering(async (usual) => {
        if (state.isSlow) await sleep(100)
        return usual()
      }),
    })
    const { client } = await enter(bed.service, { headers: bearer(bed.pair.accessToken) })
    state.isSlow = true
    client.send('one')
    client.send(authenticate(await bed.next()))
    for (const text of ['two', authenticate(await bed.next()), 'three', 'four']) client.send(text)
    await until(() => bed.service.heard.length === 4)
    expect(bed.service.heard).toEqual(['one', 'two', 'three', 'four'])
  })

  test('is a message of the application’s where messages are not accepted', async () => {
    const { auth, token } = createIssuer()
    const service = await serve(auth)
    const { client } = await enter(service, { headers: bearer(await token()) })
    client.send(authenticate('a.b.c'))
    await until(() => service.heard.length > 0)
    expect(service.heard).toEqual([authenticate('a.b.c')])
  })
})
