import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createAuth } from '../src/auth.ts'
import type { AuthConfig } from '../src/auth-config.ts'
import { generateJwk } from '../src/core/token/generate-key.ts'
import type { StoreWithUsers as Store } from '../src/ports/store.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { COOKIES } from './config-effects/cookies.ts'
import { HOOKS } from './config-effects/hooks.ts'
import { ISSUING } from './config-effects/issuing.ts'
import { LOCATIONS } from './config-effects/locations.ts'
import { everySetting } from './config-effects/settings.ts'
import { WORDING } from './config-effects/wording.ts'
import { AUDIENCE, codeOf, createBed, ISSUER } from './core/session/issuer.ts'
import { noise } from './core/token/fixtures.ts'

const BASE: AuthConfig = { issuer: ISSUER, audience: AUDIENCE, keys: { secret: noise('a') }, store: memoryStore() }

const standard = (validate: unknown) => ({ '~standard': { version: 1, vendor: 'test', validate } })

const HOOK_NAMES = Object.keys(HOOKS).map((setting) => setting.replace('hooks.', ''))

const [JWK, OWN] = [generateJwk('EdDSA'), noise('a secret for refresh tokens')] as const

/** Every setting, with what it changes: without it one thing happens, with it another. */
const EFFECTS = { ...ISSUING, ...LOCATIONS, ...COOKIES, ...WORDING, ...HOOKS }

/** Which rows of the feature table a setting is there for, by how it begins; the longest beginning counts. */
const ROWS: Readonly<Record<string, string>> = {
  issuer: 'S0-1, S2-11',
  audience: 'S0-1, S2-11',
  keys: 'S0-1, S2-11',
  'accessToken.lifetime': 'S0-1, S2-12, S3-6',
  'accessToken.clockTolerance': 'S2-11',
  'accessToken.dangerouslyAllowNoExpiry': 'S2-12, #45',
  'accessToken.claims': 'S1-3',
  'refreshToken.secret': 'S0-11',
  'refreshToken.idleLifetime': 'S0-11, S4-7',
  'refreshToken.absoluteLifetime': 'S4-7',
  'permissions.includes': 'S0-13, S4-8',
  'permissions.roles': 'S0-13',
  'permissions.superPermission': 'S0-7',
  users: 'S1-6',
  locations: 'S3-10',
  'locations.header': 'S1-1, S3-6',
  'locations.find': 'S0-3',
  delivery: 'S4-5',
  cookies: 'S2-8',
  'cookies.renewWithin': 'S3-15',
  csrf: 'S2-9, S3-11',
  'errors.body': 'S3-6, #148',
  'errors.on': 'S0-4, S3-4',
  trackTokens: 'S3-7',
  'hooks.claims': 'S3-2',
  'hooks.headers': 'S3-2',
  'hooks.signingKey': 'S3-5',
  'hooks.verificationKey': 'S3-5',
  'hooks.isRevoked': 'S2-6, S3-5',
  'hooks.verify': 'S3-5',
  clock: 'S4-6',
}

const titleOf = (setting: string): string => {
  const parts = setting.split('.')
  const beginnings = parts.map((_part, index) => parts.slice(0, index + 1).join('.'))
  const rows = beginnings.findLast((beginning) => Object.hasOwn(ROWS, beginning))
  return rows === undefined ? setting : `${setting} (${ROWS[rows]})`
}

describe('each setting takes effect (S1-1)', () => {
  test.each(Object.entries(EFFECTS).map(([setting, prove]) => [titleOf(setting), prove] as const))(
    '%s',
    async (_title, prove) => {
      expect.hasAssertions()
      await prove()
    },
  )

  test('and there is none beside those above', () => {
    expect(Object.keys(EFFECTS).toSorted()).toEqual(everySetting().toSorted())
    const unused = Object.keys(ROWS).filter((begin) => !Object.keys(EFFECTS).some((name) => name.startsWith(begin)))
    expect(unused).toEqual([])
  })
})

describe('where a setting is left out', () => {
  test('the clock is that of the system, in seconds with their fraction', async () => {
    const auth = createAuth(BASE)
    const { accessToken, session } = await auth.issue({ subject: 'ann' })
    expect(Math.abs(session.createdAt - Date.now() / 1000)).toBeLessThan(5)
    expect((await auth.verify(accessToken)).subject).toBe('ann')
  })

  test('there is no late replay where there is no grace', async () => {
    const { auth, turn } = createBed({ refreshToken: { grace: 0 } })
    const { refreshToken } = await auth.issue({ subject: 'ann' })
    await auth.refresh(refreshToken)
    turn(1)
    expect(await codeOf(() => auth.refresh(refreshToken))).toBe('refresh_token_reused')
  })
})

test('createAuth does no input or output: it calls nothing of what it is given, and begins nothing', () => {
  const calls: string[] = []
  const noting = (name: string) => () => {
    calls.push(name)
    throw new Error(`${name} was called`)
  }
  const part = (name: string) => new Proxy({}, { get: (_target, member) => noting(`${name}.${String(member)}`) })
  // A proxy answers to every name, so to those of a store too.
  const parts = ['sessions', 'revocations', 'tokens', 'singleUse', 'users']
  const store = Object.fromEntries(parts.map((name) => [name, part(name)])) as object as Store
  const before = process.getActiveResourcesInfo().toSorted()
  const auth = createAuth({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { current: JWK },
    refreshToken: { secret: OWN },
    store: { ...store, ready: noting('ready'), close: noting('close') },
    users: store.users,
    locations: { order: ['custom', 'cookie'], find: noting('locations.find') },
    errors: { on: { default: noting('errors.on.default') } },
    trackTokens: 'all',
    hooks: Object.fromEntries(HOOK_NAMES.map((name) => [name, noting(`hooks.${name}`)])),
    clock: noting('clock'),
  })
  auth.guard({ fresh: true, permissions: noting('permissions'), user: true, check: noting('check') })
  auth.jwks()
  expect(calls).toEqual([])
  expect(process.getActiveResourcesInfo().toSorted()).toEqual(before)
})

describe('a good configuration at the ends of its ranges is taken', () => {
  test.each<readonly [string, object]>([
    [
      'the shortest lifetimes',
      { accessToken: { lifetime: 1 }, refreshToken: { grace: 0, idleLifetime: 3, absoluteLifetime: 3 } },
    ],
    [
      'the longest lifetimes',
      {
        accessToken: { lifetime: '1d', longestLifetime: '1d' },
        refreshToken: { idleLifetime: '365d', absoluteLifetime: '365d' },
      },
    ],
    [
      'the widest of the rest',
      {
        accessToken: { clockTolerance: '5m', maxBytes: 65_536 },
        refreshToken: { grace: '5m', lateReplays: 10, maxSessions: 10_000 },
      },
    ],
    [
      'the narrowest of the rest',
      { accessToken: { clockTolerance: 0, maxBytes: 256 }, refreshToken: { grace: 0, lateReplays: 0, maxSessions: 1 } },
    ],
    [
      'a schema that is a function',
      {
        accessToken: {
          claims: Object.assign(
            () => undefined,
            standard((value: unknown) => ({ value })),
          ),
        },
      },
    ],
    [
      'a schema that throws at nothing',
      {
        accessToken: {
          claims: standard(() => {
            throw new Error('nothing')
          }),
        },
      },
    ],
    ['a schema of zod', { accessToken: { claims: z.object({ role: z.string() }) } }],
    [
      'settings that are undefined',
      {
        users: undefined,
        clientId: undefined,
        accessToken: undefined,
        refreshToken: { grace: undefined },
        hooks: undefined,
      },
    ],
  ])('%s', (_title, change) => {
    expect(() => createAuth({ ...BASE, ...change })).not.toThrow()
  })
})
