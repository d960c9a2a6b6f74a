import { AuthError } from '../core/errors.ts'
import { requireGoodPassword, requirePassword, sessionOf } from './credentials.ts'
import { deliverNewPair, deliveryTo } from './delivery.ts'
import { defineRoute } from './route.ts'
import { usersOf } from './route-context.ts'
import { cookiesResponse, passwordRequest, tokenResponse } from './schemas.ts'

export const password = defineRoute({
  method: 'POST',
  path: '/password',
  operation: 'changePassword',
  summary: 'Changes the password, ends every earlier session and begins a new one',
  requires: {},
  body: { kind: 'json', schema: passwordRequest },
  answer: { status: 200, schema: tokenResponse, schemaByCookie: cookiesResponse },
  cookiesWith: [200],
  refusals: ['invalid_credentials', 'password_rejected', 'overloaded', 'hook_failed'],
  throttles: true,
  needsUsers: true,
  handle: async ({ context, request, caller, body: { current, next } }) => {
    const users = usersOf(context)
    const user = await requirePassword(context, { subject: caller.subject, password: current, request })
    requireGoodPassword(context, { path: 'next', password: next, email: user.email })
    const hash = await context.passwords.hash(next)
    const changed = await users.replacePassword(user.id, { expected: user.passwordHash, hash, changed: true })
    if (changed === null) throw new AuthError('invalid_credentials', { detail: 'the password was changed meanwhile' })
    // First the user, then the epoch, then the answer: a crash in between leaves no session of the old password alive.
    await context.auth.revoke.subject(user.id)
    context.auth.emit({ type: 'password.changed', subject: user.id })
    const pair = await context.auth.issueAfter(user.id, async () => {
      // Read again: who was disabled, or has another password since, gets no session for this one.
      const today = await users.findById(user.id)
      if (today?.active !== true || today.credentialVersion !== changed.credentialVersion) {
        throw new AuthError('invalid_credentials', { detail: 'the user was changed meanwhile' })
      }
      return sessionOf(context, today, request)
    })
    return deliverNewPair(context, pair, deliveryTo(caller))
  },
})
