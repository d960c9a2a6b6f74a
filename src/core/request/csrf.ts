import type { ConfigProblem } from '../errors.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { CsrfKeys } from '../token/csrf-value.ts'
import { unknownKeys } from '../unknown-keys.ts'
import { isCookieName } from './cookies.ts'
import type { TokenKind } from './locations.ts'
import type { RequestView } from './request-view.ts'

/**
 * Protection of requests whose credential a browser has added by itself: a cookie. First what the browser says of the
 * request's origin (Fetch Metadata, Origin), then the double submit of a value that is bound to the session, so that
 * neither another site nor a cookie planted by a sibling domain can speak for a user.
 */
export interface CsrfConfig {
  /** Methods that are checked. Default: all but GET, HEAD and OPTIONS, which change nothing (RFC 9110 §9.2.1). */
  readonly methods?: readonly string[]
  /** Other origins whose pages may send such requests, like `https://app.example.com`. Default: none. */
  readonly origins?: readonly string[]
  /** Headers that carry the value. Default `x-csrf-token` for both. */
  readonly headers?: { readonly access?: string; readonly refresh?: string }
  /** Field of a form that may carry it instead. Default: none. */
  readonly field?: string
}

/** Protection resolved. */
export interface CsrfRules {
  isChecked(method: string): boolean
  readonly origins: ReadonlySet<string>
  readonly headers: Readonly<Record<TokenKind, string>>
  readonly field: string | null
}

const SETTINGS = ['methods', 'origins', 'headers', 'field'] as const

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** Reads the setting `csrf`; false switches it off. */
export const resolveCsrf = (
  config: CsrfConfig | false = {},
): { readonly csrf: CsrfRules | null; readonly problems: readonly ConfigProblem[] } => {
  if (config === false) return { csrf: null, problems: [] }
  const { methods, origins = [], headers = {}, field = null } = config
  const problems = [
    ...unknownKeys('csrf', config, SETTINGS),
    ...unknownKeys('csrf.headers', headers, ['access', 'refresh']),
  ]
  for (const origin of origins.filter((text) => !isOrigin(text))) {
    problems.push({ path: 'csrf.origins', problem: `"${origin}" is not an origin; write "https://app.example.com"` })
  }
  const names = { access: headers.access ?? 'x-csrf-token', refresh: headers.refresh ?? 'x-csrf-token' }
  if (!isCookieName(names.access) || !isCookieName(names.refresh)) {
    problems.push({ path: 'csrf.headers', problem: 'must be names of headers' })
  }
  const checked = methods === undefined ? null : new Set(methods.map((method) => method.toUpperCase()))
  const csrf = {
    isChecked: (method: string) => checked?.has(method) ?? !SAFE_METHODS.has(method),
    origins: new Set(origins),
    headers: { access: names.access.toLowerCase(), refresh: names.refresh.toLowerCase() },
    field,
  }
  return { csrf, problems }
}

const refuse = (detail: string): AuthError => new AuthError('csrf_failed', { detail })

/** What the browser says of where a request comes from; a page cannot forge either header. */
const checkOrigin = (request: RequestView, { origins }: CsrfRules): void => {
  const origin = request.header('origin')
  if (origin !== null && origins.has(origin)) return
  const site = request.header('sec-fetch-site')
  // Sent by every browser of today: its word settles the matter.
  if (site === 'same-origin' || site === 'none') return
  if (site !== null) throw refuse('the request is of another site or a sibling one')
  if (origin !== null) throw refuse('the origin is not among those allowed')
  // Neither header: no browser, or an old one. The double submit decides.
}

const submitted = (request: RequestView, { headers, field }: CsrfRules, kind: TokenKind): MaybePromise<unknown> => {
  const header = request.header(headers[kind])
  if (header !== null || field === null) return header
  return whenReady(request.body(), (body) =>
    body?.kind === 'form' && Object.hasOwn(body.members, field) ? body.members[field] : null,
  )
}

/** Whose cookie a request came with. */
export interface CookieCredential {
  readonly kind: TokenKind
  /** What the value is bound to: the session, or the token that has none. */
  readonly session: string
}

/**
 * Lets a request with a cookie credential pass only from where it may come, with the value of its own session.
 *
 * @throws AuthError `csrf_failed`
 */
export const checkCsrf = (
  request: RequestView,
  { rules, keys }: { readonly rules: CsrfRules; readonly keys: CsrfKeys },
  { kind, session }: CookieCredential,
): MaybePromise<void> => {
  if (!rules.isChecked(request.method)) return undefined
  checkOrigin(request, rules)
  return whenReady(submitted(request, rules, kind), (value) => {
    if (typeof value !== 'string' || value === '') throw refuse('the CSRF value is missing')
    if (!keys.isValueFor(value, kind, session)) throw refuse('the CSRF value is not of this session')
  })
}
