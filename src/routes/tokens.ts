import { AuthError } from '../core/errors.ts'
import type { RegisteredToken } from '../core/session/registered-tokens.ts'
import { presentRegisteredToken } from './present.ts'
import { defineRoute } from './route.ts'
import type { Caller, Exchange } from './route.ts'
import { pageQuery, registeredTokenResponse, registeredTokensResponse } from './schemas.ts'

/** The register of issued tokens; there only where the configuration has tokens registered. */

/** Lets its holder see, revoke and restore the tokens of others. */
const ADMIN = 'tokens:admin'

export const listTokens = defineRoute({
  method: 'GET',
  path: '/tokens',
  operation: 'listTokens',
  summary: 'Lists the registered tokens of the caller, the latest first, a page at a time',
  requires: {},
  query: pageQuery,
  answer: { status: 200, schema: registeredTokensResponse },
  refusals: [],
  needsRegister: true,
  handle: async ({ context: { auth }, caller, query: { limit, after = null } }) => {
    const { tokens, next } = await auth.tokens.list(caller.subject, { after, limit })
    return { status: 200, body: { tokens: tokens.map(presentRegisteredToken), next } }
  },
})

export const listAllTokens = defineRoute({
  method: 'GET',
  path: '/tokens/all',
  operation: 'listAllTokens',
  summary: 'Lists the registered tokens of everybody',
  requires: { permissions: [ADMIN] },
  query: pageQuery,
  answer: { status: 200, schema: registeredTokensResponse },
  refusals: [],
  needsRegister: true,
  handle: async ({ context: { auth }, query: { limit, after = null } }) => {
    const { tokens, next } = await auth.tokens.listAll({ after, limit })
    return { status: 200, body: { tokens: tokens.map(presentRegisteredToken), next } }
  },
})

type Change = Pick<Exchange<unknown, unknown, Caller>, 'context' | 'caller' | 'parameters'>

/** @throws AuthError `not_found`: somebody else's token is as absent as one that never was */
const requireToken = async ({ context: { auth }, caller, parameters }: Change): Promise<RegisteredToken> => {
  const token = await auth.tokens.get(parameters['jti'] ?? '')
  if (token === null || (token.subject !== caller.subject && !caller.can(ADMIN))) throw new AuthError('not_found')
  return token
}

export const revokeToken = defineRoute({
  method: 'PUT',
  path: '/tokens/{jti}/revoke',
  operation: 'revokeToken',
  summary: 'Revokes an access token by itself, or a refresh token with its session, until it is restored',
  requires: {},
  answer: { status: 200, schema: registeredTokenResponse },
  refusals: ['not_found'],
  needsRegister: true,
  handle: async (exchange) => {
    const { tokenId } = await requireToken(exchange)
    const revoked = await exchange.context.auth.tokens.revoke(tokenId)
    // Who revokes the token in use must not be given another one with the answer.
    return { status: 200, body: presentRegisteredToken(revoked), cookies: [] }
  },
})

export const restoreToken = defineRoute({
  method: 'PUT',
  path: '/tokens/{jti}/restore',
  operation: 'restoreToken',
  summary: 'Takes the revocation of a token back; what was signed out, reused or ended otherwise stays ended',
  requires: {},
  answer: { status: 200, schema: registeredTokenResponse },
  refusals: ['not_found', 'not_restorable'],
  needsRegister: true,
  handle: async (exchange) => {
    const { tokenId } = await requireToken(exchange)
    return { status: 200, body: presentRegisteredToken(await exchange.context.auth.tokens.restore(tokenId)) }
  },
})
