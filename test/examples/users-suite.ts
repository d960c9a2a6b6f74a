import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAuth, memoryStore, scryptHasher } from '../../src/index.ts'
import type { MaybePromise, UserDirectory } from '../../src/index.ts'
import { fetchAuth } from '../../src/adapters/fetch.ts'
import { authRoutes } from '../../src/routes/index.ts'
import { userDirectoryConformance } from '../../src/testing/index.ts'
import { direct, overListening } from '../conformance/exchange.ts'
import type { Answer, Service } from '../conformance/exchange.ts'

/** What every example of a user directory over an ORM must show. */

export interface OpenedUsers {
  readonly directory: UserDirectory
  /** Disables a user in the application's own way: through the ORM, past the directory. */
  readonly disable: (canonicalEmail: string) => MaybePromise<unknown>
  readonly close: () => MaybePromise<unknown>
}

export interface UsersExample {
  /** The folder below `examples/`. */
  readonly folder: string
  readonly open: (file: string) => MaybePromise<OpenedUsers>
  /** Starts the app of the folder. */
  readonly main: () => Promise<{ readonly server: Server }>
}

const ISSUER = 'https://auth.example.com'
const CREDENTIALS = { email: 'Ann@example.com', password: 'nine legs of the kitchen table' }

const post = (service: Service, path: string, body: object): Promise<Answer> =>
  service.send({ path, headers: [['Content-Type', 'application/json']], body: JSON.stringify(body) })

const get = (service: Service, path: string, token: string): Promise<Answer> =>
  service.send({ path, headers: [['Authorization', `Bearer ${token}`]] })

interface Pair {
  readonly access_token: string
  readonly refresh_token: string
}

/** Signs Ann up and in. */
const enter = async (service: Service): Promise<Pair> => {
  expect((await post(service, '/auth/signup', CREDENTIALS)).status).toBe(201)
  const answer = await post(service, '/auth/signin', CREDENTIALS)
  expect(answer.status).toBe(200)
  // What sign-in answers with 200.
  return JSON.parse(answer.text) as Pair
}

/** An app over the directory, with a guarded route that counts its callers. */
const appOver = (users: UserDirectory) => {
  const auth = createAuth({
    issuer: ISSUER,
    audience: ISSUER,
    keys: { secret: new Uint8Array(32).map((_, index) => (index * 89 + 7) % 251) },
    store: memoryStore(),
    users,
  })
  const { mount, protect } = fetchAuth(auth)
  const entries: string[] = []
  const guarded = protect({}, (_request, { subject }) => {
    entries.push(subject)
    return Response.json({ of: subject })
  })
  // Cheap, for here it is not the point.
  const hasher = scryptHasher({ cost: 2 ** 10, parallelization: 1 })
  return { service: direct(mount(authRoutes(auth, { passwords: { hasher } }), guarded)), entries }
}

/** A directory that sends each call through the next of two handles. */
const alternating = (first: UserDirectory, second: UserDirectory): UserDirectory => {
  let calls = 0
  const next = (): UserDirectory => {
    calls += 1
    return calls % 2 === 0 ? first : second
  }
  return {
    create: (user) => next().create(user),
    findById: (id) => next().findById(id),
    findByEmail: (canonicalEmail) => next().findByEmail(canonicalEmail),
    list: (page) => next().list(page),
    replacePassword: (id, replacement) => next().replacePassword(id, replacement),
    update: (id, change) => next().update(id, change),
  }
}

const scenarios = ({ folder, main }: UsersExample, open: (file: string) => Promise<OpenedUsers>): void => {
  test('is one file of at most fifty lines (S1-6)', () => {
    const source = readFileSync(new URL(`../../examples/${folder}/user-directory.ts`, import.meta.url), 'utf8')
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(50)
  })

  test('answers a replaced password with its own version, never with that of a later one', async () => {
    const { directory } = await open(':memory:')
    const ann = { email: 'ann@example.com', canonicalEmail: 'ann@example.com', permissions: [], profile: {} }
    const user = await directory.create({ ...ann, passwordHash: 'hash 0' })
    const replace = (turn: number) => {
      const replacement = { expected: `hash ${turn}`, hash: `hash ${turn + 1}`, changed: true }
      return directory.replacePassword(user?.id ?? '', replacement)
    }
    // Each expects what the one before it writes, and all are called before any has answered.
    const answers = await Promise.all([0, 1, 2, 3].map(async (turn) => replace(turn)))
    const told = answers.map((answer) => answer && [answer.passwordHash, answer.credentialVersion])
    const own = answers.map((_, turn) => [`hash ${turn + 1}`, (user?.credentialVersion ?? 0) + turn + 1])
    // Null is right too where the next one was quicker: then nothing is known of the version in between.
    expect(told).toEqual(told.map((answer, turn) => answer && own[turn]))
    expect(told.some((answer) => answer !== null)).toBe(true)
  })

  test('signs up, signs in and lets the user in, for whom a second account is refused', async () => {
    const { service, entries } = appOver((await open(':memory:')).directory)
    const { access_token: token } = await enter(service)
    const me = await get(service, '/auth/me', token)
    expect(JSON.parse(me.text)).toMatchObject({ user: { email: 'Ann@example.com' } })
    expect((await get(service, '/orders', token)).status).toBe(200)
    expect(entries).toHaveLength(1)
    expect((await post(service, '/auth/signup', { ...CREDENTIALS, email: 'ANN@example.com' })).status).toBe(409)
  })

  test('refuses a user whom the application disables itself at sign-in and refresh, and their session from then on', async () => {
    const { directory, disable } = await open(':memory:')
    const { service, entries } = appOver(directory)
    const { access_token: token, refresh_token: refresh } = await enter(service)
    await disable('ann@example.com')
    expect((await post(service, '/auth/signin', CREDENTIALS)).status).toBe(401)
    expect((await post(service, '/auth/refresh', { refresh_token: refresh })).status).toBe(401)
    expect((await get(service, '/orders', token)).status).toBe(401)
    expect(entries).toEqual([])
  })

  test('changes the password, after which neither the old one nor the old session counts', async () => {
    const { service, entries } = appOver((await open(':memory:')).directory)
    const { access_token: token, refresh_token: refresh } = await enter(service)
    const next = 'a hat made of old newspapers'
    const changed = await service.send({
      path: '/auth/password',
      headers: [
        ['Content-Type', 'application/json'],
        ['Authorization', `Bearer ${token}`],
      ],
      body: JSON.stringify({ current: CREDENTIALS.password, next }),
    })
    expect(changed.status).toBe(200)
    expect((await post(service, '/auth/signin', CREDENTIALS)).status).toBe(401)
    expect((await post(service, '/auth/refresh', { refresh_token: refresh })).status).toBe(401)
    expect((await get(service, '/orders', token)).status).toBe(401)
    expect(entries).toEqual([])
    expect((await post(service, '/auth/signin', { ...CREDENTIALS, password: next })).status).toBe(200)
  })

  test('answers 503 where the database does not answer, never as if there were no such user', async () => {
    const { directory, close } = await open(':memory:')
    const { service } = appOver(directory)
    const { refresh_token: refresh } = await enter(service)
    await close()
    expect((await post(service, '/auth/signin', CREDENTIALS)).status).toBe(503)
    expect((await post(service, '/auth/refresh', { refresh_token: refresh })).status).toBe(503)
    expect((await post(service, '/auth/signup', { ...CREDENTIALS, email: 'bob@example.com' })).status).toBe(503)
  })

  test('runs as an app of its own', async () => {
    vi.stubEnv('PORT', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { server } = await main()
    if (!server.listening) await once(server, 'listening')
    const service = overListening(server)
    onTestFinished(() => service.close())
    const { access_token: token } = await enter(service)
    expect(JSON.parse((await get(service, '/auth/me', token)).text)).toMatchObject({
      user: { email: 'Ann@example.com' },
    })
    expect((await get(service, '/orders', token)).status).toBe(200)
    expect((await get(service, '/orders', `${token}x`)).status).toBe(401)
  })
}

/** Proves an example: the promises of `UserDirectory` on one handle and on two, and an app over it. */
export const usersExample = (example: UsersExample): void => {
  const folder = mkdtempSync(join(tmpdir(), `jotward-${example.folder}-`))
  afterAll(() => rmSync(folder, { recursive: true }))
  let files = 0

  const open = async (file: string): Promise<OpenedUsers> => {
    const opened = await example.open(file)
    let isOpen = true
    const close = async (): Promise<void> => {
      if (isOpen) await opened.close()
      isOpen = false
    }
    onTestFinished(close)
    return { ...opened, close }
  }

  userDirectoryConformance(test, example.folder, async () => (await open(':memory:')).directory)
  userDirectoryConformance(test, `${example.folder}, two handles on one file`, async () => {
    files += 1
    const file = join(folder, `users-${files}.db`)
    const [first, second] = [await open(file), await open(file)]
    return alternating(first.directory, second.directory)
  })
  describe(`examples/${example.folder}`, () => {
    scenarios(example, open)
  })
}
