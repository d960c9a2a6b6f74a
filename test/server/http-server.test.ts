import { connect } from 'node:net'
import { EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listen } from '../../server/src/http-server.ts'
import type { FetchHandler, HttpServer } from '../../server/src/http-server.ts'

const start = async (handler: FetchHandler): Promise<HttpServer> => {
  const server = await listen(handler, { host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await server.stop(0)
  })
  return server
}

/** Sends bytes as they are and returns all that comes back until the server closes. */
const exchange = async ({ address }: HttpServer, text: string): Promise<string> => {
  const socket = connect(address.port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return answer
}

const ok: FetchHandler = async () => new Response('ok')

describe('the HTTP server', () => {
  test('leaves the global Response as it is, for whoever else is in the process', async () => {
    const before = [globalThis.Response, globalThis.Request]
    await start(ok)
    expect([globalThis.Response, globalThis.Request]).toEqual(before)
    expect(globalThis.Response).toBe(before[0])
  })

  test('refuses headers of more than 16 KiB, in one line or in 10,000 (N149)', async () => {
    const server = await start(ok)
    const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`
    const many = `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(10_000)}\r\n`
    expect(await exchange(server, long)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await exchange(server, many)).toMatch(/^HTTP\/1\.1 431 /)
  })

  test('closes a connection that sends its headers too slowly (N149)', async () => {
    const server = await start(ok)
    expect(await exchange(server, 'GET / HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('refuses what is no HTTP', async () => {
    expect(await exchange(await start(ok), 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  })

  test.each([
    [{ port: 0, host: '203.0.113.1' }, /^203\.0\.113\.1 is not an address of this machine; set HOST to another$/],
    [
      { port: 0, host: 'nowhere.invalid' },
      /^nowhere\.invalid is not known; set HOST to another$|^cannot listen on nowhere/,
    ],
  ])('says in one sentence why it cannot listen on %j', async (options, words) => {
    await expect(listen(ok, options)).rejects.toThrow(words)
  })

  test('says which port is in use', async () => {
    const { address } = await start(ok)
    const refused = listen(ok, { host: '127.0.0.1', port: address.port })
    await expect(refused).rejects.toThrow(`port ${address.port} is in use; set PORT to another`)
  })
})

describe('stopping', () => {
  test('answers what is in flight, tells its client to let go, and accepts nothing more', async () => {
    const entrance = new EventEmitter()
    const inFlight = once(entrance, 'entered')
    const server = await start(async () => {
      entrance.emit('entered')
      await delay(300)
      return new Response('late but whole')
    })
    const url = `http://127.0.0.1:${server.address.port}/`
    const answer = fetch(url)
    await inFlight
    const stopped = server.stop(5000)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    const { headers, status } = await answer
    expect([status, headers.get('connection'), await (await answer).text()]).toEqual([200, 'close', 'late but whole'])
    expect(await stopped).toBe(true)
  })

  test('closes idle connections at once', async () => {
    const server = await start(ok)
    await (await fetch(`http://127.0.0.1:${server.address.port}/`)).text()
    const begin = performance.now()
    expect(await server.stop(5000)).toBe(true)
    expect(performance.now() - begin).toBeLessThan(1000)
  })

  test('waits no longer than its deadline', async () => {
    const server = await start(() => new Promise(() => undefined))
    const answer = fetch(`http://127.0.0.1:${server.address.port}/`).catch((error: unknown) => error)
    await delay(100)
    expect(await server.stop(200)).toBe(false)
    expect(await answer).toBeInstanceOf(TypeError)
  })
})
