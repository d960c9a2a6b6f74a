import type { z } from 'zod'
import { AuthError } from '../core/errors.ts'
import { isPermissionName } from '../core/permission/permission-rules.ts'
import type { TokenPair } from '../core/session/tokens.ts'
import { signInWithPassword } from './credentials.ts'
import { presentPair } from './present.ts'
import { defineRoute } from './route.ts'
import type { RouteContext } from './route-context.ts'
import { tokenRequest, tokenResponse } from './schemas.ts'

type TokenRequest = z.output<typeof tokenRequest>

const required = (form: TokenRequest, name: 'refresh_token' | 'username' | 'password'): string => {
  const value = form[name]
  if (value !== undefined) return value
  throw new AuthError('invalid_body', { problems: [{ path: name, problem: 'is required for this grant' }] })
}

const readScope = ({ scope }: TokenRequest): readonly string[] | null => {
  if (scope === undefined) return null
  const names = scope.split(' ').filter((name) => name !== '')
  // Malformed is invalid_scope too (RFC 6749 §5.2), and must not pass for one of the permissions of a wildcard.
  if (!names.every(isPermissionName)) throw new AuthError('invalid_scope')
  return [...new Set(names)]
}

const grant = async (context: RouteContext, form: TokenRequest, request: Request): Promise<TokenPair> => {
  const scope = readScope(form)
  if (form.grant_type === 'refresh_token') {
    return context.auth.refresh(required(form, 'refresh_token'), scope === null ? {} : { scope })
  }
  if (form.grant_type === 'password' && context.passwordGrant && context.auth.users !== null) {
    const email = required(form, 'username')
    return signInWithPassword(context, { email, password: required(form, 'password'), request, scope })
  }
  throw new AuthError('unsupported_grant_type')
}

export const token = defineRoute({
  method: 'POST',
  path: '/token',
  operation: 'token',
  summary: 'The OAuth 2.0 token endpoint (RFC 6749 §4.3, §6)',
  body: { kind: 'form', schema: tokenRequest },
  answer: { status: 200, schema: tokenResponse },
  refusals: [
    'invalid_credentials',
    'refresh_token_invalid',
    'refresh_token_reused',
    'unsupported_grant_type',
    'invalid_scope',
    'overloaded',
    'hook_failed',
  ],
  throttles: true,
  speaksOAuth: true,
  handle: async ({ context, request, body }) => ({
    status: 200,
    body: presentPair(await grant(context, body, request)),
  }),
})
