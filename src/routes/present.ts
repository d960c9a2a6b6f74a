import type { AccessToken, TokenPair } from '../core/session/tokens.ts'
import type { JsonObject } from '../core/token/json.ts'
import type { User } from '../ports/user-directory.ts'

/** From our names to those on the wire: this conversion happens here and nowhere else. */

export const presentAccessToken = ({ accessToken, expiresIn, permissions }: AccessToken): JsonObject => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: expiresIn,
  ...(permissions.length === 0 ? {} : { scope: permissions.join(' ') }),
})

export const presentPair = (pair: TokenPair): JsonObject => ({
  ...presentAccessToken(pair),
  refresh_token: pair.refreshToken,
})

export const presentUser = ({ id, email, permissions, active, profile, createdAt }: User): JsonObject => ({
  id,
  email,
  permissions: [...permissions],
  active,
  profile,
  created_at: createdAt,
})
