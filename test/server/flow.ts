import { randomBytes } from 'node:crypto'
import { createServer, connect as open } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { startServer, temporaryFolder } from './processes.ts'
import type { ServerProcess } from './processes.ts'

export const PASSWORD = 'canary horse battery staple'

/** Limits for a machine that is busy with other tests. */
export const PATIENT = { JOTWARD_STORE_DEADLINE_MS: '10000', JOTWARD_LEASE: '30s' } as const

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

export const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`

export const newSecret = (): string => randomBytes(32).toString('base64url')

export const tokensOf = async (answer: Response): Promise<Tokens> => {
  expect(answer.status).toBe(200)
  return (await answer.json()) as Tokens
}

export const signIn = (server: ServerProcess, email: string): Promise<Response> =>
  server.post('/auth/signin', { email, password: PASSWORD })

/** Somebody new, signed in. */
export const enter = async (server: ServerProcess, email = newEmail()): Promise<Tokens> => {
  expect((await server.post('/auth/signup', { email, password: PASSWORD })).status).toBe(201)
  return tokensOf(await signIn(server, email))
}

export const get = (server: ServerProcess, path: string, token?: string): Promise<Response> =>
  fetch(server.url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

/** The status of /auth/me: 200 only where its handler was entered, for that alone knows the address to answer with. */
export const me = async (server: ServerProcess, { access_token: token }: Tokens): Promise<number> => {
  const answer = await get(server, '/auth/me', token)
  const isTold = (await answer.text()).includes('@example.com')
  expect(isTold).toBe(answer.status === 200)
  return answer.status
}

export const refresh = (server: ServerProcess, { refresh_token: token }: Tokens): Promise<Response> =>
  server.post('/auth/refresh', { refresh_token: token })

export const signOut = async (server: ServerProcess, { access_token: token }: Tokens): Promise<number> =>
  (await server.post('/auth/signout', {}, { authorization: `Bearer ${token}` })).status

/** Waits for what must come about; the time is for a busy machine. */
export const eventually = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + 25_000
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > end) throw new Error(`${what} did not come about`)
    await delay(20)
  }
}

/** What the README promises of the server, over the storage that the environment names; returns its last exit code. */
export const walkThrough = async (environment: Readonly<Record<string, string>>): Promise<number | null> => {
  const options = { cwd: temporaryFolder(), env: { ...PATIENT, ...environment } }
  const first = await startServer(options)
  expect((await get(first, '/readyz')).status).toBe(200)
  const email = newEmail()
  const tokens = await enter(first, email)
  expect(await me(first, tokens)).toBe(200)
  const renewed = await tokensOf(await refresh(first, tokens))
  const ended = await tokensOf(await signIn(first, email))
  expect(await signOut(first, ended)).toBe(204)
  expect(await me(first, ended)).toBe(401)
  expect((await refresh(first, ended)).status).toBe(401)
  expect((await first.stop()).code).toBe(0)

  const second = await startServer(options)
  expect(second.output.stdout).toContain(`issuer ${first.url}`)
  expect(second.output.stdout).not.toContain('administrator')
  expect(await me(second, renewed)).toBe(200)
  expect(await me(second, ended)).toBe(401)
  await tokensOf(await refresh(second, renewed))
  await tokensOf(await signIn(second, email))
  return (await second.stop()).code
}

export type LineState = 'open' | 'cut' | 'silent'

/** A network between a server and its database: whole, cut (connections are reset), or swallowing everything. */
export interface Line {
  readonly port: number
  set(state: LineState): void
  /** How many connections have been asked for. */
  attempts(): number
}

export const lineTo = async (port: number, host = '127.0.0.1'): Promise<Line> => {
  let state: LineState = 'open'
  let attempts = 0
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    keep(near)
    attempts += 1
    if (state === 'cut') {
      near.resetAndDestroy()
      return
    }
    const far = keep(open(port, host))
    near.on('data', (bytes) => state === 'open' && far.write(bytes)).once('close', () => far.destroy())
    far.on('data', (bytes) => state === 'open' && near.write(bytes)).once('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const end = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    server.close()
    end()
  })
  return {
    // A server that listens on a port has an address of this kind.
    port: (server.address() as AddressInfo).port,
    attempts: () => attempts,
    set: (next) => {
      state = next
      if (next === 'cut') end()
    },
  }
}
