import { randomBytes } from 'node:crypto'
import { Router } from '@koa/router'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { AuthError, createAuth, memoryStore, StoreError } from 'jotward'
import type { JsonObject, Principal, RegisteredToken } from 'jotward'
import { koaAuth } from 'jotward/koa'
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
const { protect, principal, optionalPrincipal } = koaAuth(auth)

type Caller = Principal<JsonObject>

let visits = 0
const greet = ({ subject }: Caller) => ({ hello: subject, visits: (visits += 1) })

const show = ({ tokenId, kind, revoked }: RegisteredToken) => ({ jti: tokenId, type: kind, revoked })

/** Somebody else's token is as unknown as one that never was. */
const requireOwnToken = async ({ subject }: Caller, tokenId: string): Promise<void> => {
  const token = await auth.tokens.get(tokenId)
  if (token?.subject !== subject) throw new AuthError('not_found')
}

const router = new Router()

// Both tokens of a new session. The access token is fresh.
router.post('/auth/login', async (context) => {
  const { username, password } = readCredentials(context.request.body)
  // What a stranger writes becomes a subject only where it is a user's name.
  const pair = await auth.issueAfter(isUser(username) ? username : 'nobody', async () => {
    await requirePassword(username, password)
    return {}
  })
  context.body = { access_token: pair.accessToken, refresh_token: pair.refreshToken }
})

// Only an access token, and a fresh one: in the caller's session, or in none where no token of theirs came along.
router.post('/auth/fresh-login', protect({ optional: 'lenient' }), async (context) => {
  const { username, password } = readCredentials(context.request.body)
  await requirePassword(username, password)
  const caller = optionalPrincipal(context)
  const isOwn = caller?.subject === username
  const token = isOwn
    ? await auth.reissue(caller, { fresh: true })
    : await auth.tokens.sign({ subject: username, fresh: true })
  context.body = { access_token: token.accessToken }
})

// Only an access token, and never a fresh one. The refresh token stays good; `auth.refresh(token)` would give the next
// one as well, and end the session where an old one comes back, for then it was stolen.
router.post('/auth/refresh', protect({ token: 'refresh' }), async (context) => {
  const { accessToken } = await auth.reissue(principal(context))
  context.body = { access_token: accessToken }
})

router.get('/protected', protect(), (context) => {
  context.body = greet(principal(context))
})

// Takes the access token of a login, not that of a refresh.
router.get('/protected-fresh', protect({ fresh: 'login' }), (context) => {
  context.body = greet(principal(context))
})

// The caller's tokens that have not expired, the latest hundred.
router.get('/auth/tokens', protect(), async (context) => {
  const { tokens } = await auth.tokens.list(principal(context).subject)
  context.body = tokens.map(show)
})

// With a refresh token its session is suspended, and every access token of it.
router.put('/auth/tokens/revoke/:jti', protect(), async (context) => {
  const { jti = '' } = context.params
  await requireOwnToken(principal(context), jti)
  context.body = show(await auth.tokens.revoke(jti))
})

router.put('/auth/tokens/unrevoke/:jti', protect(), async (context) => {
  const { jti = '' } = context.params
  await requireOwnToken(principal(context), jti)
  context.body = show(await auth.tokens.restore(jti))
})

// What the routes throw is answered as guards answer it.
const answerFailure: Koa.Middleware = async (context, next) => {
  try {
    await next()
  } catch (failure) {
    if (!(failure instanceof AuthError || failure instanceof StoreError)) throw failure
    const { status, headers, body } = await auth.refuse(failure)
    context.status = status
    context.set(headers)
    context.body = body
  }
}

const rejectBody = (): never => {
  throw new AuthError('invalid_body')
}

export const app = new Koa()
app.use(answerFailure)
app.use(bodyParser({ onerror: rejectBody }))
app.use(router.routes())
