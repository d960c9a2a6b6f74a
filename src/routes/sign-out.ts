import { AuthError, StoreError } from '../core/errors.ts'
import { admitTokens } from './admitted-tokens.ts'
import type { AdmittedTokens } from './admitted-tokens.ts'
import { tellFailedHook } from './call-hook.ts'
import { defineRoute } from './route.ts'
import type { Exchange, Outcome } from './route.ts'
import type { RouteContext } from './route-context.ts'
import { refreshTokenRequest } from './schemas.ts'

type Auth = RouteContext['auth']

/** What became of the tokens of a sign-out: null where one was good enough, else why none was. */
type End = (auth: Auth, tokens: readonly string[]) => Promise<AuthError | null>

const REFUSALS = [
  'missing_token',
  'malformed_credentials',
  'token_invalid',
  'token_not_yet_valid',
  'wrong_token_type',
] as const

/** Ends the session of each token. */
const endSessions: End = async (auth, tokens) => {
  const endings = await Promise.allSettled(tokens.map((token) => auth.signOut(token)))
  const failures = endings.flatMap((ending): unknown[] => (ending.status === 'rejected' ? [ending.reason] : []))
  // In doubt it is not done; but one token that says whose session it is will do.
  const doubt = failures.find((failure) => !(failure instanceof AuthError))
  if (doubt !== undefined) throw new StoreError('signing out', doubt)
  const refusal = failures.find((failure) => failure instanceof AuthError) ?? null
  return failures.length === endings.length ? refusal : null
}

/** Ends every session of the first token's subject that is good for it. */
const endEverySession: End = async (auth, tokens) => {
  let refusal: AuthError | null = null
  for (const token of tokens) {
    try {
      await auth.signOutEverywhere(token)
      return null
    } catch (failure) {
      if (!(failure instanceof AuthError)) throw failure
      refusal ??= failure
    }
  }
  return refusal
}

const answer = (auth: Auth, failure: AuthError | null, { mayForget }: AdmittedTokens): Outcome => {
  // A browser forgets what is worth nothing any more; what only could not be done now, it will be asked for again.
  const cookies = mayForget && (failure === null || failure.status === 401) ? auth.cookies.unset() : null
  if (failure === null) return { status: 204, ...(cookies === null ? {} : { cookies }) }
  if (cookies === null) throw failure
  return { failure, cookies }
}

type Leaving = Exchange<{ readonly refresh_token?: string | undefined } | undefined, unknown, null>

const leave = async ({ context: { auth }, view, carried, body }: Leaving, end: End): Promise<Outcome> => {
  const admitted = await admitTokens(auth, view, { carried, given: body?.refresh_token })
  const { tokens, failure } = admitted
  if (tokens.length === 0) return answer(auth, failure ?? new AuthError('missing_token'), admitted)
  const refusal = await end(auth, tokens)
  if (refusal !== null) tellFailedHook(auth, refusal)
  return answer(auth, refusal, admitted)
}

export const signOut = defineRoute({
  method: 'POST',
  path: '/signout',
  operation: 'signOut',
  summary: 'Ends the session of an access token, expired or not, or of a refresh token',
  body: { kind: 'optional-json', schema: refreshTokenRequest },
  answer: { status: 204 },
  takes: ['access', 'refresh'],
  cookiesWith: [204, 401],
  refusals: REFUSALS,
  handle: (exchange) => leave(exchange, endSessions),
})

export const signOutEverywhere = defineRoute({
  method: 'POST',
  path: '/signout-everywhere',
  operation: 'signOutEverywhere',
  summary: 'Ends every session of the caller',
  body: { kind: 'optional-json', schema: refreshTokenRequest },
  answer: { status: 204 },
  takes: ['access', 'refresh'],
  cookiesWith: [204, 401],
  refusals: [...REFUSALS, 'token_revoked'],
  handle: (exchange) => leave(exchange, endEverySession),
})
