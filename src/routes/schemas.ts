import { z } from 'zod'

/**
 * What goes over the wire, in the spelling of the RFCs. Bodies are strict: an unknown member is refused, so that
 * nobody gives themselves a role by adding one.
 */

/** Far above any password that the policy allows; the policy itself gives the reason. */
const MAX_TEXT = 8192

const text = z.string().max(MAX_TEXT)

export const email = text.describe('E-mail address')
export const password = text.describe('Password')

export const signInRequest = z.strictObject({
  email,
  password,
  delivery: z.enum(['body', 'cookie']).optional().describe('How to hand out the tokens. Default: as configured'),
})

/** Sign-up takes more where the application says so; its own schema judges the rest. */
export const registration = z.looseObject({ email, password })

/** What a refresh and a sign-out take, where the token comes in no other way. */
export const refreshTokenRequest = z.strictObject({ refresh_token: text.optional() }).optional()

export const reauthenticateRequest = z.strictObject({ password })

export const passwordRequest = z.strictObject({ current: password, next: password })

/** Parameters that are not known are ignored here, as RFC 6749 §3.2 demands. */
export const tokenRequest = z.object({
  grant_type: text,
  refresh_token: text.optional(),
  username: text.optional(),
  password: password.optional(),
  scope: text.optional(),
})

export const accessTokenResponse = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().describe('Seconds'),
  scope: z.string().optional().describe('Permissions, with spaces between them'),
})

export const tokenResponse = accessTokenResponse.extend({ refresh_token: z.string() })

const CSRF = 'To be sent along in the header against CSRF'

/** What is left to tell where the tokens themselves go out as cookies. */
export const accessCookieResponse = accessTokenResponse
  .omit({ access_token: true })
  .extend({ csrf_token: z.string().optional().describe(CSRF) })

export const cookiesResponse = accessCookieResponse.extend({
  csrf_refresh_token: z.string().optional().describe(`${CSRF}, with the refresh token`),
})

export const userResponse = z.object({
  id: z.string(),
  email: z.string(),
  permissions: z.array(z.string()),
  active: z.boolean(),
  profile: z.record(z.string(), z.unknown()),
  created_at: z.int().describe('NumericDate'),
})

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(255).optional(),
})

const next = z.string().nullable().describe('Give as `after` for the next page')

export const usersResponse = z.object({ users: z.array(userResponse), next })

export const meResponse = z.object({
  principal: z.object({
    subject: z.string(),
    session_id: z.string().nullable(),
    permissions: z.array(z.string()),
    claims: z.record(z.string(), z.unknown()),
    auth_time: z.number().nullable(),
    issued_at: z.number(),
    expires_at: z.number().nullable(),
  }),
  user: userResponse.nullable(),
})

export const sessionsQuery = z.strictObject({
  subject: z.string().min(1).max(255).optional().describe("Somebody else's; needs the permission sessions:admin"),
})

export const sessionsResponse = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      device: z.string().nullable(),
      created_at: z.int(),
      refreshed_at: z.int(),
      expires_at: z.int().describe('NumericDate at which it ends if it is not refreshed'),
      current: z.boolean(),
    }),
  ),
})

export const registeredTokenResponse = z.object({
  jti: z.string().describe('Of a refresh token the id of its session, which all its tokens share'),
  token_type: z.enum(['access', 'refresh']),
  subject: z.string(),
  session_id: z.string().nullable(),
  issued_at: z.int().describe('NumericDate'),
  expires_at: z.int().nullable().describe('NumericDate, or null for a token that never expires by itself'),
  revoked: z.boolean().describe('Whether it is refused: revoked itself, or with its session or its subject'),
})

export const registeredTokensResponse = z.object({ tokens: z.array(registeredTokenResponse), next })

export const jwksResponse = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

export const problemResponse = z.object({
  error: z.string().optional(),
  code: z.string(),
  error_description: z.string(),
  problems: z.array(z.object({ path: z.string(), problem: z.string() })).optional(),
})
