import { randomBytes } from 'node:crypto'
import { AuthError, createAuth, memoryStore } from 'jotward'
import type { JsonObject, Principal, RegisteredToken } from 'jotward'
import { nestAuth } from 'jotward/nestjs'

export const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  // All tokens end with this process. An app that goes on keeps a secret, and a store that lasts.
  keys: { secret: randomBytes(32) },
  store: memoryStore(),
  // A record of each token, so that they can be listed, revoked and restored.
  trackTokens: 'all',
  errors: { body: { messageKey: 'msg' } },
})
export const { JotwardModule, Protect, CurrentPrincipal, OptionalPrincipal } = nestAuth(auth)

export type Caller = Principal<JsonObject>

let visits = 0
export const greet = ({ subject }: Caller) => ({ hello: subject, visits: (visits += 1) })

export const show = ({ tokenId, kind, revoked }: RegisteredToken) => ({ jti: tokenId, type: kind, revoked })

/** Somebody else's token is as unknown as one that never was. */
export const requireOwnToken = async ({ subject }: Caller, tokenId: string): Promise<void> => {
  const token = await auth.tokens.get(tokenId)
  if (token?.subject !== subject) throw new AuthError('not_found')
}
