import { describe, expect, test } from 'vitest'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { AuthError, StoreError } from '../../../src/core/errors.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { RequestView } from '../../../src/core/request/request-view.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { UserDirectory } from '../../../src/ports/user-directory.ts'
import { createBed, problemsOf, redeploy } from '../session/issuer.ts'
import { bearer, outcomeOf, view } from './view.ts'
import type { Parts } from './view.ts'

/** What no application would see from outside: the order of the questions, who is asked at all, and what is told. */

const begin = async (config: Partial<AuthConfig> = {}) => {
  const bed = createBed(config)
  const { accessToken } = await bed.auth.issue({ subject: 'ann', permissions: ['a', 'trial:read:17', 'site:*'] })
  bed.events.length = 0
  const ask = (requirement: Requirement, parts: Parts = {}): Promise<string> =>
    outcomeOf(bed.auth.guard(requirement), bearer(accessToken, parts))
  return { ...bed, accessToken, ask }
}

describe('the questions of a guard (#109)', () => {
  test('come in order: revocation, both hooks, user, freshness, permissions, the route', async () => {
    const asked: string[] = []
    const told = <T>(name: string, answer: T): T => {
      asked.push(name)
      return answer
    }
    const bed = createBed()
    const { store } = bed.settings
    // Of a directory nothing else is asked.
    const users = { ...bed.users, findById: () => told('user', null) } as unknown as UserDirectory
    const isRevoked = () => told('store', false)
    const isRevokedAtSource = () => told('source', false)
    const auth = redeploy(bed, {
      users,
      store: { ...store, revocations: { ...store.revocations, isRevoked, isRevokedAtSource } },
      hooks: { isRevoked: () => told('hooks.isRevoked', false), verify: () => told('hooks.verify', true) },
    })
    const { accessToken } = await bed.auth.issue({ subject: 'ann', permissions: ['a'] })
    const permissions = () => told('permissions', ['a'])
    const anyOf = () => told('anyOf', ['a'])
    const check = () => told('check', true)
    const rest = { permissions, anyOf, check }
    expect(await outcomeOf(auth.guard({ ...rest, fresh: 'login' }), bearer(accessToken))).toBe('ann')
    expect(asked).toEqual(['store', 'hooks.isRevoked', 'hooks.verify', 'permissions', 'anyOf', 'check'])
    asked.length = 0
    expect(await outcomeOf(auth.guard({ ...rest, user: true }), bearer(accessToken))).toBe('user_refused')
    expect(asked).toEqual(['store', 'hooks.isRevoked', 'hooks.verify', 'user'])
    asked.length = 0
    await outcomeOf(auth.guard({ revocation: 'strict' }), bearer(accessToken))
    await outcomeOf(auth.guard({ revocation: 'skip' }), bearer(accessToken))
    expect(asked).toEqual(['source', 'hooks.isRevoked', 'hooks.verify', 'hooks.verify'])
  })

  test('are not asked of a token that is absent, forged or expired (#71)', async () => {
    const asked: string[] = []
    const yes = (): boolean => asked.push('hook') > 0
    const { auth, accessToken, turn } = await begin({ hooks: { isRevoked: yes, verify: yes } })
    const guard = auth.guard({ optional: 'lenient', check: yes, permissions: () => ['a'].slice(0, asked.push('list')) })
    expect(await outcomeOf(guard, view())).toBe('nobody')
    expect(await outcomeOf(guard, bearer('a.b.c'))).toBe('nobody')
    turn(86_400_000)
    expect(await outcomeOf(guard, bearer(accessToken))).toBe('nobody')
    expect(asked).toEqual([])
  })

  test('that can be answered at once are, with all the others', async () => {
    const { auth, accessToken } = await begin({ hooks: { isRevoked: () => false, verify: () => true } })
    const guard = auth.guard({ permissions: () => ['a'], check: () => true, fresh: true })
    expect(guard(bearer(accessToken))).toMatchObject({ principal: { subject: 'ann' } })
  })
})

/** Each refuses unless it answers this. */
const QUESTIONS = [
  ['hooks.isRevoked', false, 'token_revoked'],
  ['hooks.verify', true, 'verification_failed'],
  ['check of a route', true, 'access_denied'],
] as const

const refuse = (thrown: AuthErrorCode) => () => {
  throw new AuthError(thrown)
}

/** As promises of a library's own are. */
const thenable = (value: unknown): unknown =>
  // oxlint-disable-next-line unicorn/no-thenable -- that is what it is
  ({ then: (go: (value: unknown) => void) => setImmediate(go, value) })

describe.each(QUESTIONS)('%s', (name, wanted, code) => {
  const asking = async (question: () => unknown) => {
    // What the types forbid arrives from JavaScript all the same.
    const typed = question as () => boolean
    if (name === 'check of a route') return { bed: await begin(), requirement: { check: typed } }
    const hooks = name === 'hooks.verify' ? { verify: typed } : { isRevoked: typed }
    return { bed: await begin({ hooks }), requirement: {} }
  }

  const outcome = async (question: () => unknown, requirement: Requirement = {}): Promise<string> => {
    const { bed, requirement: own } = await asking(question)
    return bed.ask({ ...own, ...requirement })
  }

  test(`lets in with ${wanted} alone, at once or later`, async () => {
    expect(await outcome(() => wanted)).toBe('ann')
    expect(await outcome(async () => wanted)).toBe('ann')
    expect(await outcome(() => !wanted)).toBe(code)
    expect(await outcome(async () => !wanted)).toBe(code)
  })

  test.each<readonly [title: string, answer: unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['0', 0],
    ['1', 1],
    ['text', String(wanted)],
    ['an empty list', []],
    ['an object', {}],
    ['a boolean object', Object(wanted)],
    ['a function', () => wanted],
    ['a thenable of a function', thenable(() => wanted)],
    ['NaN', Number.NaN],
  ])('answering with %s lets nobody in, and is told (503)', async (_title, answer) => {
    for (const question of [() => answer, async () => answer]) {
      const { bed, requirement } = await asking(question)
      expect(await bed.ask({ ...requirement, optional: 'lenient' })).toBe('hook_failed')
      expect(bed.events).toMatchObject([{ type: 'failure', at: name }])
    }
  })

  test('that throws lets nobody in, and what it threw is told (503)', async () => {
    for (const thrown of [new Error('no'), 'no', undefined, null]) {
      for (const isLater of [false, true]) {
        const question = (): unknown => {
          if (isLater) return Promise.reject(thrown)
          // oxlint-disable-next-line typescript/only-throw-error -- hooks throw anything
          throw thrown
        }
        const { bed, requirement } = await asking(question)
        expect(await bed.ask({ ...requirement, optional: 'lenient' })).toBe('hook_failed')
        expect(bed.events).toMatchObject([{ type: 'failure', at: name }])
      }
    }
  })

  test.each<AuthErrorCode>(['rate_limited', 'not_found', 'token_revoked', 'access_denied', 'overloaded'])(
    'refuses with %s where it throws that, and tells nobody',
    async (thrown) => {
      const { bed, requirement } = await asking(() => Promise.reject(new AuthError(thrown)))
      expect(await bed.ask(requirement)).toBe(thrown)
      expect(bed.events).toEqual([])
    },
  )

  test('under a lenient guard makes anonymous whom it calls a bad token, and nobody else', async () => {
    const lenient = { optional: 'lenient' } as const
    for (const bad of ['token_revoked', 'user_refused', 'verification_failed'] as const) {
      expect(await outcome(refuse(bad), lenient)).toBe('nobody')
    }
    for (const other of ['rate_limited', 'not_found', 'access_denied', 'invalid_body', 'missing_token'] as const) {
      expect([other, await outcome(refuse(other), lenient)]).toEqual([other, other])
    }
  })

  test('that answers with a thenable of a class of its own is waited for', async () => {
    expect(await outcome(() => thenable(wanted))).toBe('ann')
    expect(await outcome(() => thenable(!wanted))).toBe(code)
  })
})

const throwing = (thrown: unknown) => () => {
  throw thrown
}

const ofTrial = (request: RequestView) => [`trial:read:${request.parameter('id')}`]
const ofSite = (request: RequestView) => [`site:${request.parameter('id')}`]

describe('permissions that a function builds (S0-13)', () => {
  test('are asked for whatever the function’s parameters', async () => {
    const { ask } = await begin()
    const functions: readonly Requirement['permissions'][] = [
      () => ['b'],
      (..._all) => ['b'],
      (_request, ..._all) => ['b'],
      async () => ['b'],
      Object.defineProperty(() => ['b'], 'length', { value: 0 }),
    ]
    for (const list of functions) {
      if (list === undefined) continue
      expect(await ask({ permissions: list })).toBe('insufficient_permission')
      expect(await ask({ anyOf: list })).toBe('insufficient_permission')
    }
    expect(await ask({ permissions: () => ['a'] })).toBe('ann')
  })

  test('are bound to the resource of the request, and to nothing wider', async () => {
    const { ask } = await begin()
    const outcome = (id?: string) => ask({ permissions: ofTrial }, id === undefined ? {} : { parameters: { id } })
    expect(await outcome('17')).toBe('ann')
    for (const id of ['18', '1', '171', '*', '17:*', '17:x', ':17', '', 'null', '17,18', '%31%37', '１７']) {
      expect([id, await outcome(id)]).toEqual([id, 'insufficient_permission'])
    }
    expect(await outcome(), 'without the parameter').toBe('insufficient_permission')
    expect(await ask({ permissions: ofSite }, { parameters: { id: 'x:y' } })).toBe('ann')
  })

  test('that the request makes no name of are held by nobody, which is no fault of the operator’s', async () => {
    const { ask, events } = await begin()
    for (const id of ['a b', '"', '\\', '\n', 'é', 'x'.repeat(200)]) {
      expect([id, await ask({ permissions: ofSite }, { parameters: { id } })]).toEqual([id, 'insufficient_permission'])
    }
    expect(events).toEqual([])
  })

  test.each<readonly [title: string, answer: unknown]>([
    ['an empty list', []],
    ['text', 'a'],
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['a list of something else', [1]],
    ['a list with a hole', [undefined]],
    ['a list of lists', [['a']]],
    ['a set', new Set(['a'])],
    ['an object', { 0: 'a', length: 1 }],
  ])('let nobody in where it returns %s (503)', async (_title, answer) => {
    const { ask, events } = await begin()
    const builders = [() => answer, async () => answer] as readonly unknown[]
    for (const list of builders as readonly NonNullable<Requirement['permissions']>[]) {
      expect(await ask({ permissions: list, optional: 'lenient' })).toBe('hook_failed')
      expect(await ask({ anyOf: list })).toBe('hook_failed')
    }
    expect(events).toHaveLength(4)
    expect(events[0]).toMatchObject({ type: 'failure', at: 'permissions of a route' })
  })

  test('let nobody in where it throws, but for what it refuses with', async () => {
    const { ask, events } = await begin()
    expect(await ask({ permissions: throwing(new Error('no')) })).toBe('hook_failed')
    expect(await ask({ permissions: async () => Promise.reject(new Error('no')) })).toBe('hook_failed')
    expect(await ask({ permissions: throwing(new AuthError('not_found')) })).toBe('not_found')
    expect(events).toHaveLength(2)
  })
})

/** A directory that answers with anything at all; of a user nothing else is looked at. */
const directory = (findById: () => unknown): UserDirectory =>
  ({ ...createBed().users, findById }) as unknown as UserDirectory

const signedIn = async (options: { readonly credentialVersion?: number } = {}) => {
  const bed = createBed()
  const { accessToken } = await bed.auth.issue({ subject: 'ann', ...options })
  const guard = (findById: () => unknown, requirement: Requirement = {}) =>
    redeploy(bed, { users: directory(findById) }).guard({ ...requirement, user: true })
  const ask = (findById: () => unknown, requirement: Requirement = {}): Promise<string> =>
    outcomeOf(guard(findById, requirement), bearer(accessToken))
  return { ...bed, accessToken, ask }
}

describe('the user of a token (S3-5, FU #76)', () => {
  test('is there or the guard says so at start', async () => {
    expect(await problemsOf(() => createBed().auth.guard({ user: true }))).toEqual([
      'user: needs users in the configuration',
    ])
  })

  test('behind its session, as a lagging directory has it, is answered with 503 and not as changed credentials', async () => {
    const { ask } = await signedIn({ credentialVersion: 3 })
    const outcome = (credentialVersion: number) => ask(() => ({ active: true, credentialVersion }))
    expect([await outcome(2), await outcome(3), await outcome(4)]).toEqual(['store_unavailable', 'ann', 'user_refused'])
  })

  test('that a directory cannot tell is answered with 503, also under a lenient guard', async () => {
    const { ask, events } = await signedIn()
    const failure = new StoreError('reading the user', new Error('disk I/O error'))
    const failing = [
      () => {
        throw failure
      },
      async () => Promise.reject(failure),
    ]
    events.length = 0
    for (const findById of failing) expect(await ask(findById, { optional: 'lenient' })).toBe('store_unavailable')
    const told = { type: 'failure', at: 'guard', error: failure }
    expect(events).toEqual([told, told])
  })

  test.each<readonly [title: string, user: unknown]>([
    ['nobody', null],
    ['undefined', undefined],
    ['one who is disabled', { active: false, credentialVersion: 0 }],
    ['one of whom it is not told', { credentialVersion: 0 }],
    ['one whose state is a word', { active: 'true', credentialVersion: 0 }],
  ])('lets nobody in as %s', async (_title, user) => {
    const { ask } = await signedIn()
    for (const findById of [() => user, async () => user]) expect(await ask(findById)).toBe('user_refused')
  })

  test('is asked of a session that has ended nevertheless, where revocation is not', async () => {
    const { ask, auth, accessToken } = await signedIn()
    const outcome = () => ask(() => ({ active: true, credentialVersion: 0 }), { revocation: 'skip' })
    expect(await outcome()).toBe('ann')
    await auth.signOut(accessToken)
    expect(await outcome()).toBe('token_revoked')
  })
})
