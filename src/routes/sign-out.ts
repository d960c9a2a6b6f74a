import { AuthError, StoreError } from '../core/errors.ts'
import { requestView } from '../adapters/web-response.ts'
import { defineRoute } from './route.ts'
import type { RouteContext } from './route-context.ts'
import { signOutRequest } from './schemas.ts'

/** A header that holds no token (an empty variable of the client's, say) must not keep a good refresh token from its effect. */
const findAccessToken = async (
  auth: RouteContext['auth'],
  request: Request,
  hasOther: boolean,
): Promise<string | null> => {
  try {
    return (await auth.find(requestView(request)))?.token ?? null
  } catch (failure) {
    if (hasOther && failure instanceof AuthError) return null
    throw failure
  }
}

/** Whoever signs out may have only one of the tokens left, or both: each is a word for its session. */
const tokensOf = async (
  { auth }: RouteContext,
  request: Request,
  body: { refresh_token?: string | undefined } | undefined,
): Promise<readonly string[]> => {
  const refreshToken = body?.refresh_token ?? null
  const accessToken = await findAccessToken(auth, request, refreshToken !== null)
  const tokens = [accessToken, refreshToken].filter((token) => token !== null)
  if (tokens.length === 0) throw new AuthError('missing_token')
  return tokens
}

const REFUSALS = [
  'missing_token',
  'malformed_credentials',
  'token_invalid',
  'token_not_yet_valid',
  'wrong_token_type',
] as const

export const signOut = defineRoute({
  method: 'POST',
  path: '/signout',
  operation: 'signOut',
  summary: 'Ends the session of an access token, expired or not, or of a refresh token',
  body: { kind: 'optional-json', schema: signOutRequest },
  answer: { status: 204 },
  mayHaveToken: true,
  refusals: REFUSALS,
  handle: async ({ context, request, body }) => {
    const tokens = await tokensOf(context, request, body)
    const endings = await Promise.allSettled(tokens.map((token) => context.auth.signOut(token)))
    const failures = endings.flatMap((ending): unknown[] => (ending.status === 'rejected' ? [ending.reason] : []))
    // In doubt it is not done; but one token that says whose session it is will do.
    const doubt = failures.find((failure) => !(failure instanceof AuthError))
    if (doubt !== undefined) throw new StoreError('signing out', doubt)
    const [refusal] = failures.filter((failure) => failure instanceof AuthError)
    if (refusal !== undefined && failures.length === endings.length) throw refusal
    return { status: 204 }
  },
})

export const signOutEverywhere = defineRoute({
  method: 'POST',
  path: '/signout-everywhere',
  operation: 'signOutEverywhere',
  summary: 'Ends every session of the caller',
  body: { kind: 'optional-json', schema: signOutRequest },
  answer: { status: 204 },
  mayHaveToken: true,
  refusals: [...REFUSALS, 'token_revoked'],
  handle: async ({ context, request, body }) => {
    const [token = '', other] = await tokensOf(context, request, body)
    try {
      await context.auth.signOutEverywhere(token)
    } catch (failure) {
      if (other === undefined || !(failure instanceof AuthError)) throw failure
      await context.auth.signOutEverywhere(other)
    }
    return { status: 204 }
  },
})
