import type { ConfigProblem } from '../errors.ts'
import { unknownKeys } from '../unknown-keys.ts'
import { isCookieName } from './cookies.ts'
import type { CookieTarget, SameSite } from './cookies.ts'
import type { TokenKind } from './locations.ts'

/** As which cookies tokens are sent. */
export interface CookiesConfig {
  readonly names?: {
    /** Default `__Host-jotward-access`, or `jotward-access` where the prefix cannot be kept. */
    readonly access?: string
    /** Default `__Secure-jotward-refresh`, or `jotward-refresh` where the prefix cannot be kept. */
    readonly refresh?: string
    /** Readable by scripts: the values for the double submit. Default `jotward-csrf` and `jotward-csrf-refresh`. */
    readonly csrfAccess?: string
    readonly csrfRefresh?: string
  }
  /** Where the refresh cookie goes: the base path of the endpoints. Default `/auth`. */
  readonly refreshPath?: string
  /** Lets every host below it see the cookies; gives up the `__Host-` prefix. Default: the host alone. */
  readonly domain?: string
  /** Default `Lax`. */
  readonly sameSite?: SameSite
  /** Domains that were used before: cookies there are unset with every new one, or they would shadow it. */
  readonly previousDomains?: readonly string[]
  /**
   * Sends cookies over plain HTTP too, for development on a host that is not localhost: whoever listens has the tokens.
   *
   * @deprecated To make it stand out.
   */
  readonly dangerouslyAllowHttp?: boolean
}

export interface ResolvedCookies {
  readonly tokens: Readonly<Record<TokenKind, CookieTarget>>
  readonly csrf: Readonly<Record<TokenKind, CookieTarget>>
  readonly previousDomains: readonly string[]
}

const SETTINGS = {
  cookies: ['names', 'refreshPath', 'domain', 'sameSite', 'previousDomains', 'dangerouslyAllowHttp'],
  names: ['access', 'refresh', 'csrfAccess', 'csrfRefresh'],
} as const

const DOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i
const PATH = /^\/[A-Za-z0-9._~/-]*$/

/** What the prefixes of a name promise (RFC 6265bis §4.1.3), a browser checks: a cookie that breaks it is lost. */
const prefixProblem = ({ name, secure, path, domain }: CookieTarget): string | null => {
  if (!isCookieName(name)) return 'must be 1 to 128 characters of a name, like "session-id"'
  if (/^__(?:host|secure)-/i.test(name) && !secure) return 'has a prefix that needs Secure'
  if (/^__host-/i.test(name) && (path !== '/' || domain !== null)) {
    return 'has the prefix __Host-, which needs the path "/" and no domain'
  }
  return null
}

const resolveTargets = (config: CookiesConfig): Omit<ResolvedCookies, 'previousDomains'> => {
  const { names = {}, domain = null, sameSite = 'Lax', refreshPath = '/auth' } = config
  const secure = config.dangerouslyAllowHttp !== true
  const shared = { domain, secure, sameSite }
  const access = names.access ?? (secure && domain === null ? '__Host-jotward-access' : 'jotward-access')
  const refresh = names.refresh ?? (secure ? '__Secure-jotward-refresh' : 'jotward-refresh')
  return {
    tokens: {
      access: { ...shared, name: access, path: '/', httpOnly: true },
      refresh: { ...shared, name: refresh, path: refreshPath, httpOnly: true },
    },
    // Scripts of the page read these; they are worth nothing without the cookies that scripts cannot read.
    csrf: {
      access: { ...shared, name: names.csrfAccess ?? 'jotward-csrf', path: '/', httpOnly: false },
      refresh: { ...shared, name: names.csrfRefresh ?? 'jotward-csrf-refresh', path: '/', httpOnly: false },
    },
  }
}

/** Reads the setting `cookies`. */
export const resolveCookies = (
  config: CookiesConfig = {},
): { readonly cookies: ResolvedCookies; readonly problems: readonly ConfigProblem[] } => {
  const { domain, sameSite = 'Lax', refreshPath = '/auth', previousDomains = [], names = {} } = config
  const targets = resolveTargets(config)
  const problems = [
    ...unknownKeys('cookies', config, SETTINGS.cookies),
    ...unknownKeys('cookies.names', names, SETTINGS.names),
  ]
  const all = [targets.tokens.access, targets.tokens.refresh, targets.csrf.access, targets.csrf.refresh]
  for (const target of all) {
    const problem = prefixProblem(target)
    if (problem !== null) problems.push({ path: 'cookies.names', problem: `"${target.name}" ${problem}` })
  }
  if (new Set(all.map(({ name }) => name)).size < all.length) {
    problems.push({ path: 'cookies.names', problem: 'must all be different' })
  }
  if ([domain ?? 'example.com', ...previousDomains].some((name) => !DOMAIN.test(name))) {
    problems.push({ path: 'cookies.domain', problem: 'must be a domain like "example.com"' })
  }
  if (!PATH.test(refreshPath)) problems.push({ path: 'cookies.refreshPath', problem: 'must be a path like "/auth"' })
  if (!['Strict', 'Lax', 'None'].includes(sameSite)) {
    problems.push({ path: 'cookies.sameSite', problem: 'must be "Strict", "Lax" or "None"' })
  }
  if (sameSite === 'None' && config.dangerouslyAllowHttp === true) {
    problems.push({ path: 'cookies.sameSite', problem: '"None" needs Secure: browsers refuse such a cookie otherwise' })
  }
  return { cookies: { ...targets, previousDomains }, problems }
}
