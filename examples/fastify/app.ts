import { randomBytes } from 'node:crypto'
import { fastify } from 'fastify'
import { AuthError, createAuth, memoryStore, StoreError } from 'jotward'
import type { JsonObject, Principal, RegisteredToken } from 'jotward'
import { fastifyAuth } from 'jotward/fastify'
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
const { protect, principal, optionalPrincipal } = fastifyAuth(auth)

type Caller = Principal<JsonObject>

let visits = 0
const greet = ({ subject }: Caller) => ({ hello: subject, visits: (visits += 1) })

const show = ({ tokenId, kind, revoked }: RegisteredToken) => ({ jti: tokenId, type: kind, revoked })

/** Somebody else's token is as unknown as one that never was. */
const requireOwnToken = async ({ subject }: Caller, tokenId: string): Promise<void> => {
  const token = await auth.tokens.get(tokenId)
  if (token?.subject !== subject) throw new AuthError('not_found')
}

export const app = fastify()

// Both tokens of a new session. The access token is fresh.
app.post('/auth/login', async (request) => {
  const { username, password } = readCredentials(request.body)
  // What a stranger writes becomes a subject only where it is a user's name.
  const pair = await auth.issueAfter(isUser(username) ? username : 'nobody', async () => {
    await requirePassword(username, password)
    return {}
  })
  return { access_token: pair.accessToken, refresh_token: pair.refreshToken }
})

// Only an access token, and a fresh one: in the caller's session, or in none where no token of theirs came along.
app.post('/auth/fresh-login', { onRequest: protect({ optional: 'lenient' }) }, async (request) => {
  const { username, password } = readCredentials(request.body)
  await requirePassword(username, password)
  const caller = optionalPrincipal(request)
  const isOwn = caller?.subject === username
  const token = isOwn
    ? await auth.reissue(caller, { fresh: true })
    : await auth.tokens.sign({ subject: username, fresh: true })
  return { access_token: token.accessToken }
})

// Only an access token, and never a fresh one. The refresh token stays good; `auth.refresh(token)` would give the next
// one as well, and end the session where an old one comes back, for then it was stolen.
app.post('/auth/refresh', { onRequest: protect({ token: 'refresh' }) }, async (request) => {
  const { accessToken } = await auth.reissue(principal(request))
  return { access_token: accessToken }
})

app.get('/protected', { onRequest: protect() }, async (request) => greet(principal(request)))

// Takes the access token of a login, not that of a refresh.
app.get('/protected-fresh', { onRequest: protect({ fresh: 'login' }) }, async (request) => greet(principal(request)))

// The caller's tokens that have not expired, the latest hundred.
app.get('/auth/tokens', { onRequest: protect() }, async (request) => {
  const { tokens } = await auth.tokens.list(principal(request).subject)
  return tokens.map(show)
})

// With a refresh token its session is suspended, and every access token of it.
app.put<{ Params: { jti: string } }>('/auth/tokens/revoke/:jti', { onRequest: protect() }, async (request) => {
  const { jti } = request.params
  await requireOwnToken(principal(request), jti)
  return show(await auth.tokens.revoke(jti))
})

app.put<{ Params: { jti: string } }>('/auth/tokens/unrevoke/:jti', { onRequest: protect() }, async (request) => {
  const { jti } = request.params
  await requireOwnToken(principal(request), jti)
  return show(await auth.tokens.restore(jti))
})

// What the routes throw is answered as guards answer it.
app.setErrorHandler(async (failure, _request, reply) => {
  if (!(failure instanceof AuthError || failure instanceof StoreError)) throw failure
  const { status, headers, body } = await auth.refuse(failure)
  return reply.code(status).headers(headers).send(body)
})
