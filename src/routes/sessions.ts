import { AuthError } from '../core/errors.ts'
import type { Session } from '../core/session/session.ts'
import type { JsonObject } from '../core/token/json.ts'
import { defineRoute } from './route.ts'
import type { Caller } from './route.ts'
import { sessionsQuery, sessionsResponse } from './schemas.ts'

/** Lets its holder see and end the sessions of others. */
const ADMIN = 'sessions:admin'

const presentSession = (session: Session, caller: Caller): JsonObject => ({
  id: session.id,
  device: session.device,
  created_at: session.createdAt,
  refreshed_at: Math.floor(session.state.rotatedAtMs / 1000),
  expires_at: Math.floor(session.state.idleExpiresAtMs / 1000),
  current: session.id === caller.sessionId,
})

export const listSessions = defineRoute({
  method: 'GET',
  path: '/sessions',
  operation: 'listSessions',
  summary: 'Lists live sessions: own ones, or those of others',
  requires: {},
  query: sessionsQuery,
  answer: { status: 200, schema: sessionsResponse },
  refusals: ['insufficient_permission'],
  handle: async ({ context, caller, query: { subject = caller.subject } }) => {
    if (subject !== caller.subject && !caller.can(ADMIN)) {
      throw new AuthError('insufficient_permission', { permissions: [ADMIN] })
    }
    const sessions = await context.auth.sessions.list(subject)
    return { status: 200, body: { sessions: sessions.map((session) => presentSession(session, caller)) } }
  },
})

export const endSession = defineRoute({
  method: 'DELETE',
  path: '/sessions/{sid}',
  operation: 'endSession',
  summary: 'Ends a session: an own one, or that of another',
  requires: {},
  answer: { status: 204 },
  cookiesWith: [204],
  refusals: ['not_found'],
  handle: async ({ context: { auth }, caller, parameters }) => {
    const session = await auth.sessions.find(parameters['sid'] ?? '')
    // Somebody else's session is as absent as one that never was.
    if (session === null || (session.subject !== caller.subject && !caller.can(ADMIN))) throw new AuthError('not_found')
    await auth.revoke.session({ sessionId: session.id, subject: session.subject })
    // Who ends the session in use has signed out.
    const isForgotten = session.id === caller.sessionId && caller.location === 'cookie'
    return { status: 204, ...(isForgotten ? { cookies: auth.cookies.unset() } : {}) }
  },
})
