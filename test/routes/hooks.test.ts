import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { createAuth } from '../../src/auth.ts'
import type { AuthConfig } from '../../src/auth-config.ts'
import type { HooksConfig } from '../../src/core/hooks.ts'
import type { ClaimsSchema } from '../../src/core/claims-schema.ts'
import type { JsonObject } from '../../src/core/token/json.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { noise } from '../core/token/fixtures.ts'
import { direct } from '../conformance/exchange.ts'
import { expectRefusal } from '../conformance/refusals.ts'
import { bearer, cheapHasher, PASSWORD, post } from '../conformance/routes/bed.ts'

/** What an application plugs in may fail; a request gets its answer in JSON all the same, and the process lives. */

const ISSUER = 'https://auth.example.com'

const unhandled: unknown[] = []

const note = (reason: unknown): void => {
  unhandled.push(reason)
}

beforeAll(() => {
  process.on('unhandledRejection', note)
})

beforeEach(() => {
  unhandled.length = 0
})

afterAll(() => {
  process.off('unhandledRejection', note)
})

const open = <Claims>(parts: Pick<AuthConfig<Claims>, 'accessToken' | 'hooks'>) => {
  const store = memoryStore()
  const keys = { secret: noise('hooks') }
  const auth = createAuth<Claims>({ issuer: ISSUER, audience: ISSUER, keys, store, users: store.users, ...parts })
  const routes = authRoutes(auth, { passwords: { hasher: cheapHasher() } })
  const guarded = fetchAuth(auth).protect({}, () => new Response('entered'))
  return { auth, send: direct(fetchAuth(auth).mount(routes, guarded)).send }
}

const SINKS: readonly (readonly [title: string, sink: NonNullable<HooksConfig['onEvent']>])[] = [
  [
    'throws',
    () => {
      throw new Error('the log is full')
    },
  ],
  // What TypeScript takes for a sink, for nobody looks at what it returns.
  ['rejects', () => Promise.reject(new Error('the log is full'))],
]

describe('a sink of events', () => {
  test.each(SINKS)('that %s neither changes an answer nor ends the process', async (_title, onEvent) => {
    const { send } = open({ hooks: { onEvent } })
    const credentials = { email: 'ann@example.com', password: PASSWORD }
    expect((await send(post('/auth/signup', credentials))).status).toBe(201)
    expect((await send(post('/auth/signin', { ...credentials, password: 'wrong' }))).status).toBe(401)
    const { status, text } = await send(post('/auth/signin', credentials))
    expect(status).toBe(200)
    const { refresh_token } = JSON.parse(text) as { refresh_token: string }
    expect((await send(post('/auth/signout', { refresh_token }))).status).toBe(204)
    await after(20)
    expect(unhandled).toEqual([])
  })
})

const schemaThat = (validate: ClaimsSchema<object>['~standard']['validate']): ClaimsSchema<object, JsonObject> => ({
  '~standard': { version: 1, vendor: 'suite', validate },
})

describe('a schema for claims', () => {
  test('that throws at a request is answered with 503, at guards and at endpoints, and told to the operator', async () => {
    const state = { isFailing: false }
    const claims = schemaThat((value) => {
      if (state.isFailing) throw new Error('a mistake of the schema')
      return { value: Object(value) as object }
    })
    const failures: unknown[] = []
    const onEvent: HooksConfig['onEvent'] = (event) => {
      if (event.type === 'failure') failures.push(event.error)
    }
    const { auth, send } = open({ accessToken: { claims }, hooks: { onEvent } })
    const { accessToken } = await auth.issueAfter('ann', () => ({}))
    const headers = bearer(accessToken)
    expect((await send({ path: '/guarded', headers })).text).toBe('entered')
    state.isFailing = true
    for (const path of ['/guarded', '/auth/sessions']) {
      expectRefusal(await send({ path, headers }), { code: 'store_unavailable', realm: ISSUER })
    }
    expect(failures).toMatchObject([{ message: 'a mistake of the schema' }, { message: 'a mistake of the schema' }])
  })

  test('whose output JSON cannot hold is answered with 503 where it would have to be told', async () => {
    const claims = schemaThat(() => ({ value: { id: 1n } }))
    const store = memoryStore()
    const keys = { secret: noise('hooks') }
    const auth = createAuth({ issuer: ISSUER, audience: ISSUER, keys, store, accessToken: { claims } })
    const { accessToken } = await auth.issueAfter('ann', () => ({}))
    const answer = await direct(authRoutes(auth)).send({ path: '/auth/me', headers: bearer(accessToken) })
    expectRefusal(answer, { code: 'store_unavailable', realm: ISSUER })
    expect(answer.text).not.toContain('BigInt')
  })
})
