import { signInWithPassword } from './credentials.ts'
import { presentPair } from './present.ts'
import { defineRoute } from './route.ts'
import { credentials, tokenResponse } from './schemas.ts'

export const signIn = defineRoute({
  method: 'POST',
  path: '/signin',
  operation: 'signIn',
  summary: 'Exchanges e-mail and password for an access and a refresh token',
  body: { kind: 'json', schema: credentials },
  answer: { status: 200, schema: tokenResponse },
  refusals: ['invalid_credentials', 'overloaded', 'hook_failed'],
  needsUsers: true,
  handle: async ({ context, request, body: { email, password } }) => {
    const pair = await signInWithPassword(context, { email, password, request, scope: null })
    return { status: 200, body: presentPair(pair) }
  },
})
