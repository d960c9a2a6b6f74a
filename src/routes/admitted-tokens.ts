import { AuthError } from '../core/errors.ts'
import type { Found } from '../core/request/finders.ts'
import type { TokenKind } from '../core/request/locations.ts'
import type { RequestView } from '../core/request/request-view.ts'
import { decodeUnverified } from '../core/token/jws.ts'
import { tellFailedHook } from './call-hook.ts'
import { foundOf } from './carried-tokens.ts'
import type { CarriedTokens } from './carried-tokens.ts'
import type { RouteContext } from './route-context.ts'

/** Which tokens of a request count for a sign-out: whoever signs out may have one of them left, or both. */

type Auth = RouteContext['auth']

interface Candidate {
  readonly kind: TokenKind
  readonly token: string
  readonly isCookie: boolean
}

export interface AdmittedTokens {
  readonly tokens: readonly string[]
  /** Why nothing counts, where nothing does. */
  readonly failure: AuthError | null
  /** Whether a page of our own speaks of the browser's cookies, so that it may be told to forget them. */
  readonly mayForget: boolean
}

const inCookie = ({ location }: Found): boolean => location === 'cookie'

/** What a request carries, and what was given in its body, each once. */
const candidatesOf = ({ access, refresh }: CarriedTokens, given: string | undefined): readonly Candidate[] => {
  const [first, second] = [foundOf(access), foundOf(refresh)]
  const candidates: readonly (Candidate | null)[] = [
    first && { kind: 'access', token: first.token, isCookie: inCookie(first) },
    given === undefined ? null : { kind: 'refresh', token: given, isCookie: false },
    second && { kind: 'refresh', token: second.token, isCookie: inCookie(second) },
  ]
  const present = candidates.filter((candidate) => candidate !== null)
  return present.filter(({ token }, index) => present.findIndex((other) => other.token === token) === index)
}

/** Compares without telling by the time how much is right. */
const isSame = (left: string, right: string): boolean => {
  if (left.length !== right.length) return false
  let difference = 0
  for (let index = 0; index < left.length; index++) difference |= left.charCodeAt(index) ^ right.charCodeAt(index)
  return difference === 0
}

/** The session that a token names, which need not be true: whoever checks its CSRF value verifies it first. */
const sessionNamedBy = (token: string): { readonly sessionId: string | null; readonly tokenId: string } => {
  const { sid, jti } = decodeUnverified(token).payload
  return { sessionId: typeof sid === 'string' ? sid : null, tokenId: typeof jti === 'string' ? jti : '' }
}

/**
 * The request, with the value of the session's other token taken for that of this one. It is worth as much, and may be
 * all that a page has: its access cookie is gone after minutes, and the value beside it too.
 */
const withEitherValue = (auth: Auth, view: RequestView, { kind, token }: Candidate): RequestView => {
  const session = sessionNamedBy(token)
  const own = auth.cookies.csrfToken(session, kind)
  const other = auth.cookies.csrfToken(session, kind === 'access' ? 'refresh' : 'access')
  if (own === null || other === null) return view
  const header = (name: string): string | null => {
    const value = view.header(name)
    return value !== null && isSame(value, other) ? own : value
  }
  return { ...view, header }
}

/** Whether a page of our own has sent a cookie: null, or why it does not count. */
const checkCookie = async (auth: Auth, view: RequestView, candidate: Candidate): Promise<AuthError | null> => {
  const { kind, token } = candidate
  try {
    await auth.cookies.checkCsrf(withEitherValue(auth, view, candidate), { kind, token })
    return null
  } catch (failure) {
    if (!(failure instanceof AuthError)) throw failure
    tellFailedHook(auth, failure)
    if (failure.status !== 401) return failure
    try {
      // No token, no session, no value of its own: all that is left to judge is where the request comes from.
      auth.cookies.checkOrigin(view)
      return kind === 'access' ? failure : new AuthError('token_invalid', { cause: failure })
    } catch (foreign) {
      if (foreign instanceof AuthError) return foreign
      throw foreign
    }
  }
}

/** The first thing that is wrong with what was found, where nothing good was. */
const nothingFound = ({ access, refresh }: CarriedTokens): AuthError =>
  [access, refresh].find((finding) => finding instanceof AuthError) ?? new AuthError('missing_token')

/**
 * Sorts out what counts. A token that a browser has not added by itself is its sender's word; one in a cookie counts
 * with a CSRF value of its own session, and does not keep another one from counting.
 */
export const admitTokens = async (
  auth: Auth,
  view: RequestView,
  { carried, given }: { readonly carried: CarriedTokens; readonly given: string | undefined },
): Promise<AdmittedTokens> => {
  const candidates = candidatesOf(carried, given)
  if (candidates.length === 0) return { tokens: [], failure: nothingFound(carried), mayForget: false }
  const checked = await Promise.all(
    candidates.map(async (candidate) => ({
      ...candidate,
      failure: candidate.isCookie ? await checkCookie(auth, view, candidate) : null,
    })),
  )
  const admitted = checked.filter(({ failure }) => failure === null)
  const failures = checked.flatMap(({ failure }) => (failure === null ? [] : [failure]))
  const failure = failures.find(({ status }) => status !== 401) ?? failures[0] ?? null
  return {
    tokens: admitted.map(({ token }) => token),
    failure,
    mayForget: admitted.some(({ isCookie }) => isCookie) || failure?.status === 401,
  }
}
