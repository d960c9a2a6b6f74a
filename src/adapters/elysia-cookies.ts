import { renewalFor, textOf, valuesOf } from './renewal.ts'
import type { Renewal } from './renewal.ts'
import { copyWith } from './web-response.ts'

/** Cookies on Elysia's answers, of which a part is in what a handler returns, and a part in what Elysia calls `set`. */

/** The part of `set` that is needed here. */
export interface ElysiaSet {
  readonly headers: object
  /** A number, or words like `Unauthorized`. */
  readonly status?: unknown
  /** Cookies that a handler has set by name. */
  readonly cookie?: object | undefined
}

/** What a hook gets once a handler has answered. */
export interface ElysiaAnswerContext {
  readonly request: Request
  readonly set: ElysiaSet
  /** What the handler has returned; without compiled handlers Elysia tells it as `response` alone. */
  readonly responseValue?: unknown
  readonly response?: unknown
}

const keysOf = (headers: object, name: string): readonly string[] =>
  Object.keys(headers).filter((key) => key.toLowerCase() === name)

/** A header, whichever case a handler has written its name in. */
const headerOf = (headers: object, name: string): readonly string[] =>
  keysOf(headers, name).flatMap((key) => valuesOf(Reflect.get(headers, key)))

const putHeader = (headers: object, name: string, descriptor: PropertyDescriptor): void => {
  for (const key of keysOf(headers, name)) Reflect.deleteProperty(headers, key)
  Object.defineProperty(headers, name, { ...descriptor, enumerable: true, configurable: true })
}

/**
 * Adds cookies to whatever Elysia will send. A property that is read and written stands in their place, for Elysia
 * puts the cookies that were set by name over those that were there.
 */
const addCookies = (set: ElysiaSet, cookies: readonly string[]): void => {
  if (cookies.length === 0) return
  let others: unknown = headerOf(set.headers, 'set-cookie')
  putHeader(set.headers, 'set-cookie', {
    get: () => [...cookies, ...valuesOf(others)],
    set: (value: unknown) => {
      others = value
    },
  })
}

const STATUSES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403 }

const statusOf = ({ status }: ElysiaSet): number =>
  typeof status === 'number' ? status : (STATUSES[String(status)] ?? 200)

/** What a handler answers by calling Elysia's `status()`. */
interface WithStatus {
  readonly code: number
  readonly response: unknown
}

const hasStatus = (value: unknown): value is WithStatus => {
  if (typeof value !== 'object' || value === null) return false
  const made: unknown = Reflect.get(value, 'constructor')
  return typeof made === 'function' && made.name === 'ElysiaCustomStatusResponse'
}

/** The Response that a handler has answered with, null where Elysia makes one; and the status that it will have. */
const read = ({ set, responseValue, response = responseValue }: ElysiaAnswerContext) => {
  const code = hasStatus(response) ? response.code : statusOf(set)
  const value = hasStatus(response) ? response.response : response
  const own = value instanceof Response ? value : null
  return { own, status: own === null || own.status === 200 ? code : own.status, isWhole: own === response }
}

type Answered = ReturnType<typeof read>

const decide = (
  renewed: readonly (readonly string[])[],
  { own, status }: Answered,
  { cookie = {}, headers }: ElysiaSet,
): Renewal | null => {
  const named = Object.keys(cookie).map((name) => `${name}=`)
  const cookies = [...(own?.headers.getSetCookie() ?? []), ...headerOf(headers, 'set-cookie'), ...named]
  const cacheControl = own?.headers.get('cache-control') ?? textOf(headerOf(headers, 'cache-control'))
  return renewalFor(renewed, { status, cookies, cacheControl })
}

/** Renewed cookies that wait for what the handler answers. */
const waiting = new WeakMap<Request, (readonly string[])[]>()

export const awaitAnswer = (request: Request, cookies: readonly string[]): void => {
  if (cookies.length === 0) return
  const renewed = waiting.get(request)
  if (renewed === undefined) waiting.set(request, [cookies])
  else renewed.push(cookies)
}

export const forgetRenewed = (request: Request): void => {
  waiting.delete(request)
}

/** Sends what waits. It returns what shall take the place of a handler's Response, or undefined. */
export const sendRenewed = (context: ElysiaAnswerContext): Response | undefined => {
  const { request, set } = context
  const renewed = waiting.get(request)
  if (renewed === undefined) return undefined
  waiting.delete(request)
  const answered = read(context)
  const renewal = decide(renewed, answered, set)
  if (renewal === null) return undefined
  const { own, isWhole } = answered
  const ownCookies = own?.headers.getSetCookie() ?? []
  const { cookies, cacheControl } = renewal
  // Of a header that both a Response and `set` have, Elysia sends the Response's; of cookies not even all of them.
  const mustChange = ownCookies.length > 0 || (cacheControl !== null && own?.headers.has('cache-control') === true)
  if (mustChange && !isWhole) return undefined
  addCookies(set, [...cookies, ...ownCookies])
  if (own === null || !mustChange) {
    if (cacheControl !== null) putHeader(set.headers, 'cache-control', { value: cacheControl, writable: true })
    return undefined
  }
  return copyWith(own, (copy) => {
    copy.delete('set-cookie')
    if (cacheControl !== null) copy.set('cache-control', cacheControl)
  })
}

/**
 * A response of ours with its cookies in `set`: beside other cookies there Elysia would send none that are on it, and
 * on Node of several that are on it the last alone.
 */
export const moveCookies = (set: ElysiaSet, response: Response): Response => {
  const cookies = response.headers.getSetCookie()
  if (cookies.length === 0) return response
  addCookies(set, cookies)
  return copyWith(response, (copy) => copy.delete('set-cookie'))
}
