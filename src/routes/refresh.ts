import { AuthError } from '../core/errors.ts'
import type { RequestView } from '../core/request/request-view.ts'
import { foundOf } from './carried-tokens.ts'
import type { CarriedTokens } from './carried-tokens.ts'
import { deliverPair } from './delivery.ts'
import { defineRoute } from './route.ts'
import type { RouteContext } from './route-context.ts'
import { cookiesResponse, refreshTokenRequest, tokenResponse } from './schemas.ts'

/**
 * A request as far as a second refresh token may stand in it beside that of the body. A header is none of these places:
 * clients send their access token there with whatever they ask.
 */
const besideBody = (view: RequestView): RequestView => ({
  method: view.method,
  path: view.path,
  parameter: () => null,
  header: (name) => (name === 'cookie' ? view.header(name) : null),
  query: (name) => view.query(name),
  body: () => null,
})

interface Presented {
  readonly token: string
  readonly isCookie: boolean
}

/** @throws AuthError `missing_token` | `malformed_credentials` */
const presentedToken = async (
  { auth }: RouteContext,
  view: RequestView,
  { refresh, given }: { readonly refresh: CarriedTokens['refresh']; readonly given: string | undefined },
): Promise<Presented> => {
  const found = foundOf(refresh)
  const inBody = given ?? (found?.location === 'json' ? found.token : undefined)
  if (inBody !== undefined) {
    if ((await auth.findRefreshToken(besideBody(view))) === null) return { token: inBody, isCookie: false }
    throw new AuthError('malformed_credentials', {
      detail: 'there is a refresh token in the body and another beside it',
    })
  }
  if (refresh instanceof AuthError) throw refresh
  if (found === null) throw new AuthError('missing_token')
  return { token: found.token, isCookie: found.location === 'cookie' }
}

export const refresh = defineRoute({
  method: 'POST',
  path: '/refresh',
  operation: 'refresh',
  summary: 'Exchanges a refresh token for a new pair; whoever asks again gets the same refresh token again',
  body: { kind: 'optional-json', schema: refreshTokenRequest },
  answer: { status: 200, schema: tokenResponse, schemaByCookie: cookiesResponse },
  takes: ['refresh'],
  cookiesWith: [200, 401],
  refusals: ['missing_token', 'malformed_credentials', 'refresh_token_invalid', 'refresh_token_reused', 'hook_failed'],
  handle: async ({ context, view, carried, body }) => {
    const { auth } = context
    const presented = { refresh: carried.refresh, given: body?.refresh_token }
    const { token, isCookie } = await presentedToken(context, view, presented)
    if (isCookie) await auth.cookies.checkCsrf(view, { kind: 'refresh', token })
    try {
      return await deliverPair(context, await auth.refresh(token), isCookie ? 'cookie' : 'body')
    } catch (failure) {
      // Of a stolen token nobody may keep a copy. Any other refusal may be that of a race, whose winner's cookies stand.
      if (!isCookie || !(failure instanceof AuthError) || failure.code !== 'refresh_token_reused') throw failure
      return { failure, cookies: auth.cookies.unset() }
    }
  },
})
