import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/core/errors.ts'
import type { Requirement } from '../../../src/core/request/requirement.ts'
import type { Serve } from '../serve.ts'
import { bearer, createBed, forge } from './bed.ts'
import type { Permission } from './bed.ts'

type Asked = Requirement<Permission>

/** What is granted, what the route asks, and the scope that a refusal names; null lets the caller in. */
const PERMISSION_ROWS: readonly (readonly [
  title: string,
  granted: readonly Permission[],
  asked: Asked,
  scope: string | null,
])[] = [
  ['the permission asked for', ['orders:read'], { permissions: ['orders:read'] }, null],
  ['all of the permissions', ['orders:read', 'invoices:read'], { permissions: ['orders:read', 'invoices:read'] }, null],
  ['one of any', ['invoices:read'], { anyOf: ['orders:read', 'invoices:read'] }, null],
  ['all, and one of any', ['clerk', 'orders:read'], { permissions: ['clerk'], anyOf: ['orders:read'] }, null],
  ['a wildcard', ['orders:*'], { permissions: ['orders:read', 'orders:write'] }, null],
  ['a permission that includes the one asked for', ['orders:write'], { permissions: ['orders:read'] }, null],
  ['a role that includes it', ['clerk'], { permissions: ['invoices:read'] }, null],
  ['the super-permission', ['admin'], { permissions: ['orders:write', 'invoices:read'], anyOf: ['clerk'] }, null],
  ['nothing', [], { permissions: ['orders:read'] }, 'orders:read'],
  ['one of all', ['orders:read'], { permissions: ['orders:read', 'invoices:read'] }, 'orders:read invoices:read'],
  ['none of any', ['clerk'], { anyOf: ['orders:read', 'orders:write'] }, 'orders:read orders:write'],
  ['all but none of any', ['clerk'], { permissions: ['clerk'], anyOf: ['orders:read'] }, 'orders:read'],
  ['a wildcard of something else', ['orders:*'], { permissions: ['invoices:read'] }, 'invoices:read'],
  ['what is included, not what includes', ['orders:read'], { permissions: ['orders:write'] }, 'orders:write'],
  ['an included permission where its role is asked for', ['invoices:read'], { permissions: ['clerk'] }, 'clerk'],
]

const permissionScenarios = (serve: Serve): void => {
  test.each(PERMISSION_ROWS)(
    'judges a caller with %s (RFC 6750 §3.1)',
    async (_title, permissions, requirement, scope) => {
      const bed = createBed(serve)
      const app = await bed.open({ routes: [{ path: '/orders', guards: [{ requirement }] }] })
      const { accessToken } = await bed.signIn({ permissions })
      const sent = { path: '/orders', headers: [bearer(accessToken)] }
      if (scope === null) await app.enters(sent)
      else await app.refuses(sent, 'insufficient_permission', { challenge: `, scope="${scope}"` })
    },
  )

  test('refuses who has no token at all before asking for permissions', async () => {
    const requirement = { permissions: ['orders:read'] } as const
    const app = await createBed(serve).open({ routes: [{ path: '/orders', guards: [{ requirement }] }] })
    await app.refuses({ path: '/orders' }, 'missing_token')
  })

  test('grants what was narrowed at refresh and no more (RFC 6749 §6, N134)', async () => {
    const bed = createBed(serve)
    const app = await bed.open({
      routes: [
        { path: '/read', guards: [{ requirement: { permissions: ['orders:read'] } }] },
        { path: '/write', guards: [{ requirement: { permissions: ['orders:write'] } }] },
      ],
    })
    const { refreshToken } = await bed.signIn({ permissions: ['orders:write'] })
    const { accessToken } = await bed.auth.refresh(refreshToken, { scope: ['orders:read'] })
    const headers = [bearer(accessToken)]
    await app.enters({ path: '/read', headers })
    await app.refuses({ path: '/write', headers }, 'insufficient_permission', { challenge: ', scope="orders:write"' })
  })
}

const FRESHNESS = [
  { path: '/fresh', guards: [{ requirement: { fresh: true } }] },
  { path: '/five', guards: [{ requirement: { fresh: '5m' } }] },
  { path: '/login', guards: [{ requirement: { fresh: 'login' } }] },
  { path: '/optional', guards: [{ requirement: { fresh: '5m', optional: true } }] },
  { path: '/lenient', guards: [{ requirement: { fresh: '5m', optional: 'lenient' } }] },
] as const

const STALE = 'reauthentication_required'

const freshnessScenarios = (serve: Serve): void => {
  const begin = async () => {
    const bed = createBed(serve)
    const app = await bed.open({ routes: FRESHNESS })
    return { bed, app, pair: await bed.signIn() }
  }

  test('lets a caller in who has just signed in, whatever freshness is asked (RFC 9470 §3, N057)', async () => {
    const { app, pair } = await begin()
    for (const { path } of FRESHNESS) await app.enters({ path, headers: [bearer(pair.accessToken)] })
  })

  test('refuses with max_age once the authentication is older than the window, to the second', async () => {
    const { bed, app, pair } = await begin()
    const headers = [bearer(pair.accessToken)]
    bed.clock.now += 300
    await app.enters({ path: '/five', headers })
    bed.clock.now += 1
    await app.refuses({ path: '/five', headers }, STALE, { challenge: ', max_age="300"' })
    await app.refuses({ path: '/optional', headers }, STALE, { challenge: ', max_age="300"' })
    // The token is good: it is not made anonymous for being old.
    await app.refuses({ path: '/lenient', headers }, STALE, { challenge: ', max_age="300"' })
    await app.enters({ path: '/fresh', headers })
    await app.enters({ path: '/login', headers })
  })

  test('does not take a refresh for an authentication (N057)', async () => {
    const { bed, app, pair } = await begin()
    bed.clock.now += 10
    const soon = await bed.auth.refresh(pair.refreshToken)
    await app.refuses({ path: '/login', headers: [bearer(soon.accessToken)] }, STALE, { challenge: ', max_age="0"' })
    await app.enters({ path: '/five', headers: [bearer(soon.accessToken)] })
    bed.clock.now += 891
    const late = await bed.auth.refresh(soon.refreshToken)
    await app.refuses({ path: '/fresh', headers: [bearer(late.accessToken)] }, STALE, { challenge: ', max_age="900"' })
  })

  test('takes a token of a new authentication in the same session for fresh', async () => {
    const { bed, app, pair } = await begin()
    bed.clock.now += 600
    const { accessToken } = await bed.auth.reissue(await bed.auth.verify(pair.accessToken), { fresh: true })
    for (const { path } of FRESHNESS) await app.enters({ path, headers: [bearer(accessToken)] })
  })

  test('takes a token that does not tell its authentication for stale', async () => {
    const { app, pair } = await begin()
    const headers = [bearer(forge(pair.accessToken, { claims: { auth_time: undefined } }))]
    await app.refuses({ path: '/fresh', headers }, STALE, { challenge: ', max_age="900"' })
  })
}

/** What only JavaScript lets through: the types forbid each of these. */
const IMPOSSIBLE: readonly (readonly [title: string, asked: object, problem: RegExp])[] = [
  ['a misspelt setting', { permission: ['orders:read'] }, /permission: is not a setting; did you mean "permissions"\?/],
  ['an unknown setting', { zebra: true }, /zebra: is not a setting; the settings are optional, fresh/],
  ['a duration in words', { fresh: '5 minutes' }, /fresh: must be true, "login" or a duration like "5m"/],
  ['an optional that is a word', { optional: 'yes' }, /optional: must be true, false or "lenient"/],
  [
    'no permissions where some are asked',
    { permissions: [] },
    /permissions: must be a list of at least one permission/,
  ],
  ['a permission that is not in a list', { anyOf: 'orders:read' }, /anyOf: must be a list of at least one permission/],
  ['a permission with a space', { permissions: ['orders read'] }, /permissions: must be a list/],
  ['text instead of settings', Object('orders:read') as object, /a requirement is an object/],
  ['a function instead of settings', () => true, /a requirement is an object/],
  ['a constant that is undefined', { permissions: undefined }, /permissions: is undefined/],
]

const mistakeScenarios = (serve: Serve): void => {
  test.each(IMPOSSIBLE)('throws at protect() for %s, before any request', async (_title, asked, problem) => {
    const bed = createBed(serve)
    const opening = bed.open({ routes: [{ path: '/orders', guards: [{ requirement: asked }] }] })
    await expect(opening).rejects.toThrow(ConfigError)
    await expect(opening).rejects.toThrow(problem)
  })

  test('names every mistake of a requirement at once', async () => {
    const requirement: object = { optionl: true, fresh: 'soon', permissions: [] }
    const opening = createBed(serve).open({ routes: [{ path: '/orders', guards: [{ requirement }] }] })
    await expect(opening).rejects.toThrow(/optionl[\s\S]*fresh[\s\S]*permissions/)
  })

  test('compiles only for permissions that were declared', () => {
    const { auth } = createBed(serve)
    expect(() => auth.guard({ permissions: ['orders:read'] })).not.toThrow()
    // @ts-expect-error a misspelt permission is no permission
    expect(() => auth.guard({ permissions: ['orders:raed'] })).toThrow('did you mean "orders:read"?')
    // @ts-expect-error a misspelt setting is no setting
    expect(() => auth.guard({ permission: ['orders:read'] })).toThrow(ConfigError)
  })
}

export const requirementScenarios = (serve: Serve): void => {
  describe('permissions', () => {
    permissionScenarios(serve)
  })
  describe('freshness', () => {
    freshnessScenarios(serve)
  })
  describe('mistakes', () => {
    mistakeScenarios(serve)
  })
}
