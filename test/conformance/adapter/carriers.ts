import { describe, expect, test } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import type { RefusalChange } from '../../../src/core/request/refusal.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import { reply } from '../serve-reply.ts'
import type { Lack, Serve } from '../serve.ts'
import { AUDIENCE, bearer, createBed, ISSUER, SECRET } from './bed.ts'
import type { Claims, Permission } from './bed.ts'

/** What frameworks carry between an application and its guards: parameters, templates' locals, refusals of any shape. */

const lacks = ({ lacks: list = [] }: Serve, lack: Lack): boolean => list.includes(lack)

const bound = (request: RequestView) => [`orders:read:${request.parameter('id')}`] as const

const page = () => reply('page')

/** An application with one guarded route, under an issuer that refuses in its own way. */
const openWith = async (serve: Serve, change: RefusalChange, cookiesBefore: readonly string[] = []) => {
  const auth = createAuth<Claims, Permission>({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { secret: SECRET },
    store: memoryStore(),
    locations: { order: ['cookie'] },
    cookies: { previousDomains: ['old.example.com'] },
    errors: { on: { default: () => change } },
  })
  const app = await createBed(serve).open({ auths: [auth], routes: [{ path: '/', guards: [{}] }], cookiesBefore })
  return { ...app, name: '__Host-jotward-access' }
}

const parameterScenarios = (serve: Serve): void => {
  describe('parameters of the path (S0-13)', () => {
    const ids: readonly (readonly [inPath: string, id: string])[] = [
      ['17', '17'],
      ['a%20b', 'a b'],
      ['%C3%A4', 'ä'],
      // Decoded once: what stands behind it is no escape any more.
      ['%2541', '%41'],
    ]

    test.each(ids)('reach what asks for permissions, decoded once: %s', async (inPath, id) => {
      const bed = createBed(serve)
      const seen: unknown[] = []
      const look = (request: RequestView): void => {
        seen.push(['id', 'other', 'constructor', '__proto__'].map((name) => request.parameter(name)))
      }
      const permissions = (request: RequestView): readonly Permission[] => {
        look(request)
        return ['orders:read']
      }
      const app = await bed.open({ routes: [{ path: '/trials/:id', guards: [{ requirement: { permissions } }] }] })
      const { accessToken } = await bed.signIn({ permissions: ['orders:read'] })
      await app.enters({ path: `/trials/${inPath}`, headers: [bearer(accessToken)] })
      // Who routes by hand has none.
      expect(seen).toEqual([[lacks(serve, 'parameters') ? null : id, null, null, null]])
    })

    test('make a permission that is bound to what the path names', async () => {
      const bed = createBed(serve)
      const app = await bed.open({
        routes: [{ path: '/orders/:id', guards: [{ requirement: { permissions: bound } }] }],
      })
      const id = lacks(serve, 'parameters') ? 'null' : '17'
      // Grants name what the application declares, or a wildcard; a bound one comes by a hook.
      const reader = await bed.signIn({ permissions: ['orders:read'] })
      const all = await bed.signIn({ permissions: ['orders:*'] })
      const path = '/orders/17'
      await app.refuses({ path, headers: [bearer(reader.accessToken)] }, 'insufficient_permission', {
        challenge: `, scope="orders:read:${id}"`,
      })
      await app.enters({ path, headers: [bearer(all.accessToken)] })
    })
  })
}

const templateScenarios = (serve: Serve): void => {
  describe('templates (S3-14)', () => {
    test('have the caller as `principal`, and null under an optional guard', async () => {
      if (lacks(serve, 'templates')) return
      const bed = createBed(serve)
      const app = await bed.open({
        routes: [
          { path: '/', guards: [{}], enter: page },
          { path: '/shop', guards: [{ requirement: { optional: true } }], enter: page },
          { path: '/open', guards: [], enter: page },
        ],
      })
      const headers = [bearer(await bed.accessToken())]
      expect((await app.send({ path: '/', headers })).text).toBe('page of ann')
      expect((await app.send({ path: '/shop', headers })).text).toBe('page of ann')
      expect((await app.send({ path: '/shop' })).text).toBe('page of nobody')
      expect((await app.send({ path: '/open', headers })).text).toBe('nothing is known of a caller')
    })
  })
}

const JSON_TYPE = 'application/json'

/** What a hook makes of a refusal, and how that goes out: status, type, text. */
const shapes: readonly (readonly [title: string, change: RefusalChange, sent: readonly [number, string, string]])[] = [
  ['JSON that is a list', { body: ['no'] }, [401, JSON_TYPE, '["no"]']],
  [
    'a problem',
    { headers: { 'Content-Type': 'application/problem+json' }, body: { title: 'no' } },
    [401, 'application/problem+json', '{"title":"no"}'],
  ],
  ['text', { headers: { 'content-type': 'text/x-own' }, body: 'plainly no' }, [401, 'text/x-own', 'plainly no']],
  ['JSON that is no object', { status: 404, body: 'no' }, [404, JSON_TYPE, '"no"']],
  ['an answer like any other', { status: 200, body: { ok: false } }, [200, JSON_TYPE, '{"ok":false}']],
  ['a redirect', { status: 303, headers: { location: '/login' }, body: {} }, [303, JSON_TYPE, '{}']],
]

const refusalScenarios = (serve: Serve): void => {
  describe('refusals in another shape (S3-4)', () => {
    test.each(shapes)('go out as they are: %s', async (_title, change, sent) => {
      const app = await openWith(serve, change)
      const answer = await app.send({ path: '/' })
      expect([answer.status, answer.header('content-type'), answer.text]).toEqual(sent)
      expect(app.entered()).toBe(0)
      expect(answer.header('location')).toBe(change.headers?.['location'] ?? null)
    })

    test('go out without a body where their status has none', async () => {
      const app = await openWith(serve, { status: 204 })
      const answer = await app.send({ path: '/' })
      expect([answer.status, answer.text, app.entered()]).toEqual([204, '', 0])
    })

    test('have their cookies, each in a header of its own, beside those of the application', async () => {
      const before = ['early=1; Path=/', 'late=2; Path=/']
      const app = await openWith(serve, {}, before)
      const twice = `${app.name}=a; ${app.name}=b`
      const answer = await app.send({ path: '/', headers: [['Cookie', twice]] })
      expect([answer.status, app.entered()]).toEqual([400, 0])
      const theirs = answer.cookies.filter((cookie) => before.includes(cookie))
      expect(theirs).toEqual(lacks(serve, 'cookies before a refusal') ? [] : before)
      const ours = answer.cookies.filter((cookie) => !before.includes(cookie))
      expect(ours.length).toBeGreaterThan(1)
      for (const cookie of ours) expect(cookie).toMatch(/^[\w-]+=;.*Max-Age=0;.*Domain=old\.example\.com/)
    })
  })
}

export const carrierScenarios = (serve: Serve): void => {
  parameterScenarios(serve)
  templateScenarios(serve)
  refusalScenarios(serve)
}
