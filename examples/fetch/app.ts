import { randomBytes } from 'node:crypto'
import { AuthError, createAuth, memoryStore, StoreError } from 'jotward'
import type { JsonObject, Principal, RegisteredToken } from 'jotward'
import { fetchAuth } from 'jotward/fetch'
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
const { protect } = fetchAuth(auth)

type Caller = Principal<JsonObject>

let visits = 0
const greet = ({ subject }: Caller) => ({ hello: subject, visits: (visits += 1) })

const show = ({ tokenId, kind, revoked }: RegisteredToken) => ({ jti: tokenId, type: kind, revoked })

/** Somebody else's token is as unknown as one that never was. */
const requireOwnToken = async ({ subject }: Caller, tokenId: string): Promise<void> => {
  const token = await auth.tokens.get(tokenId)
  if (token?.subject !== subject) throw new AuthError('not_found')
}

/** What is no JSON is told as what is not there. */
const readJson = async (request: Request): Promise<unknown> => request.json().catch(() => null)

const routes: Readonly<Record<string, (request: Request, jti: string) => Promise<Response>>> = {
  // Both tokens of a new session. The access token is fresh.
  'POST /auth/login': async (request) => {
    const { username, password } = readCredentials(await readJson(request))
    // What a stranger writes becomes a subject only where it is a user's name.
    const pair = await auth.issueAfter(isUser(username) ? username : 'nobody', async () => {
      await requirePassword(username, password)
      return {}
    })
    return Response.json({ access_token: pair.accessToken, refresh_token: pair.refreshToken })
  },

  // Only an access token, and a fresh one: in the caller's session, or in none where no token of theirs came along.
  'POST /auth/fresh-login': protect({ optional: 'lenient' }, async (request, caller) => {
    const { username, password } = readCredentials(await readJson(request))
    await requirePassword(username, password)
    const isOwn = caller?.subject === username
    const token = isOwn
      ? await auth.reissue(caller, { fresh: true })
      : await auth.tokens.sign({ subject: username, fresh: true })
    return Response.json({ access_token: token.accessToken })
  }),

  // Only an access token, and never a fresh one. The refresh token stays good; `auth.refresh(token)` would give the next
  // one as well, and end the session where an old one comes back, for then it was stolen.
  'POST /auth/refresh': protect({ token: 'refresh' }, async (_request, caller) => {
    const { accessToken } = await auth.reissue(caller)
    return Response.json({ access_token: accessToken })
  }),

  'GET /protected': protect({}, (_request, caller) => Response.json(greet(caller))),

  // Takes the access token of a login, not that of a refresh.
  'GET /protected-fresh': protect({ fresh: 'login' }, (_request, caller) => Response.json(greet(caller))),

  // The caller's tokens that have not expired, the latest hundred.
  'GET /auth/tokens': protect({}, async (_request, caller) => {
    const { tokens } = await auth.tokens.list(caller.subject)
    return Response.json(tokens.map(show))
  }),

  // With a refresh token its session is suspended, and every access token of it.
  'PUT /auth/tokens/revoke/:jti': protect({}, async (_request, caller, jti: string) => {
    await requireOwnToken(caller, jti)
    return Response.json(show(await auth.tokens.revoke(jti)))
  }),

  'PUT /auth/tokens/unrevoke/:jti': protect({}, async (_request, caller, jti: string) => {
    await requireOwnToken(caller, jti)
    return Response.json(show(await auth.tokens.restore(jti)))
  }),
}

// What the routes throw is answered as guards answer it.
const answerFailure = async (failure: unknown): Promise<Response> => {
  if (!(failure instanceof AuthError || failure instanceof StoreError)) throw failure
  const { status, headers, body } = await auth.refuse(failure)
  return new Response(body, { status, headers })
}

/** For `Bun.serve({ fetch: app })`, `Deno.serve(app)`, route handlers, and on Node what main.ts does. */
export const app = async (request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url)
  const [, start = pathname, jti] = /^(\/auth\/tokens\/(?:un)?revoke\/)([^/]+)$/.exec(pathname) ?? []
  const route = routes[`${request.method} ${start}${jti === undefined ? '' : ':jti'}`]
  if (route === undefined) return Response.json({ msg: 'There is nothing here.' }, { status: 404 })
  return route(request, jti ?? '').catch(answerFailure)
}
