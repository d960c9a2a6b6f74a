import type { ConfigProblem } from '../errors.ts'
import { AuthError } from '../errors.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import { whenReady } from '../maybe-promise.ts'
import type { CsrfKeys } from '../token/csrf-value.ts'
import { misshapenParts, unknownKeys } from '../unknown-keys.ts'
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
  /** Fields of a form that may carry it instead. Default: none. */
  readonly fields?: { readonly access?: string; readonly refresh?: string }
  /**
   * Whether the value is asked for at all. Without it the origin alone decides, and a request that names none is
   * refused. Default true.
   */
  readonly doubleSubmit?: boolean
  /** Takes the whole protection away: any site can then act for whoever visits it. Default false. */
  readonly dangerouslyDisabled?: boolean
}

/** Protection resolved. */
export interface CsrfRules {
  isChecked(method: string): boolean
  readonly origins: ReadonlySet<string>
  readonly headers: Readonly<Record<TokenKind, string>>
  readonly fields: Readonly<Record<TokenKind, string | null>>
  readonly doubleSubmit: boolean
  /** Whether a page of our own may have come by plain HTTP. */
  readonly mayUseHttp: boolean
}

const SETTINGS = {
  csrf: ['methods', 'origins', 'headers', 'fields', 'doubleSubmit', 'dangerouslyDisabled'],
  kinds: ['access', 'refresh'],
} as const

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A URL may have a star for a host, and no browser sends such an origin: it would allow nobody, without a word. */
const isOrigin = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('*') && URL.canParse(value) && new URL(value).origin === value

const isMethods = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((method) => isCookieName(method))

const listProblems = ({ methods, origins = [] }: CsrfConfig): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  if (methods !== undefined && !isMethods(methods)) {
    problems.push({ path: 'csrf.methods', problem: 'must be a list of at least one method like "POST"' })
  }
  if (!Array.isArray(origins)) problems.push({ path: 'csrf.origins', problem: 'must be a list of origins' })
  for (const origin of Array.isArray(origins) ? origins : []) {
    if (isOrigin(origin)) continue
    const problem = `${JSON.stringify(origin)} is not an origin; write "https://app.example.com"`
    problems.push({ path: 'csrf.origins', problem })
  }
  return problems
}

const problemsOf = (config: CsrfConfig): readonly ConfigProblem[] => {
  const { headers = {}, fields = {}, doubleSubmit = true, dangerouslyDisabled = false } = config
  const problems = [
    ...unknownKeys('csrf', config, SETTINGS.csrf),
    ...unknownKeys('csrf.headers', headers, SETTINGS.kinds),
    ...unknownKeys('csrf.fields', fields, SETTINGS.kinds),
    ...listProblems(config),
  ]
  if (!Object.values(headers).every(isCookieName)) {
    problems.push({ path: 'csrf.headers', problem: 'must be names of headers' })
  }
  if (!Object.values(fields).every((name) => typeof name === 'string' && name !== '')) {
    problems.push({ path: 'csrf.fields', problem: 'must be names of fields' })
  }
  for (const [setting, value] of Object.entries({ doubleSubmit, dangerouslyDisabled })) {
    if (typeof value !== 'boolean') problems.push({ path: `csrf.${setting}`, problem: 'must be true or false' })
  }
  return problems
}

/** Reads the setting `csrf`; null is protection switched off. */
export const resolveCsrf = (
  config: CsrfConfig = {},
  mayUseHttp = false,
): { readonly csrf: CsrfRules | null; readonly problems: readonly ConfigProblem[] } => {
  const misshapen = misshapenParts('csrf', config, ['headers', 'fields'])
  const problems = misshapen.length > 0 ? misshapen : problemsOf(config)
  if (problems.length > 0 || config.dangerouslyDisabled === true) return { csrf: null, problems }
  const { methods, origins = [], headers = {}, fields = {}, doubleSubmit = true } = config
  const checked = methods === undefined ? null : new Set(methods.map((method) => method.toUpperCase()))
  const csrf = {
    // Fetch sends `patch` as it was written, and a router may take it for PATCH; what is safe has one spelling.
    isChecked: (method: string) => checked?.has(method.toUpperCase()) ?? !SAFE_METHODS.has(method),
    origins: new Set(origins),
    headers: {
      access: (headers.access ?? 'x-csrf-token').toLowerCase(),
      refresh: (headers.refresh ?? 'x-csrf-token').toLowerCase(),
    },
    fields: { access: fields.access ?? null, refresh: fields.refresh ?? null },
    doubleSubmit,
    mayUseHttp,
  }
  return { csrf, problems }
}

const refuse = (detail: string): AuthError => new AuthError('csrf_failed', { detail })

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/

/** Whether a page of the very host that is asked has sent the request. Its name comes from the browser, not from the page. */
const isOwnOrigin = (origin: string, host: string | null, mayUseHttp: boolean): boolean => {
  if (host === null || host === '') return false
  return origin === `https://${host}` || ((mayUseHttp || LOOPBACK.test(host)) && origin === `http://${host}`)
}

/**
 * Refuses a request that comes from a page of another site (Fetch Metadata, RFC 6454 §7); a page can forge neither
 * header. One with neither comes from no browser of today, and may pass only where something else decides.
 *
 * @throws AuthError `csrf_failed`
 */
export const checkOrigin = (
  request: RequestView,
  { origins, mayUseHttp }: CsrfRules,
  { mayBeUnknown }: { readonly mayBeUnknown: boolean },
): void => {
  const origin = request.header('origin')
  if (origin !== null && origins.has(origin)) return
  const site = request.header('sec-fetch-site')
  // Sent by every browser of today: its word settles the matter.
  if (site === 'same-origin' || site === 'none') return
  if (site !== null) throw refuse('the request is of another site or a sibling one')
  if (origin !== null) {
    if (isOwnOrigin(origin, request.header('host'), mayUseHttp)) return
    throw refuse('the origin is not among those allowed')
  }
  if (!mayBeUnknown) throw refuse('the request names no origin')
}

const submitted = (request: RequestView, { headers, fields }: CsrfRules, kind: TokenKind): MaybePromise<unknown> => {
  const header = request.header(headers[kind])
  const field = fields[kind]
  if (header !== null || field === null) return header
  return whenReady(request.body(), (body) =>
    body?.kind === 'form' && Object.hasOwn(body.members, field) ? body.members[field] : null,
  )
}

/** What a value is bound to: the session of a token, or the token itself where it has none. */
export interface CookieCredential {
  readonly kind: TokenKind
  readonly session: string
}

/** Rules and keys: what a check needs. */
export interface Csrf {
  readonly rules: CsrfRules
  readonly keys: CsrfKeys
}

/**
 * Lets a request with a cookie credential pass only from where it may come, with the value of its own session.
 *
 * @throws AuthError `csrf_failed`
 */
export const checkCsrf = (
  request: RequestView,
  csrf: Csrf | null,
  { kind, session }: CookieCredential,
): MaybePromise<void> => {
  if (csrf === null || !csrf.rules.isChecked(request.method)) return undefined
  const { rules, keys } = csrf
  checkOrigin(request, rules, { mayBeUnknown: rules.doubleSubmit })
  if (!rules.doubleSubmit) return undefined
  return whenReady(submitted(request, rules, kind), (value) => {
    if (typeof value !== 'string' || value === '') throw refuse('the CSRF value is missing')
    if (!keys.isValueFor(value, kind, session)) throw refuse('the CSRF value is not of this session')
  })
}
