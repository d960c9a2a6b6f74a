import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createVerifier } from '../../src/index.ts'
import type { JwksDocument } from '../../src/index.ts'
import { openFolder, printedPassword, runJotward, startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

const EMAIL = 'ann@example.com'
const PASSWORD = 'canary horse battery staple'

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

const tokensOf = async (answer: Response): Promise<Tokens> => {
  expect(answer.status).toBe(200)
  return (await answer.json()) as Tokens
}

const signUp = (server: ServerProcess) => server.post('/auth/signup', { email: EMAIL, password: PASSWORD })
const signIn = (server: ServerProcess) => server.post('/auth/signin', { email: EMAIL, password: PASSWORD })

/** More than can be hashed before a signal comes, fewer than the hasher's queue takes. */
const CROWD = 60
/** All of them are one account's. */
const CROWDED = { JOTWARD_SIGNIN_LIMIT: '1000' }

/** Sign-ins that the server has begun with. The connections stand before, for one that is not yet seen may be reset. */
const signInsUnderWay = async (server: ServerProcess): Promise<() => Promise<number[]>> => {
  await Promise.all(Array.from({ length: CROWD }, async () => (await fetch(`${server.url}/healthz`)).text()))
  const signIns = Array.from({ length: CROWD }, () => signIn(server))
  const answers = Promise.allSettled(signIns)
  // On a busy machine requests may come late; once one has been hashed the others are waiting.
  await Promise.race(signIns)
  await delay(300)
  return async () => (await answers).map((answer) => (answer.status === 'fulfilled' ? answer.value.status : 0))
}

const me = (server: ServerProcess, { access_token: token }: Tokens) =>
  fetch(`${server.url}/auth/me`, { headers: { authorization: `Bearer ${token}` } })

describe('jotward serve, the first time', () => {
  test('makes its data for its owner alone, and an administrator whose password it prints once', async () => {
    const cwd = temporaryFolder()
    const server = await startServer({ cwd })
    const password = printedPassword(server.output.stdout)
    expect(password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/)
    const tokens = await tokensOf(await server.post('/auth/signin', { email: 'admin@localhost', password }))
    const users = await fetch(`${server.url}/auth/users`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(users.status).toBe(200)
    expect(statSync(join(cwd, 'data')).mode & 0o777).toBe(0o700)
    const modes = readdirSync(join(cwd, 'data')).map((name) => statSync(join(cwd, 'data', name)).mode & 0o777)
    expect(new Set(modes)).toEqual(new Set([0o600]))
    expect(readFileSync(join(cwd, 'data', 'issuer'), 'utf8')).toBe(`${server.url}\n`)
    const { stderr } = await server.stop()
    expect(stderr).not.toContain(password)
    const again = await startServer({ cwd })
    expect((await again.stop()).stdout).not.toContain('administrator')
  })

  test('prints the password in one process only, of four that start at once on one folder', async () => {
    for (let round = 0; round < 3; round++) {
      const options = { env: { JOTWARD_DATA: join(temporaryFolder(), 'data') } }
      const servers = await Promise.all([1, 2, 3, 4].map(() => startServer(options)))
      const passwords = servers.map(({ output }) => printedPassword(output.stdout))
      expect(passwords.filter((password) => password !== '')).toHaveLength(1)
      const password = passwords.join('')
      // One secret, one issuer and one database for all: what one hands out the others accept.
      for (const server of servers) {
        const tokens = await tokensOf(await server.post('/auth/signin', { email: 'admin@localhost', password }))
        const statuses = await Promise.all(servers.map(async (other) => (await me(other, tokens)).status))
        expect(statuses).toEqual([200, 200, 200, 200])
      }
      await Promise.all(servers.map((server) => server.stop()))
    }
  })

  test('makes no administrator where somebody has made a user before', async () => {
    const cwd = temporaryFolder()
    await runJotward(['user', 'create', '--email', EMAIL, '--permissions', 'admin'], { cwd })
    const server = await startServer({ cwd })
    expect((await server.stop()).stdout).not.toContain('administrator')
  })

  test('takes its settings from a file .env in the current folder', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, '.env'), 'JOTWARD_SIGNUP=closed\nJOTWARD_ADMIN_EMAIL=root@example.com\nPORT=1\n')
    const server = await startServer({ cwd })
    expect(server.output.stdout).toContain('root@example.com')
    expect((await signUp(server)).status).toBe(403)
  })
})

describe('jotward serve, later', () => {
  test('keeps users and sessions on another port, under the issuer of the first start', async () => {
    const cwd = temporaryFolder()
    const first = await startServer({ cwd })
    expect((await signUp(first)).status).toBe(201)
    const tokens = await tokensOf(await signIn(first))
    await first.stop()

    const second = await startServer({ cwd, env: { HOST: '127.0.0.2' } })
    expect(second.url).not.toBe(first.url)
    expect(second.output.stdout).toContain(`issuer ${first.url}`)
    expect((await me(second, tokens)).status).toBe(200)
    const renewed = await tokensOf(await second.post('/auth/refresh', { refresh_token: tokens.refresh_token }))
    expect((await me(second, renewed)).status).toBe(200)
    expect((await signIn(second)).status).toBe(200)
  })

  test('survives a kill: what it has answered is kept', async () => {
    const cwd = temporaryFolder()
    const first = await startServer({ cwd })
    await signUp(first)
    const tokens = await tokensOf(await signIn(first))
    const ended = await tokensOf(await signIn(first))
    const answer = await first.post('/auth/signout', {}, { authorization: `Bearer ${ended.access_token}` })
    expect(answer.status).toBe(204)
    await first.stop('SIGKILL')
    const second = await startServer({ cwd })
    expect((await me(second, tokens)).status).toBe(200)
    expect((await me(second, ended)).status).toBe(401)
  })

  test('lets JOTWARD_ISSUER and JOTWARD_SECRET win over the data folder', async () => {
    const cwd = temporaryFolder()
    const env = {
      JOTWARD_ISSUER: 'https://auth.example.com',
      JOTWARD_SECRET: 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzBr',
    }
    const server = await startServer({ cwd, env })
    await signUp(server)
    const { access_token: token } = await tokensOf(await signIn(server))
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object
    expect(payload).toMatchObject({ iss: 'https://auth.example.com', aud: 'https://auth.example.com' })
    expect(existsSync(join(cwd, 'data', 'secret'))).toBe(false)
  })

  test('signs with the key of JOTWARD_SIGNING_KEY, which its published set verifies', async () => {
    const cwd = temporaryFolder()
    await runJotward(['keys', 'generate', '--alg', 'ES256', '--out', 'key.json'], { cwd })
    const server = await startServer({ cwd, env: { JOTWARD_SIGNING_KEY: 'key.json' } })
    await signUp(server)
    const tokens = await tokensOf(await signIn(server))
    const keys = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as JwksDocument
    const { header } = createVerifier({ issuer: server.url, audience: server.url, keys }).verify(tokens.access_token)
    expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const renewed = await tokensOf(await server.post('/auth/refresh', { refresh_token: tokens.refresh_token }))
    expect((await me(server, renewed)).status).toBe(200)
  })

  test('never writes passwords or tokens to its log or its terminal (N147)', async () => {
    const server = await startServer({ cwd: temporaryFolder(), env: { JOTWARD_LOG_LEVEL: 'debug' } })
    await signUp(server)
    const { access_token: access, refresh_token: refresh } = await tokensOf(await signIn(server))
    const bearer = { authorization: `Bearer ${access}` }
    await me(server, { access_token: access, refresh_token: refresh })
    await server.post('/auth/refresh', { refresh_token: refresh })
    await server.post(`/auth/signin?password=${PASSWORD}`, { email: PASSWORD, password: PASSWORD })
    await server.post('/auth/refresh', { refresh_token: `${refresh}x` })
    await server.post(`/auth/signout/${access}`, {}, bearer)
    await server.post('/auth/signout', {}, { ...bearer, cookie: `session=${refresh}` })
    const { stdout, stderr } = await server.stop()
    expect(stderr).toContain('"event":"session.created"')
    expect(stderr).toContain('"path":"/auth/signin"')
    const signatures = [access, refresh].map((token) => token.split('.')[2] ?? '')
    for (const canary of ['canary', encodeURIComponent(PASSWORD), ...signatures]) {
      expect(stdout + stderr).not.toContain(canary)
    }
  })
})

describe('jotward serve at its end', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'answers sign-ins in flight at %s, then exits with 0',
    async (signal) => {
      const server = await startServer({ cwd: temporaryFolder(), env: CROWDED })
      await signUp(server)
      const statuses = await signInsUnderWay(server)
      const stopped = server.stop(signal)
      expect(await statuses()).toEqual(Array.from({ length: CROWD }, () => 200))
      expect(await stopped).toMatchObject({ code: 0, signal: null })
    },
  )

  test('takes a signal that comes twice at once for one, as npm passes a Ctrl-C on', async () => {
    const server = await startServer({ cwd: temporaryFolder(), env: CROWDED })
    await signUp(server)
    const statuses = await signInsUnderWay(server)
    server.signal('SIGINT')
    await delay(20)
    const stopped = server.stop('SIGINT')
    expect(await statuses()).toEqual(Array.from({ length: CROWD }, () => 200))
    expect(await stopped).toMatchObject({ code: 0 })
  })

  test('exits at once at a second signal', async () => {
    const server = await startServer({ cwd: temporaryFolder() })
    const endless = fetch(`${server.url}/auth/signin`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) }),
      duplex: 'half',
    }).catch((error: unknown) => error)
    await delay(200)
    server.signal('SIGTERM')
    await delay(700)
    expect(await server.stop('SIGTERM')).toMatchObject({ code: 1, signal: null })
    expect(await endless).toBeInstanceOf(Error)
  })
})

const serve = (cwd: string, env: Readonly<Record<string, string>> = {}) =>
  runJotward(['serve'], { cwd, env: { PORT: '0', ...env } })

describe('jotward serve exits with 1 and a sentence', () => {
  test('where the port is in use, before it has written anything', async () => {
    const first = await startServer({ cwd: temporaryFolder() })
    const { port } = new URL(first.url)
    const cwd = temporaryFolder()
    expect(await serve(cwd, { PORT: port })).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `jotward: port ${port} is in use; set PORT to another\n`,
    })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('for each setting that cannot be used, and for those that do not fit together', async () => {
    const cwd = temporaryFolder()
    const wrong = await serve(cwd, { JOTWARD_SIGNUP: 'maybe', JOTWARD_SIGNUPS: 'open' })
    expect(wrong.code).toBe(1)
    expect(wrong.stderr.trimEnd().split('\n')).toHaveLength(2)
    const misfit = await serve(cwd, { JOTWARD_REFRESH_IDLE: '10m' })
    expect(misfit.stderr).toMatch(/^jotward: JOTWARD_REFRESH_IDLE: must exceed/)
    const weak = await serve(cwd, { JOTWARD_SECRET: 'canary'.repeat(8) })
    expect(weak.stderr).toMatch(/^jotward: JOTWARD_SECRET: /)
    expect(weak.stderr).not.toContain('canarycanary')
    expect([misfit.code, weak.code]).toEqual([1, 1])
  })

  test.each([
    [
      'nowhere',
      null,
      0o600,
      /^jotward: JOTWARD_SIGNING_KEY: nowhere cannot be read \(ENOENT\); `jotward keys generate/,
    ],
    ['no JSON', '{"d":"canary', 0o600, /^jotward: JOTWARD_SIGNING_KEY: .* is not JSON/],
    [
      'no private key',
      '{"kty":"OKP","crv":"Ed25519","x":"canary"}',
      0o600,
      /^jotward: JOTWARD_SIGNING_KEY: has members/,
    ],
    ['readable by others', '{}', 0o644, /run "chmod 600 .*key\.json"/],
  ])('where the signing key is %s', async (_title, text, mode, words) => {
    const cwd = temporaryFolder()
    const file = text === null ? 'nowhere' : join(cwd, 'key.json')
    if (text !== null) writeFileSync(file, text, { mode })
    const { code, stderr } = await serve(cwd, { JOTWARD_SIGNING_KEY: file })
    expect(code).toBe(1)
    expect(stderr).toMatch(words)
    expect(stderr).not.toContain('canary')
  })

  test.each([
    [
      'jotward.sqlite',
      'this was a database once',
      /jotward\.sqlite: .*not a database.*; restore it from a backup, or move/,
    ],
    ['secret', 'too-short', /secret: the secret has 9 characters/],
    ['issuer', 'nonsense', /issuer: "nonsense" is not an issuer/],
  ])('where %s is damaged, and leaves it alone', async (name, text, words) => {
    const cwd = temporaryFolder()
    await (await startServer({ cwd })).stop()
    const file = join(cwd, 'data', name)
    writeFileSync(file, text)
    const { code, stdout, stderr } = await serve(cwd)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(words)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('where others may read the secret', async () => {
    const cwd = temporaryFolder()
    await (await startServer({ cwd })).stop()
    chmodSync(join(cwd, 'data', 'secret'), 0o644)
    expect((await serve(cwd)).stderr).toMatch(/run "chmod 600 .*secret"/)
  })

  test.each([
    [
      'data',
      0o500,
      /^jotward: JOTWARD_DATA: .* cannot be written \(EACCES\); make it a folder that this user may write/,
    ],
    ['data/secret', 0, /secret: the secret cannot be read or made \(EACCES\); give this user the right/],
    ['data/jotward.sqlite', 0, /jotward\.sqlite: .*; give this user the right/],
    ['data/jotward.sqlite', 0o400, /jotward\.sqlite: .*; give this user the right/],
    ['.env', 0, /^jotward: \.env: cannot be read \(EACCES\)/],
  ])('where %s has the mode %o', async (name, mode, words) => {
    const cwd = openFolder()
    await (await startServer({ cwd, unprivileged: true })).stop()
    if (name === '.env') writeFileSync(join(cwd, name), '')
    chmodSync(join(cwd, name), mode)
    const { code, stderr } = await runJotward(['serve'], { cwd, env: { PORT: '0' }, unprivileged: true })
    expect(code).toBe(1)
    expect(stderr).toMatch(words)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
