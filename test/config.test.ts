import { describe, expect, test } from 'vitest'
import { createAuth } from '../src/auth.ts'
import type { AuthConfig } from '../src/auth-config.ts'
import { ConfigError } from '../src/core/errors.ts'
import { generateJwk } from '../src/core/token/generate-key.ts'
import { memoryStore } from '../src/stores/memory/memory-store.ts'
import { noise } from './core/token/fixtures.ts'

const SECRET = noise('config')
const BASE: AuthConfig = {
  issuer: 'https://api.example.com',
  audience: 'https://orders.example.com',
  keys: { secret: SECRET },
  store: memoryStore(),
}

/** What is wrong with a configuration as `path: problem`, whatever its types forbid. */
const problemsOf = (config: unknown): readonly string[] => {
  try {
    createAuth(config as AuthConfig)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
    throw error
  }
}

const problemsWith = (change: object): readonly string[] => problemsOf({ ...BASE, ...change })

const TEXT = 'must be 1 to 255 printable ASCII characters without quote or backslash'
const DURATION = 'is not a duration; write "15m", or 900 for seconds'
const NO_STORE = 'store: is not a store; give memoryStore() or sqliteStore(database)'
const NO_USERS = 'users: is not a user directory; give store.users, or leave it out'
const NO_SCHEMA = 'accessToken.claims: is not a Standard Schema; give one of zod, valibot or arktype'
const JWK = generateJwk('EdDSA')

const standard = (validate: unknown) => ({ '~standard': { version: 1, vendor: 'test', validate } })

test('four settings are enough', () => {
  expect(problemsOf(BASE)).toEqual([])
})

test.each([undefined, null, 7, 'secret', () => BASE])('a configuration cannot be %o', (config) => {
  expect(problemsOf(config)).toEqual([': createAuth needs an object of settings'])
})

describe('each problem is told in one sentence, at its path', () => {
  test.each<readonly [string, object, string]>([
    ['no issuer', { issuer: undefined }, `issuer: ${TEXT}`],
    ['an empty issuer', { issuer: '' }, `issuer: ${TEXT}`],
    ['an issuer with a quote', { issuer: 'a"b' }, `issuer: ${TEXT}`],
    ['an issuer with a line break', { issuer: 'a\nb' }, `issuer: ${TEXT}`],
    ['an issuer with umlauts', { issuer: 'https://müller.example' }, `issuer: ${TEXT}`],
    ['an issuer of 256 characters', { issuer: 'x'.repeat(256) }, `issuer: ${TEXT}`],
    ['an issuer that is no text', { issuer: new URL('https://a.example') }, `issuer: ${TEXT}`],
    ['no audience', { audience: undefined }, `audience: ${TEXT}`],
    ['an empty list of audiences', { audience: [] }, 'audience: is empty; name who the tokens are for'],
    ['an empty audience among others', { audience: ['a', ''] }, `audience: ${TEXT}`],
    ['an audience that is a regular expression', { audience: /./ }, `audience: ${TEXT}`],
    ['an empty clientId', { clientId: '' }, `clientId: ${TEXT}`],
    ['a clientId that is null', { clientId: null }, `clientId: ${TEXT}`],
    ['a realm with a backslash', { realm: 'a\\b' }, `realm: ${TEXT}`],
    ['no keys', { keys: undefined }, 'keys: must be { secret }, or { current, next?, retiring? } with JWKs'],
    ['secrets in a text', { keys: { secret: SECRET, previousSecrets: 'a' } }, 'keys.previousSecrets: must be a list'],
    ['next keys by themselves', { keys: { current: JWK, next: JWK } }, 'keys.next: must be a list'],
    ['retiring keys that are null', { keys: { current: JWK, retiring: null } }, 'keys.retiring: must be a list'],
    ['no store', { store: undefined }, NO_STORE],
    ['a store that is half one', { store: { sessions: {}, revocations: {} } }, NO_STORE],
    ['users that are a list', { users: [] }, NO_USERS],
    ['users that are null', { users: null }, NO_USERS],
    ['a clock that stands', { clock: 1_700_000_000 }, 'clock: must be a function'],
    ['accessToken that is a text', { accessToken: '15m' }, 'accessToken: must be an object'],
    ['accessToken that is null', { accessToken: null }, 'accessToken: must be an object'],
    ['a lifetime in words', { accessToken: { lifetime: '15 min' } }, `accessToken.lifetime: "15 min" ${DURATION}`],
    ['a lifetime in digits', { accessToken: { lifetime: '900' } }, `accessToken.lifetime: "900" ${DURATION}`],
    [
      'a lifetime of nothing',
      { accessToken: { lifetime: 0 } },
      'accessToken.lifetime: 0 is out of range; write at least 1 s and at most 86400 s',
    ],
    [
      'a lifetime of more than a day',
      { accessToken: { lifetime: '2d' } },
      'accessToken.lifetime: "2d" is out of range; write at least 1 s and at most 86400 s',
    ],
    [
      'a longest lifetime below the usual one',
      { accessToken: { lifetime: '1h', longestLifetime: '15m' } },
      'accessToken.longestLifetime: is 900 s, shorter than accessToken.lifetime; set it to that or more, alike in every process',
    ],
    [
      'a longest lifetime of more than a day',
      { accessToken: { longestLifetime: '25h' } },
      'accessToken.longestLifetime: "25h" is out of range; write at least 1 s and at most 86400 s',
    ],
    [
      'a tolerance of more than 300 s',
      { accessToken: { clockTolerance: 301 } },
      'accessToken.clockTolerance: 301 is out of range; write at least 0 s and at most 300 s',
    ],
    [
      'a tolerance in words',
      { accessToken: { clockTolerance: 'none' } },
      `accessToken.clockTolerance: "none" ${DURATION}`,
    ],
    [
      'a size in text',
      { accessToken: { maxBytes: '8192' } },
      'accessToken.maxBytes: must be a whole number from 256 to 65536',
    ],
    [
      'a size too small',
      { accessToken: { maxBytes: 255 } },
      'accessToken.maxBytes: must be a whole number from 256 to 65536',
    ],
    [
      'a size too big',
      { accessToken: { maxBytes: 65_537 } },
      'accessToken.maxBytes: must be a whole number from 256 to 65536',
    ],
    ['claims that are a plain object', { accessToken: { claims: { role: 'string' } } }, NO_SCHEMA],
    ['claims that are null', { accessToken: { claims: null } }, NO_SCHEMA],
    ['claims that are a function', { accessToken: { claims: () => ({}) } }, NO_SCHEMA],
    ['claims of half a schema', { accessToken: { claims: { '~standard': {} } } }, NO_SCHEMA],
    [
      'claims that give a promise',
      { accessToken: { claims: standard(async () => ({ value: {} })) } },
      'accessToken.claims: answers with a promise; give a synchronous schema',
    ],
    [
      'claims that give a promise which rejects',
      { accessToken: { claims: standard(async () => Promise.reject(new Error('later'))) } },
      'accessToken.claims: answers with a promise; give a synchronous schema',
    ],
    ['refreshToken that is null', { refreshToken: null }, 'refreshToken: must be an object'],
    ['a grace in words', { refreshToken: { grace: 'short' } }, `refreshToken.grace: "short" ${DURATION}`],
    [
      'a grace of more than 300 s',
      { refreshToken: { grace: '6m' } },
      'refreshToken.grace: "6m" is out of range; write at least 0 s and at most 300 s',
    ],
    [
      'late replays below 0',
      { refreshToken: { lateReplays: -1 } },
      'refreshToken.lateReplays: must be a whole number from 0 to 10',
    ],
    [
      'half a late replay',
      { refreshToken: { lateReplays: 0.5 } },
      'refreshToken.lateReplays: must be a whole number from 0 to 10',
    ],
    [
      'late replays without a grace',
      { refreshToken: { grace: 0, lateReplays: 1 } },
      'refreshToken.lateReplays: must be 0 where refreshToken.grace is 0',
    ],
    [
      'an idle lifetime in words',
      { refreshToken: { idleLifetime: 'x' } },
      `refreshToken.idleLifetime: "x" ${DURATION}`,
    ],
    [
      'an idle lifetime in which an honest client cannot refresh (I5)',
      { refreshToken: { idleLifetime: 1860 } },
      'refreshToken.idleLifetime: must exceed 2 x (grace + access lifetime) = 1860 s',
    ],
    [
      'an absolute lifetime of more than 365 days',
      { refreshToken: { absoluteLifetime: '366d' } },
      'refreshToken.absoluteLifetime: "366d" is out of range; write at least 1 s and at most 31536000 s',
    ],
    [
      'an absolute lifetime below the idle one',
      { refreshToken: { idleLifetime: '30d', absoluteLifetime: '29d' } },
      'refreshToken.absoluteLifetime: must not be shorter than refreshToken.idleLifetime',
    ],
    [
      'no session at all',
      { refreshToken: { maxSessions: 0 } },
      'refreshToken.maxSessions: must be a whole number from 1 to 10000',
    ],
    [
      'endless sessions',
      { refreshToken: { maxSessions: Infinity } },
      'refreshToken.maxSessions: must be a whole number from 1 to 10000',
    ],
    [
      'former refresh secrets in a text',
      { refreshToken: { secret: noise('own'), previousSecrets: 'a' } },
      'refreshToken.previousSecrets: must be a list',
    ],
    [
      'former refresh secrets of none',
      { refreshToken: { previousSecrets: [noise('before')] } },
      'refreshToken.previousSecrets: stand beside refreshToken.secret, which is missing; give that too',
    ],
    [
      'refresh secrets to come beside none',
      { refreshToken: { nextSecrets: [noise('next')] } },
      'refreshToken.nextSecrets: stand beside refreshToken.secret, which is missing; give that too',
    ],
    ['secrets to come in a text', { keys: { secret: SECRET, nextSecrets: 'a' } }, 'keys.nextSecrets: must be a list'],
    [
      'refresh secrets to come that are null',
      { refreshToken: { secret: noise('own'), nextSecrets: null } },
      'refreshToken.nextSecrets: must be a list',
    ],
    [
      'a key ring without a secret for refresh tokens',
      { keys: { current: JWK } },
      'refreshToken.secret: is missing; it is needed where keys holds no secret. `openssl rand -base64 48` makes one',
    ],
    ['permissions in a list', { permissions: 'a b' }, 'permissions: must be an object'],
    ['names in a text', { permissions: { names: 'a' } }, 'permissions.names: must be a list of permissions'],
    [
      'a permission that is not declared',
      { permissions: { names: ['a'], superPermission: 'b' } },
      'permissions.superPermission: "b" is not among permissions.names; declare it there',
    ],
    ['hooks in a function', { hooks: 'log' }, 'hooks: must be an object'],
    ['a claims hook that is none', { hooks: { claims: { role: 'chief' } } }, 'hooks.claims: must be a function'],
    ['a sink that is none', { hooks: { onEvent: [] } }, 'hooks.onEvent: must be a function'],
  ])('%s', (_title, change, problem) => {
    expect(problemsWith(change)).toEqual([problem])
  })
})

describe('an unknown name is refused, with the one that was probably meant', () => {
  test.each<readonly [string, object, string]>([
    ['at the top', { isuer: 'x' }, 'isuer: is not a setting; did you mean "issuer"?'],
    [
      'in keys',
      { keys: { secret: SECRET, algoritm: 'HS256' } },
      'keys.algoritm: is not a setting; did you mean "algorithm"?',
    ],
    [
      'in accessToken',
      { accessToken: { lifeTime: '5m' } },
      'accessToken.lifeTime: is not a setting; did you mean "lifetime"?',
    ],
    [
      'in refreshToken',
      { refreshToken: { lateReplay: 1 } },
      'refreshToken.lateReplay: is not a setting; did you mean "lateReplays"?',
    ],
    [
      'in permissions',
      { permissions: { include: {} } },
      'permissions.include: is not a setting; did you mean "includes"?',
    ],
    ['in hooks', { hooks: { onEvents: () => undefined } }, 'hooks.onEvents: is not a setting; did you mean "onEvent"?'],
    [
      'that resembles nothing',
      { hooks: { zzz: 1 } },
      'hooks.zzz: is not a setting; the settings are claims, headers, signingKey, verificationKey, isRevoked, verify, onEvent',
    ],
    [
      'that every object has',
      JSON.parse('{"permissions":{"__proto__":1}}') as object,
      'permissions.__proto__: is not a setting; the settings are names, includes, roles, superPermission',
    ],
  ])('%s', (_title, change, problem) => {
    expect(problemsWith(change)).toEqual([problem])
  })
})

describe('all problems are told at once', () => {
  test('of every part', () => {
    const problems = problemsOf({
      issuer: '',
      audience: [],
      keys: { secret: 'short', previousSecrets: ['short'] },
      store: null,
      users: 7,
      clientId: '',
      realm: '',
      accessToken: { lifetime: 'x', longestLifetime: 'x', clockTolerance: 'x', maxBytes: 'x', claims: 'x' },
      refreshToken: {
        secret: 'short',
        previousSecrets: ['short'],
        idleLifetime: 'x',
        absoluteLifetime: 'x',
        grace: 'x',
        lateReplays: 'x',
        maxSessions: 'x',
      },
      permissions: { names: [''], includes: { a: 7 }, superPermission: '' },
      hooks: { claims: 7, onEvent: 7 },
      clock: 7,
      colck: 7,
    })
    const paths = problems.map((problem) => problem.slice(0, problem.indexOf(': ')))
    expect(paths.toSorted()).toEqual(
      [
        'accessToken.claims',
        'accessToken.clockTolerance',
        'accessToken.lifetime',
        'accessToken.longestLifetime',
        'accessToken.maxBytes',
        'audience',
        'clientId',
        'clock',
        'colck',
        'hooks.claims',
        'hooks.onEvent',
        'issuer',
        'keys.previousSecrets[0]',
        'keys.secret',
        'permissions.includes',
        'permissions.includes["a"]',
        'permissions.names[0]',
        'permissions.superPermission',
        'realm',
        'refreshToken.absoluteLifetime',
        'refreshToken.grace',
        'refreshToken.idleLifetime',
        'refreshToken.lateReplays',
        'refreshToken.maxSessions',
        'refreshToken.previousSecrets[0]',
        'refreshToken.secret',
        'store',
        'users',
      ].toSorted(),
    )
  })

  test('of nothing but an empty object', () => {
    expect(problemsOf({})).toEqual([
      NO_STORE,
      `issuer: ${TEXT}`,
      `audience: ${TEXT}`,
      'keys: must be { secret }, or { current, next?, retiring? } with JWKs',
    ])
  })

  test('in the message too, a line each', () => {
    expect(() => createAuth({ ...BASE, issuer: '', audience: [] })).toThrow(
      `issuer: ${TEXT}\naudience: is empty; name who the tokens are for`,
    )
  })

  test('and none of them repeats a secret (N147)', () => {
    const canary = 'canary-5e1d'
    const secrets = { secret: canary, previousSecrets: [canary] }
    const problems = problemsWith({ keys: secrets, refreshToken: secrets })
    expect(problems).toHaveLength(4)
    expect(problems.join()).not.toContain(canary)
  })
})
