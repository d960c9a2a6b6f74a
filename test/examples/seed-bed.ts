import { once } from 'node:events'
import type { Server } from 'node:http'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import type { MockInstance } from 'vitest'
import type { Auth } from '../../src/auth.ts'
import type { AuthErrorCode } from '../../src/core/errors.ts'
import { overListening } from '../conformance/exchange.ts'
import type { Answer, Service } from '../conformance/exchange.ts'
import { WIRE } from '../conformance/refusals.ts'

/** How the suite of `seed-suite.ts` speaks with an example, and sees what its handlers do. */

export interface SeedExample {
  /** The folder below `examples/`. */
  readonly folder: string
  /** Starts the app of the folder. */
  readonly main: () => Promise<{ readonly server: unknown }>
  /** What the app stands on. */
  readonly auth: Auth
}

export interface Sent {
  readonly method?: string
  readonly path: string
  readonly token?: string
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown
}

/** What the routes answer, as far as the suite looks into it. */
interface Members {
  readonly access_token: string
  readonly refresh_token: string
  readonly visits: number
}

export interface ListedToken {
  readonly jti: string
  readonly type: string
  readonly revoked: boolean
}

interface Session {
  readonly access: string
  readonly refresh: string
}

export interface SeedBed {
  readonly port: () => number
  readonly send: (sent: Sent) => Promise<Answer>
  /** What is answered with 200. */
  readonly ask: (sent: Sent) => Promise<Members>
  /** Asserts a refusal, and that nothing but the refusal came of the request. */
  readonly expectRefusal: (sent: Sent, code: AuthErrorCode) => Promise<void>
  readonly logIn: () => Promise<Session>
  /** A session of the same user without a login, where the login is not the point: passwords take their time. */
  readonly enter: () => Promise<Session>
  readonly list: (token: string) => Promise<readonly ListedToken[]>
  readonly change: (token: string, change: 'revoke' | 'unrevoke', jti: string) => Promise<ListedToken>
}

export const CREDENTIALS = { username: 'ann', password: 'nine legs of a table' }

/**
 * Each handler leaves a trace, though the app says nothing of it: a greeting is counted among the visits, all others
 * turn to the register of tokens, which no guard does. The calls go through to the register.
 */
const watchRegister = ({ store: { tokens } }: Auth): (() => readonly string[]) => {
  const spies: readonly MockInstance[] = [
    vi.spyOn(tokens, 'record'),
    vi.spyOn(tokens, 'find'),
    vi.spyOn(tokens, 'list'),
  ]
  afterAll(() => void vi.restoreAllMocks())
  return () => {
    const calls = spies.flatMap((spy) => spy.mock.calls.map(() => spy.getMockName()))
    for (const spy of spies) spy.mockClear()
    return calls
  }
}

/** The app of the example, listening on a port of its own until the tests of the file are done. */
const openServer = (main: SeedExample['main']): (() => Service) => {
  const opened: Service[] = []
  beforeAll(async () => {
    vi.stubEnv('PORT', '0')
    // Each framework gives Node's own server, if under types of its own.
    const server = (await main()).server as Server
    vi.unstubAllEnvs()
    if (!server.listening) await once(server, 'listening')
    opened.push(overListening(server))
  })
  afterAll(async () => {
    for (const service of opened) await service.close()
  })
  return () => {
    const [service] = opened
    if (service === undefined) throw new Error('The app has not been started.')
    return service
  }
}

const headersOf = ({ token, body }: Sent): readonly (readonly [string, string])[] => [
  ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
  ...(body === undefined ? [] : [['Content-Type', 'application/json'] as const]),
]

const bodyOf = ({ body }: Sent): { readonly body?: string } =>
  body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }

export const createSeedBed = ({ main, auth }: SeedExample): SeedBed => {
  const service = openServer(main)
  const takeTraces = watchRegister(auth)

  const send = (sent: Sent): Promise<Answer> => {
    const method = sent.method ?? (sent.body === undefined ? 'GET' : 'POST')
    return service().send({ path: sent.path, method, headers: headersOf(sent), ...bodyOf(sent) })
  }

  /** What is answered, under the name that the suite has for it: a member that is not there fails where it is used. */
  const read = async <T>(sent: Sent): Promise<T> => {
    const { status, text } = await send(sent)
    expect({ status, text }).toMatchObject({ status: 200 })
    return JSON.parse(text) as T
  }

  const visits = async (witness: string): Promise<number> =>
    (await read<Members>({ path: '/protected', token: witness })).visits

  const expectRefusal = async (sent: Sent, code: AuthErrorCode): Promise<void> => {
    const { accessToken: witness } = await auth.issue({ subject: 'witness' })
    const before = await visits(witness)
    takeTraces()
    const answer = await send(sent)
    const traces = takeTraces()
    const [status, , msg] = WIRE[code]
    expect({ status: answer.status, body: JSON.parse(answer.text) as unknown }).toEqual({ status, body: { msg } })
    expect(answer.header('content-type')).toMatch(/^application\/json\b/)
    expect(answer.header('www-authenticate') !== null).toBe(status === 401 || code === 'malformed_credentials')
    // Whose token it is, only the handler finds out.
    expect(traces).toEqual(code === 'not_found' ? ['find'] : [])
    expect(await visits(witness)).toBe(before + 1)
  }

  return {
    port: () => service().port ?? 0,
    send,
    ask: (sent) => read<Members>(sent),
    expectRefusal,
    logIn: async () => {
      const answer = await read<Members>({ path: '/auth/login', body: CREDENTIALS })
      return { access: answer.access_token, refresh: answer.refresh_token }
    },
    enter: async () => {
      const { accessToken: access, refreshToken: refresh } = await auth.issue({ subject: CREDENTIALS.username })
      return { access, refresh }
    },
    list: (token) => read<readonly ListedToken[]>({ path: '/auth/tokens', token }),
    change: (token, change, jti) => read<ListedToken>({ method: 'PUT', path: `/auth/tokens/${change}/${jti}`, token }),
  }
}
