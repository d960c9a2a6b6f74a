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

export const credentials = z.strictObject({ email, password })

/** Sign-up takes more where the application says so; its own schema judges the rest. */
export const registration = z.looseObject({ email, password })

export const refreshRequest = z.strictObject({ refresh_token: text })

export const signOutRequest = z.strictObject({ refresh_token: text.optional() }).optional()

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

export const userResponse = z.object({
  id: z.string(),
  email: z.string(),
  permissions: z.array(z.string()),
  active: z.boolean(),
  profile: z.record(z.string(), z.unknown()),
  created_at: z.int().describe('NumericDate'),
})

export const usersQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(255).optional(),
})

export const usersResponse = z.object({
  users: z.array(userResponse),
  next: z.string().nullable().describe('Give as `after` for the next page'),
})

export const meResponse = z.object({
  principal: z.object({
    subject: z.string(),
    session_id: z.string().nullable(),
    permissions: z.array(z.string()),
    claims: z.record(z.string(), z.unknown()),
    auth_time: z.number().nullable(),
    issued_at: z.number(),
    expires_at: z.number(),
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

export const jwksResponse = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

export const problemResponse = z.object({
  error: z.string().optional(),
  code: z.string(),
  error_description: z.string(),
  problems: z.array(z.object({ path: z.string(), problem: z.string() })).optional(),
})
