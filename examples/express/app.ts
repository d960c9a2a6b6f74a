import { randomBytes } from 'node:crypto'
import express from 'express'
import type { ErrorRequestHandler } from 'express'
import { AuthError, createAuth, memoryStore, StoreError } from 'jotward'
import type { JsonObject, Principal, RegisteredToken } from 'jotward'
import { expressAuth } from 'jotward/express'
import { isUser, readCredentials, requirePassword } from './users.ts'

export const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  // All tokens end with this process. An app that goes on keeps a secret, and a store that lasts.
  keys: { secret: randomBytes(32) },
  store: memoryStore(),
  // A record of each token, so that they can be listed, revoked and restored.
  trackTokens: 'all',
  errors: { body: { messageKey: 'msg' } },
})
const { protect, principal, optionalPrincipal } = expressAuth(auth)

type Caller = Principal<JsonObject>

let visits = 0
const greet = ({ subject }: Caller) => ({ hello: subject, visits: (visits += 1) })

const show = ({ tokenId, kind, revoked }: RegisteredToken) => ({ jti: tokenId, type: kind, revoked })

/** Somebody else's token is as unknown as one that never was. */
const requireOwnToken = async ({ subject }: Caller, tokenId: string): Promise<void> => {
  const token = await auth.tokens.get(tokenId)
  if (token?.subject !== subject) throw new AuthError('not_found')
}

export const app = express()
app.use(express.json())

// Both tokens of a new session. The access token is fresh.
app.post('/auth/login', async (request, response) => {
  const { username, password } = readCredentials(request.body)
  // What a stranger writes becomes a subject only where it is a user's name.
  const pair = await auth.issueAfter(isUser(username) ? username : 'nobody', async () => {
    await requirePassword(username, password)
    return {}
  })
  response.json({ access_token: pair.accessToken, refresh_token: pair.refreshToken })
})

// Only an access token, and a fresh one: in the caller's session, or in none where no token of theirs came along.
app.post('/auth/fresh-login', protect({ optional: 'lenient' }), async (request, response) => {
  const { username, password } = readCredentials(request.body)
  await requirePassword(username, password)
  const caller = optionalPrincipal(request)
  const isOwn = caller?.subject === username
  const token = isOwn
    ? await auth.reissue(caller, { fresh: true })
    : await auth.tokens.sign({ subject: username, fresh: true })
  response.json({ access_token: token.accessToken })
})

// Only an access token, and never a fresh one. The refresh token stays good; `auth.refresh(token)` would give the next
// one as well, and end the session where an old one comes back, for then it was stolen.
app.post('/auth/refresh', protect({ token: 'refresh' }), async (request, response) => {
  const { accessToken } = await auth.reissue(principal(request))
  response.json({ access_token: accessToken })
})

app.get('/protected', protect(), (request, response) => {
  response.json(greet(principal(request)))
})

// Takes the access token of a login, not that of a refresh.
app.get('/protected-fresh', protect({ fresh: 'login' }), (request, response) => {
  response.json(greet(principal(request)))
})

// The caller's tokens that have not expired, the latest hundred.
app.get('/auth/tokens', protect(), async (request, response) => {
  const { tokens } = await auth.tokens.list(principal(request).subject)
  response.json(tokens.map(show))
})

// With a refresh token its session is suspended, and every access token of it.
app.put<{ jti: string }>('/auth/tokens/revoke/:jti', protect(), async (request, response) => {
  const { jti } = request.params
  await requireOwnToken(principal(request), jti)
  response.json(show(await auth.tokens.revoke(jti)))
})

app.put<{ jti: string }>('/auth/tokens/unrevoke/:jti', protect(), async (request, response) => {
  const { jti } = request.params
  await requireOwnToken(principal(request), jti)
  response.json(show(await auth.tokens.restore(jti)))
})

// What the routes throw is answered as guards answer it.
const answerFailure: ErrorRequestHandler = async (failure, _request, response, next) => {
  if (!(failure instanceof AuthError || failure instanceof StoreError)) return next(failure)
  const { status, headers, body } = await auth.refuse(failure)
  return response.status(status).set(headers).end(body)
}
app.use(answerFailure)
