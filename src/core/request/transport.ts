import type { ConfigProblem } from '../errors.ts'
import { createCsrfKeys } from '../token/csrf-value.ts'
import type { CsrfKeys } from '../token/csrf-value.ts'
import type { PurposeKeys } from '../token/key-ring.ts'
import { resolveCookies } from './cookie-config.ts'
import type { CookiesConfig, ResolvedCookies } from './cookie-config.ts'
import { resolveCsrf } from './csrf.ts'
import type { CsrfConfig, CsrfRules } from './csrf.ts'
import { createFinders } from './finders.ts'
import type { Finders } from './finders.ts'
import { resolveLocations } from './locations.ts'
import type { LocationsConfig, ResolvedLocations, TokenKind } from './locations.ts'

/** How tokens travel: where they are looked for, as which cookies they are sent, and what protects those. */
export interface Transport {
  readonly locations: ResolvedLocations
  readonly finders: Readonly<Record<TokenKind, Finders>>
  readonly cookies: ResolvedCookies
  /** Null where it is switched off. */
  readonly csrf: { readonly rules: CsrfRules; readonly keys: CsrfKeys } | null
}

export interface TransportConfig {
  readonly locations?: LocationsConfig
  readonly cookies?: CookiesConfig
  readonly csrf?: CsrfConfig | false
}

/** Reads the settings `locations`, `cookies` and `csrf`. The keys are null where they cannot be used anyway. */
export const resolveTransport = (
  config: TransportConfig,
  refreshKeys: PurposeKeys | null,
): { readonly transport: Transport; readonly problems: readonly ConfigProblem[] } => {
  const { locations, problems: locationProblems } = resolveLocations(config.locations)
  const { cookies, problems: cookieProblems } = resolveCookies(config.cookies)
  const { csrf, problems: csrfProblems } = resolveCsrf(config.csrf)
  const names = { access: cookies.tokens.access.name, refresh: cookies.tokens.refresh.name }
  return {
    transport: {
      locations,
      finders: {
        access: createFinders(locations, names, 'access'),
        refresh: createFinders(locations, names, 'refresh'),
      },
      cookies,
      csrf: csrf === null || refreshKeys === null ? null : { rules: csrf, keys: createCsrfKeys(refreshKeys) },
    },
    problems: [...locationProblems, ...cookieProblems, ...csrfProblems],
  }
}
