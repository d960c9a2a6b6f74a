import { describe, expect, test } from 'vitest'
import type { MountedHandler } from '../../../src/adapters/handler.ts'
import type { Sent } from '../exchange.ts'
import type { Serve } from '../serve.ts'
import { createBed } from './bed.ts'

/** What a mounted handler has seen. */
interface Seen {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly body: string
  readonly several: string | null
}

/** Endpoints that tell what reached them, under a path of their own. */
const echo = (): MountedHandler & { readonly seen: Seen[] } => {
  const seen: Seen[] = []
  const handle = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url)
    const body = Buffer.from(await request.arrayBuffer()).toString('latin1')
    seen.push({
      method: request.method,
      path: pathname,
      query: search,
      body,
      several: request.headers.get('x-several'),
    })
    const headers = new Headers({ 'content-type': 'text/x-echo', 'x-answer': 'yes' })
    headers.append('set-cookie', 'a=1; Path=/')
    headers.append('set-cookie', 'b=2; Path=/')
    return new Response(pathname.endsWith('/empty') ? null : `echo ${body}`, { status: 203, headers })
  }
  return Object.assign(handle, { matches: (path: string) => path === '/echo' || path.startsWith('/echo/'), seen })
}

const as = (type: string): NonNullable<Sent['headers']> => [['Content-Type', type]]

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

const fields = (body: string): [string, string][] => [...new URLSearchParams(body)]

/** Bodies, and what has to be the same of them on the other side. */
const BODIES: readonly (readonly [title: string, sent: Omit<Sent, 'path'>, read: (body: string) => unknown])[] = [
  ['JSON', { headers: as(JSON_TYPE), body: '{"a":[1,{"b":null}]}' }, (body) => JSON.parse(body) as unknown],
  ['JSON with a charset', { headers: as(`${JSON_TYPE}; charset=utf-8`), body: '{"ä":"€"}' }, (body) => body.length > 0],
  ['an empty JSON object', { headers: as(JSON_TYPE), body: '{}' }, (body) => body],
  ['a form', { headers: as(FORM_TYPE), body: 'a=1&b=two+words&c=%26' }, fields],
  ['a form whose type is in capitals', { headers: as('Application/X-WWW-Form-Urlencoded'), body: 'a=1&b=2' }, fields],
  ['a form that repeats a field', { headers: as(FORM_TYPE), body: 'a=1&a=2' }, fields],
  ['text', { headers: as('text/plain'), body: 'plain & simple' }, (body) => body],
  ['bytes', { headers: as('application/octet-stream'), body: new Uint8Array([0, 255, 128, 10]) }, (body) => body],
  ['no type', { body: 'untyped' }, (body) => body],
  ['no body', { method: 'POST' }, (body) => body],
  ['DELETE with a body', { method: 'DELETE', headers: as(JSON_TYPE), body: '{"a":1}' }, (body) => body],
]

export const mountingScenarios = (serve: Serve): void => {
  describe.each(['nothing', 'body parsers'] as const)('endpoints mounted after %s', (after) => {
    const begin = async () => {
      const handler = echo()
      const app = await createBed(serve).open({
        endpoints: { handler, after },
        routes: [{ path: '/open', guards: [], enter: () => 'open' }],
      })
      return { handler, app }
    }

    test.each(BODIES)('receive %s as it was sent', async (_title, sent, read) => {
      const { handler, app } = await begin()
      const { status, text } = await app.send({ ...sent, path: '/echo/here?x=%20y' })
      const original = typeof sent.body === 'string' ? sent.body : Buffer.from(sent.body ?? []).toString('latin1')
      expect(status).toBe(203)
      expect(text.startsWith('echo ')).toBe(true)
      expect(handler.seen).toHaveLength(1)
      expect(handler.seen[0]).toMatchObject({ method: sent.method ?? 'POST', path: '/echo/here', query: '?x=%20y' })
      expect(read(handler.seen[0]?.body ?? '')).toEqual(read(original))
    })

    test('answer with their own status, headers and every cookie', async () => {
      const { app } = await begin()
      const { status, header } = await app.send({ path: '/echo' })
      expect([status, header('content-type'), header('x-answer')]).toEqual([203, 'text/x-echo', 'yes'])
      expect(header('set-cookie')).toMatch(/^a=1; Path=\/, ?b=2; Path=\/$/)
      expect((await app.send({ path: '/echo/empty' })).text).toBe('')
    })

    test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'OPTIONS'])('see the method %s', async (method) => {
      const { handler, app } = await begin()
      const { status, text } = await app.send({ method, path: '/echo' })
      expect([status, method === 'HEAD' ? text : '']).toEqual([203, ''])
      expect(handler.seen).toMatchObject([{ method }])
    })

    test('see headers of one name joined, so that none is overlooked', async () => {
      const { handler, app } = await begin()
      const several = [
        ['X-Several', 'a'],
        ['x-several', 'b'],
      ] as const
      await app.send({ path: '/echo', headers: several })
      expect(handler.seen).toMatchObject([{ several: 'a, b' }])
    })

    test('leave every other path to the application', async () => {
      const { handler, app } = await begin()
      expect((await app.send({ path: '/open' })).text).toBe('"open"')
      for (const path of ['/echoes', '/', '/nowhere', '/open/echo']) {
        expect([path, (await app.send({ path })).status]).toEqual([path, 404])
      }
      expect(handler.seen).toEqual([])
    })
  })
}
