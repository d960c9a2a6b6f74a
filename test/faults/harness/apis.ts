import type { Credentials } from './caller.ts'
import type { OperationKind } from './history.ts'

/** How the same things are asked of different applications. */

export type Presents = 'nothing' | 'access' | 'refresh'

/** One request: what it sends, and which token it is about. */
export interface Way {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly presents: Presents
  /** Whether the access token goes in the Authorization header. */
  readonly isBearer: boolean
  readonly body: ((subject: string, held: Credentials) => object) | null
}

export type Api = Readonly<Partial<Record<OperationKind, Way>>>

const post = (path: string, presents: Presents, body: Way['body']): Way => ({
  method: 'POST',
  path,
  presents,
  isBearer: false,
  body,
})

const asBearer = (method: Way['method'], path: string): Way => ({
  method,
  path,
  presents: 'access',
  isBearer: true,
  body: null,
})

/** Of `process/worker.mjs`. */
export const WORKER_API: Api = {
  signin: post('/signin', 'nothing', (subject) => ({ subject })),
  refresh: post('/refresh', 'refresh', (_, { refreshToken }) => ({ refreshToken })),
  check: asBearer('GET', '/me'),
  open: asBearer('GET', '/open'),
  signout: post('/signout', 'access', (_, { accessToken }) => ({ token: accessToken })),
  revokeToken: post('/revoke-token', 'access', (subject, { tokenId }) => ({ tokenId, subject })),
  revokeSession: post('/revoke-session', 'nothing', (subject, { sessionId }) => ({ sessionId, subject })),
  revokeSubject: post('/revoke-subject', 'nothing', (subject) => ({ subject })),
}

/** The account of a subject on a server. */
export const accountOf = (subject: string) => ({
  email: `${subject.replaceAll(/\W+/g, '-')}@example.com`,
  password: `the long password of ${subject}`,
})

/** Of `jotward serve`. */
export const SERVER_API: Api = {
  signin: post('/auth/signin', 'nothing', accountOf),
  refresh: post('/auth/refresh', 'refresh', (_, { refreshToken }) => ({ refresh_token: refreshToken })),
  check: asBearer('GET', '/auth/me'),
  signout: asBearer('POST', '/auth/signout'),
  revokeSubject: asBearer('POST', '/auth/signout-everywhere'),
}
