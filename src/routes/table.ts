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
import { token } from './token.ts'
import { users } from './users.ts'

/** Every endpoint, in the order in which the OpenAPI document shows them. */
export const ROUTES: readonly Route[] = [
  signUp,
  signIn,
  token,
  refresh,
  reauthenticate,
  signOut,
  signOutEverywhere,
  password,
  me,
  users,
  listSessions,
  endSession,
  jwks,
]
