import { parseDuration } from '../duration.ts'
import type { Duration, Seconds } from '../duration.ts'
import type { ConfigProblem } from '../errors.ts'
import { misshapenParts, unknownKeys } from '../unknown-keys.ts'
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
    /** Readable by scripts: the value for the double submit. Default `jotward-csrf`. */
    readonly csrfAccess?: string
    /** The like for the refresh token. Default `jotward-csrf-refresh`. */
    readonly csrfRefresh?: string
  }
  /** Where the refresh cookie goes: the base path of the endpoints, so that sign-out sees it too. Default `/auth`. */
  readonly refreshPath?: string
  /** Lets every host below it see the cookies; gives up the `__Host-` prefix. Default: the host alone. */
  readonly domain?: string
  /** Default `Lax`. */
  readonly sameSite?: SameSite
  /** Cookies that end with the browser instead of with their token. Default false. */
  readonly untilBrowserCloses?: boolean
  /** Domains that were used before: cookies there are unset with every new one, or they would stand beside it. */
  readonly previousDomains?: readonly string[]
  /**
   * Renews an access cookie that has less than this left, in the answer to any request that a guard accepts, as long as
   * its session lives. Default: never; clients refresh.
   */
  readonly renewWithin?: Duration
  /** Whether the CSRF values are set as cookies too; without, an answer's body alone tells them. Default true. */
  readonly csrfCookies?: boolean
  /** Sends cookies over plain HTTP too, for development away from localhost: whoever listens has the tokens. */
  readonly dangerouslyAllowHttp?: boolean
}

export interface ResolvedCookies {
  readonly tokens: Readonly<Record<TokenKind, CookieTarget>>
  /** Null where the values are not set as cookies. */
  readonly csrf: Readonly<Record<TokenKind, CookieTarget>> | null
  readonly untilBrowserCloses: boolean
  readonly previousDomains: readonly string[]
  /** Null: never. */
  readonly renewWithin: Seconds | null
  readonly mayUseHttp: boolean
}

const SETTINGS = {
  cookies: [
    'names',
    'refreshPath',
    'domain',
    'sameSite',
    'untilBrowserCloses',
    'previousDomains',
    'renewWithin',
    'csrfCookies',
    'dangerouslyAllowHttp',
  ],
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

type Targets = Readonly<Record<'access' | 'refresh' | 'csrfAccess' | 'csrfRefresh', CookieTarget>>

const resolveTargets = (config: CookiesConfig): Targets => {
  const { names = {}, domain = null, sameSite = 'Lax', refreshPath = '/auth' } = config
  const secure = config.dangerouslyAllowHttp !== true
  const shared = { domain, secure, sameSite, path: '/' }
  const access = names.access ?? (secure && domain === null ? '__Host-jotward-access' : 'jotward-access')
  const refresh = names.refresh ?? (secure ? '__Secure-jotward-refresh' : 'jotward-refresh')
  return {
    access: { ...shared, name: access, httpOnly: true },
    refresh: { ...shared, name: refresh, path: refreshPath, httpOnly: true },
    // Scripts of the page read these; they are worth nothing without the cookies that scripts cannot read.
    csrfAccess: { ...shared, name: names.csrfAccess ?? 'jotward-csrf', httpOnly: false },
    csrfRefresh: { ...shared, name: names.csrfRefresh ?? 'jotward-csrf-refresh', httpOnly: false },
  }
}

const isBoolean = (value: unknown): boolean => value === undefined || typeof value === 'boolean'

const isDomains = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && DOMAIN.test(name))

/** From JavaScript a name may be a symbol, which no template takes. */
const shown = (name: unknown): string => String(name)

const sameDomain = (one: string, other: string | undefined): boolean =>
  typeof other === 'string' && one.toLowerCase() === other.toLowerCase()

const nameProblems = (targets: Targets): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  for (const target of Object.values(targets)) {
    const problem = prefixProblem(target)
    if (problem !== null) problems.push({ path: 'cookies.names', problem: `"${shown(target.name)}" ${problem}` })
  }
  if (new Set(Object.values(targets).map(({ name }) => name)).size < 4) {
    problems.push({ path: 'cookies.names', problem: 'must all be different' })
  }
  return problems
}

const valueProblems = (config: CookiesConfig): readonly ConfigProblem[] => {
  const { domain, sameSite = 'Lax', refreshPath = '/auth', previousDomains = [], renewWithin } = config
  const checks: readonly (readonly [setting: string, holds: boolean, problem: string])[] = [
    ['domain', domain === undefined || isDomains([domain]), 'must be a domain like "example.com"'],
    ['previousDomains', isDomains(previousDomains), 'must be a list of domains like "example.com"'],
    [
      'previousDomains',
      !isDomains(previousDomains) || !previousDomains.some((former) => sameDomain(former, domain)),
      'names the domain in use; leave that out',
    ],
    ['refreshPath', typeof refreshPath === 'string' && PATH.test(refreshPath), 'must be a path like "/auth"'],
    ['sameSite', ['Strict', 'Lax', 'None'].includes(sameSite), 'must be "Strict", "Lax" or "None"'],
    [
      'sameSite',
      sameSite !== 'None' || config.dangerouslyAllowHttp !== true,
      '"None" needs Secure: browsers refuse such a cookie otherwise',
    ],
    ['renewWithin', renewWithin === undefined || parseDuration(renewWithin) !== null, 'must be a duration like "5m"'],
    ['untilBrowserCloses', isBoolean(config.untilBrowserCloses), 'must be true or false'],
    ['csrfCookies', isBoolean(config.csrfCookies), 'must be true or false'],
    ['dangerouslyAllowHttp', isBoolean(config.dangerouslyAllowHttp), 'must be true or false'],
  ]
  return checks.filter(([, holds]) => !holds).map(([setting, , problem]) => ({ path: `cookies.${setting}`, problem }))
}

/** Reads the setting `cookies`. */
export const resolveCookies = (
  config: CookiesConfig = {},
): { readonly cookies: ResolvedCookies; readonly problems: readonly ConfigProblem[] } => {
  const misshapen = misshapenParts('cookies', config, ['names'])
  if (misshapen.length > 0) return { ...resolveCookies(), problems: misshapen }
  const { access, refresh, csrfAccess, csrfRefresh } = resolveTargets(config)
  const problems = [
    ...unknownKeys('cookies', config, SETTINGS.cookies),
    ...unknownKeys('cookies.names', config.names ?? {}, SETTINGS.names),
    ...valueProblems(config),
    ...nameProblems({ access, refresh, csrfAccess, csrfRefresh }),
  ]
  const cookies = {
    tokens: { access, refresh },
    csrf: config.csrfCookies === false ? null : { access: csrfAccess, refresh: csrfRefresh },
    untilBrowserCloses: config.untilBrowserCloses ?? false,
    previousDomains: config.previousDomains ?? [],
    renewWithin: config.renewWithin === undefined ? null : parseDuration(config.renewWithin),
    mayUseHttp: config.dangerouslyAllowHttp ?? false,
  }
  return { cookies, problems }
}
