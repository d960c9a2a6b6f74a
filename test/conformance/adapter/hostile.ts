import { describe, expect, test } from 'vitest'
import { sendBytes } from '../exchange.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed } from './bed.ts'

/** Characters of each byte above ASCII, and tab: what HTTP lets pass in a field value (RFC 9110 §5.5). */
const OBS_TEXT = Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index))

/** Values that make a careless pattern slow. */
const SLOW: readonly (readonly [title: string, value: (size: number) => string])[] = [
  ['spaces', (size) => `Bearer ${' '.repeat(size)}!`],
  ['commas and spaces', (size) => `x${', '.repeat(size / 2)}!`],
  ['equals signs', (size) => `Bearer a${'='.repeat(size)}!`],
  ['dots', (size) => `Bearer ${'.'.repeat(size)}`],
  ['schemes', (size) => 'Bearer '.repeat(size / 7)],
  ['commas and schemes', (size) => `x${',bearer'.repeat(size / 7)}!`],
]

const begin = async (serve: Serve) => {
  const bed = createBed(serve)
  const app = await bed.open({ routes: [{ path: '/strict', guards: [{}] }] })
  const token = await bed.accessToken()
  return { app, good: `Bearer ${token}`, headers: [bearer(token)] }
}

type App = Awaited<ReturnType<typeof begin>>['app']

/** A header that no client would send, and the answers that may come, '' being a connection that is closed. */
const refusedOnTheWire = async ({ port }: App, lines: string, expected: RegExp): Promise<void> => {
  if (port === null) return
  expect(await sendBytes(port, `GET /strict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n\r\n`)).toMatch(
    expected,
  )
}

export const hostileScenarios = (serve: Serve): void => {
  describe('hostile requests', () => {
    test('refuses a token with any byte beyond ASCII, and never echoes it (N077)', async () => {
      const { app } = await begin(serve)
      for (const character of OBS_TEXT) {
        const headers = [['Authorization', `Bearer abc${character}def`]] as const
        await app.refuses({ path: '/strict', headers }, 'malformed_credentials')
      }
    })

    test.each(SLOW)('judges a long header of %s in no time (CWE-1333)', async (_title, value) => {
      const { app, headers } = await begin(serve)
      // Servers on node:http take 16 KiB of headers; a function takes what it is given.
      const size = app.port === null ? 1_000_000 : 12_000
      const started = performance.now()
      const { status } = await app.send({ path: '/strict', headers: [['Authorization', value(size)]] })
      expect(performance.now() - started).toBeLessThan(500)
      expect([400, 401]).toContain(status)
      expect(app.entered()).toBe(0)
      await app.enters({ path: '/strict', headers })
    })

    test('survives a megabyte of Authorization and goes on serving (N149)', async () => {
      const { app, headers } = await begin(serve)
      const long = [bearer('a'.repeat(1_000_000))]
      if (app.port === null) await app.refuses({ path: '/strict', headers: long }, 'token_invalid')
      await refusedOnTheWire(app, `Authorization: Bearer ${'a'.repeat(1_000_000)}`, /^(?:HTTP\/1\.1 431 |$)/)
      expect(app.entered()).toBe(0)
      await app.enters({ path: '/strict', headers })
    })

    test.each([
      ['a NUL', 'Authorization: Bearer a\0b'],
      ['a lone carriage return', 'Authorization: Bearer a\rb'],
      ['a lone line feed and another header', 'Authorization: Bearer a\nX-Admin: yes'],
      ['a folded line', 'Authorization: Bearer\r\n a.b.c'],
      ['a space before the colon', 'Authorization : Bearer a.b.c'],
      ['Basic before it', 'Authorization: Basic eHg=\r\nAuthorization: Bearer a.b.c'],
    ])('lets nobody in with %s on the wire (N077)', async (_title, lines) => {
      const { app, headers } = await begin(serve)
      await refusedOnTheWire(app, lines, /^HTTP\/1\.1 40[01] /)
      expect(app.entered()).toBe(0)
      await app.enters({ path: '/strict', headers })
    })

    test('sees both of two Authorization headers (N019)', async () => {
      const { app, good } = await begin(serve)
      const both = [
        ['Authorization', 'Bearer a.b.c'],
        ['authorization', good],
      ] as const
      await app.refuses({ path: '/strict', headers: both }, 'malformed_credentials')
      await app.refuses({ path: '/strict', headers: [...both].toReversed() }, 'malformed_credentials')
      const lines = `Authorization: ${good}\r\nAuthorization: ${good}`
      await refusedOnTheWire(app, lines, /^HTTP\/1\.1 400 [\s\S]*"malformed_credentials"/)
      expect(app.entered()).toBe(0)
    })

    test('takes no header for another that resembles it', async () => {
      const { app, good } = await begin(serve)
      const names = [
        'X-Authorization',
        'Authorization-',
        'HTTP-Authorization',
        'X-Forwarded-Authorization',
        '__proto__',
      ]
      for (const name of names) await app.refuses({ path: '/strict', headers: [[name, good]] }, 'missing_token')
    })
  })
}
