import { presentPair } from './present.ts'
import { defineRoute } from './route.ts'
import { refreshRequest, tokenResponse } from './schemas.ts'

export const refresh = defineRoute({
  method: 'POST',
  path: '/refresh',
  operation: 'refresh',
  summary: 'Exchanges a refresh token for a new pair; whoever asks again gets the same refresh token again',
  body: { kind: 'json', schema: refreshRequest },
  answer: { status: 200, schema: tokenResponse },
  refusals: ['refresh_token_invalid', 'refresh_token_reused', 'hook_failed'],
  handle: async ({ context, body: { refresh_token } }) => ({
    status: 200,
    body: presentPair(await context.auth.refresh(refresh_token)),
  }),
})
