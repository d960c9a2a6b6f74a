import { AuthError } from '../core/errors.ts'
import type { JsonValue } from '../core/token/json.ts'
import { presentUser } from './present.ts'
import { defineRoute } from './route.ts'
import { meResponse } from './schemas.ts'

export const me = defineRoute({
  method: 'GET',
  path: '/me',
  operation: 'me',
  summary: 'Tells the caller who they are',
  requires: {},
  answer: { status: 200, schema: meResponse },
  refusals: [],
  handle: async ({ context: { auth }, caller }) => {
    const user = auth.users === null ? null : await auth.users.findById(caller.subject)
    if (auth.users !== null && user?.active !== true) {
      throw new AuthError('token_revoked', { detail: 'the user is disabled or gone' })
    }
    const principal = {
      subject: caller.subject,
      session_id: caller.sessionId,
      permissions: [...caller.permissions],
      // Whatever a schema has made of the claims, JSON is how it travels.
      claims: caller.claims as JsonValue,
      auth_time: caller.authTime,
      issued_at: caller.issuedAt,
      expires_at: caller.expiresAt,
    }
    return { status: 200, body: { principal, user: user === null ? null : presentUser(user) } }
  },
})
