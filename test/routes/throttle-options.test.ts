import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { describe, expect, onTestFinished, test } from 'vitest'
import { expressAuth } from '../../src/adapters/express.ts'
import { createAuth } from '../../src/auth.ts'
import { ConfigError } from '../../src/core/errors.ts'
import type { JsonObject } from '../../src/core/token/json.ts'
import { authRoutes } from '../../src/routes/auth-routes.ts'
import type { AuthRoutesOptions, Throttle, ThrottleOptions } from '../../src/routes/index.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { bearer, PASSWORD, post } from '../conformance/routes/bed.ts'
import { expectOpenApi } from '../conformance/routes/openapi-shape.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { noise } from '../core/token/fixtures.ts'
import { createThrottledBed, from, groundOf, limiter, limits, LIMITS } from './throttle-bed.ts'

const ground = groundOf(serveFetch)

const routesWith = (options: object, issuer = 'https://auth.example.com') => {
  const store = memoryStore()
  const keys = { secret: noise('throttle') }
  const auth = createAuth({ issuer, audience: issuer, keys, store, users: store.users, trackTokens: 'all' })
  return { auth, handler: authRoutes(auth, options as AuthRoutesOptions) }
}

describe('the option throttle', () => {
  test.each([
    [{ throttle: null }, /^throttle: must be an object$/],
    [{ throttle: true }, /^throttle: must be an object$/],
    [
      { throttle: {} },
      /account: must have consume[\s\S]*address: must have consume[\s\S]*clientOf: must be a function/,
    ],
    [
      { throttle: { ...limits(), adress: limiter(1) } },
      /^throttle\.adress: is not a setting; did you mean "address"\?$/,
    ],
    [{ throttle: { ...limits(), account: { consume: () => undefined } } }, /^throttle\.account: must have consume/],
    [{ throttle: { ...limits(), address: 100 } }, /^throttle\.address: must have consume/],
    [{ throttle: { ...limits(), clientOf: 'ip' } }, /^throttle\.clientOf: must be .*write \(\) => null/],
    [{ throttle: {}, basePath: 'auth' }, /clientOf[\s\S]*basePath/],
  ])('that is wrong stops the start: %j', (options, problem) => {
    expect(() => routesWith(options)).toThrow(ConfigError)
    expect(() => routesWith(options)).toThrow(problem)
  })

  test('documents 429 with Retry-After at the five endpoints that count, and nowhere without it', () => {
    const limitedIn = ({ handler }: ReturnType<typeof routesWith>) => {
      expectOpenApi(handler.openApi)
      const paths = Object.entries(handler.openApi['paths'] as Record<string, Record<string, JsonObject>>)
      return paths.flatMap(([path, item]) =>
        Object.values(item).flatMap(({ responses }) => {
          const { 429: response } = responses as Record<string, { description: string; headers?: object }>
          return response === undefined ? [] : [[path, response.description, Object.keys(response.headers ?? {})]]
        }),
      )
    }
    expect(limitedIn(routesWith({}))).toEqual([])
    expect(limitedIn(routesWith({ throttle: limits() }))).toEqual(
      ['signup', 'signin', 'token', 'reauthenticate', 'password'].map((name) => [
        `/auth/${name}`,
        'rate_limited',
        ['Retry-After'],
      ]),
    )
  })
})

/** A limiter, and the keys that it was asked for. */
const listening = (throttle: Throttle): Throttle & { readonly keys: string[] } => {
  const keys: string[] = []
  const consume = (key: string) => {
    keys.push(key)
    return throttle.consume(key)
  }
  const reward: Throttle['reward'] = (key, points) => throttle.reward(key, points)
  return { keys, consume, reward, delete: (key) => throttle.delete(key) }
}

/** The keys under which one client tries three names at an issuer. */
const keysOf = async (issuer: string): Promise<readonly string[]> => {
  const both = listening(limiter(100))
  const throttle = { account: both, address: both, clientOf: () => '192.0.2.1' }
  const { handler } = routesWith({ throttle }, issuer)
  for (const email of ['ann@example.com', 'ANN@example.com', 'no address']) {
    const { path, body = '' } = post('/auth/signin', { email, password: 'wrong' })
    const headers = { 'content-type': 'application/json' }
    await handler(new Request(`${issuer}${path}`, { method: 'POST', headers, body }))
  }
  return both.keys
}

describe('keys of the limiters', () => {
  test('tell neither addresses nor networks, are one for one account, and differ from issuer to issuer', async () => {
    const keys = await keysOf('https://one.example.com')
    for (const key of keys) expect(key).toMatch(/^(?:address|email):[\w-]{43}$/)
    const [client, ann, ...rest] = keys
    expect(rest.slice(0, 3)).toEqual([client, ann, client])
    expect(rest[3]).not.toBe(ann)
    const others = await keysOf('https://two.example.com')
    expect(keys.filter((key) => others.includes(key))).toEqual([])
  })
})

test('keys of a session are of another kind than those of a sign-in, though its subject should be an address', async () => {
  const account = listening(limiter(100))
  const bed = await createThrottledBed(ground, { throttle: limits({ account }) })
  const { pair } = await bed.newcomer()
  await bed.succeeds(post('/auth/reauthenticate', { password: PASSWORD }, bearer(pair.access_token)))
  expect(account.keys.map((key) => key.split(':')[0])).toEqual(['email', 'subject'])
})

/** A real limiter behind a line that can be cut, for all its methods or for some. */
const fragile = (points: number) => {
  const inner = limiter(points)
  const broken = new Set<keyof Throttle>()
  const unlessBroken = async (name: keyof Throttle, work: () => Promise<unknown>): Promise<unknown> => {
    if (broken.has(name)) throw new Error('connection lost')
    return work()
  }
  const throttle: Throttle = {
    consume: (key) => unlessBroken('consume', () => inner.consume(key)),
    reward: (key, taken) => unlessBroken('reward', () => inner.reward(key, taken)),
    delete: (key) => unlessBroken('delete', () => inner.delete(key)),
  }
  return { throttle, broken }
}

describe('a limiter that fails', () => {
  test.each(['account', 'address'] as const)(
    'where it should count (%s) lets nobody guess: 503, without a look at the password, until it is back',
    async (name) => {
      const { throttle, broken } = fragile(100)
      const bed = await createThrottledBed(ground, { throttle: limits({ [name]: throttle }) })
      const { user, pair } = await bed.newcomer()
      const before = { ...bed.seen }
      broken.add('consume')
      const sent = from('192.0.2.1', post('/auth/signin', { email: user.email, password: PASSWORD }))
      await bed.refuses(sent, 'store_unavailable')
      const again = post('/auth/reauthenticate', { password: PASSWORD }, bearer(pair.access_token))
      await bed.refuses(from('192.0.2.1', again), 'store_unavailable')
      expect(bed.seen).toEqual(before)
      expect(bed.events.filter((type) => type === 'failure')).toHaveLength(2)
      // Whoever has a session goes on.
      await bed.succeeds(bed.refresh(pair))
      broken.clear()
      await bed.succeeds(sent)
    },
  )

  test('where it should forgive takes nothing back of a success, and is told to the operator', async () => {
    const [account, address] = [fragile(100), fragile(100)]
    const bed = await createThrottledBed(ground, {
      throttle: limits({ account: account.throttle, address: address.throttle }),
    })
    const { email } = await bed.signUp()
    account.broken.add('delete')
    address.broken.add('reward')
    await bed.succeeds(from('192.0.2.1', post('/auth/signin', { email, password: PASSWORD })))
    expect(bed.events.filter((type) => type === 'failure')).toHaveLength(2)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no client')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no client'))],
  ])('to tell the client, because its function %s, lets nobody guess either', async (_title, clientOf) => {
    const throttle = limits({ clientOf: clientOf as unknown as ThrottleOptions['clientOf'] })
    const bed = await createThrottledBed(ground, { throttle })
    const before = { ...bed.seen }
    await bed.refuses(post('/auth/signin', { email: 'ann@example.com', password: 'wrong' }), 'hook_failed')
    expect(bed.seen).toEqual(before)
  })
})

/** A limiter of somebody's own that refuses with what it is given. */
const refusing = (reason: unknown): Throttle => ({
  // oxlint-disable-next-line prefer-promise-reject-errors -- what is no error is the verdict of the port
  consume: () => Promise.reject(reason),
  reward: () => Promise.resolve(),
  delete: () => Promise.resolve(),
})

const answerTo = async (reason: unknown) => {
  const bed = await createThrottledBed(ground, { throttle: limits({ account: refusing(reason) }) })
  const answer = await bed.send(post('/auth/signin', { email: 'ann@example.com', password: 'wrong' }))
  expect(bed.seen.checks).toBe(0)
  return [answer.status, answer.header('retry-after')]
}

describe('Retry-After', () => {
  test.each([
    [0, '1'],
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [899_999.5, '900'],
    [-1, null],
    [Number.POSITIVE_INFINITY, null],
    [Number.NaN, null],
  ])('for %d ms is %s whole seconds (RFC 9110 §10.2.3)', async (msBeforeNext, expected) => {
    expect(await answerTo({ msBeforeNext })).toEqual([429, expected])
  })

  test.each([
    ['an error that tells a time', Object.assign(new Error('down'), { msBeforeNext: 5 })],
    ['nothing', undefined],
    ['a text', 'no'],
    ['a time that is a text', { msBeforeNext: '5' }],
    ['a verdict of several limiters', { limiter: { msBeforeNext: 5 } }],
  ])('is that of a failure where a limiter rejects with %s', async (_title, reason) => {
    expect(await answerTo(reason)).toEqual([503, '1'])
  })
})

test('the client of a framework is known by a storage that follows the request (docs/throttling.md)', async () => {
  const clients = new AsyncLocalStorage<string | undefined>()
  const clientOf = (): string | null => clients.getStore() ?? null
  const { auth, handler } = routesWith({ throttle: limits({ clientOf }) })
  const app = express()
  app.set('trust proxy', 1)
  app.use((request, _response, next) => clients.run(request.ip, next))
  app.use(expressAuth(auth).mount(handler))
  const server = createServer(app).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  const statusFor = async (forwarded: string, email: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwarded }
    const body = JSON.stringify({ email, password: 'wrong' })
    return (await fetch(`http://127.0.0.1:${port}/auth/signin`, { method: 'POST', headers, body })).status
  }
  for (let account = 0; account < LIMITS.address; account++) {
    // What stands left of the proxy's own word is the caller's, and changes nothing.
    expect(await statusFor(`203.0.113.${account}, 192.0.2.1`, `person${account}@example.com`)).toBe(401)
  }
  expect(await statusFor('203.0.113.99, 192.0.2.1', 'ann@example.com')).toBe(429)
  expect(await statusFor('192.0.2.1, 192.0.2.2', 'ann@example.com')).toBe(401)
})
