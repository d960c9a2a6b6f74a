import { expect, onTestFinished } from 'vitest'
import { createAuth } from '../../../src/auth.ts'
import type { Auth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import type { ClaimsHook } from '../../../src/core/hooks.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import type { KeysConfig } from '../../../src/core/token/key-ring.ts'
import { scryptHasher } from '../../../src/passwords/scrypt.ts'
import type { StoreWithUsers as Store } from '../../../src/ports/store.ts'
import type { User } from '../../../src/ports/user-directory.ts'
import { authRoutes } from '../../../src/routes/auth-routes.ts'
import type { AuthRoutesOptions } from '../../../src/routes/route-context.ts'
import { noise } from '../../core/token/fixtures.ts'
import type { Answer, Sent } from '../exchange.ts'
import { expectRefusal } from '../refusals.ts'
import type { ExpectedRefusal } from '../refusals.ts'
import type { Serve } from '../serve.ts'
import type { AnswerRecord } from './record.ts'

/** What every scenario of the endpoints stands on. */

export const ISSUER = 'https://auth.example.com'
export const SECRET = noise('routes conformance')
export const PASSWORD = 'nine legs of the kitchen table'
const START = 1_800_000_000.5

/** Where a suite runs: in which framework, on which store. */
export interface Ground {
  readonly serve: Serve
  /** Whether the endpoints stand before or after what reads bodies. */
  readonly after: 'nothing' | 'body parsers'
  readonly openStore: (now: () => number) => Store
  readonly record: AnswerRecord
}

export interface Settings {
  readonly store?: (now: () => number) => Store
  readonly keys?: KeysConfig
  readonly config?: Omit<Partial<AuthConfig>, 'hooks'>
  /** The engine's hook for claims. */
  readonly claimsHook?: ClaimsHook
  readonly options?: AuthRoutesOptions
}

/** What a sign-in or a refresh gives out. */
export interface Pair {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
  readonly scope?: string
}

type Headers = NonNullable<Sent['headers']>

export const bearer = (token: string): Headers => [['Authorization', `Bearer ${token}`]]

export const post = (path: string, body: unknown = {}, headers: Headers = []): Sent => ({
  method: 'POST',
  path,
  headers: [['Content-Type', 'application/json'], ...headers],
  body: JSON.stringify(body),
})

export const form = (path: string, fields: readonly (readonly [string, string])[]): Sent => ({
  method: 'POST',
  path,
  headers: [['Content-Type', 'application/x-www-form-urlencoded']],
  body: new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString(),
})

export const claimsOf = (token: string): JsonObject =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as JsonObject

/** Cheap, for here it is not the point. */
export const cheapHasher = () => scryptHasher({ cost: 2 ** 10, parallelization: 1 })

const GUARDED = [
  { path: '/guarded', guards: [{}] },
  { path: '/fresh', guards: [{ requirement: { fresh: '5m' } }] },
] as const

const tell = ({ principal }: { readonly principal: () => { readonly subject: string } }) => principal().subject

const createApp = async ({ serve, after, openStore }: Ground, settings: Settings) => {
  const clock = { now: START }
  const nowMs = (): number => clock.now * 1000
  const store = (settings.store ?? openStore)(nowMs)
  const events: string[] = []
  const auth: Auth = createAuth({
    issuer: ISSUER,
    audience: ISSUER,
    keys: settings.keys ?? { secret: SECRET },
    store,
    users: store.users,
    trackTokens: 'all',
    clock: () => clock.now,
    hooks: {
      onEvent: ({ type }) => events.push(type),
      ...(settings.claimsHook === undefined ? {} : { claims: settings.claimsHook }),
    },
    ...settings.config,
  })
  const handler = authRoutes(auth, { passwordGrant: true, passwords: { hasher: cheapHasher() }, ...settings.options })
  const routes = GUARDED.map((route) => ({ ...route, enter: tell }))
  const service = await serve({ auths: [auth], routes, endpoints: { handler, after } })
  onTestFinished(() => service.close())
  return { clock, store, auth, handler, service, events }
}

type App = Awaited<ReturnType<typeof createApp>>

const createChecks = ({ handler, service }: App, { record }: Ground) => {
  const send = async (sent: Sent): Promise<Answer> => {
    const answer = await service.send(sent)
    record.note(sent, answer, handler.openApi)
    return answer
  }

  /** Sends a request that must be refused, and returns what is wrong with its members. */
  const refuses = async (
    sent: Sent,
    code: AuthErrorCode,
    expected: Partial<ExpectedRefusal> = {},
  ): Promise<readonly { readonly path: string; readonly problem: string }[]> => {
    const answer = await send(sent)
    expectRefusal(answer, { code, realm: ISSUER, oauth: sent.path === '/auth/token', ...expected })
    const { problems = [] } = (answer.text === '' ? {} : JSON.parse(answer.text)) as { problems?: [] }
    return problems
  }

  /** Sends a request that must succeed, and returns what was answered. The caller knows what that is. */
  const succeeds = async <T = JsonObject>(sent: Sent, status = 200): Promise<T> => {
    const answer = await send(sent)
    expect([answer.status, answer.text]).toEqual([status, expect.anything()])
    expect(answer.header('cache-control')).toBe('no-store')
    return (answer.text === '' ? null : JSON.parse(answer.text)) as T
  }

  return { send, refuses, succeeds }
}

const createPeople = ({ store }: App, { succeeds }: ReturnType<typeof createChecks>) => {
  let people = 0

  /** Somebody new, signed up through the front door. */
  const signUp = async (email = `person-${(people += 1)}@example.com`): Promise<User> => {
    const { id } = await succeeds<{ id: string }>(post('/auth/signup', { email, password: PASSWORD }), 201)
    const user = await store.users.findById(id)
    if (user === null) throw new Error('who has signed up is there')
    return user
  }

  const signIn = ({ email }: Pick<User, 'email'>, password = PASSWORD): Promise<Pair> =>
    succeeds<Pair>(post('/auth/signin', { email, password }))

  /** Somebody new with a session; permissions are given as an operator gives them. */
  const newcomer = async (
    permissions: readonly string[] = [],
  ): Promise<{ readonly user: User; readonly pair: Pair }> => {
    const user = await signUp()
    if (permissions.length > 0) await store.users.update(user.id, { permissions })
    return { user, pair: await signIn(user) }
  }

  return { signUp, signIn, newcomer }
}

const refresh = ({ refresh_token }: Pick<Pair, 'refresh_token'>): Sent => post('/auth/refresh', { refresh_token })

/** The endpoints in an application of their own, open until the test is over. */
export const createBed = async (ground: Ground, settings: Settings = {}) => {
  const app = await createApp(ground, settings)
  const checks = createChecks(app, ground)
  const people = createPeople(app, checks)
  const { auth, store, clock, events, handler } = app
  /** Whether an access token still opens a guarded route. */
  const opens = async ({ access_token }: Pick<Pair, 'access_token'>): Promise<boolean> =>
    (await checks.send({ path: '/guarded', headers: bearer(access_token) })).status === 200
  const countOf = async (subject: string): Promise<number> => (await auth.sessions.list(subject)).length
  return { ...checks, ...people, auth, store, clock, events, openApi: handler.openApi, opens, refresh, countOf }
}

export type Bed = Awaited<ReturnType<typeof createBed>>
