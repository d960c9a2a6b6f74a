import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runJotward, startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

const CREDENTIALS = { email: 'ann@example.com', password: 'canary horse battery staple' }

const signIn = async (server: ServerProcess): Promise<Tokens> => {
  await server.post('/auth/signup', CREDENTIALS)
  return (await (await server.post('/auth/signin', CREDENTIALS)).json()) as Tokens
}

const refresh = (server: ServerProcess, { refresh_token: token }: Tokens) =>
  server.post('/auth/refresh', { refresh_token: token })

const me = async (server: ServerProcess, { access_token: token }: Tokens): Promise<number> =>
  (await fetch(`${server.url}/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status

const serve = (cwd: string, env: Readonly<Record<string, string>> = {}) =>
  runJotward(['serve'], { cwd, env: { PORT: '0', ...env } })

/** A data folder with a session in it. */
const served = async (): Promise<{ readonly cwd: string; readonly tokens: Tokens }> => {
  const cwd = temporaryFolder()
  const server = await startServer({ cwd })
  const tokens = await signIn(server)
  await server.stop()
  return { cwd, tokens }
}

describe('a change from the secret to a signing key', () => {
  test('ends no session: access tokens of before fail until they are refreshed', async () => {
    const { cwd, tokens } = await served()
    await runJotward(['keys', 'generate', '--out', 'key.json'], { cwd })

    const withKey = await startServer({ cwd, env: { JOTWARD_SIGNING_KEY: 'key.json' } })
    expect(await me(withKey, tokens)).toBe(401)
    const renewed = (await (await refresh(withKey, tokens)).json()) as Tokens
    expect(await me(withKey, renewed)).toBe(200)
    await withKey.stop()

    const back = await startServer({ cwd })
    expect((await refresh(back, renewed)).status).toBe(200)
  })
})

describe('a data folder of which a part is missing', () => {
  test('stops the start where the secret is gone, and makes no other', async () => {
    const { cwd, tokens } = await served()
    const file = join(cwd, 'data', 'secret')
    renameSync(file, `${file}.away`)
    const { code, stdout, stderr } = await serve(cwd)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^jotward: .*secret: is missing, and a new secret would end every session; restore it/)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    renameSync(`${file}.away`, file)
    expect((await refresh(await startServer({ cwd }), tokens)).status).toBe(200)
  })

  test('starts anew without the secret once every session has been ended on purpose', async () => {
    const { cwd, tokens } = await served()
    rmSync(join(cwd, 'data', 'secret'))
    expect(await runJotward(['session', 'revoke', '--everything'], { cwd })).toMatchObject({ code: 0, stderr: '' })
    const server = await startServer({ cwd })
    expect((await refresh(server, tokens)).status).toBe(401)
    expect((await signIn(server)).access_token).toMatch(/^ey/)
  })

  test('says so where the database is gone, in the log and on the terminal', async () => {
    const { cwd } = await served()
    rmSync(join(cwd, 'data', 'jotward.sqlite'))
    const { stdout, stderr } = await (await startServer({ cwd })).stop()
    expect(stdout).toMatch(/^Warning: .*jotward\.sqlite was missing beside secret and issuer: /m)
    expect(stderr).toMatch(/"level":"warn".*was missing beside secret and issuer/)
  })

  test('has its issuer again from the database, and says so', async () => {
    const { cwd, tokens } = await served()
    const file = join(cwd, 'data', 'issuer')
    const issuer = readFileSync(file, 'utf8')
    rmSync(file)
    const server = await startServer({ cwd })
    expect(server.output.stdout).toMatch(/^Warning: .*issuer was missing; it holds http:.* again/m)
    expect(readFileSync(file, 'utf8')).toBe(issuer)
    expect((await refresh(server, tokens)).status).toBe(200)
  })

  test('that is whole, or new, gives no warning', async () => {
    const { cwd } = await served()
    expect((await (await startServer({ cwd })).stop()).stdout).not.toContain('Warning')
    const fresh = await startServer({ cwd: temporaryFolder() })
    expect((await fresh.stop()).stdout).not.toContain('Warning')
  })
})

describe('another secret than that of the sessions', () => {
  test.each(['JOTWARD_SECRET', 'JOTWARD_SECRET_FILE'])('in %s stops the start', async (variable) => {
    const { cwd } = await served()
    const secret = randomBytes(32).toString('base64url')
    writeFileSync(join(cwd, 'other'), secret, { mode: 0o600 })
    const env = { [variable]: variable.endsWith('FILE') ? 'other' : secret }
    const { code, stderr } = await serve(cwd, env)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      new RegExp(`^jotward: ${variable}: is not the secret that the sessions in .* were made with; `),
    )
    expect(stderr).not.toContain(secret)
  })

  test('in the data folder stops the start', async () => {
    const { cwd } = await served()
    writeFileSync(join(cwd, 'data', 'secret'), randomBytes(32).toString('base64url'))
    expect((await serve(cwd)).stderr).toMatch(/^jotward: .*secret: is not the secret that the sessions/)
  })

  test('is the same secret where only its place has changed', async () => {
    const { cwd, tokens } = await served()
    const server = await startServer({ cwd, env: { JOTWARD_SECRET_FILE: 'data/secret' } })
    expect((await refresh(server, tokens)).status).toBe(200)
  })
})

describe('another issuer than that of the sessions', () => {
  test('is warned of once', async () => {
    const { cwd } = await served()
    const env = { JOTWARD_ISSUER: 'https://auth.example.com' }
    const first = await (await startServer({ cwd, env })).stop()
    expect(first.stdout).toMatch(/^Warning: the issuer is https:\/\/auth\.example\.com and was http:.*has ended$/m)
    expect((await (await startServer({ cwd, env })).stop()).stdout).not.toContain('Warning')
  })

  test('is warned of before it is too late, where others reach the server and no issuer is set', async () => {
    const open = await startServer({ cwd: temporaryFolder(), env: { HOST: '0.0.0.0' } })
    expect((await open.stop()).stdout).toMatch(
      /^Warning: HOST is 0\.0\.0\.0, but the issuer is http:.*set JOTWARD_ISSUER/m,
    )
    const env = { HOST: '0.0.0.0', JOTWARD_ISSUER: 'https://auth.example.com' }
    const named = await startServer({ cwd: temporaryFolder(), env })
    expect((await named.stop()).stdout).not.toContain('Warning')
  })
})
