import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { MockInstance } from 'vitest'
import { decodeUnverified } from '../../src/index.ts'
import type { Auth } from '../../src/index.ts'
import { overListening } from '../conformance/exchange.ts'
import type { Answer, Service } from '../conformance/exchange.ts'

/**
 * What every example of the whole flow must show, over its own server. A refused request must not reach its handler,
 * and each handler leaves a trace: a greeting is counted among the visits, all others ask the register of tokens, which
 * no guard does.
 */

export interface SeedExample {
  /** The folder below `examples/`. */
  readonly folder: string
  /** Starts the app of the folder. */
  readonly main: () => Promise<{ readonly server: unknown }>
  /** What the app stands on. */
  readonly auth: Auth
}

interface Request {
  readonly method?: string
  readonly path: string
  readonly token?: string
  readonly body?: unknown
}

/** What the routes answer, as far as the suite looks into it. */
interface Members {
  readonly access_token: string
  readonly refresh_token: string
  readonly visits: number
}

interface ListedToken {
  readonly jti: string
  readonly type: string
  readonly revoked: boolean
}

const CREDENTIALS = { username: 'ann', password: 'nine legs of a table' }

const REFUSED = {
  none: { status: 401, msg: 'Authentication is required.' },
  malformed: { status: 400, msg: 'The credentials are malformed.' },
  invalid: { status: 401, msg: 'The token is not valid.' },
  otherKind: { status: 401, msg: 'This kind of token is not accepted here.' },
  revoked: { status: 401, msg: 'The token has been revoked.' },
  notFresh: { status: 401, msg: 'A more recent authentication is required.' },
  credentials: { status: 401, msg: 'The credentials are not correct.' },
  body: { status: 400, msg: 'The request body is not valid.' },
  unknown: { status: 404, msg: 'There is nothing here.' },
} as const

/** Every route behind a guard that asks for a token. */
const GUARDED: readonly Request[] = [
  { path: '/protected' },
  { path: '/protected-fresh' },
  { path: '/auth/tokens' },
  { method: 'PUT', path: '/auth/tokens/revoke/some' },
  { method: 'PUT', path: '/auth/tokens/unrevoke/some' },
]

/** The example under test. It is opened once: its app lives as long as the process does, like that of a user. */
interface Bed {
  readonly send: (request: Request) => Promise<Answer>
  /** What a route that must answer 200 answers. */
  readonly ask: (request: Request) => Promise<Members>
  readonly logIn: () => Promise<{ readonly access: string; readonly refresh: string }>
  readonly list: (token: string) => Promise<readonly ListedToken[]>
  readonly change: (token: string, change: 'revoke' | 'unrevoke', jti: string) => Promise<Answer>
  /** Asserts the refusal, and that nothing but the refusal came of the request. */
  readonly refuse: (request: Request, refusal: (typeof REFUSED)[keyof typeof REFUSED]) => Promise<void>
}

const createBed = (open: () => Service, auth: Auth): Bed => {
  const { send: exchange } = { send: (sent: Parameters<Service['send']>[0]) => open().send(sent) }
  const calls: MockInstance[] = []
  // They go through to the register: only the calls are counted.
  beforeAll(() => {
    const { tokens } = auth.store
    calls.push(vi.spyOn(tokens, 'record'), vi.spyOn(tokens, 'find'), vi.spyOn(tokens, 'list'))
  })
  afterAll(() => void vi.restoreAllMocks())
  const registerCalls = (): number => calls.reduce((sum, { mock }) => sum + mock.calls.length, 0)

  const send = ({ method, path, token, body }: Request): Promise<Answer> =>
    exchange({
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: [
        ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
        ...(body === undefined ? [] : [['Content-Type', 'application/json'] as const]),
      ],
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })

  const ask = async (request: Request): Promise<Members> => {
    const { status, text } = await send(request)
    expect({ status, text }).toMatchObject({ status: 200 })
    // What it has not is undefined, and fails where it is used.
    return JSON.parse(text) as Members
  }

  /** Counts itself. */
  const visits = async (token: string): Promise<number> => (await ask({ path: '/protected', token })).visits

  return {
    send,
    ask,
    logIn: async () => {
      const { access_token: access, refresh_token: refresh } = await ask({ path: '/auth/login', body: CREDENTIALS })
      return { access, refresh }
    },
    list: async (token) => {
      const listed = await send({ path: '/auth/tokens', token })
      expect(listed.status).toBe(200)
      return JSON.parse(listed.text) as readonly ListedToken[]
    },
    change: (token, change, jti) => send({ method: 'PUT', path: `/auth/tokens/${change}/${jti}`, token }),
    refuse: async (request, { status, msg }) => {
      const { accessToken: witness } = await auth.issue({ subject: 'witness' })
      const before = await visits(witness)
      const asked = registerCalls()
      const answer = await send(request)
      const isAsked = registerCalls() > asked
      expect({ status: answer.status, body: JSON.parse(answer.text) as unknown }).toEqual({ status, body: { msg } })
      expect(answer.header('content-type')).toMatch(/^application\/json\b/)
      expect(answer.header('www-authenticate') !== null).toBe(status === 401 || status === 400)
      // A 404 is the handler's own answer, after a look into the register.
      expect(isAsked).toBe(status === 404)
      expect(await visits(witness)).toBe(before + 1)
    },
  }
}

const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  decodeUnverified(token, { maxBytes: 8192 }).payload

/** Freshness is told by whole seconds: what is refreshed within the second of the login cannot be told from it. */
const nextSecond = (): Promise<void> => sleep(1000 - (Date.now() % 1000) + 10)
