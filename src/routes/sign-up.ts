import { AuthError } from '../core/errors.ts'
import type { JsonObject } from '../core/token/json.ts'
import { canonicalEmail } from '../core/user/email.ts'
import { callHook } from './call-hook.ts'
import { requireGoodPassword } from './credentials.ts'
import { presentUser } from './present.ts'
import { defineRoute } from './route.ts'
import { usersOf } from './route-context.ts'
import type { RouteContext } from './route-context.ts'
import { withinLimits } from './throttle.ts'
import { registration, userResponse } from './schemas.ts'

/** What the application asks for besides e-mail and password; without a schema of its own: nothing. */
const readProfile = async (context: RouteContext, members: JsonObject): Promise<JsonObject> => {
  const { schema } = context.signup
  if (schema === null) {
    const problems = Object.keys(members).map((path) => ({ path, problem: 'is not known here' }))
    if (problems.length > 0) throw new AuthError('invalid_body', { problems })
    return {}
  }
  const result = await callHook(context, 'signup.schema', () => schema['~standard'].validate(members))
  if (result.issues === undefined) return result.value
  throw new AuthError('invalid_body', {
    problems: result.issues.map(({ message }) => ({ path: 'profile', problem: message })),
  })
}

export const signUp = defineRoute({
  method: 'POST',
  path: '/signup',
  operation: 'signUp',
  summary: 'Makes an account',
  body: { kind: 'json', schema: registration },
  answer: { status: 201, schema: userResponse },
  refusals: ['signup_closed', 'account_exists', 'password_rejected', 'overloaded', 'hook_failed'],
  throttles: true,
  needsUsers: true,
  handle: async ({ context, request, body: { email, password, ...members } }) => {
    if (!context.signup.open) throw new AuthError('signup_closed')
    const address = email.trim()
    const canonical = canonicalEmail(address)
    if (canonical === null) {
      throw new AuthError('invalid_body', { problems: [{ path: 'email', problem: 'must be an e-mail address' }] })
    }
    // Parsed from JSON, so the members are JSON.
    const profile = await readProfile(context, members as JsonObject)
    requireGoodPassword(context, { path: 'password', password, email: canonical })
    const { permissions } = context.signup
    const user = await withinLimits(context, { request, account: null }, async () => {
      const passwordHash = await context.passwords.hash(password)
      const made = { email: address, canonicalEmail: canonical, passwordHash, permissions, profile }
      const created = await usersOf(context).create(made)
      if (created === null) throw new AuthError('account_exists')
      return created
    })
    context.auth.emit({ type: 'user.created', subject: user.id })
    return { status: 201, body: presentUser(user) }
  },
})
