import { inspect } from 'node:util'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, createAuth, memoryStore } from '../../src/index.ts'
import { readEnvironment } from '../../server/src/environment.ts'
import { Secret } from '../../server/src/secret.ts'
import { inVariables } from '../../server/src/setting-problems.ts'
import { readSettings, SETTINGS } from '../../server/src/settings.ts'
import { temporaryFolder } from './processes.ts'

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readSettings(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
}

const SECRET = 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzBr'

/** What is told of a configuration of the library that is wrong. */
const toldOf = (wrong: object): string => {
  try {
    createAuth({ issuer: 'i', audience: 'a', keys: { secret: SECRET }, store: memoryStore(), ...wrong })
  } catch (error) {
    if (error instanceof ConfigError) return inVariables(error, '/data/secret').message
  }
  return 'nothing is wrong'
}

describe('settings', () => {
  test('have the documented defaults', () => {
    expect(readSettings({})).toEqual({
      port: 8787,
      host: '127.0.0.1',
      dataFolder: './data',
      databaseUrl: null,
      redisUrl: null,
      redisDurability: 'local',
      redisReplicas: 1,
      poolSize: 10,
      storeDeadline: 250,
      lease: 5,
      issuer: null,
      audience: null,
      secret: null,
      secretFile: null,
      signingKey: null,
      accessLifetime: 900,
      refreshIdle: 2_592_000,
      refreshAbsolute: 15_552_000,
      rotationGrace: 30,
      lateReplays: 1,
      signup: 'open',
      passwordGrant: true,
      passwordMinLength: 8,
      signInLimit: 10,
      trustedProxies: 0,
      logLevel: 'info',
      adminEmail: 'admin@localhost',
    })
  })

  test('are read from their variables, spans in seconds', () => {
    const settings = readSettings({
      PORT: '0',
      HOST: '::1',
      JOTWARD_ISSUER: 'https://auth.example.com/',
      JOTWARD_ACCESS_LIFETIME: '5m',
      JOTWARD_REFRESH_IDLE: '86400',
      JOTWARD_SIGNUP: 'closed',
      JOTWARD_PASSWORD_GRANT: 'off',
      JOTWARD_SECRET: SECRET,
    })
    expect(settings).toMatchObject({
      port: 0,
      host: '::1',
      issuer: 'https://auth.example.com/',
      accessLifetime: 300,
      refreshIdle: 86_400,
      signup: 'closed',
      passwordGrant: false,
    })
    expect(settings.secret?.reveal()).toBe(SECRET)
  })

  test.each([
    ['PORT', '65536'],
    ['PORT', '80a'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['HOST', 'a b'],
    ['HOST', '[::1]'],
    ['JOTWARD_DATA', ''],
    ['JOTWARD_ISSUER', 'auth.example.com'],
    ['JOTWARD_ISSUER', 'ftp://auth.example.com'],
    ['JOTWARD_ISSUER', 'https://auth.example.com/?a'],
    ['JOTWARD_ISSUER', 'https://user@auth.example.com'],
    ['JOTWARD_SECRET', ''],
    ['JOTWARD_ACCESS_LIFETIME', '15 min'],
    ['JOTWARD_ACCESS_LIFETIME', '-5'],
    ['JOTWARD_REFRESH_IDLE', 'forever'],
    ['JOTWARD_REFRESH_ABSOLUTE', '1y'],
    ['JOTWARD_ROTATION_GRACE', 'NaN'],
    ['JOTWARD_LATE_REPLAYS', '1.5'],
    ['JOTWARD_LATE_REPLAYS', '11'],
    ['JOTWARD_SECRET_FILE', ''],
    ['JOTWARD_SIGNUP', 'yes'],
    ['JOTWARD_SIGNUP', 'OPEN'],
    ['JOTWARD_PASSWORD_GRANT', 'true'],
    ['JOTWARD_PASSWORD_MIN_LENGTH', '7'],
    ['JOTWARD_LOG_LEVEL', 'loud'],
    ['JOTWARD_ADMIN_EMAIL', 'admin'],
    ['DATABASE_URL', 'mysql://canary:canary@localhost/jotward'],
    ['DATABASE_URL', 'canary'],
    ['DATABASE_URL', 'postgres://ann:can/ary@localhost/jotward'],
    ['DATABASE_URL', 'postgres://ann:canary%@localhost/jotward'],
    ['DATABASE_URL', 'postgres://ann:canary@localhost'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://:canary@localhost'],
    ['REDIS_URL', 'redis://:can#ary@localhost'],
    ['REDIS_URL', 'redis://:canary@localhost/first'],
    ['REDIS_URL', 'redis://:canary@a,redis://:carany@b'],
    ['REDIS_URL', 'redis://a,rediss://b'],
    ['REDIS_URL', 'redis://a:7000/1,b:7000'],
    ['REDIS_URL', 'redis://a:7000,'],
    ['JOTWARD_REDIS_DURABILITY', 'best'],
    ['JOTWARD_REDIS_REPLICAS', '2'],
    ['JOTWARD_POOL_SIZE', '0'],
    ['JOTWARD_STORE_DEADLINE_MS', '5'],
    ['JOTWARD_LEASE', '500'],
    ['JOTWARD_LEASE', '0'],
  ])('refuse %s=%s with one sentence that names the variable (N153)', (variable, text) => {
    const problems = problemsOf({ [variable]: text })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${variable}: .{10,}`))
    expect(problems[0]).not.toMatch(/can.?ary/)
  })

  test('report every problem at once', () => {
    const problems = problemsOf({ PORT: 'x', JOTWARD_SIGNUP: 'x', JOTWARD_LOG_LEVLE: 'info', REDIS_URL: 'r' })
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(
      new Set(['JOTWARD_LOG_LEVLE', 'JOTWARD_SIGNUP', 'PORT', 'REDIS_URL']),
    )
  })

  test('refuse an unknown JOTWARD_ variable and name the one that was probably meant', () => {
    expect(problemsOf({ JOTWARD_ACCES_LIFETIME: '5m' })).toEqual([
      'JOTWARD_ACCES_LIFETIME: is not a setting; did you mean JOTWARD_ACCESS_LIFETIME?',
    ])
    expect(problemsOf({ JOTWARD_FAVOURITE_COLOUR: 'blue' })[0]).toContain('the settings are PORT, HOST, JOTWARD_DATA')
  })

  test.each([
    ['JOTWARD_GRACE', 'JOTWARD_ROTATION_GRACE', false],
    ['JOTWARD_HOST', 'HOST', true],
    ['JOTWARD_PORT', 'PORT', true],
    ['JOTWARD_SINGUP', 'JOTWARD_SIGNUP', true],
    ['JOTWARD_COLOUR', 'JOTWARD_ISSUER', false],
  ])('compare %s with %s by what follows the common prefix', (variable, meant, isNear) => {
    expect(problemsOf({ [variable]: '1' })[0]?.includes(`did you mean ${meant}?`)).toBe(isNear)
  })

  test('leave alone what Kubernetes sets for a service of our name, and what our own tests read', () => {
    expect(
      problemsOf({
        JOTWARD_SERVICE_HOST: '10.0.0.7',
        JOTWARD_SERVICE_PORT: '8787',
        JOTWARD_SERVICE_PORT_HTTP: '8787',
        JOTWARD_PORT: 'tcp://10.0.0.7:8787',
        JOTWARD_PORT_8787_TCP: 'tcp://10.0.0.7:8787',
        JOTWARD_PORT_8787_TCP_ADDR: '10.0.0.7',
        JOTWARD_SERVER_SERVICE_HOST: '10.0.0.7',
        JOTWARD_SERVER_PORT: 'tcp://10.0.0.7:8787',
        JOTWARD_VECTORS: '/vectors',
      }),
    ).toEqual([])
  })

  test('take the secret from one place only', () => {
    const problems = problemsOf({ JOTWARD_SECRET: SECRET, JOTWARD_SECRET_FILE: '/run/secrets/jotward' })
    expect(problems).toEqual(['JOTWARD_SECRET, JOTWARD_SECRET_FILE: are both set; unset one of them'])
  })

  test('leave variables of other programs alone, and empty addresses of other storage', () => {
    expect(problemsOf({ HOME: '/', NODE_ENV: 'x', JOTWARDEN: 'x', DATABASE_URL: '', REDIS_URL: '' })).toEqual([])
  })

  test('take a grace of 0 as strict single use, unless late replays are asked for by name', () => {
    expect(readSettings({ JOTWARD_ROTATION_GRACE: '0' }).lateReplays).toBe(0)
    expect(readSettings({ JOTWARD_ROTATION_GRACE: '0s' }).lateReplays).toBe(0)
    expect(readSettings({ JOTWARD_ROTATION_GRACE: '0', JOTWARD_LATE_REPLAYS: '2' }).lateReplays).toBe(2)
    expect(readSettings({ JOTWARD_ROTATION_GRACE: '10s' }).lateReplays).toBe(1)
  })

  test('tell what the library finds wrong by the variable', () => {
    const error = inVariables(
      new ConfigError([
        { path: 'refreshToken.lateReplays', problem: 'is too much' },
        { path: 'elsewhere', problem: 'is wrong' },
      ]),
    )
    expect(error.message).toBe('JOTWARD_LATE_REPLAYS: is too much\nelsewhere: is wrong')
  })

  test('name variables only, also within the sentences of the library', () => {
    const messages = [
      toldOf({ issuer: '"' }),
      toldOf({ audience: '"' }),
      toldOf({ keys: { secret: 'short' } }),
      toldOf({ keys: { current: {}, next: [{}] }, refreshToken: { secret: 'short' } }),
      toldOf({ accessToken: { lifetime: '2d' }, refreshToken: { grace: 0, lateReplays: 1 } }),
      toldOf({ refreshToken: { idleLifetime: '1m', absoluteLifetime: '1s' } }),
    ].join('\n')
    expect(messages).not.toMatch(
      /\b(?:accessToken|refreshToken|keys|issuer|audience|clientId|realm)\b|nothing is wrong/,
    )
    expect(messages).toMatch(/^JOTWARD_LATE_REPLAYS: must be 0 where JOTWARD_ROTATION_GRACE is 0$/m)
    expect(messages).toMatch(/^JOTWARD_REFRESH_ABSOLUTE: must not be shorter than JOTWARD_REFRESH_IDLE$/m)
    expect(messages).toMatch(/^JOTWARD_SIGNING_KEY: next\[0\] has/m)
    expect(messages.match(/^\/data\/secret: has 5 bytes/gm)).toHaveLength(2)
  })

  test('take addresses of storage apart, and never show their passwords', () => {
    const settings = readSettings({
      DATABASE_URL: 'postgresql://ann:c%40nary@[::1]:6543/auth%20db?sslmode=disable',
      REDIS_URL: 'rediss://bob:c%40nary@a:7000, b:7001,[::2]',
    })
    expect(settings.databaseUrl?.label).toBe('[::1]:6543/auth db')
    expect(settings.databaseUrl?.passwords.map((password) => password.reveal())).toEqual(['c@nary', 'c%40nary'])
    expect(settings.redisUrl).toMatchObject({
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: '::2', port: 6379 },
      ],
      isCluster: true,
      tls: true,
      username: 'bob',
      database: 0,
    })
    expect(settings.redisUrl?.password?.reveal()).toBe('c@nary')
    expect(JSON.stringify(settings) + inspect(settings, { depth: 9, showHidden: true })).not.toMatch(/c(?:@|%40)nary/)
    expect(readSettings({ REDIS_URL: 'redis://h/3' }).redisUrl).toMatchObject({ database: 3, isCluster: false })
  })

  test('never show a secret, in problems, JSON or a dump (N148)', () => {
    const settings = readSettings({ JOTWARD_SECRET: SECRET })
    const shown = [JSON.stringify(settings), inspect(settings, { depth: 9, showHidden: true }), String(settings.secret)]
    expect(shown.join()).not.toContain(SECRET.slice(0, 10))
    expect(shown.every((text) => text.includes('[secret]'))).toBe(true)
    expect(inspect(new Secret(SECRET, 'here'))).toBe('[secret]')
    expect(problemsOf({ PORT: 'x', JOTWARD_SECRET: SECRET }).join()).not.toContain(SECRET)
  })

  test('have words for people, each with its own variable', () => {
    const rows = Object.values(SETTINGS)
    expect(new Set(rows.map(({ variable }) => variable)).size).toBe(rows.length)
    for (const { words } of rows) expect(words).toMatch(/\.$/)
  })
})

describe('the file .env', () => {
  test('sets what the process does not', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), '# ours\nPORT=1234\nJOTWARD_ISSUER="https://auth.example.com"\n')
    expect(readEnvironment(folder, { PORT: '99', HOME: '/' })).toEqual({
      PORT: '99',
      HOME: '/',
      JOTWARD_ISSUER: 'https://auth.example.com',
    })
  })

  test('may be missing, or be the folder of a virtual environment', () => {
    const folder = temporaryFolder()
    expect(readEnvironment(folder, { A: '1' })).toEqual({ A: '1' })
    mkdirSync(join(folder, '.env'))
    expect(readEnvironment(folder, { A: '1' })).toEqual({ A: '1' })
  })
})
