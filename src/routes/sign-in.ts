import { signInWithPassword } from './credentials.ts'
import { deliverNewPair, endReplacedSession, requireCookies } from './delivery.ts'
import { defineRoute } from './route.ts'
import { cookiesResponse, signInRequest, tokenResponse } from './schemas.ts'

export const signIn = defineRoute({
  method: 'POST',
  path: '/signin',
  operation: 'signIn',
  summary: 'Exchanges e-mail and password for an access and a refresh token',
  body: { kind: 'json', schema: signInRequest },
  answer: { status: 200, schema: tokenResponse, schemaByCookie: cookiesResponse },
  cookiesWith: [200],
  checksOrigin: true,
  refusals: ['invalid_credentials', 'overloaded', 'hook_failed'],
  throttles: true,
  needsUsers: true,
  handle: async ({ context, request, view, body: { email, password, delivery = context.auth.cookies.delivery } }) => {
    if (delivery === 'cookie') await requireCookies(context, view)
    const pair = await signInWithPassword(context, { email, password, request, scope: null })
    const answer = await deliverNewPair(context, pair, delivery)
    if (delivery === 'cookie') await endReplacedSession(context, view)
    return answer
  },
})
