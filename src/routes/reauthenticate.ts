import { AuthError } from '../core/errors.ts'
import { provePassword } from './credentials.ts'
import { deliverAccessToken, deliveryTo } from './delivery.ts'
import { defineRoute } from './route.ts'
import { usersOf } from './route-context.ts'
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
  needsUsers: true,
  handle: async ({ context, caller, body: { password } }) => {
    const user = await provePassword(context, await usersOf(context).findById(caller.subject), password)
    if (user === null) throw new AuthError('invalid_credentials')
    return deliverAccessToken(context, await context.auth.reissue(caller, { fresh: true }), deliveryTo(caller))
  },
})
