import { expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createAuth } from '../../../src/auth.ts'
import type { Auth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { IssueOptions } from '../../../src/core/session/issue-options.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { StoreWithUsers as Store } from '../../../src/ports/store.ts'
import { noise, seal } from '../../core/token/fixtures.ts'
import type { Answer, Sent, Service } from '../exchange.ts'
import { expectRefusal } from '../refusals.ts'
import type { ExpectedRefusal } from '../refusals.ts'
import type { Caller, Plan, RoutePlan, Serve } from '../serve.ts'

/** What every scenario stands on: an issuer whose clock turns by hand, and an application that counts its entries. */

export const ISSUER = 'https://api.example.com'
export const AUDIENCE = 'https://orders.example.com'
export const SECRET = noise('adapter conformance')
const NOW = 1_800_000_000

/** The token carries the schema's input, a handler gets its output: the two differ on purpose. */
const CLAIMS = z.object({ role: z.enum(['clerk', 'chief']), since: z.iso.date().transform((day) => new Date(day)) })

export type Claims = z.output<typeof CLAIMS>

export const PERMISSIONS = ['orders:read', 'orders:write', 'orders:*', 'invoices:read', 'clerk', 'admin'] as const

export type Permission = (typeof PERMISSIONS)[number]

export interface Clock {
  /** NumericDate. */
  now: number
}

export interface IssuerParts {
  readonly store?: Store
  readonly issuer?: string
  readonly audience?: string
  readonly realm?: string
  readonly secret?: Uint8Array
  /** Anything else; of `accessToken` what it says is added to the schema. */
  readonly config?: Partial<AuthConfig<Claims, Permission>>
}

/** An issuer of the suite; its parts may differ. */
export const createIssuer = (clock: Clock, { issuer = ISSUER, audience = AUDIENCE, ...parts }: IssuerParts = {}) =>
  createAuth<Claims, Permission>({
    issuer,
    audience,
    realm: parts.realm ?? ISSUER,
    keys: { secret: parts.secret ?? SECRET },
    store: parts.store ?? memoryStore({ now: () => clock.now * 1000 }),
    clock: () => clock.now,
    permissions: {
      names: PERMISSIONS,
      includes: { 'orders:write': ['orders:read'], clerk: ['invoices:read'] },
      superPermission: 'admin',
    },
    ...parts.config,
    accessToken: { claims: CLAIMS, ...parts.config?.accessToken },
  })

export const bearer = (token: string): readonly [string, string] => ['Authorization', `Bearer ${token}`]

/** The names of the cookies where nothing else is configured. */
export const COOKIES = { access: '__Host-jotward-access', refresh: '__Secure-jotward-refresh' } as const

export const cookie = (token: string, name: string = COOKIES.access): readonly [string, string] => [
  'Cookie',
  `${name}=${token}`,
]

const decode = (segment = ''): JsonObject =>
  JSON.parse(Buffer.from(segment, 'base64url').toString('utf8')) as JsonObject

export interface Changes {
  /** Members to set; undefined takes one away. */
  readonly header?: JsonObject
  readonly claims?: JsonObject
  readonly secret?: Uint8Array
}

/** A token like another one but for what is changed, signed with the issuer's own secret or with another. */
export const forge = (token: string, { header = {}, claims = {}, secret = SECRET }: Changes): string => {
  const [first, second] = token.split('.')
  return seal(JSON.stringify({ ...decode(first), ...header }), JSON.stringify({ ...decode(second), ...claims }), secret)
}

type Plans = Omit<Plan<Claims, Permission>, 'auths' | 'routes'> & {
  readonly auths?: readonly Auth<Claims, Permission>[]
  /** `enter` is by default one that tells the subject. */
  readonly routes: readonly (Omit<RoutePlan<Claims, Permission>, 'enter'> & {
    readonly enter?: (caller: Caller<Claims, Permission>) => unknown
  })[]
}

const tellSubject = ({ optionalPrincipal }: Caller<Claims, Permission>) => ({
  subject: optionalPrincipal()?.subject ?? null,
})

/** One application, open for requests until the test is over. */
const open = async (serve: Serve, auth: Auth<Claims, Permission>, plans: Plans) => {
  let entries = 0
  const routes = plans.routes.map(({ enter = tellSubject, ...route }) => ({
    ...route,
    enter: (caller: Caller<Claims, Permission>) => {
      entries += 1
      return enter(caller)
    },
  }))
  const service: Service = await serve({ auths: [auth], ...plans, routes })
  onTestFinished(() => service.close())

  /** Sends a request that must be refused, without the handler being entered. */
  const refuses = async (sent: Sent, code: AuthErrorCode, expected: Partial<ExpectedRefusal> = {}): Promise<void> => {
    const before = entries
    const answer = await service.send(sent)
    expect(entries, 'the handler was not entered').toBe(before)
    expectRefusal(answer, { code, realm: ISSUER, ...expected })
    const secrets = (sent.headers ?? []).flatMap(([, value]) => value.match(/[\w-]{20,}/g) ?? [])
    for (const secret of secrets) expect(`${answer.text}${answer.header('www-authenticate')}`).not.toContain(secret)
  }

  /** Sends a request that must reach the handler, once, and returns what that answered. */
  const enters = async (sent: Sent): Promise<unknown> => {
    const before = entries
    const answer = await service.send(sent)
    expect({ status: answer.status, entered: entries - before }).toEqual({ status: 200, entered: 1 })
    return JSON.parse(answer.text)
  }

  const send = (sent: Sent): Promise<Answer> => service.send(sent)
  return { send, refuses, enters, port: service.port, entered: () => entries }
}

export const createBed = (serve: Serve, parts: Pick<IssuerParts, 'store' | 'config'> = {}) => {
  const clock: Clock = { now: NOW }
  const auth = createIssuer(clock, parts)
  const signIn = (options: Omit<IssueOptions<Permission>, 'claims'> & { readonly subject?: string } = {}) =>
    auth.issue({ subject: 'ann', ...options, claims: { role: 'clerk', since: '2020-02-29' } })
  return {
    auth,
    clock,
    signIn,
    accessToken: async (): Promise<string> => (await signIn()).accessToken,
    open: (plans: Plans) => open(serve, auth, plans),
  }
}
