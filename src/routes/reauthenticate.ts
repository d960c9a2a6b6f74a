import { requirePassword } from './credentials.ts'
import { deliverAccessToken, deliveryTo } from './delivery.ts'
import { defineRoute } from './route.ts'
import { accessCookieResponse, accessTokenResponse, reauthenticateRequest } from './schemas.ts'

export const reauthenticate = defineRoute({
  method: 'POST',
  path: '/reauthenticate',
  operation: 'reauthenticate',
  summary: 'Exchanges the password for a fresh access token in the same session',
  requires: {},
  body: { kind: 'json', schema: reauthenticateRequest },
  answer: { status: 200, schema: accessTokenResponse, schemaByCookie: accessCookieResponse },
  cookiesWith: [200],
  refusals: ['invalid_credentials', 'overloaded', 'hook_failed'],
  throttles: true,
  needsUsers: true,
  handle: async ({ context, request, caller, body: { password } }) => {
    await requirePassword(context, { subject: caller.subject, password, request })
    return deliverAccessToken(context, await context.auth.reissue(caller, { fresh: true }), deliveryTo(caller))
  },
})
