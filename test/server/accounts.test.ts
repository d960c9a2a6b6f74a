import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runJotward, startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

const EMAIL = 'ann@example.com'
const PASSWORD = 'canary horse battery staple'

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

const signIn = (server: ServerProcess, password = PASSWORD) => server.post('/auth/signin', { email: EMAIL, password })

const tokensOf = async (answer: Response): Promise<Tokens> => (await answer.json()) as Tokens

const me = async (server: ServerProcess, { access_token: token }: Tokens): Promise<number> =>
  (await fetch(`${server.url}/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status

const claimsOf = ({ access_token: token }: Tokens) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly sub: string
    readonly sid: string
  }

/** A server that runs with one user, who is signed in twice. */
const running = async () => {
  const cwd = temporaryFolder()
  const server = await startServer({ cwd })
  await server.post('/auth/signup', { email: EMAIL, password: PASSWORD })
  const [first, second] = [await tokensOf(await signIn(server)), await tokensOf(await signIn(server))]
  const jotward = (...args: string[]) => runJotward(args, { cwd, input: `another ${PASSWORD}\n` })
  return { server, first, second, jotward }
}

describe('jotward user', () => {
  test('list shows who has an account, without hashes', async () => {
    const { first, jotward } = await running()
    const { code, stdout } = await jotward('user', 'list')
    const users = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(code).toBe(0)
    expect(users).toMatchObject([
      { email: 'admin@localhost', permissions: ['admin'], active: true },
      { email: EMAIL, id: claimsOf(first).sub, permissions: [], active: true },
    ])
    expect(stdout).not.toContain('argon2')
  })

  test('disable ends what a user has at once, and enable lets them sign in again', async () => {
    const { server, first, second, jotward } = await running()
    expect(await jotward('user', 'disable', '--email', 'ANN@example.com')).toMatchObject({ code: 0 })
    expect(await me(server, first)).toBe(401)
    expect((await server.post('/auth/refresh', { refresh_token: first.refresh_token })).status).toBe(401)
    expect((await signIn(server)).status).toBe(401)
    expect(await jotward('user', 'enable', '--email', EMAIL)).toMatchObject({ code: 0 })
    // The other one was not shown while its owner was disabled: it has ended all the same.
    expect(await me(server, second)).toBe(401)
    expect((await signIn(server)).status).toBe(200)
  })

  test('password takes the place of the one before and ends its sessions', async () => {
    const { server, first, jotward } = await running()
    const { code, stdout } = await jotward('user', 'password', '--email', EMAIL, '--password-stdin')
    expect(code).toBe(0)
    expect(stdout).not.toContain(PASSWORD)
    expect(await me(server, first)).toBe(401)
    expect((await signIn(server)).status).toBe(401)
    expect((await signIn(server, `another ${PASSWORD}`)).status).toBe(200)
    const made = await jotward('user', 'password', '--email', EMAIL)
    expect((await signIn(server, made.stdout.trimEnd().split('\n').at(-1))).status).toBe(200)
  })

  test.each(['disable', 'enable', 'password'])('%s says so where nobody has the address', async (verb) => {
    const { jotward } = await running()
    const outcome = await jotward('user', verb, '--email', 'nobody@example.com')
    expect(outcome).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: 'jotward: nobody has the address nobody@example.com\n',
    })
  })

  test('create says that the first user takes the place of the administrator', async () => {
    const env = { JOTWARD_DATA: join(temporaryFolder(), 'data') }
    const create = (...args: string[]) => runJotward(['user', 'create', ...args], { env })
    const first = await create('--email', EMAIL)
    expect(first.stderr).toMatch(/the server will make no administrator of its own; make one with/)
    expect((await create('--email', 'bob@example.com')).stderr).toBe('')
  })
})

describe('jotward session revoke', () => {
  test('ends one session, of which the server refuses both tokens at once', async () => {
    const { server, first, second, jotward } = await running()
    const { sub, sid } = claimsOf(first)
    expect(await jotward('session', 'revoke', '--id', sid, '--subject', sub)).toMatchObject({ code: 0, stderr: '' })
    expect([await me(server, first), await me(server, second)]).toEqual([401, 200])
    expect((await server.post('/auth/refresh', { refresh_token: first.refresh_token })).status).toBe(401)
    const again = await jotward('session', 'revoke', '--id', sid, '--subject', sub)
    expect(again.stdout).toBe('The session had ended before.\n')
  })

  test('refuses a session that is not of the subject', async () => {
    const { server, first, jotward } = await running()
    const { code, stderr } = await jotward('session', 'revoke', '--id', claimsOf(first).sid, '--subject', 'other')
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not of the subject') as string,
    })
    expect(await me(server, first)).toBe(200)
  })

  test('ends every session of a subject, and says so where there is no such user', async () => {
    const { server, first, second, jotward } = await running()
    expect((await jotward('session', 'revoke', '--subject', 'nobody')).stderr).toMatch(
      /there is no user with the id nobody/,
    )
    expect(await me(server, first)).toBe(200)
    expect((await jotward('session', 'revoke', '--subject', claimsOf(first).sub)).code).toBe(0)
    expect([await me(server, first), await me(server, second)]).toEqual([401, 401])
    expect((await signIn(server)).status).toBe(200)
  })

  test('ends everything', async () => {
    const { server, first, second, jotward } = await running()
    expect((await jotward('session', 'revoke', '--everything')).code).toBe(0)
    expect([await me(server, first), await me(server, second)]).toEqual([401, 401])
    expect((await signIn(server)).status).toBe(200)
  })
})

describe('a command on accounts', () => {
  test.each([[['user', 'list']], [['user', 'disable', '--email', EMAIL]], [['session', 'revoke', '--everything']]])(
    'says where it has looked in vain, and makes nothing: %j',
    async (args) => {
      const cwd = temporaryFolder()
      const { code, stdout, stderr } = await runJotward(args, { cwd })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/jotward\.sqlite: is missing; set JOTWARD_DATA to the data folder of the server/)
      expect(existsSync(join(cwd, 'data'))).toBe(false)
    },
  )
})
