import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { honoAuth } from '../../src/adapters/hono.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import { bearer, createBed } from '../conformance/adapter/bed.ts'
import { direct, overHttp } from '../conformance/exchange.ts'
import type { Service } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { serveElysia, serveElysiaOnNode } from '../conformance/serve-elysia.ts'
import { serveExpress } from '../conformance/serve-express.ts'
import { serveFastify } from '../conformance/serve-fastify.ts'
import { serveH3, serveH3OnNode } from '../conformance/serve-h3.ts'
import { serveKoa } from '../conformance/serve-koa.ts'
import { serveNest, serveNestFastify } from '../conformance/serve-nestjs.ts'
import { serveNode } from '../conformance/serve-node.ts'
import type { Serve } from '../conformance/serve.ts'

/**
 * @hono/node-server replaces the global Request and Response for the whole process unless it is told not to. Whatever
 * else runs there must refuse all the same, whichever class it took hold of, and when.
 */

const OriginalResponse = globalThis.Response

const ISSUER = 'https://api.example.com'
const { auth, accessToken } = createBed(serveExpress)
const handler = authRoutes(auth)

/** Each in the application of the conformance suite. */
const OTHERS: Readonly<Record<string, Serve>> = {
  express: serveExpress,
  'node:http': serveNode,
  fastify: serveFastify,
  koa: serveKoa,
  h3: serveH3,
  'h3 on node:http': serveH3OnNode,
  elysia: serveElysia,
  'elysia on node:http': serveElysiaOnNode,
  nestjs: serveNest,
  'nestjs on fastify': serveNestFastify,
}

const servers: { name: string; service: Service }[] = []

beforeAll(async () => {
  const app = new Hono()
  const { protect, mount } = honoAuth(auth)
  app.use(mount(handler))
  app.get('/guarded', protect(), (context) => context.text('entered'))
  // The default on purpose; without `createServer` the adaptor makes a server of node:http.
  const hono = await overHttp(createAdaptorServer({ fetch: app.fetch }) as Server)
  const others = Object.entries(OTHERS).map(async ([name, serve]) => {
    const routes = [{ path: '/guarded', guards: [{}], enter: () => 'entered' }]
    return { name, service: await serve({ auths: [auth], endpoints: { handler, after: 'body parsers' }, routes }) }
  })
  const adapter = fetchAuth(auth)
  const guarded = adapter.protect({}, () => new Response('entered'))
  const fetch = direct(adapter.mount(handler, guarded))
  servers.push({ name: 'hono', service: hono }, { name: 'fetch', service: fetch }, ...(await Promise.all(others)))
})

afterAll(async () => {
  await Promise.all(servers.map(({ service }) => service.close()))
})

describe('a process whose global Response has been replaced', () => {
  test('is what this suite runs in', () => {
    expect(globalThis.Response).not.toBe(OriginalResponse)
    expect(new OriginalResponse('kept') instanceof globalThis.Response).toBe(false)
  })

  test.each(['hono', 'fetch', ...Object.keys(OTHERS)])(
    '%s refuses rightly at guards and endpoints, and lets good tokens in',
    async (name) => {
      const { send } = servers.find((server) => server.name === name)?.service ?? direct(() => OriginalResponse.error())
      for (const path of ['/guarded', '/auth/me', '/auth/sessions']) {
        expectRefusal(await send({ path }), { code: 'missing_token', realm: ISSUER })
        const headers = [bearer(`${await accessToken()}x`)]
        expectRefusal(await send({ path, headers }), { code: 'token_invalid', realm: ISSUER })
      }
      const json = [['Content-Type', 'application/json']] as const
      const refresh = await send({ path: '/auth/refresh', headers: json, body: '{"refresh_token":"a.b.c"}' })
      expectRefusal(refresh, { code: 'refresh_token_invalid', realm: ISSUER })
      expectRefusal(await send({ path: '/auth/nothing' }), { code: 'not_found', realm: ISSUER })
      const headers = [bearer(await accessToken())]
      expect((await send({ path: '/guarded', headers })).text).toContain('entered')
      expect((await send({ path: '/auth/sessions', headers })).status).toBe(200)
    },
  )

  test('makes its answers of a class that passes for the old one and for the new one', async () => {
    const guarded = fetchAuth(auth).protect({}, () => new Response('entered'))
    for (const answer of [await guarded(new Request('http://x/')), await handler(new Request('http://x/auth/me'))]) {
      expect(answer.status).toBe(401)
      expect(answer).toBeInstanceOf(OriginalResponse)
      expect(answer).toBeInstanceOf(globalThis.Response)
    }
  })
})
