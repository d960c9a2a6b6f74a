import { expect } from 'vitest'
import type { AuthErrorCode } from '../../../src/core/errors.ts'
import type { JsonObject } from '../../../src/core/token/json.ts'
import type { Answer, Sent } from '../exchange.ts'
import { expectRefusal } from '../refusals.ts'
import { ISSUER, PASSWORD, post } from './bed.ts'
import type { Bed } from './bed.ts'

/** A browser as the endpoints meet it: it keeps cookies, sends them where they go, and says where a page is from. */

export const ACCESS = '__Host-jotward-access'
export const REFRESH = '__Secure-jotward-refresh'
export const CSRF = 'jotward-csrf'
export const CSRF_REFRESH = 'jotward-csrf-refresh'

export interface Kept {
  readonly value: string
  readonly path: string
  /** NumericDate, or null until the browser closes. */
  readonly expiresAt: number | null
  /** Attributes as they were sent, but for Path and Max-Age, in order. */
  readonly attributes: readonly string[]
}

/** What a page does besides asking. */
export interface Page {
  /** What the browser says of it; null says nothing. Default `same-origin`. */
  readonly site?: string | null
  readonly origin?: string
  /** The value against CSRF; null sends none. Default: that of the access cookie, at a refresh that of the other. */
  readonly csrf?: string | null
  readonly headers?: readonly (readonly [string, string])[]
}

const isSentTo = (path: string, cookiePath: string): boolean =>
  path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)

const parse = (cookie: string, now: number): readonly [name: string, kept: Kept] => {
  const [pair = '', ...attributes] = cookie.split('; ')
  const valueOf = (attribute: string): string | null =>
    attributes.find((each) => each.startsWith(`${attribute}=`))?.slice(attribute.length + 1) ?? null
  const maxAge = valueOf('Max-Age')
  const kept = {
    value: pair.slice(pair.indexOf('=') + 1),
    path: valueOf('Path') ?? '/',
    expiresAt: maxAge === null ? null : now + Number(maxAge),
    attributes: attributes.filter((each) => !/^(?:Path|Max-Age)=/.test(each)),
  }
  return [pair.slice(0, pair.indexOf('=')), kept]
}

export const openBrowser = (bed: Bed) => {
  const jar = new Map<string, Kept>()

  /** A cookie that has not run out. */
  const cookie = (name: string): Kept | null => {
    const kept = jar.get(name)
    return kept === undefined || (kept.expiresAt !== null && kept.expiresAt <= bed.clock.now) ? null : kept
  }

  const valueOf = (name: string): string => cookie(name)?.value ?? ''

  const keep = (answer: Answer): Answer => {
    for (const [name, kept] of answer.cookies.map((each) => parse(each, bed.clock.now))) jar.set(name, kept)
    return answer
  }

  const cookiesFor = (path: string): readonly (readonly [string, string])[] => {
    const [pathname = ''] = path.split('?')
    const pairs = [...jar.keys()].flatMap((name) => {
      const kept = cookie(name)
      return kept !== null && isSentTo(pathname, kept.path) ? [`${name}=${kept.value}`] : []
    })
    return pairs.length === 0 ? [] : [['Cookie', pairs.join('; ')]]
  }

  /** A request as a page sends it. */
  const prepare = (sent: Sent, page: Page = {}): Sent => {
    const { site = 'same-origin', origin, headers = [] } = page
    const { csrf = valueOf(sent.path === '/auth/refresh' ? CSRF_REFRESH : CSRF) } = page
    return {
      ...sent,
      headers: [
        ...(sent.headers ?? []),
        ...cookiesFor(sent.path),
        ...(site === null ? [] : [['Sec-Fetch-Site', site] as const]),
        ...(origin === undefined ? [] : [['Origin', origin] as const]),
        ...(csrf === null || csrf === '' ? [] : [['X-CSRF-Token', csrf] as const]),
        ...headers,
      ],
    }
  }

  const send = async (sent: Sent, page?: Page): Promise<Answer> => keep(await bed.send(prepare(sent, page)))

  /** Sends what must succeed, and returns what was answered. */
  const succeeds = async (sent: Sent, page?: Page & { readonly status?: number }): Promise<JsonObject> => {
    const answer = await send(sent, page)
    expect([answer.status, answer.text]).toEqual([page?.status ?? 200, expect.anything()])
    return (answer.text === '' ? {} : JSON.parse(answer.text)) as JsonObject
  }

  /** Sends what must be refused; returns the cookies that went out with the refusal. */
  const refuses = async (sent: Sent, code: AuthErrorCode, page?: Page): Promise<readonly string[]> => {
    const answer = await send(sent, page)
    expectRefusal(answer, { code, realm: ISSUER })
    return answer.cookies
  }

  return {
    cookie,
    valueOf,
    prepare,
    send,
    succeeds,
    refuses,
    signIn: ({ email }: { readonly email: string }, page?: Page) =>
      succeeds(post('/auth/signin', { email, password: PASSWORD }), page),
    names: (): readonly string[] => [...jar.keys()].filter((name) => cookie(name) !== null).toSorted(),
    /** Puts a cookie there that no answer has set. */
    plant: (name: string, value: string, path = '/'): void => {
      jar.set(name, { value, path, expiresAt: null, attributes: [] })
    },
    /** Whether a guarded route lets the browser in. */
    isIn: async (): Promise<boolean> => (await bed.send(prepare({ path: '/guarded' }))).status === 200,
  }
}

export type Browser = ReturnType<typeof openBrowser>

export const ALL_COOKIES = [ACCESS, REFRESH, CSRF, CSRF_REFRESH].toSorted()
