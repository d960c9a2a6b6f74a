import { jwks } from './jwks.ts'
import { me } from './me.ts'
import { password } from './password.ts'
import { reauthenticate } from './reauthenticate.ts'
import { refresh } from './refresh.ts'
import type { Route } from './route.ts'
import { endSession, listSessions } from './sessions.ts'
import { signIn } from './sign-in.ts'
import { signOut, signOutEverywhere } from './sign-out.ts'
import { signUp } from './sign-up.ts'
import { ticket } from './ticket.ts'
import { token } from './token.ts'
import { listAllTokens, listTokens, restoreToken, revokeToken } from './tokens.ts'
import { users } from './users.ts'

/** Every endpoint, in the order in which the OpenAPI document shows them. */
export const ROUTES = [
  signUp,
  signIn,
  token,
  refresh,
  reauthenticate,
  ticket,
  signOut,
  signOutEverywhere,
  password,
  me,
  users,
  listSessions,
  endSession,
  listTokens,
  listAllTokens,
  revokeToken,
  restoreToken,
  jwks,
] as const satisfies readonly Route[]

/** What an endpoint is called wherever it is named: in the OpenAPI document and in options. */
export type Operation = (typeof ROUTES)[number]['operation']
