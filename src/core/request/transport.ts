import type { ConfigProblem } from '../errors.ts'
import { createCsrfKeys } from '../token/csrf-value.ts'
import type { PurposeKeys } from '../token/key-ring.ts'
import { resolveCookies } from './cookie-config.ts'
import type { CookiesConfig, ResolvedCookies } from './cookie-config.ts'
import { resolveCsrf } from './csrf.ts'
import type { Csrf, CsrfConfig } from './csrf.ts'
import { createFinders } from './finders.ts'
import type { Finders } from './finders.ts'
import { resolveLocations } from './locations.ts'
import type { LocationsConfig, ResolvedLocations, TokenKind } from './locations.ts'

/** How the ready-made endpoints hand tokens out: in the answer's body, or as cookies. */
export type Delivery = 'body' | 'cookie'

/** How tokens travel: where they are looked for, as which cookies they are sent, and what protects those. */
export interface Transport {
  readonly delivery: Delivery
  readonly locations: ResolvedLocations
  readonly finders: Readonly<Record<TokenKind, Finders>>
  readonly cookies: ResolvedCookies
  /** Null where it is switched off. */
  readonly csrf: Csrf | null
  /** Whether tokens may have to fit into cookies. */
  readonly usesCookies: boolean
}

export interface TransportConfig {
  readonly delivery?: Delivery
  readonly locations?: LocationsConfig
  readonly cookies?: CookiesConfig
  readonly csrf?: CsrfConfig
}

/** Reads the settings `delivery`, `locations`, `cookies` and `csrf`. The keys are null where they cannot be used anyway. */
export const resolveTransport = (
  { delivery = 'body', ...config }: TransportConfig,
  refreshKeys: PurposeKeys | null,
): { readonly transport: Transport; readonly problems: readonly ConfigProblem[] } => {
  const usual = delivery === 'cookie' ? (['cookie', 'header'] as const) : (['header'] as const)
  const { locations: read, problems: locationProblems } = resolveLocations(config.locations, usual)
  // What cannot be read is refused in the end, but must not be built from until then.
  const locations = locationProblems.length === 0 ? read : resolveLocations({}, usual).locations
  const { cookies, problems: cookieProblems } = resolveCookies(config.cookies)
  const { csrf: rules, problems: csrfProblems } = resolveCsrf(config.csrf, cookies.mayUseHttp)
  const problems = [...locationProblems, ...cookieProblems, ...csrfProblems]
  if (delivery !== 'body' && delivery !== 'cookie') {
    problems.push({ path: 'delivery', problem: 'must be "body" or "cookie"' })
  }
  const isLookedFor = locationProblems.length === 0 && locations.order.access.includes('cookie')
  if (delivery === 'cookie' && locationProblems.length === 0 && !isLookedFor) {
    problems.push({ path: 'locations.order', problem: 'must name "cookie" where delivery is "cookie"' })
  }
  const transport = {
    delivery,
    locations,
    finders: {
      access: createFinders(locations, cookies.tokens.access, 'access'),
      refresh: createFinders(locations, cookies.tokens.refresh, 'refresh'),
    },
    cookies,
    csrf: rules === null || refreshKeys === null ? null : { rules, keys: createCsrfKeys(refreshKeys) },
    usesCookies: isLookedFor,
  }
  return { transport, problems }
}
