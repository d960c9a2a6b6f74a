import { describe, expect, test } from 'vitest'
import { AuthError } from '../../../src/core/errors.ts'
import { boundedHasher } from '../../../src/passwords/bounded-hasher.ts'
import type { Route } from '../../../src/routes/route.ts'
import { ROUTES } from '../../../src/routes/table.ts'
import { forge } from '../adapter/bed.ts'
import type { Sent } from '../exchange.ts'
import { fragileStore } from '../fragile-store.ts'
import { bearer, cheapHasher, createBed, form, PASSWORD, post, SECRET } from './bed.ts'
import type { Bed, Ground, Pair } from './bed.ts'
import { BY_COOKIE } from './delivering.ts'
import { documentedCodes } from './record.ts'

const pathOf = ({ fromRoot, path }: Route): string =>
  `${fromRoot === true ? '' : '/auth'}${path.replaceAll(/\{\w+\}/g, 'abc')}`

/** A request that each route would answer with success. */
const goodRequest = (route: Route, pair: Pair, email: string): Sent => {
  const headers = route.requires === undefined ? [] : bearer(pair.access_token)
  const bodies: Readonly<Record<string, () => Sent>> = {
    signUp: () => post('/auth/signup', { email: 'new@example.com', password: PASSWORD }),
    signIn: () => post('/auth/signin', { email, password: PASSWORD }),
    token: () =>
      form('/auth/token', [
        ['grant_type', 'password'],
        ['username', email],
        ['password', PASSWORD],
      ]),
    refresh: () => post('/auth/refresh', { refresh_token: pair.refresh_token }),
    reauthenticate: () => post('/auth/reauthenticate', { password: PASSWORD }, headers),
    signOut: () => post('/auth/signout', { refresh_token: pair.refresh_token }),
    signOutEverywhere: () => post('/auth/signout-everywhere', { refresh_token: pair.refresh_token }),
    changePassword: () => post('/auth/password', { current: PASSWORD, next: 'a hat made of newspapers' }, headers),
  }
  return bodies[route.operation]?.() ?? { method: route.method, path: pathOf(route), headers }
}

const GUARDED = ROUTES.filter(({ requires }) => requires !== undefined)

const guards = (ground: Ground): void => {
  test.each(GUARDED)('$operation asks for a token, and judges it first of all', async (route) => {
    const bed = await createBed(ground)
    const { pair } = await bed.newcomer()
    const now = Math.floor(bed.clock.now)
    const like = (changes: Parameters<typeof forge>[1]) =>
      bearer(forge(pair.access_token, { secret: SECRET, ...changes }))
    // The body is bad on purpose: who may not call is not told what a call would have needed.
    const at = (headers: Sent['headers'] = []): Sent => ({
      method: route.method,
      path: pathOf(route),
      headers,
      ...(route.body ? { body: '[' } : {}),
    })
    await bed.refuses(at(), 'missing_token')
    await bed.refuses(at([['Authorization', 'Bearer a b']]), 'malformed_credentials')
    await bed.refuses(at(bearer('a.b.c')), 'token_invalid')
    await bed.refuses(at(bearer(pair.refresh_token)), 'wrong_token_type')
    await bed.refuses(at(like({ header: { typ: 'JWT' } })), 'wrong_token_type')
    await bed.refuses(at(like({ claims: { iat: now - 900, exp: now - 60 } })), 'token_expired')
    await bed.refuses(at(like({ claims: { iat: now + 60, exp: now + 120 } })), 'token_not_yet_valid')
    await bed.auth.signOut(pair.access_token)
    await bed.refuses(at(bearer(pair.access_token)), 'token_revoked')
  })
}

const overload = (ground: Ground): void => {
  test('what hashes passwords answers 503 when too many are at it, and changes nothing (N141)', async () => {
    const state = { isFull: false }
    const hasher = cheapHasher()
    // The bound is real; the slot is taken by a hash that never ends.
    const full = boundedHasher({ ...hasher, hash: () => new Promise(() => undefined) }, { concurrency: 1, queue: 0 })
    const unlessFull = async <T>(work: () => Promise<T>): Promise<T> => {
      if (state.isFull) await full.hash('one more')
      return work()
    }
    const bounded = {
      ...hasher,
      hash: (password: string) => unlessFull(() => hasher.hash(password)),
      verify: (password: string, known: string) => unlessFull(() => hasher.verify(password, known)),
    }
    const bed = await createBed(ground, { options: { passwords: { hasher: bounded } } })
    const { user, pair } = await bed.newcomer()
    full.hash('the slot').catch(() => undefined)
    state.isFull = true
    for (const route of ROUTES.filter(({ refusals }) => refusals.includes('overloaded'))) {
      await bed.refuses(goodRequest(route, pair, user.email), 'overloaded')
    }
    state.isFull = false
    expect([await bed.opens(pair), await bed.countOf(user.id)]).toEqual([true, 1])
    await bed.signIn(user)
  })
}

const outage = (ground: Ground): void => {
  const begin = async () => {
    const broken: { break: () => void; mend: () => void } = { break: () => undefined, mend: () => undefined }
    const store = (now: () => number) => {
      const fragile = fragileStore(now)
      Object.assign(broken, fragile)
      return fragile.store
    }
    const bed = await createBed(ground, { store })
    const { user, pair } = await bed.newcomer(['users:read', 'sessions:admin', 'tokens:admin'])
    return { bed, broken, user, pair }
  }

  test('a store that has gone is answered with 503 and Retry-After everywhere, never with success (N121, N125)', async () => {
    const { bed, broken, user, pair } = await begin()
    broken.break()
    for (const route of ROUTES.filter(({ operation }) => operation !== 'jwks')) {
      await bed.refuses(goodRequest(route, pair, user.email), 'store_unavailable')
    }
    expect(bed.events.filter((type) => type === 'failure').length).toBeGreaterThanOrEqual(ROUTES.length - 1)
  })

  test('a store that has come back finds everything as it was', async () => {
    const { bed, broken, user, pair } = await begin()
    broken.break()
    for (const route of ROUTES) await bed.send(goodRequest(route, pair, user.email))
    broken.mend()
    expect([await bed.opens(pair), await bed.countOf(user.id)]).toEqual([true, 1])
    for (const route of ROUTES.filter(({ operation }) =>
      ['signIn', 'refresh', 'me', 'listUsers'].includes(operation),
    )) {
      await bed.succeeds(goodRequest(route, pair, user.email))
    }
    await bed.succeeds(post('/auth/signout', { refresh_token: pair.refresh_token }), 204)
    expect(await bed.opens(pair)).toBe(false)
  })
}

const CANARY = 'S3CR3T-7f3a'

type Fail = () => never | Promise<never>

/** Ways in which what an application gives can fail. */
const FAILURES: readonly (readonly [title: string, fail: Fail])[] = [
  [
    'throws',
    () => {
      throw new Error(CANARY)
    },
  ],
  ['rejects', () => Promise.reject(new Error(CANARY))],
]

/** A refusal of an option of the endpoints is no word of the engine's, and has no place there either. */
const WITH_REFUSAL: typeof FAILURES = [
  ...FAILURES,
  [
    'refuses',
    () => {
      throw new AuthError('insufficient_permission', { detail: CANARY })
    },
  ],
]

const at = (...operations: readonly string[]) => ROUTES.filter(({ operation }) => operations.includes(operation))

const refuseAll = async (bed: Bed, pair: Pair, { email, routes }: { email: string; routes: readonly Route[] }) => {
  for (const route of routes) {
    const problems = await bed.refuses(goodRequest(route, pair, email), 'hook_failed')
    expect(problems).toEqual([])
  }
  expect(bed.events.filter((type) => type === 'failure')).toHaveLength(routes.length)
}

const hooks = (ground: Ground): void => {
  test.each(FAILURES)(
    'the engine’s claims hook that %s is answered with 503, and told to the operator alone',
    async (_title, fail) => {
      const state = { isFailing: false }
      const bed = await createBed(ground, { claimsHook: () => (state.isFailing ? fail() : {}) })
      const { user, pair } = await bed.newcomer()
      state.isFailing = true
      await refuseAll(bed, pair, { email: user.email, routes: at('signIn', 'token', 'refresh', 'reauthenticate') })
      expect(await bed.opens(pair)).toBe(true)
    },
  )

  test('a refusal that the engine’s claims hook throws stands, and makes no session', async () => {
    const state = { isRefusing: false }
    const claimsHook = () => {
      if (state.isRefusing) throw new AuthError('invalid_credentials', { detail: CANARY })
      return {}
    }
    const bed = await createBed(ground, { claimsHook })
    const { user, pair } = await bed.newcomer()
    state.isRefusing = true
    for (const route of at('signIn', 'token', 'reauthenticate')) {
      await bed.refuses(goodRequest(route, pair, user.email), 'invalid_credentials')
    }
    expect([await bed.countOf(user.id), bed.events.includes('failure')]).toEqual([1, false])
  })

  test.each(WITH_REFUSAL)(
    'the endpoints’ claims option that %s is answered with 503, and makes no session',
    async (_title, fail) => {
      const state = { isFailing: false }
      const bed = await createBed(ground, { options: { claims: () => (state.isFailing ? fail() : {}) } })
      const { user, pair } = await bed.newcomer()
      state.isFailing = true
      await refuseAll(bed, pair, { email: user.email, routes: at('signIn', 'token') })
      expect(await bed.countOf(user.id)).toBe(1)
    },
  )

  test.each(WITH_REFUSAL)(
    'a schema of sign-up that %s is answered with 503, and makes no user',
    async (_title, fail) => {
      const schema = { '~standard': { version: 1, vendor: 'suite', validate: fail } } as const
      const bed = await createBed(ground, { options: { signup: { schema } } })
      const [route] = at('signUp')
      if (route === undefined) throw new Error('there is sign-up')
      await bed.refuses(goodRequest(route, { access_token: '', refresh_token: '', expires_in: 0 }, ''), 'hook_failed')
      expect(await bed.store.users.list({ after: null, limit: 1 })).toEqual({ users: [], next: null })
    },
  )

  test('a claims hook that fails after a change of password leaves the new one in force', async () => {
    const state = { isFailing: false }
    const [, throwing] = FAILURES[0] ?? [null, () => Promise.reject(new Error(CANARY))]
    const bed = await createBed(ground, { claimsHook: () => (state.isFailing ? throwing() : {}) })
    const { user, pair } = await bed.newcomer()
    state.isFailing = true
    await refuseAll(bed, pair, { email: user.email, routes: at('changePassword') })
    state.isFailing = false
    expect(await bed.opens(pair)).toBe(false)
    await bed.refuses(post('/auth/signin', { email: user.email, password: PASSWORD }), 'invalid_credentials')
    await bed.signIn(user, 'a hat made of newspapers')
  })
}

/** Documented, and never to be seen in a test, with the reason. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  'jwks store_unavailable': 'the keys are in memory; only a fault of our own could come to this',
}

export const refusalScenarios = (ground: Ground): void => {
  describe('refusals', () => {
    guards(ground)
    overload(ground)
    outage(ground)
    hooks(ground)
  })
}

/** Stands last: it looks back upon everything that the other scenarios have seen. */
export const documentationScenarios = (ground: Ground): void => {
  describe('the document', () => {
    test('names no refusal that cannot be had, and no success', async () => {
      // With cookies there is more to refuse, and nothing less.
      const { openApi } = await createBed(ground, BY_COOKIE)
      const { refused, succeeded } = ground.record
      const documented = ROUTES.flatMap((route) =>
        [...documentedCodes(openApi, route)]
          .filter(([status]) => status !== route.answer.status)
          .flatMap(([, codes]) => codes.map((code) => `${route.operation} ${code}`)),
      )
      const unseen = documented.filter((entry) => !refused.has(entry) && !(entry in OUT_OF_REACH))
      expect(unseen).toEqual([])
      expect(Object.keys(OUT_OF_REACH).filter((entry) => refused.has(entry))).toEqual([])
      expect(ROUTES.map(({ operation }) => operation).filter((name) => !succeeded.has(name))).toEqual([])
    })
  })
}
