import type { Seconds } from '../duration.ts'
import type { Engine } from '../engine.ts'
import { AuthError, ConfigError } from '../errors.ts'
import type { CookieTarget } from './cookies.ts'
import { MAX_COOKIE_BYTES, serializeCookie, unsetCookie } from './cookies.ts'
import type { TokenKind } from './locations.ts'

/** Tokens as cookies: set with the age of the token, and unset with the very attributes that they were set with. */

/** What of a token goes into its cookies. */
export interface CookieToken {
  readonly kind: TokenKind
  readonly token: string
  /** What its CSRF value is bound to. */
  readonly session: string
  /** Null: as long as a browser may keep a cookie (RFC 6265bis §5.5). */
  readonly expiresIn: Seconds | null
}

/** The longest that browsers keep a cookie. */
const LONGEST_AGE = 400 * 86_400

type Parts = Pick<Engine<unknown>, 'transport'>

/**
 * The same cookie where it may still lie: on a former domain, or on the host alone, where cookies lie until a domain is
 * configured. One with the prefix `__Host-` never lay elsewhere.
 */
const former = ({ transport: { cookies } }: Parts, target: CookieTarget): readonly string[] => {
  if (/^__host-/i.test(target.name)) return []
  const hosts = target.domain === null ? cookies.previousDomains : [...cookies.previousDomains, null]
  return hosts.map((domain) => unsetCookie({ ...target, domain }))
}

const targetsOf = ({ transport: { cookies } }: Parts, kind: TokenKind): readonly CookieTarget[] =>
  cookies.csrf === null ? [cookies.tokens[kind]] : [cookies.tokens[kind], cookies.csrf[kind]]

const cookieBytes = (header: string): number => Buffer.byteLength(header)

/**
 * The `Set-Cookie` values that hand a token out: its own cookie, and the one with its CSRF value.
 *
 * @throws ConfigError where a browser would not keep it
 */
export const setTokenCookies = (engine: Parts, { kind, token, session, expiresIn }: CookieToken): readonly string[] => {
  const { cookies, csrf } = engine.transport
  const maxAge = cookies.untilBrowserCloses ? null : (expiresIn ?? LONGEST_AGE)
  const own = serializeCookie(cookies.tokens[kind], token, maxAge)
  if (cookieBytes(own) > MAX_COOKIE_BYTES) {
    const problem = `the ${kind} token makes a cookie of more than ${MAX_COOKIE_BYTES} bytes; give it fewer claims`
    throw new ConfigError([{ path: 'cookies', problem }])
  }
  const values = [own]
  if (cookies.csrf !== null && csrf?.rules.doubleSubmit === true) {
    values.push(serializeCookie(cookies.csrf[kind], csrf.keys.valueFor(kind, session), maxAge))
  }
  return [...targetsOf(engine, kind).flatMap((target) => former(engine, target)), ...values]
}

/** The `Set-Cookie` values that make a browser forget what `setTokenCookies` has set. */
export const unsetTokenCookies = (
  engine: Parts,
  kinds: readonly TokenKind[] = ['access', 'refresh'],
): readonly string[] =>
  kinds.flatMap((kind) => targetsOf(engine, kind).flatMap((target) => [...former(engine, target), unsetCookie(target)]))

/**
 * What makes a browser forget cookies of a former domain: sent with a refusal, since two cookies of one name would
 * otherwise be refused until their owner signs in again.
 */
export const formerCookies = (engine: Parts, failure: unknown): readonly string[] => {
  if (!(failure instanceof AuthError) || failure.code !== 'malformed_credentials') return []
  return (['access', 'refresh'] as const).flatMap((kind) =>
    targetsOf(engine, kind).flatMap((target) => former(engine, target)),
  )
}

/** How many bytes of a cookie are left for an access token. */
export const accessCookieRoom = ({ transport: { cookies } }: Parts): number =>
  MAX_COOKIE_BYTES - cookieBytes(serializeCookie(cookies.tokens.access, '', LONGEST_AGE))

/** The value that a page sends along with a cookie. */
export const csrfValue = ({ transport: { csrf } }: Parts, kind: TokenKind, session: string): string | null =>
  csrf === null || !csrf.rules.doubleSubmit ? null : csrf.keys.valueFor(kind, session)
