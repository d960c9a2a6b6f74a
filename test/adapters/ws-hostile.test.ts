import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { bearer, connect, createIssuer, enter, frame, rawClient, serve, until, upgradeBytes } from './ws-bed.ts'
import type { Route, Service } from './ws-bed.ts'

/** What no client of ws would do, and what must neither end the process nor leave anything behind. */

/** A guard whose answer is in the test's hands. */
const begin = async (route: Route = {}) => {
  const store = memoryStore()
  const state: { isHeld: boolean; release: () => void } = { isHeld: false, release: () => undefined }
  const isRevoked = () =>
    state.isHeld
      ? new Promise<boolean>((resolve) => {
          state.release = () => resolve(false)
        })
      : false
  const issuer = createIssuer({ store: { ...store, revocations: { ...store.revocations, isRevoked } } })
  const service = await serve(issuer.auth, route)
  const good = await issuer.token()
  return { ...issuer, service, state, good }
}

const connectionsOf = ({ server }: Service): Promise<number> =>
  new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count))
  })

const untilGone = async (service: Service, milliseconds: number): Promise<void> => {
  const end = performance.now() + milliseconds
  while ((await connectionsOf(service)) > 0) {
    if (performance.now() > end) throw new Error('the connection is still there')
    await sleep(20)
  }
}

describe('a connection that has bytes to read already', () => {
  test('hears what came with the handshake, after the guard has waited', async () => {
    const { service, state, good } = await begin()
    state.isHeld = true
    const { socket, text } = await rawClient(service.port)
    socket.write(Buffer.concat([Buffer.from(upgradeBytes(bearer(good))), frame('one'), frame('two')]))
    await sleep(50)
    socket.write(frame('three'))
    await sleep(50)
    expect(service.entered).toEqual([])
    state.release()
    await until(() => service.heard.length === 3)
    expect(service.heard).toEqual(['one', 'two', 'three'])
    await until(() => text().startsWith('HTTP/1.1 101 '))
  })

  test('is answered by what it asked before (RFC 9112 §9.3.2)', async () => {
    const { service, good } = await begin()
    const { socket, text } = await rawClient(service.port)
    socket.write('GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => text().includes('plain'))
    socket.write(Buffer.concat([Buffer.from(upgradeBytes(bearer(good))), frame('one')]))
    await until(() => service.heard.length === 1)
    await until(() => text().includes('HTTP/1.1 101 '))
    expect(text()).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('reads its refusal, whatever it has sent besides, and is closed', async () => {
    const { service } = await begin()
    const { socket, state, text } = await rawClient(service.port)
    const much = Array.from({ length: 2_000 }, () => frame('x'.repeat(100)))
    socket.write(Buffer.concat([Buffer.from(upgradeBytes()), ...much]))
    await until(() => state.isEnded)
    expect(text()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[\s\S]*"code":"missing_token"/)
    expect(service.entered).toEqual([])
    // Once it closes its side too, nothing is left of it.
    socket.end()
    await untilGone(service, 2_000)
  })
})

describe('a client that goes away', () => {
  test.each(['abort', 'half-close'])(
    'while the guard waits (%s) enters no handler that could not see it',
    async (how) => {
      const { service, state, good } = await begin()
      state.isHeld = true
      const { socket } = await rawClient(service.port)
      socket.write(upgradeBytes(bearer(good)))
      await sleep(50)
      if (how === 'abort') socket.resetAndDestroy()
      else socket.end()
      await sleep(50)
      state.release()
      await sleep(100)
      // A half-closed connection may be opened still, and is seen to close.
      await until(() => service.sockets.clients.size === 0)
      expect(service.entered.length).toBeLessThanOrEqual(how === 'abort' ? 0 : 1)
    },
  )

  test('and does not close its side is disconnected after a refusal', async () => {
    const { service } = await begin()
    const { socket, state } = await rawClient(service.port)
    socket.write(upgradeBytes())
    await until(() => state.isEnded)
    expect(await connectionsOf(service)).toBe(1)
    await untilGone(service, 8_000)
  })

  test('in the midst of a connection leaves nobody watched over', async () => {
    const { service, good } = await begin()
    const { socket } = await rawClient(service.port)
    socket.write(upgradeBytes(bearer(good)))
    await until(() => service.entered.length === 1)
    socket.resetAndDestroy()
    await until(() => service.sockets.clients.size === 0)
    expect(service.opened[0]?.readyState).toBe(3)
  })
})

describe('bytes that are no WebSocket', () => {
  test('close the one connection, though the application listens to no error', async () => {
    const { service, good } = await begin({ handler: () => undefined })
    const { socket, state } = await rawClient(service.port)
    socket.write(upgradeBytes(bearer(good)))
    await until(() => service.entered.length === 1)
    // A frame without a mask (RFC 6455 §5.1).
    socket.write(Buffer.from([0x81, 0x01, 0x41]))
    socket.end()
    await until(() => state.isEnded)
    await enter(service, { headers: bearer(good) })
    expect(service.sockets.clients.size).toBe(1)
  })

  test('are refused by ws, whatever its guard says', async () => {
    const { service, good } = await begin()
    const { socket, state, text } = await rawClient(service.port)
    socket.write(upgradeBytes(bearer(good)).replace(/Sec-WebSocket-Key: .*\r\n/, ''))
    await until(() => state.isEnded)
    expect(text()).toMatch(/^HTTP\/1\.1 400 /)
    expect(service.entered).toEqual([])
  })

  test.each(['//', '/?ticket=%', '*', 'http://other.example/?ticket=a', `/${'x'.repeat(8_000)}`])(
    'nor is an address like %s any harm',
    async (path) => {
      const { service, good } = await begin()
      const { socket, state, text } = await rawClient(service.port)
      socket.write(upgradeBytes({}, path))
      await until(() => state.isEnded)
      expect(text()).toMatch(/^HTTP\/1\.1 40[01] /)
      expect(service.entered).toEqual([])
      await enter(service, { headers: bearer(good) })
    },
  )

  test.each([
    ['sec-websocket-protocol', ',,'],
    ['sec-websocket-protocol', 'jotward.bearer,'],
    ['sec-websocket-protocol', 'jotward.bearer, a, jotward.bearer, b'],
    ['origin', 'nonsense'],
    ['cookie', '=;;='],
  ])('nor is a header like %s: %s', async (name, value) => {
    const { service, good } = await begin()
    const { socket, state, text } = await rawClient(service.port)
    socket.write(upgradeBytes({ [name]: value }))
    await until(() => state.isEnded)
    expect(text()).toMatch(/^HTTP\/1\.1 40[013] /)
    expect(service.entered).toEqual([])
    await enter(service, { headers: bearer(good) })
  })
})

describe('a handler that fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('no luck')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no luck'))],
  ])('(%s) closes its connection with 1011, and the operator is told', async (_how, handler) => {
    const { service, good, events } = await begin({ handler })
    const { closed } = await connect(service.port, { headers: bearer(good) })
    expect(await closed).toEqual({ code: 1011, reason: '' })
    expect(events.filter(({ type }) => type === 'failure')).toHaveLength(1)
  })
})

const textOf = (data: unknown): string => (typeof data === 'string' ? data : 'no text')

describe('ways of listening', () => {
  test('messages pass the gate to listeners, onmessage and addEventListener alike, and other events beside it', async () => {
    const heard: string[] = []
    const { service, good } = await begin({
      options: { accept: ['header', 'message'] },
      handler: (socket) => {
        // oxlint-disable-next-line unicorn/prefer-add-event-listener -- both ways are what is tested
        socket.onmessage = ({ data }) => heard.push(`onmessage ${textOf(data)}`)
        socket.addEventListener('message', ({ data }) => heard.push(`listener ${textOf(data)}`))
        socket.on('ping', () => heard.push('ping'))
      },
    })
    const { client } = await enter(service, { headers: bearer(good) })
    client.send('one')
    client.ping()
    client.send(JSON.stringify({ type: 'authenticate', token: good }))
    client.send('two')
    await until(() => heard.length === 5)
    expect(heard).toEqual(['onmessage one', 'listener one', 'ping', 'onmessage two', 'listener two'])
  })

  test('binary messages arrive as they were sent', async () => {
    const heard: [Buffer, boolean][] = []
    const { service, good } = await begin({
      options: { accept: ['header', 'message'] },
      handler: (socket) => socket.on('message', (data: Buffer, isBinary) => heard.push([data, isBinary])),
    })
    const { client } = await enter(service, { headers: bearer(good) })
    client.send(Buffer.from([1, 2, 3]))
    await until(() => heard.length === 1)
    expect(heard).toEqual([[Buffer.from([1, 2, 3]), true]])
  })

  test('an exception of one connection is nobody else’s', async () => {
    const uncaught: unknown[] = []
    const note = (error: unknown): void => {
      uncaught.push(error)
    }
    process.on('uncaughtExceptionMonitor', note)
    onTestFinished(() => {
      process.removeListener('uncaughtExceptionMonitor', note)
    })
    const { service, good } = await begin()
    const { socket } = await rawClient(service.port)
    socket.write(upgradeBytes(bearer(good)))
    await until(() => service.entered.length === 1)
    service.opened[0]?.emit('error', new Error('no luck'))
    socket.destroy()
    await once(socket, 'close')
    await sleep(50)
    expect(uncaught).toEqual([])
  })
})
