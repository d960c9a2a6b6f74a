import type { Auth } from '../auth.ts'
import type { RegisteredToken } from '../core/session/registered-tokens.ts'
import type { AccessToken, TokenPair } from '../core/session/tokens.ts'
import type { JsonObject } from '../core/token/json.ts'
import type { User } from '../ports/user-directory.ts'

/** From our names to those on the wire: this conversion happens here and nowhere else. */

const presentKind = ({ expiresIn, permissions }: AccessToken): JsonObject => ({
  token_type: 'Bearer',
  expires_in: expiresIn,
  ...(permissions.length === 0 ? {} : { scope: permissions.join(' ') }),
})

export const presentAccessToken = (token: AccessToken): JsonObject => ({
  access_token: token.accessToken,
  ...presentKind(token),
})

export const presentPair = (pair: TokenPair): JsonObject => ({
  ...presentAccessToken(pair),
  refresh_token: pair.refreshToken,
})

/** What a page may know of tokens that its scripts cannot read: everything but the tokens. */
export const presentAccessCookie = (token: AccessToken, cookies: Auth<unknown>['cookies']): JsonObject => {
  const value = cookies.csrfToken(token, 'access')
  return { ...presentKind(token), ...(value === null ? {} : { csrf_token: value }) }
}

export const presentCookies = (pair: TokenPair, cookies: Auth<unknown>['cookies']): JsonObject => {
  const value = cookies.csrfToken(pair, 'refresh')
  return { ...presentAccessCookie(pair, cookies), ...(value === null ? {} : { csrf_refresh_token: value }) }
}

export const presentUser = ({ id, email, permissions, active, profile, createdAt }: User): JsonObject => ({
  id,
  email,
  permissions: [...permissions],
  active,
  profile,
  created_at: createdAt,
})

export const presentRegisteredToken = (token: RegisteredToken): JsonObject => ({
  jti: token.tokenId,
  token_type: token.kind,
  subject: token.subject,
  session_id: token.sessionId,
  issued_at: token.issuedAt,
  expires_at: token.expiresAt,
  revoked: token.revoked,
})
